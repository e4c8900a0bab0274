"""Nothing is read back from the device within an epoch: one value at its end, and that is all.

To read waits until a device has done all that is in its queue. On a CPU it only costs a microsecond, but
it can be counted there.
"""

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch.utils._python_dispatch import TorchDispatchMode

from sknets import (
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
    training,
)
from tests.estimators.estimators import SmallModule

RNG = np.random.default_rng(0)
TABLE, IMAGES, SERIES = (RNG.normal(size=(90, *shape)) for shape in ((5,), (8, 8), (12, 2)))
NUMBERS = RNG.normal(size=90)
CLASSES = np.arange(90) % 3
WEIGHTS = RNG.uniform(0.5, 2, 90)


class Reads(TorchDispatchMode):
    """Note each operation whose result Python or the shape of another tensor waits for."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        by_mask = name == "index" and any(i is not None and i.dtype == torch.bool for i in args[1])
        if name in ("_local_scalar_dense", "nonzero", "masked_select", "equal") or by_mask:
            self.names.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def reads(monkeypatch):
    """Count within the steps of an epoch."""
    counted = Reads()
    run = training.Net.run_single_epoch

    def watched(self, *args, **kwargs):
        with counted:
            run(self, *args, **kwargs)

    monkeypatch.setattr(training.Net, "run_single_epoch", watched)
    return counted


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"max_grad_norm": 1.0},
        {"max_grad_norm": 1.0, "l1_alpha": 0.01},
        {"average": "polyak"},
        {"solver": "adamw"},
        {"solver": "sgd", "l1_alpha": 0.01},
        {"precision": "bf16"},
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:precision='bf16'")
@pytest.mark.parametrize(
    ("estimator", "X", "y"),
    [
        (MLPRegressor(), TABLE, NUMBERS),
        (MLPClassifier(dropout=0.2), TABLE, CLASSES),
        (CNNRegressor(), IMAGES, NUMBERS),
        (CNNClassifier(), IMAGES, CLASSES),
        (RNNRegressor(), SERIES, NUMBERS),
        (RNNClassifier(bidirectional=True), SERIES, CLASSES),
        (ModuleRegressor(SmallModule), TABLE, NUMBERS),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_step_is_waited_for(reads, estimator, X, y, params):
    clone(estimator).set_params(batch_size=16, max_iter=2, **params).fit(
        X, y, sample_weight=WEIGHTS
    )
    assert reads.names == []


def test_reads_are_seen(reads):
    # a loss of one's own is looked at in each step
    network = MLPRegressor(loss=lambda raw, y: (raw - y).square().sum(1), batch_size=16, max_iter=2)
    network.fit(TABLE, NUMBERS)
    assert len(reads.names) >= 2 * 90 // 16
