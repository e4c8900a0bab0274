"""Bad sequences and options: each ends in an error that says what to do, and nothing is lost."""

import numpy as np
import pytest

from sknets import RNNClassifier, RNNRegressor

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(3, 9, 40)
RAGGED = [RNG.normal(size=(n, 2)) for n in LENGTHS]
CUBE = RNG.normal(size=(40, 5, 2))
TABLE = CUBE[:, :, 0]
TOKENS = [RNG.integers(0, 5, n) for n in LENGTHS]
LABELS = np.array(["low", "high"])[np.arange(40) % 2]
SIGNS = [np.where(s[:, 0] > 0, "up", "down") for s in RAGGED]
SUMS = [s[:, 0].cumsum() for s in RAGGED]
SMALL = {
    "recurrent_layer_sizes": (4,),
    "cell": "gru",
    "conv_channels": (),
    "max_iter": 1,
    "random_state": 0,
}


def changed(sequences, row, step, value):
    """Return sequences of which one timestep is another."""
    sequences = [np.array(s, dtype=np.result_type(s, np.asarray(value))) for s in sequences]
    sequences[row][step] = value
    return sequences


def put(array, place, value):
    array = np.array(array, dtype=np.result_type(array, np.asarray(value)))
    array[place] = value
    return array


def objects(sequences):
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


# X that fits to no network of series: X, what the error must say
BAD_X = {
    "an empty sequence": ([*RAGGED[:7], np.zeros((0, 2)), *RAGGED[8:]], r"X\[7\] is an empty seq"),
    "nothing but padding": (put(CUBE, 3, np.nan), r"X\[3\] is an empty sequence"),
    "an empty list": ([], "X is empty: it must hold at least one sequence"),
    "an empty array": (CUBE[:0], r"0 sample\(s\)"),
    "an empty object array": (np.empty(0, dtype=object), "Expected 2D array"),
    "no timesteps": (CUBE[:, :0], "X has shape .*each of at least 1"),
    "no features": (CUBE[:, :, :0], "X has shape .*each of at least 1"),
    "mixed features": (
        [*RAGGED[:3], RAGGED[3][:, :1], *RAGGED[4:]],
        r"X\[3\] has 1 features, but X\[0\] has 2",
    ),
    "mixed axes": ([*RAGGED[:3], RAGGED[3][:, 0], *RAGGED[4:]], r"X\[3\] has 1 features, but"),
    "NaN inside of a list": (
        changed(RAGGED, 5, 1, np.nan),
        "Input X contains NaN inside a sequence: sequence 5, timestep 1.*SimpleImputer",
    ),
    "NaN in a feature": (
        [*RAGGED[:5], put(RAGGED[5], (-1, 1), np.nan), *RAGGED[6:]],
        rf"contains NaN inside a sequence: sequence 5, timestep {LENGTHS[5] - 1}",
    ),
    "NaN inside of an array": (put(CUBE, (9, 2), np.nan), "NaN.* sequence 9, timestep 2"),
    "NaN at the beginning": (put(CUBE, (9, 0), np.nan), "NaN.* sequence 9, timestep 0"),
    "infinity": (changed(RAGGED, 5, 1, np.inf), "infinity inside.* sequence 5, timestep 1"),
    "infinity in an array": (put(CUBE, (9, 2), -np.inf), "[Ii]nfinity"),
    "four axes": (CUBE[..., None], r"X has shape \(40, 5, 2, 1\)"),
    "three axes in a list": (list(CUBE[..., None]), r"X\[0\] has shape \(5, 2, 1\)"),
    "texts": (["a b c"] * 40, "X holds texts, 'a b c' first.*TokenSequences"),
    "words": ([["a"] * n for n in LENGTHS], "X holds texts"),
    "words in an array": (np.full((40, 5, 2), "a"), "X holds texts"),
    "a number among sequences": ([*RAGGED[:3], 3.0, *RAGGED[4:]], r"X\[3\] has shape \(\)"),
    "None among sequences": ([*RAGGED[:3], None, *RAGGED[4:]], r"X\[3\] has shape \(\)"),
    "complex": (CUBE * 1j, "Complex data not supported"),
    "ragged lists in a sequence": (
        [[[1, 2], [3]], *RAGGED[1:]],
        r"X\[0\] must be one sequence, an array of numbers",
    ),
}

