"""Sequences in every form in which they come, and the container that holds them."""

import numpy as np
import pandas as pd
import pytest
import torch

from sknets import RNNClassifier, RNNRegressor
from sknets.inputs import Sequences, SequencesInput, moments, split
from sknets.inputs._sequences import regular

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(3, 12, 40)
RAGGED = [RNG.normal(size=(n, 2)) for n in LENGTHS]
SERIES = [sequence[:, 0] for sequence in RAGGED]
CUBE = RNG.normal(size=(40, 7, 2))
TOKENS = [RNG.integers(0, 6, n) for n in LENGTHS]
TOKENS[3][0] = 5
LABELS = np.array(["low", "high"])[np.array([int(s[0] > 0) for s in SERIES])]
NUMBERS = np.array([s.sum() for s in SERIES])
SMALL = {
    "recurrent_layer_sizes": (6,),
    "cell": "gru",
    "conv_channels": (),
    "pool": "last",
    "learning_rate_init": 0.01,
    "max_iter": 3,
    "random_state": 0,
}


def objects(sequences):
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


def padded(sequences, padding, width=None):
    width = width or max(map(len, sequences))
    kind = np.result_type(np.asarray(padding), sequences[0])
    whole = np.full((len(sequences), width, *sequences[0].shape[1:]), padding, dtype=kind)
    for row, sequence in zip(whole, sequences, strict=True):
        row[: len(sequence)] = sequence
    return whole


# --- the container -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        slice(None),
        slice(2, 9),
        slice(None, None, 3),
        slice(0, 0),
        np.array([5, 0, 0, 39, 17]),
        LENGTHS > 6,
        [True] * 39 + [False],
        np.arange(40)[::-1],
    ],
    ids=str,
)
def test_part_of_a_container_is_that_of_the_list(index):
    sequences = Sequences(np.concatenate(RAGGED), LENGTHS, width=60)
    part = sequences[index]
    expected = [RAGGED[i] for i in np.arange(40)[index]]
    assert len(part) == len(expected)
    assert part.lengths.tolist() == [len(s) for s in expected]
    assert part.width == 60
    for start, length, sequence in zip(part.starts, part.lengths, expected, strict=True):
        np.testing.assert_array_equal(part.values[start : start + length], sequence)
    assert part.shape == (len(expected), max([len(s) for s in expected], default=0), 2)


