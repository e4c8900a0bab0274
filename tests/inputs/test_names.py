"""Names of columns are kept and compared where they come in a list."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sknets import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inputs import common_names
from sknets.preprocessing import SlidingWindows

RNG = np.random.default_rng(0)
ARRAYS = [RNG.normal(size=(8 + i % 4, 2)) for i in range(24)]
FRAMES = [pd.DataFrame(a, columns=["level", "flow"]) for a in ARRAYS]
SWAPPED = [frame[["flow", "level"]] for frame in FRAMES]
SIGNALS = [frame.iloc[:8] for frame in FRAMES]
LABELS = np.arange(24) % 2
RNN = RNNClassifier(recurrent_layer_sizes=(4,), max_iter=1, random_state=0)
CNN = CNNClassifier(conv_channels=(4,), conv_dim=1, max_iter=1, random_state=0)


def as_objects(entries):
    whole = np.empty(len(entries), dtype=object)
    for i, entry in enumerate(entries):
        whole[i] = entry
    return whole


@pytest.mark.parametrize("form", [list, tuple, as_objects, pd.Series], ids=lambda f: f.__name__)
def test_frames_in_a_list_keep_their_columns(form):
    network = RNN.fit(form(FRAMES), LABELS)
    assert network.feature_names_in_.tolist() == ["level", "flow"]
    assert network.n_features_in_ == 2
    network.predict(form(FRAMES))
    others = {
        "order": SWAPPED,
        "unseen": [frame.rename(columns={"flow": "rain"}) for frame in FRAMES],
        "missing": [frame[["level"]] for frame in FRAMES],
    }
    for entries in others.values():
        for call in (network.predict, network.predict_proba):
            with pytest.raises(ValueError, match="feature names should match"):
                call(form(entries))
        with pytest.raises(ValueError, match="feature names should match"):
            network.partial_fit(form(entries), LABELS)
        with pytest.raises(ValueError, match="feature names should match"):
            network.fit(form(FRAMES), LABELS, X_val=form(entries), y_val=LABELS)


def test_names_missing_on_one_side_are_warned_of():
    with pytest.warns(UserWarning, match="does not have valid feature names") as caught:
        RNN.fit(FRAMES, LABELS).predict(ARRAYS)
    assert caught[-1].filename == __file__ or "validation" in caught[-1].filename
    with pytest.warns(
        UserWarning, match="X has feature names, but RNNClassifier was fitted without"
    ):
        RNN.fit(ARRAYS, LABELS).predict(FRAMES)
    assert not hasattr(RNN, "feature_names_in_")
    with pytest.warns(UserWarning, match=r"X\[0\] has no names of columns, but X\[1\] has"):
        RNN.fit([ARRAYS[0], *FRAMES[1:]], LABELS)


def test_columns_must_be_the_same_within_a_list():
    with pytest.raises(ValueError, match=r"X\[3\] has the columns \['flow', 'level'\], but X\[0\]"):
        RNN.fit([*FRAMES[:3], SWAPPED[3], *FRAMES[4:]], LABELS)
    with pytest.raises(ValueError, match=r"X\[0\] has the columns .* must all be strings"):
        RNN.fit([FRAMES[0].rename(columns={"flow": 1}), *FRAMES[1:]], LABELS)
    steps = RNNRegressor(output="timesteps", max_iter=1, random_state=0)
    with pytest.raises(ValueError, match=r"y\[1\] has the columns"):
        steps.fit(ARRAYS, [FRAMES[0], SWAPPED[1], *FRAMES[2:]])


def test_signals_as_frames_keep_their_columns():
    network = CNN.fit(SIGNALS, LABELS)
    network.predict(SIGNALS)
    swapped = [frame[["flow", "level"]] for frame in SIGNALS]
    for call in (network.predict, lambda X: network.partial_fit(X, LABELS)):
        with pytest.raises(ValueError, match="feature names should match"):
            call(swapped)
    with pytest.raises(ValueError, match="feature names should match"):
        CNN.fit(SIGNALS, LABELS, X_val=swapped, y_val=LABELS)
    with pytest.raises(ValueError, match=r"X\[1\] has the columns"):
        CNN.fit([SIGNALS[0], *swapped[1:]], LABELS)
    with pytest.warns(UserWarning, match="valid feature names, but CNNClassifier") as caught:
        CNN.fit(SIGNALS, LABELS).predict(np.stack(SIGNALS))
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="X has feature names, but CNNClassifier"):
        CNN.fit(np.stack(SIGNALS), LABELS).predict(SIGNALS)


class LastStep(nn.Module):
    """A linear map of the last step of each sequence."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.linear = nn.Linear(n_inputs[-1], n_outputs)

    def forward(self, x, lengths):
        return self.linear(x[torch.arange(len(x)), lengths - 1])


class LastOfEqual(LastStep):
    def forward(self, x):
        return self.linear(x[:, -1])


