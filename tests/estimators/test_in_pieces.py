"""Fits to rows that are read in pieces: the same as to arrays, and what is refused."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score
from torch.utils.data import DataLoader, TensorDataset

from sknets import (
    Autoencoder,
    CNNClassifier,
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    NonlinearRegressor,
    RNNClassifier,
    TabularClassifier,
)
from sknets.datasets import RowsInPieces

rng = np.random.default_rng(0)
X = rng.normal(size=(4000, 10)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)
IMAGES, DIGITS = load_digits(return_X_y=True)
IMAGES, DIGITS = IMAGES.reshape(-1, 8, 8)[:600], DIGITS[:600]
SMALL = {"max_iter": 3, "random_state": 0}


class InPieces(RowsInPieces):
    """Rows of an array in blocks, few of them at a time."""

    def __init__(self, array, block_rows=25, memory=0.03):
        super().__init__(array.shape, array.dtype, block_rows, memory=memory)
        self.array = array
        self.most = 0

    def read_sorted(self, positions):
        self.most = max(self.most, len(positions))
        return self.array[positions]


def parameters(network):
    return torch.cat([p.detach().ravel() for p in network.net_.module_.parameters()])


def assert_same(ours, theirs):
    assert torch.equal(parameters(ours), parameters(theirs))
    assert ours.loss_curve_ == pytest.approx(theirs.loss_curve_, rel=1e-6)  # sums of float32


CASES = {
    "classes": (MLPClassifier, {}, X, Y),
    "numbers": (MLPRegressor, {"loss": "huber"}, X, X[:, 0] * 3.0),
    "float64": (MLPRegressor, {}, X[:3000].astype(np.float64), X[:3000, :2]),
    "class weights": (MLPClassifier, {"class_weight": {0: 1, 1: 3}, "average": "polyak"}, X, Y),
    "dropout": (MLPClassifier, {"dropout": 0.2, "normalization": "batch"}, X, Y),
    "images": (CNNClassifier, {"conv_channels": (4, 8)}, IMAGES, DIGITS),
    "pixels": (CNNClassifier, {"conv_channels": (4,)}, IMAGES.astype(np.uint8), DIGITS),
    "scaling": (CNNRegressor, {"conv_channels": (4,), "input_scaling": (5, 6)}, IMAGES, DIGITS),
}


@pytest.mark.parametrize(("Estimator", "params", "x", "y"), CASES.values(), ids=CASES)
def test_without_shuffling_every_bit_is_that_of_the_array(Estimator, params, x, y):
    network = Estimator(**SMALL, shuffle=False, **params)
    rows = InPieces(x)
    assert not rows.fits
    whole = Estimator(**SMALL, shuffle=False, **params).fit(x, y)
    assert_same(network.fit(rows, y), whole)
    np.testing.assert_array_equal(network.predict(rows), whole.predict(x))
    assert network.score(rows, y) == whole.score(x, y)


def test_few_rows_are_in_memory_at_once():
    table = np.broadcast_to(X[:1000], (200, 1000, 10)).reshape(-1, 10)
    rows = InPieces(table, block_rows=100, memory=0.5)
    network = MLPClassifier(max_iter=1, random_state=0).fit(rows, np.resize(Y[:1000], len(rows)))
    assert rows.most <= max(rows.rows_at_once, 2**16 // 10)  # the latter to look at columns
    network.predict(rows)
    assert rows.most <= 2**22 // 100  # as many as are predicted at once


@pytest.mark.parametrize("name", ["classes", "pixels"])
def test_single_rows_are_shuffled_to_the_same_bits(name):
    Estimator, params, x, y = CASES[name]
    rows = InPieces(x, block_rows=1)
    assert not rows.fits
    ours = Estimator(**SMALL, **params).fit(rows, y)
    assert_same(ours, Estimator(**SMALL, **params).fit(x, y))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_rows_that_fit_into_memory_are_an_array(solver):
    rows = InPieces(X, memory=10)
    ours = MLPClassifier(**SMALL, solver=solver).fit(rows, Y)
    assert_same(ours, MLPClassifier(**SMALL, solver=solver).fit(X, Y))


def test_weights_of_zero_and_validation_data_are_as_with_arrays():
    weight = rng.integers(0, 3, len(X)).astype(float)
    params = SMALL | {"shuffle": False}
    of_user = {"X_val": X[:800], "y_val": Y[:800]}
    whole = MLPClassifier(**params, early_stopping=True).fit(X, Y, weight, **of_user)
    of_user["X_val"] = InPieces(X[:800], memory=0.01)
    ours = MLPClassifier(**params, early_stopping=True).fit(InPieces(X), Y, weight, **of_user)
    assert_same(ours, whole)
    assert ours.validation_scores_ == whole.validation_scores_


def test_the_same_rows_are_set_aside():
    seen = {}
    for name, x in (("array", X), ("pieces", InPieces(X))):
        network = MLPClassifier(**SMALL, early_stopping=True, learning_rate_init=1e-12).fit(x, Y)
        seen[name] = network.validation_scores_[0]  # of the first weights, on these rows
    assert seen["array"] == seen["pieces"]


@pytest.mark.parametrize("is_sorted", [False, True])
def test_shuffled_in_blocks_it_is_as_accurate(is_sorted):
    order = np.argsort(Y, kind="stable") if is_sorted else np.arange(len(Y))
    new = rng.normal(size=(4000, 10)).astype(np.float32)
    truth = (new[:, 0] * new[:, 1] + new[:, 2] > 0).astype(int)
    scores = {}
    for name, x in (("array", X[order]), ("pieces", InPieces(X[order], memory=0.08))):
        fits = (MLPClassifier(max_iter=20, random_state=seed, batch_size=50) for seed in range(2))
        scores[name] = np.mean([network.fit(x, Y[order]).score(new, truth) for network in fits])
    assert scores["pieces"] == pytest.approx(scores["array"], abs=0.02)
    assert scores["array"] > 0.85


def test_further_calls_go_on():
    params = {"random_state": 0, "shuffle": False}
    ours, whole = MLPClassifier(**params), MLPClassifier(**params)
    for part in (slice(2000), slice(2000, None)):
        ours.partial_fit(InPieces(X)[part], Y[part], classes=[0, 1])
        whole.partial_fit(X[part], Y[part], classes=[0, 1])
    assert_same(ours, whole)


def test_cross_validation_members_and_calibration_read_pieces():
    rows = InPieces(X)
    network = MLPClassifier(**SMALL, shuffle=False)
    np.testing.assert_array_equal(
        cross_val_score(network, rows, Y, cv=2), cross_val_score(network, X, Y, cv=2)
    )
    ours = MLPClassifier(**SMALL, shuffle=False, n_members=2).fit(rows, Y)
    whole = MLPClassifier(**SMALL, shuffle=False, n_members=2).fit(X, Y)
    np.testing.assert_array_equal(ours.predict_proba(rows), whole.predict_proba(X))
    assert MLPClassifier(**SMALL, calibrate=True).fit(rows, Y).score(rows, Y) > 0.7


def test_a_loader_is_taken_as_it_is():
    loader = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(Y)), batch_size=100)
    assert_same(MLPClassifier(**SMALL).fit(loader, Y), MLPClassifier(**SMALL).fit(X, Y))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"solver": "lbfgs"}, "solver='lbfgs' looks at all rows"),
        ({"batch_growth": 1.1}, "batch_growth=1.1"),
        ({"batch_size": 3000}, "batch_size=3000 is more than"),
        ({"pretrain": "autoencoder"}, "pretrain='autoencoder'"),
        ({"numeric_embedding": "piecewise_linear"}, "numeric_embedding='piecewise_linear'"),
    ],
)
def test_what_needs_all_rows_is_refused_by_name(params, words):
    network = MLPClassifier(**SMALL).fit(X, Y)
    before = network.predict_proba(X)
    with pytest.raises(ValueError, match=words):
        network.set_params(**params).fit(InPieces(X), Y)
    np.testing.assert_array_equal(network.predict_proba(X), before)


@pytest.mark.parametrize(
    "estimator",
    [
        Autoencoder(),
        RNNClassifier(),
        TabularClassifier(),
        ModuleClassifier(torch.nn.Linear(10, 2)),
        NonlinearRegressor(torch.nn.functional.linear, [1.0]),
    ],
    ids=lambda e: type(e).__name__,
)
def test_others_refuse_pieces_by_name(estimator):
    with pytest.raises(ValueError, match=f"{type(estimator).__name__} reads all rows at once"):
        estimator.fit(InPieces(X), Y)


def test_what_is_no_number_is_named_by_its_row():
    network = MLPClassifier(**SMALL).fit(X, Y)
    before = network.predict_proba(X)
    for value, words in ((np.nan, "NaN"), (np.inf, "infinity"), (1e35, "up to 1e\\+35")):
        bad = X.copy()
        bad[3210, 4] = value
        for call in (
            lambda rows: network.fit(rows, Y),
            lambda rows: network.predict(rows),
            lambda rows: network.fit(InPieces(X), Y, X_val=rows, y_val=Y),
            lambda rows: network.fit(rows[::-1], Y),
        ):
            with pytest.raises(ValueError, match=rf"{words}.* in row (3210|789)"):
                call(InPieces(bad))
    np.testing.assert_array_equal(network.predict_proba(X), before)


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match="reads a table, but X"):
        MLPClassifier().fit(InPieces(IMAGES), DIGITS)
    network = MLPClassifier(**SMALL).fit(InPieces(X), Y)
    with pytest.raises(ValueError, match="9 features"):
        network.predict(InPieces(X[:, :9].copy()))
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        network.fit(InPieces(X), Y[:10])
    with pytest.raises(ValueError, match="requires y"):
        network.fit(InPieces(X), None)

    class Short(InPieces):
        def read_sorted(self, positions):
            return super().read_sorted(positions)[:-1]

    with pytest.raises(ValueError, match="has returned an array of shape"):
        network.predict(Short(X))


def test_units_of_x_are_those_of_the_fit():
    pixels = CNNClassifier(**SMALL, conv_channels=(4,)).fit(InPieces(IMAGES), DIGITS)
    whole = CNNClassifier(**SMALL, conv_channels=(4,)).fit(IMAGES, DIGITS)
    assert pixels._learned.input.kind == whole._learned.input.kind
    with pytest.raises(ValueError, match="X holds fractions"):
        pixels.predict(InPieces(IMAGES / 16))
    for table in (rng.integers(0, 9, (4000, 10)) + 8.0, rng.random((4000, 10)), X):
        kinds = [
            MLPClassifier(**SMALL).fit(x, Y)._learned.input.kind for x in (table, InPieces(table))
        ]
        assert kinds[0] == kinds[1]


@pytest.mark.slow
def test_optional_packages_are_not_imported():
    code = """
        import sys, pandas  # which looks for pyarrow by itself
        before = set(sys.modules)
        import sknets
        print(*{"pyarrow", "PIL"} & {name.split(".")[0] for name in set(sys.modules) - before})
    """
    arguments = [sys.executable, "-c", textwrap.dedent(code)]
    found = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert not found.stdout.strip()


@pytest.mark.slow
def test_resident_memory_does_not_grow_with_the_file(tmp_path):
    code = """
        import sys, numpy as np, resource, torch
        from sknets import MLPClassifier
        from sknets.datasets import ArrayRows
        torch.set_num_threads(1)
        X = np.load(sys.argv[1], mmap_mode="r")
        y = np.arange(len(X)) % 2
        MLPClassifier((4,), batch_size=1000, max_iter=1).fit(ArrayRows(X[:9000], memory=16), y[:9000])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        MLPClassifier((4,), batch_size=1000, max_iter=1).fit(ArrayRows(X, memory=16), y)
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    """
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", np.float32, (60_000, 1000))
    for start in range(0, len(X), 5000):
        X[start : start + 5000] = rng.standard_normal((5000, 1000), dtype=np.float32)
    arguments = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code), tmp_path / "X.npy"]
    found = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert int(found.stdout) < 40_000  # KiB, of a file of 240 MB
