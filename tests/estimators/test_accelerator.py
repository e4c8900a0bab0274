"""Networks learn on a CUDA device what they learn on a CPU. All is skipped where there is none.

In float64 both differ by the order of sums. Random numbers that a device draws in training are others
(dropout, the order of batches), so networks here have none, or what holds for any draw is tested.
"""

import pickle
import warnings

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone, is_classifier
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import scale

import sknets
from sknets import (
    Autoencoder,
    CNNAutoencoder,
    CNNClassifier,
    CNNFeatures,
    CNNRegressor,
    Forecaster,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNAutoencoder,
    RNNClassifier,
    RNNRegressor,
    TabularRegressor,
    training,
)
from sknets.modules._dropout import Dropout, SpatialDropout
from sknets.training import _cuda_graph
from sknets.training._on_device import OnDevice
from tests.estimators.estimators import SmallModule

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

RNG = np.random.default_rng(0)
TABLE, NUMBERS = (scale(values) for values in load_diabetes(return_X_y=True))
TABLE, NUMBERS = TABLE[:200], NUMBERS[:200]
COUNTS = RNG.poisson(np.exp(0.3 * TABLE[:, 2])).astype(float)
FLOWERS, SPECIES = load_iris(return_X_y=True)
FLOWERS = scale(FLOWERS)
IMAGES, DIGITS = load_digits().images[:200], load_digits().target[:200]
SERIES = np.cumsum(RNG.normal(size=(120, 12, 2)), axis=1)
STEPS = np.tanh(SERIES[..., 0])
RAGGED = [row[: 5 + k % 8] for k, row in enumerate(SERIES)]
THIRDS = np.arange(120) % 3
TWO = np.column_stack([NUMBERS, np.sin(NUMBERS)])
WEIGHTS = RNG.uniform(0.5, 2, 200)

SMALL = {"batch_size": 32, "max_iter": 8, "shuffle": False, "random_state": 0, "dtype": "float64"}


def outputs(fitted, X):
    """Return what a fitted estimator says of X."""
    if is_classifier(fitted):
        return fitted.predict_proba(X)
    return fitted.predict(X) if hasattr(fitted, "predict") else fitted.transform(X)


def on_both(estimator, X, y=None, **fit_params):
    """Return an estimator as fitted on the CPU and on the device."""
    estimator = clone(estimator).set_params(**SMALL)
    fits = [
        clone(estimator).set_params(device=device).fit(X, y, **fit_params)
        for device in ("cpu", "cuda")
    ]
    assert [torch.device(fitted.net_.device).type for fitted in fits] == ["cpu", "cuda"]
    return fits


def assert_same(estimator, X, y=None, rtol=1e-6, **fit_params):
    """Assert that both learn the same, step by step."""
    on_cpu, on_device = on_both(estimator, X, y, **fit_params)
    np.testing.assert_allclose(on_device.loss_curve_, on_cpu.loss_curve_, rtol=rtol)
    said, expected = outputs(on_device, X), outputs(on_cpu, X)
    np.testing.assert_allclose(
        np.concatenate(said) if isinstance(said, list) else said,
        np.concatenate(expected) if isinstance(expected, list) else expected,
        rtol=100 * rtol,
        atol=100 * rtol,
    )


@pytest.mark.parametrize("loss", ["squared_error", "poisson", "huber", "quantile", "gaussian"])
@pytest.mark.parametrize("activation", ["relu", "tanh", "gelu", "prelu", "rbf", "silu"])
def test_dense(activation, loss):
    assert_same(MLPRegressor(loss, (20, 10), activation), TABLE, COUNTS)


@pytest.mark.parametrize("solver", list(training.SOLVERS))
def test_solvers(solver):
    params = {"hidden_layer_sizes": (8,), "activation": "tanh", "solver": solver}
    assert_same(MLPRegressor(**params), TABLE, NUMBERS, rtol=1e-5)
    if solver not in ("lm", "gauss-newton"):
        assert_same(MLPClassifier(**params), FLOWERS, SPECIES, rtol=1e-5)


