"""A fit that was ended anywhere goes on from its checkpoint, to the bits of one that was not."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time

import joblib
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from torch import nn

import sknets
from sknets import (
    Autoencoder,
    CNNAutoencoder,
    CNNClassifier,
    Forecaster,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    RNNAutoencoder,
    RNNRegressor,
    storage,
    training,
)
from sknets.estimators import _checkpoint
from sknets.preprocessing import Augmentation
from tests.estimators.test_in_pieces import InPieces

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 5))
Y = X[:, 0] - X[:, 1] ** 2
C = np.array(["a", "b", "c"])[np.digitize(Y, [-1, 0])]
IMAGES = RNG.normal(size=(40, 8, 8)).astype("float32")
SEQUENCES = RNG.normal(size=(40, 6, 2)).astype("float32")


class Killed(BaseException):
    """Ends a fit as a kill does, as far as files are concerned."""


@pytest.fixture(autouse=True)
def every_epoch(monkeypatch):
    monkeypatch.setattr(_checkpoint, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr(_checkpoint, "_PART_OF_TIME", 0)


def kill_after(monkeypatch, n_epochs):
    """Let whatever trains be killed when so many epochs have begun."""
    begin, left = _checkpoint.Checkpoint.on_epoch_begin, [n_epochs]

    def on_epoch_begin(self, net, **kwargs):
        begin(self, net, **kwargs)
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    monkeypatch.setattr(_checkpoint.Checkpoint, "on_epoch_begin", on_epoch_begin)


def make_noisy(n_inputs, n_outputs):
    return nn.Sequential(
        nn.Linear(n_inputs, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, n_outputs)
    )


SHORT = {"max_iter": 9, "random_state": 0}
FITS = {
    "mlp": (MLPRegressor(dropout=0.2, **SHORT), X, Y),
    "mlp-stop": (MLPClassifier(early_stopping=True, average="polyak", **SHORT), X, C),
    "mlp-adaptive": (
        MLPRegressor(solver="sgd", learning_rate="adaptive", tol=10, n_iter_no_change=1, **SHORT),
        X,
        Y,
    ),
    "mlp-grows": (
        MLPRegressor(batch_growth=1.5, scale_learning_rate=True, batch_size=8, **SHORT),
        X,
        Y,
    ),
    "mlp-one-cycle": (
        MLPRegressor(learning_rate="one_cycle", normalization="batch", **SHORT),
        X,
        Y,
    ),
    "mlp-pretrained": (
        MLPRegressor(hidden_layer_sizes=8, activation="logistic", pretrain="rbm", **SHORT),
        X,
        Y,
    ),
    "mlp-waves": (MLPRegressor(numeric_embedding="periodic", **SHORT), X, Y),
    "mlp-sparse": (MLPRegressor(average="exponential", **SHORT), sp.csr_array(X), Y),
    "mlp-pieces": (MLPRegressor(**SHORT), InPieces(X, memory=0.001), Y),
    "autoencoder": (Autoencoder(noise="masking", **SHORT), X, None),
    "autoencoder-images": (CNNAutoencoder(noise="gaussian", batch_size=16, **SHORT), IMAGES, None),
    "autoencoder-series": (RNNAutoencoder(batch_size=16, **SHORT), SEQUENCES, None),
    "cnn": (
        CNNClassifier(
            augment=Augmentation(shift=0.1),
            normalization="batch",
            dropout=0.2,
            batch_size=16,
            **SHORT,
        ),
        IMAGES,
        C[:40],
    ),
    "rnn": (RNNRegressor(recurrent_dropout=0.2, batch_size=16, **SHORT), SEQUENCES, Y[:40]),
    "rnn-lengths": (
        RNNRegressor(early_stopping=True, batch_size=8, **SHORT),
        [row[: 3 + n % 4] for n, row in enumerate(SEQUENCES)],
        Y[:40],
    ),
    "module": (ModuleClassifier(make_noisy, **SHORT), X, C),
    "members": (MLPRegressor(n_members=3, dropout=0.2, **SHORT), X, Y),
    "calibrated": (MLPRegressor(calibrate=3, **SHORT), X, Y),
}


def check_same(fitted, other):
    """Check that two fits have left the same, beside seconds."""
    for one, of_other in zip(*(vars(f).get("members_", [f]) for f in (fitted, other)), strict=True):
        weights, expected = one.net_.module_.state_dict(), of_other.net_.module_.state_dict()
        for name in expected:
            np.testing.assert_array_equal(weights[name].numpy(), expected[name].numpy())
        for name in ("n_iter_", "t_", "stop_reason_"):
            assert getattr(one, name) == getattr(of_other, name)
        history, expected = one.history_, of_other.history_
        assert history.keys() == expected.keys()
        for name in expected.keys() - {"seconds"}:
            # losses of a stack are sums whose last digits depend on where they lie
            rtol = 1e-12 if "members_" in vars(fitted) else 0.0
            np.testing.assert_allclose(history[name], expected[name], rtol=rtol, atol=0.0)


def fit(estimator, X, y):
    return estimator.fit(X) if y is None else estimator.fit(X, y)


@pytest.mark.parametrize("n_epochs", [0, 1, 5, 8])
@pytest.mark.parametrize("name", FITS)
def test_fit_goes_on_to_the_last_bit(name, n_epochs, tmp_path, monkeypatch):
    estimator, X, y = FITS[name]
    unbroken = fit(clone(estimator), X, y)
    resumed = clone(estimator).set_params(checkpoint=tmp_path / "kept")
    with monkeypatch.context() as patched:
        kill_after(patched, n_epochs)
        if n_epochs < unbroken.n_iter_:
            with pytest.raises(Killed):
                fit(resumed, X, y)
            assert os.listdir(tmp_path / "kept")
    check_same(fit(resumed, X, y), unbroken)
    assert os.listdir(tmp_path / "kept") == []
    if y is not None and name not in ("members", "calibrated"):
        # optimiser, generator and all that partial_fit goes on with
        resumed.set_params(checkpoint=None, early_stopping=False)
        unbroken.set_params(early_stopping=False)
        check_same(resumed.partial_fit(X, y), unbroken.partial_fit(X, y))


def test_checkpoint_changes_no_bit_and_leaves_nothing(tmp_path):
    unbroken = MLPRegressor(dropout=0.2, **SHORT).fit(X, Y)
    kept = MLPRegressor(dropout=0.2, checkpoint=str(tmp_path), **SHORT).fit(X, Y)
    check_same(kept, unbroken)
    assert os.listdir(tmp_path) == []
    assert [callback for _, callback in kept.net_.callbacks_] == []


def test_killed_again_and_again_it_comes_to_the_same_end(tmp_path, monkeypatch):
    unbroken = MLPRegressor(dropout=0.2, **SHORT).fit(X, Y)
    resumed = MLPRegressor(dropout=0.2, checkpoint=tmp_path, **SHORT)
    for _ in range(4):
        with monkeypatch.context() as patched, pytest.raises(Killed):
            kill_after(patched, 2)
            resumed.fit(X, Y)
    check_same(resumed.fit(X, Y), unbroken)


def test_it_does_go_on(tmp_path, monkeypatch, capsys):
    resumed = MLPRegressor(checkpoint=tmp_path, **SHORT)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_after(patched, 6)
        resumed.fit(X, Y)
    with monkeypatch.context() as patched:
        kill_after(patched, 3)  # there are three left
        resumed.set_params(verbose=True).fit(X, Y)
    assert "Goes on after epoch 6" in capsys.readouterr().out


def test_fine_tuning_goes_on_in_its_phase(tmp_path, monkeypatch):
    base = CNNClassifier(**SHORT).fit(IMAGES, C[:40])
    estimator = CNNClassifier(
        backbone=base, fine_tune_layers=1, fine_tune_iter=5, early_stopping=True, **SHORT
    )
    unbroken = clone(estimator, safe=False)
    unbroken.backbone = base
    unbroken.fit(IMAGES, C[:40])
    for n_epochs in (3, 11):
        resumed = clone(estimator, safe=False).set_params(checkpoint=tmp_path)
        resumed.backbone = base
        with monkeypatch.context() as patched, pytest.raises(Killed):
            kill_after(patched, n_epochs)
            resumed.fit(IMAGES, C[:40])
        check_same(resumed.fit(IMAGES, C[:40]), unbroken)


OTHERS = {
    "parameter": ({"alpha": 0.1}, X, Y),
    "seed": ({"random_state": 1}, X, Y),
    "X": ({}, X + 1e-9, Y),
    "y": ({}, X, Y + 1e-9),
    "fewer rows": ({}, X[:-1], Y[:-1]),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_fit_begins_anew(what, tmp_path, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_after(patched, 6)
        MLPRegressor(checkpoint=tmp_path, **SHORT).fit(X, Y)
    (kept,) = os.listdir(tmp_path)
    changes, other_X, other_y = OTHERS[what]
    other = MLPRegressor(**SHORT | changes)
    unbroken = clone(other).fit(other_X, other_y)
    check_same(other.set_params(checkpoint=tmp_path).fit(other_X, other_y), unbroken)
    assert os.listdir(tmp_path) == [kept]


def test_words_and_weights_decide_too(tmp_path, monkeypatch):
    weight = np.linspace(1, 2, len(X))
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_after(patched, 6)
        MLPRegressor(checkpoint=tmp_path, **SHORT).fit(X, Y, weight)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_after(patched, 8)
        MLPRegressor(checkpoint=tmp_path, **SHORT).fit(X, Y)
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize(
    "backend", [pytest.param("loky", marks=pytest.mark.slow), "threading", "sknets"]
)
def test_fits_of_a_search_share_the_folder(tmp_path, backend):
    model = MLPRegressor(max_iter=3, random_state=0)
    grid = {"alpha": [0.0, 0.1], "hidden_layer_sizes": [(4,), (5,)]}
    plain = GridSearchCV(model, grid, cv=2).fit(X, Y)
    model = MLPRegressor(max_iter=3, random_state=0, checkpoint=tmp_path)
    with joblib.parallel_config(backend, n_jobs=2):
        kept = GridSearchCV(model, grid, cv=2).fit(X, Y)
    np.testing.assert_array_equal(
        kept.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"]
    )
    assert os.listdir(tmp_path) == []


def test_forecaster_keeps_its_regressor(tmp_path, monkeypatch):
    series = np.sin(np.arange(80) / 5)
    network = RNNRegressor(linear_shortcut=True, early_stopping=True, max_iter=5, random_state=0)
    unbroken = Forecaster(clone(network), horizon=2).fit(y=series)
    resumed = Forecaster(clone(network).set_params(checkpoint=tmp_path), horizon=2)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_after(patched, 2)
        resumed.fit(y=series)
    np.testing.assert_array_equal(resumed.fit(y=series).predict(), unbroken.predict())


# --- what goes wrong -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"random_state": None}, "random_state is None; set it to an int"),
        ({"random_state": np.random.RandomState(0)}, "random_state is RandomState"),
        ({"warm_start": True}, "warm_start=True begins with what an earlier fit has left"),
        ({"callbacks": [__import__("skorch").callbacks.EpochTimer()]}, "callbacks may know what"),
        ({"solver": "lbfgs"}, "solver='lbfgs' minimises .* and cannot use checkpoint="),
        ({"solver": "lm"}, "solver='lm' minimises .* and cannot use checkpoint="),
        ({"n_members": 2, "random_state": None}, "random_state is None"),
        ({"calibrate": True, "random_state": None}, "random_state is None"),
    ],
)
def test_what_cannot_go_on_is_refused(changes, words, tmp_path):
    network = MLPRegressor(**SHORT).fit(X, Y)
    before = network.predict(X)
    network.set_params(checkpoint=tmp_path / "kept", **changes)
    with pytest.raises(ValueError, match=words):
        network.fit(X, Y)
    np.testing.assert_array_equal(network.predict(X), before)
    assert not (tmp_path / "kept").exists()


def test_partial_fit_is_refused(tmp_path):
    with pytest.raises(ValueError, match="partial_fit does not support checkpoint="):
        MLPRegressor(checkpoint=tmp_path, **SHORT).partial_fit(X, Y)


@pytest.mark.parametrize("wrong", [3, True, ["folder"]])
def test_checkpoint_must_be_a_path(wrong):
    with pytest.raises(ValueError, match="'checkpoint' parameter of MLPRegressor must be"):
        MLPRegressor(checkpoint=wrong, **SHORT).fit(X, Y)


def test_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ValueError, match="checkpoint=.*file' cannot be a folder"):
        MLPRegressor(checkpoint=tmp_path / "file", **SHORT).fit(X, Y)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("", "checkpoint='' names no folder"), ("a\0b", r"checkpoint='a\\x00b' cannot be a folder")],
)
def test_name_that_is_none_is_refused(wrong, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=words):
        MLPRegressor(checkpoint=wrong, **SHORT).fit(X, Y)
    assert os.listdir() == []


def test_checkpoint_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    path = kept_of(tmp_path, monkeypatch)
    path.unlink()
    path.mkdir()
    with pytest.raises(ValueError, match=r"checkpoint cannot be read .*; delete it"):
        MLPRegressor(checkpoint=tmp_path, **SHORT).fit(X, Y)


def change(tree, place, value):
    for key in place[:-1]:
        tree = tree[key]
    tree[place[-1]] = value


@pytest.mark.parametrize(
    "place",
    [
        (),
        ("dict",),
        ("dict", "phase"),
        ("dict", "n_before"),
        ("dict", "there", "dict", "generators"),
        ("dict", "there", "dict", "learned"),
        ("dict", "there", "dict", "state", "dict", "stopping"),
    ],
)
@pytest.mark.parametrize("odd", [[], -1, {"float": "x"}], ids=str)
def test_state_of_another_hand_is_named(place, odd, tmp_path, monkeypatch):
    path = kept_of(tmp_path, monkeypatch)
    parts = storage.unpack(path.read_bytes(), "checkpoint.json")
    tree = [json.loads(parts["checkpoint.json"])]
    change(tree, (0, *place), odd)
    path.write_bytes(storage.pack(parts | {"checkpoint.json": json.dumps(tree[0]).encode()}))
    with pytest.raises(
        ValueError, match=r"checkpoint holds .*; delete it, and the fit begins anew"
    ):
        MLPRegressor(checkpoint=tmp_path, **SHORT).fit(X, Y)


def kept_of(tmp_path, monkeypatch):
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_after(patched, 6)
        MLPRegressor(checkpoint=tmp_path, **SHORT).fit(X, Y)
    (name,) = os.listdir(tmp_path)
    return tmp_path / name


def test_damaged_checkpoint_is_named(tmp_path, monkeypatch):
    path = kept_of(tmp_path, monkeypatch)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    network = MLPRegressor(checkpoint=tmp_path, **SHORT)
    with pytest.raises(
        ValueError, match=r"checkpoint is damaged.*; delete it, and the fit begins anew"
    ):
        network.fit(X, Y)
    path.unlink()
    check_same(network.fit(X, Y), MLPRegressor(**SHORT).fit(X, Y))


def test_checkpoint_of_another_module_is_named(tmp_path, monkeypatch):
    def make(n_inputs, n_outputs):
        return nn.Linear(n_inputs, n_outputs)

    network = ModuleClassifier(make, checkpoint=tmp_path, **SHORT)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_after(patched, 6)
        network.fit(X, C)

    def make_other(n_inputs, n_outputs):
        return nn.Sequential(nn.Linear(n_inputs, 3), nn.Linear(3, n_outputs))

    make_other.__qualname__ = make.__qualname__  # as if it had been edited
    with pytest.raises(ValueError, match="holds another network.*delete it"):
        network.set_params(module=make_other).fit(X, C)


def test_kill_while_a_state_is_written_leaves_the_one_before(tmp_path, monkeypatch):
    unbroken = MLPRegressor(dropout=0.2, **SHORT).fit(X, Y)
    network = MLPRegressor(dropout=0.2, checkpoint=tmp_path, **SHORT)
    os_replace, os_unlink, states = os.replace, os.unlink, []

    def replace(source, target):
        states.append(source)
        if len(states) == 5:
            raise Killed
        return os_replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", replace)
        # a killed process tidies nothing up
        patched.setattr(os, "unlink", lambda path: None if len(states) == 5 else os_unlink(path))
        with pytest.raises(Killed):
            network.fit(X, Y)
    assert len(os.listdir(tmp_path)) == 2
    check_same(network.fit(X, Y), unbroken)
    assert os.listdir(tmp_path) == []


def test_disk_that_is_full_warns_once_and_the_fit_goes_on(tmp_path, monkeypatch):
    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    network = MLPRegressor(checkpoint=tmp_path, **SHORT)
    with pytest.warns(UserWarning, match="cannot be written: .*No space left") as caught:
        network.fit(X, Y)
    assert len([w for w in caught if "cannot be written" in str(w.message)]) == 1
    check_same(network, MLPRegressor(**SHORT).fit(X, Y))
    assert os.listdir(tmp_path) == []


def test_interrupted_fit_goes_on_when_it_is_fitted_again(tmp_path, monkeypatch):
    begin_epoch = training.Net.begin_epoch

    def interrupt(self, rows):
        if self.n_epochs == 5:
            raise KeyboardInterrupt
        return begin_epoch(self, rows)

    unbroken = MLPRegressor(**SHORT).fit(X, Y)
    network = MLPRegressor(checkpoint=tmp_path, **SHORT)
    with monkeypatch.context() as patched:
        patched.setattr(training.Net, "begin_epoch", interrupt)
        with pytest.warns(UserWarning, match="interrupted"):
            network.fit(X, Y)
    assert network.stop_reason_ == "interrupt"
    assert len(os.listdir(tmp_path)) == 1
    check_same(network.fit(X, Y), unbroken)
    assert os.listdir(tmp_path) == []


def test_missing_safetensors_is_named_before_training(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with pytest.raises(ImportError, match=r"pip install 'sknets\[files\]'"):
        MLPRegressor(checkpoint=tmp_path, **SHORT).fit(X, Y)


def test_path_is_kept_in_files_and_clones(tmp_path):
    network = MLPRegressor(checkpoint=pathlib.Path("kept"), **SHORT)
    assert clone(network).checkpoint == pathlib.Path("kept")
    sknets.save(network, tmp_path / "model.sknets")
    assert sknets.load(tmp_path / "model.sknets").checkpoint == pathlib.Path("kept")


# --- processes that are killed -------------------------------------------------------------------------

SCRIPT = """
    import sys
    import numpy as np
    from sknets import CNNClassifier
    from sknets.estimators import _checkpoint

    _checkpoint.LEAST_SECONDS = _checkpoint._PART_OF_TIME = 0.0
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 8, 8)).astype("float32"), np.arange(200) % 3
    print("begins", flush=True)
    network = CNNClassifier(max_iter=40, dropout=0.2, random_state=0, checkpoint=sys.argv[1]).fit(X, y)
    np.save(sys.argv[2], network.predict_proba(X))
"""


@pytest.mark.slow
def test_killed_process_goes_on_to_the_last_bit(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT))
    environment = os.environ | {"OMP_NUM_THREADS": "1"}

    def run(folder, result, seconds=None):
        """Fit; kill after some seconds of it. Return whether it has come to its end."""
        command = [sys.executable, script, tmp_path / folder, tmp_path / result]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
            process.stdout.readline()
            if seconds is not None:
                time.sleep(seconds)
                process.send_signal(signal.SIGKILL)
        assert process.returncode in (0, -signal.SIGKILL)
        return process.returncode == 0

    assert run("unbroken", "unbroken.npy")
    rng = np.random.default_rng(0)
    ended = [run("kept", "resumed.npy", rng.uniform(0.1, 0.5)) for _ in range(3)]
    assert not all(ended)
    assert ended[-1] or run("kept", "resumed.npy")
    np.testing.assert_array_equal(
        np.load(tmp_path / "resumed.npy"), np.load(tmp_path / "unbroken.npy")
    )
    assert os.listdir(tmp_path / "kept") == []