BAD_TOKENS = {
    "outside the vocabulary": (changed(TOKENS, 4, 1, 5), r"X\[4\] has the token 5.*from 0 to 4"),
    "negative": (changed(TOKENS, 4, 1, -2), r"X\[4\] has the token -2.*outside the vocabulary"),
    "padding at the beginning": (changed(TOKENS, 4, 0, -1), r"X\[4\] has the token -1"),
    "not whole": (changed(TOKENS, 4, 1, 0.5), "X must hold token ids, whole numbers"),
    "NaN inside": (changed(TOKENS, 4, 0, np.nan), "X must hold token ids, whole numbers"),
    "infinity": (changed(TOKENS, 4, 0, np.inf), "X must hold token ids, whole numbers"),
    "several features": (RAGGED, "X has 2 features"),
    "words": (np.full((40, 5), "a"), "X holds texts"),
    "nothing but padding": ([*TOKENS[:3], [-1, -1], *TOKENS[4:]], r"X\[3\] is an empty sequence"),
}


def check_X(good, bad, message, **params):
    """An X is refused by every method, before and after a fit, and nothing is lost."""
    fresh = RNNClassifier(**SMALL | params)
    with pytest.raises(ValueError, match=message):
        fresh.fit(bad, LABELS[: len(bad)])
    assert not hasattr(fresh, "net_")
    assert not hasattr(fresh, "n_features_in_")
    assert set(vars(fresh)) == set(fresh.get_params())

    network = RNNClassifier(**SMALL | params).fit(good, LABELS)
    before = network.predict_proba(good)
    state = set(vars(network))
    for method in (network.predict, network.predict_proba):
        with pytest.raises(ValueError, match=message):
            method(bad)
    for method in (network.partial_fit, network.fit):
        with pytest.raises(ValueError, match=message):
            method(bad, LABELS[: len(bad)])
    with pytest.raises(ValueError, match=f"(?s)validation data.*{message}"):
        network.fit(good, LABELS, X_val=bad, y_val=LABELS[: len(bad)])
    np.testing.assert_array_equal(network.predict_proba(good), before)
    assert set(vars(network)) == state
    np.testing.assert_array_equal(network.fit(good, LABELS).predict_proba(good), before)


@pytest.mark.parametrize("name", BAD_X)
def test_bad_series_are_a_clear_error_and_nothing_is_lost(name):
    check_X(RAGGED, *BAD_X[name])


@pytest.mark.parametrize("name", BAD_TOKENS)
def test_bad_tokens_are_a_clear_error_and_nothing_is_lost(name):
    check_X(TOKENS, *BAD_TOKENS[name], vocabulary_size=5)


def test_words_in_the_place_of_tokens_say_so():
    bad = [["a"] * n for n in LENGTHS]
    check_X(TOKENS, bad, "X holds texts.*token", vocabulary_size=5)


def test_complex_numbers_in_a_list():
    check_X(RAGGED, [s * 1j for s in RAGGED], "[Cc]omplex")


@pytest.mark.parametrize(
    ("fitted", "other", "message"),
    [
        (RAGGED, [s[:, :1] for s in RAGGED], "X has 1 features, but RNNClassifier is expecting 2"),
        (RAGGED, [s[:, 0] for s in RAGGED], "X has 1 features, but RNNClassifier is expecting 2"),
        (CUBE, np.zeros((3, 5, 3)), "X has 3 features, but RNNClassifier is expecting 2"),
        (CUBE, CUBE[0], "X has 1 features, but RNNClassifier is expecting 2"),
        (TABLE, np.zeros((3, 6)), "X has 6 features, but RNNClassifier is expecting 5"),
        (TABLE, CUBE, "X has 2 features per timestep, but .* univariate series, which have 1"),
        (TABLE, RAGGED, "X has 2 features per timestep, but .* univariate series, which have 1"),
    ],
    ids=range(7),
)
def test_other_features_at_predict_are_refused(fitted, other, message):
    network = RNNClassifier(**SMALL).fit(fitted, LABELS)
    before = network.predict_proba(fitted)
    for method in (network.predict, network.predict_proba):
        with pytest.raises(ValueError, match=message):
            method(other)
    with pytest.raises(ValueError, match=message):
        network.partial_fit(other, LABELS[: len(other)])
    np.testing.assert_array_equal(network.predict_proba(fitted), before)