@pytest.mark.parametrize(
    "params",
    [
        {"l1_alpha": 0.01, "alpha": 0.1},
        {"max_grad_norm": 0.1},
        {"max_grad_norm": 0.1, "l1_alpha": 0.01},
        {"average": "polyak"},
        {"average": "exponential"},
        {"normalization": "batch"},
        {"normalization": "layer"},
        {"numeric_embedding": "periodic"},
        {"numeric_embedding": "piecewise_linear"},
        {"learning_rate": "one_cycle"},
        {"learning_rate": "adaptive", "solver": "sgd"},
        {"batch_growth": 1.5},
        {"early_stopping": True},
        {"calibrate": True},
    ],
    ids=str,
)
def test_options(params):
    assert_same(MLPRegressor(**params), TABLE, NUMBERS)


def test_pretraining_which_draws():
    network = MLPRegressor(pretrain="rbm", activation="logistic")
    on_cpu, on_device = on_both(network, TABLE, NUMBERS)
    assert on_device.score(TABLE, NUMBERS) > on_cpu.score(TABLE, NUMBERS) - 0.2


def test_members():
    fits = on_both(MLPRegressor(n_members=3), TABLE, NUMBERS)
    np.testing.assert_allclose(*[fitted.predict(TABLE) for fitted in fits], rtol=1e-5, atol=1e-5)


def test_weighted_rows():
    assert_same(MLPRegressor(), TABLE, NUMBERS, sample_weight=WEIGHTS)


def test_sparse_rows():
    X = sp.random(200, 50, density=0.1, random_state=0, format="csr")
    assert_same(MLPRegressor(), X, NUMBERS)


def test_several_outputs():
    assert_same(MLPRegressor(), TABLE, TWO)
    assert_same(MLPClassifier(), FLOWERS, np.column_stack([SPECIES > 0, SPECIES > 1]))


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"normalization": "batch", "pooling": "average"},
        {"residual": True, "activation": "gelu"},
        {"global_pooling": None, "hidden_layer_sizes": (10,), "stride": 2, "pooling": None},
        {"conv_method": "fft"},
        {"kernel_size": [(3, 2), 1]},
    ],
    ids=str,
)
def test_images(params):
    params = {"conv_channels": (4, 6)} | params
    assert_same(CNNClassifier(**params), IMAGES, DIGITS, rtol=1e-5)
    assert_same(CNNRegressor(**params), IMAGES, DIGITS / 5.0, rtol=1e-5)


@pytest.mark.parametrize("X", [SERIES, RAGGED], ids=["even", "ragged"])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_series(cell, bidirectional, X):
    estimator = RNNClassifier((6, 5), cell, bidirectional=bidirectional, conv_channels=())
    assert_same(estimator, X, THIRDS, rtol=1e-5)


def test_series_of_outputs():
    assert_same(
        RNNRegressor(recurrent_layer_sizes=(6,), output="sequence", conv_channels=()),
        SERIES,
        STEPS,
        rtol=1e-5,
    )


def test_tokens():
    X = RNG.integers(0, 20, size=(120, 9))
    assert_same(RNNClassifier((6,), vocabulary_size=20, conv_channels=()), X, THIRDS, rtol=1e-5)


@pytest.mark.parametrize(
    ("estimator", "X"),
    [
        (Autoencoder(), TABLE),
        (CNNAutoencoder(conv_channels=(4, 6)), IMAGES),
        (RNNAutoencoder(recurrent_layer_sizes=(6,)), SERIES),
        (RNNAutoencoder(recurrent_layer_sizes=(6,)), RAGGED),
    ],
    ids=["table", "images", "series", "ragged"],
)
def test_autoencoders(estimator, X):
    on_cpu, on_device = on_both(estimator, X)
    np.testing.assert_allclose(on_device.loss_curve_, on_cpu.loss_curve_, rtol=1e-5)
    codes = [fitted.transform(X) for fitted in (on_device, on_cpu)]
    np.testing.assert_allclose(*codes, rtol=1e-3, atol=1e-3)
    options = {"lengths": [len(row) for row in X]} if X is RAGGED else {}
    back = [fitted.inverse_transform(codes[0], **options) for fitted in (on_device, on_cpu)]
    np.testing.assert_allclose(np.concatenate(back[0]), np.concatenate(back[1]), atol=1e-2)


