"""The rules for devices and precision."""

import numpy as np
import pytest
import torch

from sknets import MLPRegressor
from sknets.inputs import TableInput, _placement
from tests.estimators.estimators import X_DIABETES, Y_DIABETES

CPU = torch.device("cpu")
CUDA = torch.device("cuda")


def learned(X):
    """Return an input that has learned X."""
    table = TableInput()
    table.learn(X)
    return table


@pytest.mark.parametrize(
    ("dtype", "X", "device", "expected"),
    [
        ("auto", np.zeros((1000, 100)), CPU, torch.float64),
        ("auto", np.zeros((1001, 100)), CPU, torch.float32),
        ("auto", np.zeros((10, 10), np.float32), CPU, torch.float32),
        ("auto", np.zeros((10, 10)), CUDA, torch.float32),
        ("float32", np.zeros((10, 10)), CPU, torch.float32),
        ("float64", np.zeros((1001, 100), np.float32), CPU, torch.float64),
    ],
)
def test_precision(dtype, X, device, expected):
    assert _placement.choose_dtype(dtype, X, device, learned(X)) == expected


def test_float64_is_refused_where_it_does_not_exist():
    with pytest.raises(ValueError, match="dtype='float64' is not available on device='mps'"):
        _placement.choose_dtype("float64", np.zeros((2, 2)), torch.device("mps"), None)


@pytest.mark.parametrize(
    ("present", "step_size", "expected"),
    [(True, 10_000_000, "cuda"), (True, 9_999_999, "cpu"), (False, 10**12, "cpu")],
)
def test_auto_device_weighs_the_trip(monkeypatch, present, step_size, expected):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: present)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: CUDA)
    assert _placement.choose_device("auto", step_size).type == expected


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_network_computes_in_the_chosen_precision(dtype):
    network = MLPRegressor(dtype=dtype, max_iter=2).fit(X_DIABETES, Y_DIABETES)
    assert network.net_.flat.values.dtype == getattr(torch, dtype)
    assert network.coefs_[0].dtype == dtype
    for given in (np.float32, np.float64):
        assert network.predict(X_DIABETES.astype(given)).dtype == given


def test_precisions_agree():
    predictions = [
        MLPRegressor(dtype=dtype, max_iter=20, random_state=0)
        .fit(X_DIABETES, Y_DIABETES)
        .predict(X_DIABETES)
        for dtype in ("float32", "float64")
    ]
    np.testing.assert_allclose(*predictions, rtol=1e-3)


def test_blocks_do_not_change_predictions():
    network = MLPRegressor(max_iter=2, random_state=0).fit(X_DIABETES, Y_DIABETES)
    whole = network.predict(X_DIABETES)
    network.net_.rows_at_once = 256
    np.testing.assert_allclose(network.predict(X_DIABETES), whole, rtol=1e-12)
    assert network.predict(X_DIABETES[:257]).shape == (257,)


# --- bfloat16 ----------------------------------------------------------------------------------------

SMALL = np.ones((10, 10))


@pytest.mark.parametrize("dtype", ["auto", "float32"])
def test_bf16_goes_with_float32(dtype):
    assert _placement.choose_dtype(dtype, SMALL, CPU, learned(SMALL), "bf16") == torch.float32


def test_bf16_is_refused_beside_float64():
    for X in (SMALL, SMALL.astype(np.float32)):
        with pytest.raises(ValueError, match="precision='bf16' .* dtype='float64'"):
            _placement.choose_dtype("float64", X, CPU, learned(X), "bf16")


def test_bf16_is_refused_for_what_float32_cannot_hold():
    tiny = 1e-35 * SMALL
    with pytest.raises(ValueError, match="precision='bf16' .* scale X"):
        _placement.choose_dtype("auto", tiny, CPU, learned(tiny), "bf16")


def test_bf16_is_refused_where_torch_has_none():
    with pytest.raises(ValueError, match="precision='bf16' is not available on device='meta'"):
        _placement.choose_dtype("auto", SMALL, torch.device("meta"), learned(SMALL), "bf16")


@pytest.mark.parametrize(
    ("machine", "has_avx", "has_amx", "lacks"),
    [
        ("x86_64", False, False, True),
        ("x86_64", True, False, False),
        ("AMD64", False, True, False),
        ("arm64", False, False, False),  # nobody knows
        ("x86_64", None, False, False),
    ],
)
def test_missing_units_are_told_where_that_is_known(monkeypatch, machine, has_avx, has_amx, lacks):
    monkeypatch.setattr(_placement.platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: has_amx)
    name = "_is_avx512_bf16_supported"
    if has_avx is None:
        monkeypatch.delattr(torch.cpu, name)
    else:
        monkeypatch.setattr(torch.cpu, name, lambda: has_avx)
    assert _placement.lacks_bf16_units(CPU) == lacks