def test_tokens_that_no_fit_has_seen_are_refused():
    network = RNNClassifier(**SMALL, vocabulary_size="auto").fit(TOKENS, LABELS)
    with pytest.raises(ValueError, match=r"X\[1\] has the token 5.*from 0 to 4.*vocabulary_size"):
        network.predict([[0, 1], [5, 1]])


# estimator, X, y, what the error must say
TIMESTEPS = {"output": "timesteps"}
SEQUENCE = {"output": "sequence"}
BAD_Y = {
    "one label per row for timesteps": (
        RNNClassifier(**SMALL, **TIMESTEPS),
        LABELS,
        r"y has shape \(40,\).*output='single'",
    ),
    "one number per row for timesteps": (
        RNNRegressor(**SMALL, **TIMESTEPS),
        np.arange(40.0),
        r"y has shape \(40,\).*output='single'",
    ),
    "one label per row for a decoder": (
        RNNClassifier(**SMALL, **SEQUENCE),
        LABELS,
        r"y has shape \(40,\).*output='single'",
    ),
    "too short for timesteps": (
        RNNClassifier(**SMALL, **TIMESTEPS),
        [*SIGNS[:3], SIGNS[3][1:], *SIGNS[4:]],
        rf"y\[3\] has {LENGTHS[3] - 1} entries for {LENGTHS[3]} timesteps.*output='sequence'",
    ),
    "too long for timesteps": (
        RNNRegressor(**SMALL, **TIMESTEPS),
        [*SUMS[:3], np.append(SUMS[3], 1.0), *SUMS[4:]],
        rf"y\[3\] has {LENGTHS[3] + 1} entries for {LENGTHS[3]} timesteps",
    ),
    "too few rows": (
        RNNClassifier(**SMALL, **TIMESTEPS),
        SIGNS[:-1],
        r"inconsistent numbers of samples: \[40, 39\]",
    ),
    "too few labels": (RNNClassifier(**SMALL), LABELS[:-1], "inconsistent numbers of samples"),
    "none": (RNNClassifier(**SMALL), None, "the target y is None"),
    "none for timesteps": (RNNRegressor(**SMALL, **TIMESTEPS), None, "the target y is None"),
    "an empty output": (
        RNNClassifier(**SMALL, **SEQUENCE),
        [*SIGNS[:3], [], *SIGNS[4:]],
        r"y\[3\] is an empty sequence",
    ),
    "NaN inside": (
        RNNRegressor(**SMALL, **TIMESTEPS),
        changed(SUMS, 3, 1, np.nan),
        "Input y contains NaN inside a sequence: sequence 3, timestep 1",
    ),
    "infinity": (
        RNNRegressor(**SMALL, **TIMESTEPS),
        changed(SUMS, 3, 1, np.inf),
        "Input y contains infinity.*sequence 3, timestep 1",
    ),
    "words for numbers": (RNNRegressor(**SMALL, **TIMESTEPS), SIGNS, "y must be numbers in regr"),
    "numbers for classes": (RNNClassifier(**SMALL, **TIMESTEPS), SUMS, "Unknown label type"),
    "negative counts": (
        RNNRegressor("poisson", **SMALL, **TIMESTEPS),
        SUMS,
        "loss='poisson' needs y >= 0",
    ),
    "ragged numbers of a decoder": (
        RNNRegressor(**SMALL, **SEQUENCE),
        SUMS,
        "output='sequence' in regression writes as many numbers for each row.*one length",
    ),
    "other outputs than a decoder may write": (
        RNNClassifier(**SMALL, **SEQUENCE, max_output_length=2),
        SIGNS,
        f"max_output_length=2, but y has sequences of {max(LENGTHS)}",
    ),
    "other outputs than a decoder of numbers writes": (
        RNNRegressor(**SMALL, **SEQUENCE, max_output_length=2),
        CUBE[:, :3, 0],
        "max_output_length must be that or None, it is 2",
    ),
    "several labels of a decoder": (
        RNNClassifier(**SMALL, **SEQUENCE),
        (CUBE > 0).astype(int),
        "writes one label after the other: y has several",
    ),
    "weights of several labels": (
        RNNClassifier(**SMALL, **TIMESTEPS, class_weight="balanced"),
        [(s > 0).astype(int) for s in RAGGED],
        "class_weight.*sample_weight",
    ),
}