def test_a_module_of_ones_own():
    on_cpu, on_device = on_both(ModuleRegressor(SmallModule), TABLE, NUMBERS)
    np.testing.assert_allclose(on_device.loss_curve_, on_cpu.loss_curve_, rtol=1e-6)


def test_a_loss_of_ones_own():
    def loss(raw, y):
        return (raw - y).abs().pow(1.5).sum(1)

    assert_same(MLPRegressor(loss), TABLE, NUMBERS)


@pytest.mark.parametrize("estimator", [MLPRegressor(), CNNRegressor(), RNNRegressor()], ids=str)
def test_mixed_precision_learns_as_well(estimator):
    X = {"CNNRegressor": IMAGES, "RNNRegressor": SERIES}.get(type(estimator).__name__, TABLE)
    y = X.reshape(len(X), -1)[:, 5]
    estimator = clone(estimator).set_params(device="cuda", random_state=0, max_iter=40)
    full, half = (
        clone(estimator).set_params(precision=precision).fit(X, y).score(X, y)
        for precision in ("full", "bf16")
    )
    assert abs(full - half) < 0.1


@pytest.mark.parametrize(
    ("layer", "shape"), [(Dropout(0.3), (400, 300)), (SpatialDropout(0.3), (400, 300, 2, 2))]
)
def test_units_are_dropped(layer, shape):
    layer.generator = torch.Generator("cuda").manual_seed(0)
    values = layer.train()(torch.ones(shape, device="cuda")).reshape(400 * 300, -1)[:, 0]
    np.testing.assert_allclose(values.unique().cpu(), [0, 1 / 0.7], rtol=1e-4)
    assert abs((values > 0).float().mean().item() - 0.7) < 0.007  # five deviations


@pytest.mark.parametrize("worth_it", [3, 10**9], ids=["recorded", "as usual"])
@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        (MLPClassifier(dropout=0.3), FLOWERS, SPECIES),
        (CNNClassifier((4, 6), spatial_dropout=0.2), IMAGES, DIGITS),
        (RNNClassifier((6,), dropout=0.2, recurrent_dropout=0.2), SERIES, THIRDS),
    ],
    ids=["dense", "convolutional", "recurrent"],
)
def test_a_seed_repeats(monkeypatch, estimator, X, y, worth_it):
    monkeypatch.setattr(_cuda_graph, "WORTH_IT", worth_it)
    estimator = clone(estimator).set_params(device="cuda", random_state=3, max_iter=8)
    first, second = (clone(estimator).fit(X, y).loss_curve_ for _ in range(2))
    np.testing.assert_allclose(first, second, rtol=1e-5)  # some sums have no order on a device


def test_half_a_fit_goes_on():
    # steps that remember nothing
    params = SMALL | {
        "device": "cuda",
        "solver": "sgd",
        "momentum": 0.0,
        "nesterovs_momentum": False,
    }
    whole = MLPRegressor(**params).fit(TABLE, NUMBERS)
    half = MLPRegressor(**params | {"max_iter": 4, "warm_start": True}).fit(TABLE, NUMBERS)
    half.fit(TABLE, NUMBERS)
    np.testing.assert_allclose(half.loss_curve_, whole.loss_curve_, rtol=1e-10)
    before = half.score(TABLE, NUMBERS)
    for _ in range(5):
        half.partial_fit(TABLE, NUMBERS)
    assert half.score(TABLE, NUMBERS) > before