@pytest.mark.parametrize("form", [list, as_objects, pd.Series], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("module", "frames"), [(LastStep, FRAMES), (LastStep, SIGNALS), (LastOfEqual, SIGNALS)]
)
def test_frames_of_a_users_module_keep_their_columns(form, module, frames):
    network = ModuleClassifier(module, max_iter=1, random_state=0).fit(form(frames), LABELS)
    expected = network.predict_proba(form(frames))
    np.testing.assert_array_equal(network.predict_proba(form(frames)), expected)
    network.predict(form(frames[:1]))
    swapped = form([frame[["flow", "level"]] for frame in frames])
    calls = [
        lambda: network.predict(swapped),
        lambda: network.partial_fit(swapped, LABELS),
        lambda: network.fit(form(frames), LABELS, X_val=swapped, y_val=LABELS),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="feature names should match"):
            call()
    with pytest.raises(ValueError, match=r"X\[1\] has the columns"):
        network.fit([frames[0], *swapped[1:]], LABELS)
    with pytest.warns(UserWarning, match="valid feature names, but ModuleClassifier") as caught:
        network.predict([frame.to_numpy() for frame in frames])
    assert caught[0].filename == __file__
    arrays = [frame.to_numpy() for frame in frames]
    with pytest.warns(UserWarning, match="X has feature names, but ModuleClassifier"):
        network.fit(arrays, LABELS).predict(form(frames))


@pytest.mark.parametrize("scoring", ["loss", "accuracy"])
def test_frames_set_aside_are_not_asked_for_names(scoring):
    for network, frames in [
        (CNN, SIGNALS),
        (RNN, FRAMES),
        (ModuleClassifier(LastStep, max_iter=1, random_state=0), FRAMES),
        (ModuleClassifier(LastOfEqual, max_iter=1, random_state=0), SIGNALS),
    ]:
        ours = clone(network).set_params(early_stopping=True, scoring=scoring)
        ours.fit(frames, LABELS).score(frames, LABELS)


def test_series_share_a_name_or_have_their_own():
    shared = [frame["level"] for frame in FRAMES]
    own = [series.rename(f"station {i}") for i, series in enumerate(shared)]
    assert common_names(shared, "X") == ["level"]
    assert common_names(own, "X") is None
    network = RNN.fit(shared, LABELS)
    assert network.feature_names_in_.tolist() == ["level"]
    network.predict(shared[:1])
    with pytest.raises(ValueError, match="feature names should match"):
        network.predict([frame["flow"] for frame in FRAMES])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network.fit(own, LABELS).predict(own[:1])
    assert not hasattr(network, "feature_names_in_")

    equal = [series[:8] for series in shared]  # which scikit-learn sees as a table
    network.fit(equal, LABELS).predict(equal)
    for others in ([series.rename("flow") for series in equal], [f["flow"] for f in FRAMES]):
        with pytest.raises(ValueError, match="feature names should match"):
            network.predict(others)


def test_windows_compare_the_names_of_their_series():
    table = pd.concat(FRAMES, ignore_index=True)
    windows = SlidingWindows(3).fit(table)
    for call in (windows.transform, windows.make_samples):
        call(table)
        with pytest.raises(ValueError, match="feature names should match"):
            call(table[["flow", "level"]])
    windows.fit(table["level"])
    with pytest.raises(ValueError, match="feature names should match"):
        windows.make_samples(table["flow"])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        windows.transform(table["level"].to_numpy())


def test_frames_predict_as_arrays_do():
    ours = RNN.fit(FRAMES, LABELS).predict_proba(FRAMES)
    np.testing.assert_allclose(ours, RNN.fit(ARRAYS, LABELS).predict_proba(ARRAYS), rtol=1e-9)


TABLE = pd.DataFrame(RNG.normal(size=(60, 3)), columns=list("abc"))
TARGET = pd.DataFrame(TABLE[["a", "b"]].to_numpy() * [1, -5] + [0, 3], columns=["p", "q"])
STEPS = RNNRegressor(recurrent_layer_sizes=(4,), output="timesteps", max_iter=1, random_state=0)


@pytest.mark.parametrize("kind", ["numbers", "labels", "sequences"])
def test_columns_of_y_are_those_of_the_first_call(kind):
    network, rows, y = MLPRegressor(max_iter=2, random_state=0), TABLE, TARGET
    swapped = y[["q", "p"]]
    if kind == "labels":
        network = MLPClassifier(max_iter=2, random_state=0)
        y, swapped = (y > 0).astype(int), (swapped > 0).astype(int)
    elif kind == "sequences":
        network, rows, y, swapped = STEPS, ARRAYS, FRAMES, SWAPPED
    first = {"classes": [0, 1]} if kind == "labels" else {}
    network.partial_fit(rows, y, **first).score(rows, y)
    network.fit(rows, y, X_val=rows, y_val=y).score(rows, y)
    pickle.loads(pickle.dumps(network)).score(rows, y)
    again = clone(network).set_params(warm_start=True).fit(rows, y)
    words = r"y has the columns \[.*\], but that of the first call had"
    for call in (
        lambda: network.score(rows, swapped),
        lambda: network.partial_fit(rows, swapped),
        lambda: network.fit(rows, y, X_val=rows, y_val=swapped),
        lambda: again.fit(rows, swapped),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    network.fit(rows, swapped).score(rows, swapped)


def test_a_y_without_names_is_taken_as_it_is():
    network = MLPRegressor(max_iter=2, random_state=0).fit(TABLE, TARGET)
    score = network.score(TABLE, TARGET)
    assert network.score(TABLE, TARGET.to_numpy()) == score
    network.partial_fit(TABLE, TARGET.to_numpy())
    network.fit(TABLE, TARGET.to_numpy()).partial_fit(TABLE, TARGET)
    with pytest.raises(ValueError, match="y has the columns"):  # which the second call has named
        network.score(TABLE, TARGET[["q", "p"]])
    network.fit(TABLE, TARGET["p"]).score(TABLE, TARGET["q"])  # one output cannot be swapped