@pytest.mark.parametrize("name", BAD_Y)
def test_bad_targets_are_a_clear_error_and_nothing_is_lost(name):
    estimator, y, message = BAD_Y[name]
    with pytest.raises(ValueError, match=message):
        estimator.fit(RAGGED, y)
    assert set(vars(estimator)) == set(estimator.get_params())
    with pytest.raises(ValueError, match=message):
        estimator.fit(RAGGED, y)


@pytest.mark.parametrize(
    ("output", "y"), [("single", LABELS), ("timesteps", SIGNS), ("sequence", SIGNS)]
)
def test_unknown_labels_are_refused_and_nothing_is_lost(output, y):
    network = RNNClassifier(**SMALL, output=output).fit(RAGGED, y)
    before = np.concatenate(list(network.predict_proba(RAGGED)))
    unknown = ["odd"] * 40 if output == "single" else [["odd"] * n for n in LENGTHS]
    with pytest.raises(ValueError, match=r"`y` has classes not in `self.classes_`.*odd"):
        network.partial_fit(RAGGED, unknown)
    with pytest.raises(ValueError, match=r"validation data.*odd"):
        network.fit(RAGGED, y, X_val=RAGGED, y_val=unknown)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        RNNClassifier(**SMALL, output=output).partial_fit(RAGGED, y)
    np.testing.assert_array_equal(np.concatenate(list(network.predict_proba(RAGGED))), before)


def test_other_lengths_of_a_decoder_of_numbers_are_refused():
    network = RNNRegressor(**SMALL, output="sequence").fit(TABLE, CUBE[:, :3, 1])
    before = network.predict(TABLE)
    with pytest.raises(ValueError, match="y must have 3 numbers in each row"):
        network.partial_fit(TABLE, CUBE[:, :4, 1])
    with pytest.raises(ValueError, match="validation data.*3 numbers in each row"):
        network.fit(TABLE, CUBE[:, :3, 1], X_val=TABLE, y_val=CUBE[:, :2, 1])
    np.testing.assert_array_equal(network.predict(TABLE), before)


@pytest.mark.parametrize(
    "weight", [-np.ones(40), np.ones(39), np.full(40, np.nan), np.zeros(40)], ids=range(4)
)
def test_bad_weights_of_ragged_rows_are_refused(weight):
    with pytest.raises(ValueError, match="weight"):
        RNNClassifier(**SMALL, output="timesteps").fit(RAGGED, SIGNS, sample_weight=weight)