def test_checkpoint_goes_on(tmp_path):
    params = SMALL | {"device": "cuda", "dropout": 0.2, "n_iter_no_change": np.inf}
    whole = MLPRegressor(**params).fit(TABLE, NUMBERS)
    path = tmp_path / "fit"
    MLPRegressor(**params | {"max_iter": 4, "checkpoint": path}).fit(TABLE, NUMBERS)
    again = MLPRegressor(**params | {"checkpoint": path}).fit(TABLE, NUMBERS)
    np.testing.assert_allclose(again.loss_curve_, whole.loss_curve_, rtol=1e-10)


@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        (MLPRegressor(), TABLE, NUMBERS),
        (CNNClassifier((4, 6)), IMAGES, DIGITS),
        (RNNClassifier((6,)), RAGGED, THIRDS),
    ],
    ids=["dense", "convolutional", "recurrent"],
)
def test_files_and_pickles(tmp_path, estimator, X, y):
    fitted = clone(estimator).set_params(device="cuda", max_iter=3, random_state=0).fit(X, y)
    expected = outputs(fitted, X)
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(outputs(copy, X), expected)
    sknets.save(fitted, tmp_path / "model")
    np.testing.assert_array_equal(outputs(sknets.load(tmp_path / "model"), X), expected)
    elsewhere = sknets.load(tmp_path / "model", device="cpu")
    assert torch.device(elsewhere.net_.device).type == "cpu"
    np.testing.assert_allclose(outputs(elsewhere, X), expected, rtol=1e-3, atol=1e-3)
    joblib.dump(fitted, tmp_path / "pickle")
    np.testing.assert_array_equal(outputs(joblib.load(tmp_path / "pickle"), X), expected)


def test_features_and_fine_tuning():
    backbone = CNNClassifier((4, 6), device="cuda", max_iter=3, random_state=0).fit(IMAGES, DIGITS)
    features = CNNFeatures(backbone).fit(IMAGES, DIGITS).transform(IMAGES)
    assert features.shape[0] == 200
    assert np.isfinite(features).all()
    tuned = CNNClassifier(
        backbone=backbone, fine_tune_layers=1, fine_tune_iter=2, max_iter=3, device="cuda"
    )
    assert np.isfinite(tuned.fit(IMAGES, DIGITS).loss_curve_).all()


@pytest.mark.parametrize(
    "params",
    [{}, {"dropout": 0.2}, {"early_stopping": True}, {"activation": "gelu", "l1_alpha": 0.01}],
    ids=str,
)
def test_a_search_side_by_side(params):
    network = MLPRegressor(**SMALL | {"device": "cuda", "shuffle": True} | params)
    grid = {"alpha": [0.1, 1], "learning_rate_init": [0.001, 0.01], "max_iter": [5, 9]}
    search = GridSearchCV(network, grid)
    alone = clone(search).fit(TABLE, NUMBERS).cv_results_["mean_test_score"]
    with joblib.parallel_config("sknets", n_jobs=40):
        together = clone(search).fit(TABLE, NUMBERS).cv_results_["mean_test_score"]
    np.testing.assert_allclose(together, alone, rtol=1e-8)


def test_threads_record_side_by_side():
    networks = [CNNClassifier((4, 6), device="cuda", random_state=k, max_iter=6) for k in range(8)]
    alone = [clone(network).fit(IMAGES, DIGITS).loss_curve_ for network in networks]
    together = joblib.Parallel(n_jobs=8, backend="threading")(
        joblib.delayed(lambda network: network.fit(IMAGES, DIGITS).loss_curve_)(network)
        for network in networks
    )
    for of_one, of_many in zip(alone, together, strict=True):
        np.testing.assert_allclose(of_many, of_one, rtol=1e-3)