def test_container_pads_repeats_and_splits():
    sequences = Sequences(np.concatenate(RAGGED), LENGTHS)
    assert not sequences.is_regular
    assert regular(CUBE).is_regular
    np.testing.assert_array_equal(
        sequences.padded(sequences.values, np.nan), padded(RAGGED, np.nan)
    )
    weights = RNG.uniform(size=40)
    expected = np.concatenate([[w] * n for w, n in zip(weights, LENGTHS, strict=True)])
    np.testing.assert_array_equal(sequences.repeat(weights), expected)
    assert sequences.repeat(None) is None

    for back in (split(sequences.values, LENGTHS), np.asarray(sequences)):
        assert (back.dtype, back.shape) == (object, (40,))
        for ours, theirs in zip(back, RAGGED, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    equal = regular(CUBE)
    np.testing.assert_array_equal(equal.split(equal.values), CUBE)
    np.testing.assert_array_equal(np.asarray(equal), CUBE)
    as_list = split(equal.values, equal.lengths)
    assert (as_list.dtype, as_list.shape) == (object, (40,))
    np.testing.assert_array_equal(np.stack(as_list), CUBE)


@pytest.mark.parametrize("block", [3, 2**22], ids=["small blocks", "one block"])
@pytest.mark.parametrize("is_weighted", [False, True])
def test_moments_are_those_of_all_timesteps(monkeypatch, block, is_weighted):
    monkeypatch.setattr("sknets.inputs._sequences_input._BLOCK_VALUES", block)
    weight = RNG.integers(0, 4, 40) if is_weighted else np.ones(40, int)
    values = [np.column_stack([s * [1, 1e3] + [5, -1e4], np.full(len(s), 7.0)]) for s in RAGGED]
    seen = np.concatenate([s for s, w in zip(values, weight, strict=True) for _ in range(w)])
    sequences = Sequences(np.concatenate(values), LENGTHS)
    mean, spread = moments(sequences, weight if is_weighted else None)
    np.testing.assert_allclose(mean, seen.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(spread, [*seen.std(axis=0)[:2], 1], rtol=1e-12)


# --- one X in many forms -----------------------------------------------------------------------------

FORMS = {
    "list": RAGGED,
    "tuple": tuple(RAGGED),
    "object array": objects(RAGGED),
    "pandas Series": pd.Series(RAGGED, index=np.arange(40)[::-1]),
    "lists of lists": [s.tolist() for s in RAGGED],
    "frames": [pd.DataFrame(s) for s in RAGGED],
    "padded": padded(RAGGED, np.nan),
    "padded further": padded(RAGGED, np.nan, 20),
    "padded one by one": [np.pad(s, [(0, 2), (0, 0)], constant_values=np.nan) for s in RAGGED],
    "Fortran order": np.asfortranarray(padded(RAGGED, np.nan)),
}
FORMS_OF_SERIES = {
    "list": SERIES,
    "list of columns": [s[:, None] for s in SERIES],
    "object array": objects(SERIES),
    "pandas Series": pd.Series(SERIES),
    "lists of lists": [s.tolist() for s in SERIES],
    "list of pandas Series": [pd.Series(s) for s in SERIES],
    "table": padded(SERIES, np.nan),
    "frame": pd.DataFrame(padded(SERIES, np.nan)),
    "cube": padded(SERIES, np.nan)[:, :, None],
}
FORMS_OF_TOKENS = {
    "list": TOKENS,
    "object array": objects(TOKENS),
    "pandas Series": pd.Series(TOKENS),
    "lists of lists": [s.tolist() for s in TOKENS],
    "small whole numbers": [s.astype(np.uint8) for s in TOKENS],
    "floats": [s.astype(float) for s in TOKENS],
    "padded with -1": padded(TOKENS, -1),
    "padded with NaN": padded(TOKENS, np.nan),
    "padded further": padded(TOKENS, -1, 20),
    "frame": pd.DataFrame(padded(TOKENS, -1)),
    "cube": padded(TOKENS, -1)[:, :, None],
}


def check_forms(forms, reference, **params):
    """All forms are fitted to the same network, and networks of one predict the others alike."""
    network = RNNClassifier(**SMALL | params).fit(reference, LABELS)
    expected = network.predict_proba(reference)
    assert np.ptp(expected[:, 0]) > 0.01
    for name, form in forms.items():
        other = RNNClassifier(**SMALL | params).fit(form, LABELS)
        for fitted, X in ((other, form), (network, form), (other, reference)):
            np.testing.assert_allclose(fitted.predict_proba(X), expected, rtol=1e-10, err_msg=name)
        assert other.score(form, LABELS) == network.score(reference, LABELS)


def test_one_ragged_X_in_many_forms():
    check_forms(FORMS, RAGGED)


def test_one_univariate_X_in_many_forms():
    check_forms(FORMS_OF_SERIES, SERIES)


@pytest.mark.parametrize("vocabulary_size", [6, 9, "auto"])
def test_tokens_in_many_forms(vocabulary_size):
    check_forms(FORMS_OF_TOKENS, TOKENS, vocabulary_size=vocabulary_size, embedding_dim=4)


@pytest.mark.parametrize("pool", ["last", "mean", "max", "attention"])
def test_sequences_of_one_length_in_many_forms(pool):
    forms = {"list": list(CUBE), "object array": objects(list(CUBE)), "lists": CUBE.tolist()}
    check_forms(forms, CUBE, pool=pool)
    table = CUBE[:, :, 0]
    forms = {"list": list(table), "lists": table.tolist(), "cube": table[:, :, None]}
    check_forms(forms, table, pool=pool)


@pytest.mark.parametrize(
    ("X", "n_features"),
    [
        (RAGGED, 2),
        (CUBE, 2),
        (SERIES, 1),
        (CUBE[:, :, :1], 1),
        (CUBE[:, :, 0], 7),  # the columns of a table are what scikit-learn counts
        (pd.DataFrame(CUBE[:, :, 0]), 7),
    ],
    ids=["ragged", "cube", "ragged series", "cube of series", "table", "frame"],
)
def test_features_are_counted_by_timestep_but_in_tables(X, n_features):
    network = RNNClassifier(**SMALL).fit(X, LABELS)
    assert network.n_features_in_ == n_features
    assert not hasattr(network, "feature_names_in_")


def test_columns_of_a_frame_have_their_names():
    frame = pd.DataFrame(CUBE[:, :, 0]).add_prefix("t")
    network = RNNClassifier(**SMALL).fit(frame, LABELS)
    assert network.feature_names_in_.tolist() == list(frame.columns)
    with pytest.raises(ValueError, match="feature names"):
        network.predict(frame.add_suffix("x"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_precision_of_X_is_that_of_the_predictions(dtype):
    for X in (RAGGED, CUBE, CUBE[:, :, 0], SERIES):
        X = X.astype(dtype) if isinstance(X, np.ndarray) else [s.astype(dtype) for s in X]
        network = RNNRegressor(**SMALL).fit(X, NUMBERS)
        assert network.predict(X).dtype == dtype
        assert network.net_.flat.values.dtype == getattr(torch, np.dtype(dtype).name)
    mixed = [s.astype(np.float32 if i % 2 else np.float64) for i, s in enumerate(RAGGED)]
    assert RNNRegressor(**SMALL).fit(mixed, NUMBERS).predict(mixed).dtype == np.float64
    whole = [(s * 10).astype(int) for s in RAGGED]
    assert RNNRegressor(**SMALL).fit(whole, NUMBERS).predict(whole).dtype == np.float64


# --- predictions of a sequence are its own -----------------------------------------------------------


ARCHITECTURES = {
    "last": {},
    "mean": {"pool": "mean"},
    "max": {"pool": "max"},
    "attention": {"pool": "attention"},
    "both directions": {"bidirectional": True, "recurrent_layer_sizes": (4, 5)},
    "convolutions": {"conv_channels": (4, 5), "kernel_size": 3, "pool_size": [2, 3]},
    "convolutions, both directions": {
        "conv_channels": (4,),
        "bidirectional": True,
        "pool": "attention",
    },
    "dense head": {"hidden_layer_sizes": (5, 4), "activation": ["tanh", "elu"]},
    "truncated": {"bptt_steps": 3, "cell": "lstm"},
}


@pytest.mark.parametrize(
    ("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-5)], ids=["float64", "float32"]
)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_prediction_depends_on_no_neighbour_and_no_padding(name, dtype, tolerance):
    network = RNNRegressor(**SMALL | ARCHITECTURES[name], dtype=dtype).fit(RAGGED, NUMBERS)
    together = network.predict(RAGGED)
    assert np.ptp(together) > 0.01
    alone = [network.predict([s])[0] for s in RAGGED]
    np.testing.assert_allclose(alone, together, rtol=0, atol=tolerance)
    unpadded = [network.predict(s[None])[0] for s in RAGGED]
    np.testing.assert_allclose(unpadded, together, rtol=0, atol=tolerance)
    longer = network.predict([*RAGGED, RNG.normal(size=(50, 2))])  # than any in fit
    np.testing.assert_allclose(longer[:-1], together, rtol=0, atol=tolerance)
    assert np.isfinite(longer[-1])
    backwards = network.predict(RAGGED[::-1])[::-1]
    np.testing.assert_allclose(backwards, together, rtol=0, atol=tolerance)
    network.net_.rows_at_once = 7
    np.testing.assert_allclose(network.predict(RAGGED), together, rtol=0, atol=tolerance)


def test_a_table_of_series_predicts_longer_ones_from_a_list():
    table = CUBE[:, :, 0]
    network = RNNRegressor(**SMALL).fit(table, NUMBERS)
    from_list = network.predict([*table, np.zeros(30), np.zeros(2)])
    np.testing.assert_allclose(from_list[:40], network.predict(table), rtol=1e-10)
    assert np.isfinite(from_list).all()


def test_tokens_of_another_width_at_predict():
    network = RNNClassifier(**SMALL, vocabulary_size="auto", dtype="float64")
    network.fit(padded(TOKENS, -1), LABELS)
    expected = network.predict_proba(TOKENS)
    short = sorted(range(40), key=lambda i: len(TOKENS[i]))[:5]
    few = padded([TOKENS[i] for i in short], -1)
    np.testing.assert_allclose(network.predict_proba(few), expected[short], rtol=1e-10)
    wide = padded(TOKENS, -1, 99)
    np.testing.assert_allclose(network.predict_proba(wide), expected, rtol=1e-10)
    assert network.predict(RNG.integers(0, 6, (3, 40))).shape == (3,)


def test_user_keeps_his_data():
    copies = [s.copy() for s in RAGGED]
    array = padded(RAGGED, np.nan)
    array.flags.writeable = False
    RNNClassifier(**SMALL).fit(array, LABELS).predict(array)
    RNNClassifier(**SMALL).fit(RAGGED, LABELS).predict(RAGGED)
    for ours, theirs in zip(RAGGED, copies, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# --- the units of X ----------------------------------------------------------------------------------


@pytest.mark.parametrize("X", [RAGGED, list(CUBE)], ids=["ragged", "of one length"])
@pytest.mark.parametrize(("factor", "shift"), [(1e6, 0), (1e-9, 0), (1, 1e4)])
def test_units_of_X_do_not_matter(X, factor, shift):
    network = RNNRegressor(**SMALL | {"max_iter": 10}).fit(X, NUMBERS)
    changed = [s * [factor, 1] + [shift, 0] for s in X]
    other = RNNRegressor(**SMALL | {"max_iter": 10}).fit(changed, NUMBERS)
    np.testing.assert_allclose(other.predict(changed), network.predict(X), rtol=0, atol=1e-6)


def test_scaling_is_learned_from_all_timesteps_and_no_padding():
    weight = RNG.integers(0, 3, 40)
    network = RNNRegressor(**SMALL).fit(padded(RAGGED, np.nan), NUMBERS, sample_weight=weight)
    seen = np.concatenate([s for s, w in zip(RAGGED, weight, strict=True) for _ in range(w)])
    source = network.net_.module_.input
    np.testing.assert_allclose(source.shift, seen.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(source.scale, seen.std(axis=0), rtol=1e-12)


def test_scaling_given_or_none():
    seen = np.concatenate(RAGGED)
    learned = RNNRegressor(**SMALL).fit(RAGGED, NUMBERS)
    given = RNNRegressor(**SMALL, input_scaling=(seen.mean(axis=0), seen.std(axis=0)))
    given.fit(RAGGED, NUMBERS)
    np.testing.assert_allclose(given.predict(RAGGED), learned.predict(RAGGED), rtol=1e-8)
    none = RNNRegressor(**SMALL, input_scaling=None).fit(RAGGED, NUMBERS)
    assert none.net_.module_.input.shift.tolist() == [0, 0]
    assert none.net_.module_.input.scale.tolist() == [1, 1]
    assert abs(none.predict(RAGGED) - learned.predict(RAGGED)).max() > 1e-3


def test_constant_features_are_no_trouble():
    X = [np.column_stack([s[:, 0], np.full(len(s), 1e8)]) for s in RAGGED]
    network = RNNRegressor(**SMALL).fit(X, NUMBERS)
    assert network.net_.module_.input.scale[1] == 1
    assert np.ptp(network.predict(X)) > 0.01


def test_prediction_takes_neighbours_of_one_length_and_fewer_long_ones():
    reader = SequencesInput()
    reader.learn(regular(np.zeros((4, 10, 2))))
    assert reader.plan_prediction(regular(np.zeros((5, 10, 2))), 100) == (None, 100)
    assert reader.plan_prediction(regular(np.zeros((5, 40, 2))), 100) == (None, 25)
    ragged = Sequences(np.zeros((9, 2)), np.array([2, 4, 1, 2]))
    order, n_at_once = reader.plan_prediction(ragged, 100)
    assert ragged.lengths[order].tolist() == [4, 2, 2, 1]
    assert n_at_once == 100


@pytest.mark.parametrize("vocabulary_size", [None, "auto"])
@pytest.mark.parametrize(
    "texts",
    [
        ["one text", "another"],
        np.array(["one text", "another"]),
        pd.Series(["one text", "another"]),
        [["one", "text"], ["another"]],
        [["one", "text"], ["another", "one"]],
        [b"one text", b"another"],
    ],
    ids=["list", "array", "Series", "words", "words of one length", "bytes"],
)
def test_texts_are_referred_to_token_sequences(texts, vocabulary_size):
    network = RNNClassifier(vocabulary_size=vocabulary_size)
    with pytest.raises(ValueError, match="X holds texts, .*one.*TokenSequences"):
        network.fit(texts, [0, 1])


def test_infinity_in_a_series_needs_no_advice_about_padding():
    series = [s.copy() for s in SERIES]
    series[3][2] = np.inf
    with pytest.raises(
        ValueError, match="infinity inside a sequence: sequence 3, timestep 2. Put a fin"
    ):
        RNNClassifier(**SMALL).fit(series, LABELS)


def test_a_single_frame_is_told_of_lists():
    frames = [pd.DataFrame(RNG.normal(size=(5, 3)), columns=list("abc")) for _ in range(6)]
    network = RNNClassifier(max_iter=1, random_state=0).fit(frames, [0, 1] * 3)
    with pytest.raises(ValueError, match=r"expecting 3 features.*list around it: \[X\]"):
        network.predict(frames[0])
    assert network.predict([frames[0]]).shape == (1,)