# parameters, what the error must say; X is ragged
BAD_PARAMETERS = {
    "cell unknown": ({"cell": "transformer"}, "'cell' parameter"),
    "pool unknown": ({"pool": "sum"}, "'pool' parameter"),
    "output unknown": ({"output": "many"}, "'output' parameter"),
    "no layers": ({"recurrent_layer_sizes": ()}, r"recurrent_layer_sizes=\(\) has no layer"),
    "no units": ({"recurrent_layer_sizes": (4, 0)}, "recurrent_layer_sizes must be > 0"),
    "zero": ({"recurrent_layer_sizes": 0}, "'recurrent_layer_sizes' parameter"),
    "half a unit": ({"recurrent_layer_sizes": [2.5]}, "must be a whole number of units"),
    "hidden units": ({"hidden_layer_sizes": (0,)}, "hidden_layer_sizes must be > 0"),
    "dropout": ({"dropout": 1.0}, "'dropout' parameter"),
    "recurrent dropout": ({"recurrent_dropout": -0.1}, "'recurrent_dropout' parameter"),
    "no channels": ({"conv_channels": (0,)}, "conv_channels must be > 0"),
    "kernel_size zero": ({"conv_channels": 4, "kernel_size": [0]}, "kernel_size must be > 0"),
    "kernel_size of other layers": (
        {"conv_channels": (4, 4), "kernel_size": [3, 3, 3]},
        "3 values for 2 conv layers",
    ),
    "pool_size zero": ({"conv_channels": 4, "pool_size": [0]}, "pool_size must be > 0"),
    "activation unknown": (
        {"hidden_layer_sizes": 4, "activation": ["rbf"]},
        r"unknown \['rbf'\]",
    ),
    "activation of other layers": ({"activation": ["relu"]}, "1 values for 0 conv and hidden"),
    "weight_init": ({"weight_init": "zeros"}, "'weight_init' parameter"),
    "embedding without vocabulary": (
        {"embedding_dim": 8},
        "embedding_dim=8 is for tokens: set vocabulary_size",
    ),
    "scaling of one number": ({"input_scaling": (1.0,)}, "input_scaling.*pair"),
    "scaling of other features": (
        {"input_scaling": ([0, 0, 0], [1, 1, 1])},
        "input_scaling=.* must have one mean and std",
    ),
    "scaling by nothing": ({"input_scaling": (0, 0)}, "std > 0"),
    "teacher forcing for one output": (
        {"teacher_forcing": 0.5},
        "teacher_forcing=0.5 has no place.*output='single'",
    ),
    "teacher forcing": ({"teacher_forcing": 1.5}, "'teacher_forcing' parameter"),
    "length of one output": (
        {"max_output_length": 5},
        "max_output_length=5 has no place.*output='single'",
    ),
    "truncated in both directions": (
        {"bptt_steps": 5, "bidirectional": True},
        "bptt_steps=5.*bidirectional=True.*set one of them",
    ),
    "bptt_steps": ({"bptt_steps": 0}, "'bptt_steps' parameter"),
    "norm": ({"max_grad_norm": 0}, "'max_grad_norm' parameter"),
    "lbfgs and dropout": ({"solver": "lbfgs", "dropout": 0.5}, "lbfgs.*cannot use dropout=0.5"),
    "lbfgs and recurrent dropout": (
        {"solver": "lbfgs", "recurrent_dropout": 0.5},
        "lbfgs.*cannot use recurrent_dropout=0.5",
    ),
    "lbfgs and a norm": (
        {"solver": "lbfgs", "max_grad_norm": 1.0},
        "lbfgs.*cannot use max_grad_norm=1.0",
    ),
}
BAD_PARAMETERS_OF_TIMESTEPS = {
    "pool": ({"pool": "mean"}, "pool='mean' has no place.*output='timesteps'"),
    "convolutions": (
        {"conv_channels": (4,)},
        r"conv_channels=\(4,\) has no place.*output='timesteps'",
    ),
    "teacher forcing": ({"teacher_forcing": 0.5}, "teacher_forcing=0.5 has no place"),
    "length": ({"max_output_length": 5}, "max_output_length=5 has no place"),
}
BAD_PARAMETERS_OF_SEQUENCES = {
    "one mask step by step": (
        {"teacher_forcing": 0.5, "recurrent_dropout": 0.2},
        "teacher_forcing=0.5.*recurrent_dropout=0.2 cannot keep one mask",
    ),
}


def check_parameters(params, message, y, output):
    fresh = RNNClassifier(**SMALL | {"output": output} | params)
    with pytest.raises(ValueError, match=f"(?s){message}"):
        fresh.fit(RAGGED, y)
    assert set(vars(fresh)) == set(fresh.get_params())

    network = RNNClassifier(**SMALL, output=output).fit(RAGGED, y)
    good, state = network.get_params(), set(vars(network))
    before = np.concatenate(list(network.predict_proba(RAGGED)))
    with pytest.raises(ValueError, match=f"(?s){message}"):
        network.set_params(**params).fit(RAGGED, y)
    np.testing.assert_array_equal(np.concatenate(list(network.predict_proba(RAGGED))), before)
    assert set(vars(network)) == state
    network.set_params(**good).fit(RAGGED, y)
    np.testing.assert_array_equal(np.concatenate(list(network.predict_proba(RAGGED))), before)