def test_processes():
    network = MLPRegressor(**SMALL | {"device": "cuda"}).fit(TABLE, NUMBERS)
    search = GridSearchCV(network, {"alpha": [0.1, 1]}, n_jobs=2, cv=2).fit(TABLE, NUMBERS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        (MLPRegressor(l1_alpha=0.01, max_grad_norm=1.0), TABLE, NUMBERS),
        (MLPClassifier(dropout=0.2), FLOWERS, SPECIES),
        (CNNClassifier((4, 6)), IMAGES, DIGITS),
        (RNNClassifier((6,)), RAGGED, THIRDS),
        (RNNClassifier((6,), "gru", conv_channels=()), SERIES, THIRDS),
    ],
    ids=["dense", "dropout", "convolutional", "ragged", "series"],
)
def test_no_step_is_waited_for(monkeypatch, estimator, X, y):
    waits = []

    def watch(owner, name):
        run = getattr(owner, name)

        def watched(*args, **kwargs):
            torch.cuda.set_sync_debug_mode("warn")
            try:
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    run(*args, **kwargs)
            finally:
                torch.cuda.set_sync_debug_mode("default")
            waits.append(sum("synchroniz" in str(w.message) for w in caught))

        monkeypatch.setattr(owner, name, watched)

    watch(training.Net, "run_single_epoch")
    watch(OnDevice, "run_epochs")
    counts = []
    for batch_size in (8, 16):
        clone(estimator).set_params(device="cuda", batch_size=batch_size, max_iter=9).fit(X, y)
        counts.append(waits[-1])
    assert counts[0] == counts[1] <= 6, counts  # of an epoch, not of its steps


@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        (MLPClassifier(), FLOWERS, SPECIES),
        (MLPClassifier(dropout=0.2, average="polyak", max_grad_norm=1.0), FLOWERS, SPECIES),
        (MLPRegressor(solver="adamw", normalization="batch", precision="bf16"), TABLE, NUMBERS),
        (CNNClassifier((4, 6), spatial_dropout=0.1), IMAGES, DIGITS),
        (RNNClassifier((6,)), SERIES, THIRDS),
    ],
    ids=["dense", "dropout", "normalised", "convolutional", "recurrent"],
)
def test_steps_are_recorded(monkeypatch, estimator, X, y):
    replays, record = [], _cuda_graph.record

    def noted(*args):
        replay = record(*args)
        return lambda: replays.append(replay) or replay()

    monkeypatch.setattr(_cuda_graph, "record", noted)
    params = {"device": "cuda", "batch_size": 32, "max_iter": 10, "random_state": 0, "tol": 0.0}
    curves = []
    for worth_it in (3, 10**9):
        monkeypatch.setattr(_cuda_graph, "WORTH_IT", worth_it)
        curves.append(clone(estimator).set_params(**params).fit(X, y).loss_curve_)
    assert len(set(map(id, replays))) == 2  # the usual batches, and the last of each epoch
    np.testing.assert_allclose(*curves, rtol=1e-2)


def test_auto_takes_the_device_for_much_work():
    large = MLPRegressor(hidden_layer_sizes=(300,), batch_size=200, max_iter=1).fit(
        RNG.normal(size=(200, 300)), NUMBERS
    )
    assert torch.device(large.net_.device).type == "cuda"
    small = MLPRegressor(max_iter=1).fit(TABLE, NUMBERS)
    assert torch.device(small.net_.device).type == "cpu"


def test_tables_and_forecasts_do_not_mind():
    model = TabularRegressor(n_candidates=4, cv=2, max_iter=5, random_state=0).fit(TABLE, NUMBERS)
    assert np.isfinite(model.predict(TABLE)).all()
    network = MLPRegressor(device="cuda", max_iter=10, random_state=0)
    forecaster = Forecaster(network, window=6).fit(y=SERIES[:10, :, 0].ravel())
    assert np.isfinite(forecaster.forecast(3)).all()


def test_an_unknown_device_is_refused():
    with pytest.raises(ValueError, match="device='cuda:17' cannot be used"):
        MLPRegressor(device="cuda:17").fit(TABLE, NUMBERS)