@pytest.mark.parametrize("name", BAD_PARAMETERS)
def test_bad_parameters_are_named_and_nothing_is_lost(name):
    check_parameters(*BAD_PARAMETERS[name], LABELS, "single")


@pytest.mark.parametrize("name", BAD_PARAMETERS_OF_TIMESTEPS)
def test_parameters_without_effect_on_timesteps_are_named(name):
    check_parameters(*BAD_PARAMETERS_OF_TIMESTEPS[name], SIGNS, "timesteps")


@pytest.mark.parametrize("name", BAD_PARAMETERS_OF_SEQUENCES)
def test_parameters_that_do_not_suit_a_decoder_are_named(name):
    check_parameters(*BAD_PARAMETERS_OF_SEQUENCES[name], SIGNS, "sequence")


def test_lbfgs_refuses_a_share_of_truth():
    check_parameters(
        {"solver": "lbfgs", "teacher_forcing": 0.5}, "lbfgs.*teacher_forcing", SIGNS, "sequence"
    )


@pytest.mark.parametrize("vocabulary_size", [0, 2.5, "all"])
def test_bad_vocabularies_are_refused(vocabulary_size):
    with pytest.raises(ValueError, match="'vocabulary_size' parameter"):
        RNNClassifier(**SMALL, vocabulary_size=vocabulary_size).fit(TOKENS, LABELS)


def test_several_features_are_no_tokens():
    with pytest.raises(ValueError, match="X has 2 features per timestep, but with vocabulary_size"):
        RNNClassifier(**SMALL, vocabulary_size=5).fit(RAGGED, LABELS)


@pytest.mark.parametrize("vocabulary_size", [None, 3, 50, 0])
def test_predictions_do_not_change_with_parameters_of_the_next_fit(vocabulary_size):
    network = RNNClassifier(**SMALL, vocabulary_size=5).fit(TOKENS, LABELS)
    before = network.predict_proba(TOKENS)
    network.set_params(vocabulary_size=vocabulary_size)
    np.testing.assert_array_equal(network.predict_proba(TOKENS), before)
    with pytest.raises(ValueError, match=r"X\[0\] has the token 5.*from 0 to 4"):
        network.predict([[5, 1], [2, 3]])


def test_scaling_of_tokens_is_refused():
    with pytest.raises(ValueError, match="input_scaling=.* is for series of numbers"):
        RNNClassifier(**SMALL, vocabulary_size=5, input_scaling=(0, 1)).fit(TOKENS, LABELS)


@pytest.mark.parametrize("pool", ["last", "mean", "max"])
def test_network_without_attention_has_no_weights_of_it(pool):
    network = RNNClassifier(**SMALL, pool=pool)
    with pytest.raises(ValueError, match="not fitted"):
        network.attention_weights(RAGGED)
    network.fit(RAGGED, LABELS)
    with pytest.raises(ValueError, match=f"pool='{pool}' has no attention.*pool='attention'"):
        network.attention_weights(RAGGED)
    timesteps = RNNClassifier(**SMALL, output="timesteps").fit(RAGGED, SIGNS)
    with pytest.raises(ValueError, match="no attention weights"):
        timesteps.attention_weights(RAGGED)


def test_architecture_that_changed_cannot_go_on():
    network = RNNClassifier(**SMALL, warm_start=True).fit(RAGGED, LABELS)
    before = network.predict_proba(RAGGED)
    for change in ({"cell": "lstm"}, {"recurrent_layer_sizes": 5}, {"bidirectional": True}):
        with pytest.raises(ValueError, match="architecture has changed"):
            network.set_params(**change).fit(RAGGED, LABELS)
        network.set_params(**SMALL, bidirectional=False)
    np.testing.assert_array_equal(network.predict_proba(RAGGED), before)
