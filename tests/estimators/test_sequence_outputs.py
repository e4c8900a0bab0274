"""Networks whose output is a sequence: a value per timestep, or an output of another length."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import KFold, cross_val_predict

from sknets import RNNClassifier, RNNRegressor

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(5, 20, 200)
RAGGED = [RNG.normal(size=(n, 2)) for n in LENGTHS]
SUMS = [s[:, 0].cumsum() for s in RAGGED]
SIGNS = [np.where(s > 0, "up", "down") for s in SUMS]
LABELS = [(s > 0).astype(int) for s in RAGGED]
CUBE = RNG.normal(size=(40, 7, 2))
SMALL = {
    "recurrent_layer_sizes": (12,),
    "cell": "gru",
    "conv_channels": (),
    "learning_rate": "one_cycle",
    "learning_rate_init": 0.03,
    "max_iter": 20,
    "random_state": 0,
}
QUICK = SMALL | {"recurrent_layer_sizes": (4,), "max_iter": 2}


def objects(sequences):
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


def padded(sequences, padding):
    whole = np.full((len(sequences), max(map(len, sequences)), *sequences[0].shape[1:]), padding)
    for row, sequence in zip(whole, sequences, strict=True):
        row[: len(sequence)] = sequence
    return whole


# --- a value per timestep ----------------------------------------------------------------------------


def test_running_sign_is_learned_at_every_timestep():
    network = RNNClassifier(**SMALL, output="timesteps").fit(RAGGED[:150], SIGNS[:150])
    predicted = network.predict(RAGGED[150:])
    accuracy = accuracy_score(np.concatenate(SIGNS[150:]), np.concatenate(predicted))
    assert accuracy > 0.9
    assert network.score(RAGGED[150:], SIGNS[150:]) == accuracy
    proba = network.predict_proba(RAGGED[150:])
    for p, log_p, labels in zip(
        proba, network.predict_log_proba(RAGGED[150:]), predicted, strict=True
    ):
        np.testing.assert_array_equal(network.classes_[p.argmax(axis=1)], labels)
        np.testing.assert_allclose(p.sum(axis=1), 1)
        np.testing.assert_allclose(np.log(p), log_p)
    weight = RNG.uniform(size=50)
    assert network.score(RAGGED[150:], SIGNS[150:], weight) == pytest.approx(
        accuracy_score(
            np.concatenate(SIGNS[150:]),
            np.concatenate(predicted),
            sample_weight=np.repeat(weight, LENGTHS[150:]),
        )
    )


def test_running_sum_is_learned_at_every_timestep():
    network = RNNRegressor(**SMALL, output="timesteps").fit(RAGGED[:150], SUMS[:150])
    truth = np.concatenate(SUMS[150:])
    predicted = np.concatenate(network.predict(RAGGED[150:]))
    score = network.score(RAGGED[150:], SUMS[150:])
    assert score == pytest.approx(r2_score(truth, predicted))
    assert score > 0.85
    weight = RNG.uniform(size=50)
    steps = np.repeat(weight, LENGTHS[150:])
    assert network.score(RAGGED[150:], SUMS[150:], weight) == pytest.approx(
        r2_score(truth, predicted, sample_weight=steps)
    )


def test_three_classes_and_both_directions():
    steps = [np.digitize(s, [-1, 1]) for s in SUMS]
    params = {"bidirectional": True, "cell": "lstm"}
    network = RNNClassifier(**SMALL | params, output="timesteps").fit(RAGGED[:150], steps[:150])
    assert network.score(RAGGED[150:], steps[150:]) > 0.75
    assert network.out_activation_ == "softmax"


def test_only_what_reads_from_the_end_knows_what_comes():
    coming = [np.where(s[::-1].cumsum()[::-1] > 0, 1, 0) for s in (x[:, 0] for x in RAGGED)]
    one, both = (
        RNNClassifier(**SMALL | {"bidirectional": b}, output="timesteps")
        .fit(RAGGED[:150], coming[:150])
        .score(RAGGED[150:], coming[150:])
        for b in (False, True)
    )
    assert one < 0.8 < both


def test_outputs_of_a_timestep_do_not_know_what_comes():
    network = RNNRegressor(**QUICK, output="timesteps").fit(RAGGED, SUMS)
    whole = network.predict(RAGGED)
    begun = network.predict([s[:3] for s in RAGGED])
    np.testing.assert_allclose([s[:3] for s in whole], list(begun), rtol=1e-10)


def test_several_labels_and_numbers_of_a_timestep():
    classifier = RNNClassifier(**SMALL, output="timesteps").fit(RAGGED, LABELS)
    predicted = classifier.predict(RAGGED)
    assert [p.shape for p in predicted] == [(n, 2) for n in LENGTHS]
    assert np.mean(np.concatenate(predicted) == np.concatenate(LABELS)) > 0.9
    exact = (np.concatenate(predicted) == np.concatenate(LABELS)).all(axis=1).mean()
    assert classifier.score(RAGGED, LABELS) == exact
    sums = [s.cumsum(axis=0) * [1e5, 1] for s in RAGGED]
    regressor = RNNRegressor(**SMALL, output="timesteps").fit(RAGGED, sums)
    assert [p.shape for p in regressor.predict(RAGGED)] == [(n, 2) for n in LENGTHS]
    assert regressor.score(RAGGED, sums) > 0.8


def test_outputs_come_back_in_the_form_of_X():
    sums = CUBE[:, :, 0].cumsum(axis=1)
    signs = np.where(sums > 0, "up", "down")
    network = RNNClassifier(**QUICK, output="timesteps").fit(CUBE, signs)
    assert network.predict(CUBE).shape == (40, 7)
    assert network.predict(CUBE).dtype == signs.dtype
    assert network.predict_proba(CUBE).shape == (40, 7, 2)
    for form in (list(CUBE), objects(list(CUBE)), tuple(CUBE)):
        for method in ("predict", "predict_proba"):
            back = getattr(network, method)(form)
            assert (back.dtype, back.shape) == (object, (40,))
            np.testing.assert_array_equal(np.stack(back), getattr(network, method)(CUBE))
    assert network.predict(CUBE[:, :, :2][:1]).shape == (1, 7)

    table = RNNRegressor(**QUICK, output="timesteps").fit(CUBE[:, :, 0], sums)
    assert table.predict(CUBE[:, :, 0]).shape == (40, 7)
    array = padded(RAGGED, np.nan)  # it is padded: what it holds is ragged
    ragged = RNNRegressor(**QUICK, output="timesteps").fit(RAGGED, SUMS)
    back = ragged.predict(array)
    assert [len(s) for s in back] == LENGTHS.tolist()
    np.testing.assert_allclose(np.concatenate(back), np.concatenate(ragged.predict(RAGGED)))


def test_one_y_in_many_forms():
    forms = {
        "list": SUMS,
        "lists": [s.tolist() for s in SUMS],
        "objects": objects(SUMS),
        "columns": [s[:, None] for s in SUMS],
        "padded": padded(SUMS, np.nan),
        "zeros behind the end": padded(SUMS, 0.0),
    }
    X = padded(RAGGED, np.nan)
    expected = RNNRegressor(**QUICK, output="timesteps").fit(RAGGED, SUMS).predict(RAGGED)
    for name, y in forms.items():
        network = RNNRegressor(**QUICK, output="timesteps").fit(X, y)
        predicted = np.concatenate(network.predict(RAGGED))
        np.testing.assert_allclose(predicted, np.concatenate(expected), rtol=1e-10, err_msg=name)


def test_blocks_of_rows_are_put_together_again():
    network = RNNClassifier(**QUICK, output="timesteps").fit(RAGGED, SIGNS)
    expected = np.concatenate(network.predict_proba(RAGGED))
    network.net_.rows_at_once = 7
    np.testing.assert_allclose(np.concatenate(network.predict_proba(RAGGED)), expected, rtol=1e-10)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
def test_partial_fit_of_zeros_and_ones_in_a_table(output):
    y = (CUBE[:, :, 0] > 0).astype(int)
    network = RNNClassifier(**QUICK, output=output).partial_fit(CUBE, y, classes=[0, 1])
    assert network.classes_.tolist() == [0, 1]
    network.partial_fit(CUBE, y)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
def test_one_column_of_labels_is_a_label(output):
    y = np.where(CUBE[:, :, :1] > 0, "up", "down")
    expected = RNNClassifier(**QUICK, output=output).fit(CUBE, y[:, :, 0])
    network = RNNClassifier(**QUICK, output=output).fit(CUBE, y)
    assert network.loss_curve_ == expected.loss_curve_
    assert network.score(CUBE, y) == expected.score(CUBE, y[:, :, 0])


def test_one_column_of_numbers_is_a_number():
    y = CUBE[:, :, :1].cumsum(axis=1)
    expected = RNNRegressor(**QUICK, output="timesteps").fit(CUBE, y[:, :, 0])
    network = RNNRegressor(**QUICK, output="timesteps").fit(CUBE, y)
    np.testing.assert_array_equal(network.predict(CUBE), expected.predict(CUBE))
    assert network.predict(CUBE).shape == (40, 7)


def test_folds_of_padded_series_are_put_together():
    X = np.full((60, 9, 2), np.nan)
    for row in range(60):
        length = 4 if row < 20 else 5 + row % 5  # the first fold has one length
        X[row, :length] = RNG.normal(size=(length, 2))
    y = X[:, :, 0]
    predicted = cross_val_predict(RNNRegressor(**QUICK, output="timesteps"), X, y, cv=KFold(3))
    assert len(predicted) == 60


def test_tokens_of_timesteps():
    tokens = [RNG.integers(0, 3, n) for n in LENGTHS]
    parity = [(t == 2).cumsum() % 2 for t in tokens]
    network = RNNClassifier(**SMALL | {"max_iter": 40}, output="timesteps", vocabulary_size=3)
    assert network.fit(tokens[:150], parity[:150]).score(tokens[150:], parity[150:]) > 0.95


def test_truncated_gradients_of_timesteps():
    network = RNNRegressor(**SMALL, output="timesteps", bptt_steps=4).fit(RAGGED, SUMS)
    assert network.score(RAGGED, SUMS) > 0.8


# --- an output of another length ---------------------------------------------------------------------

DIGITS = [RNG.integers(0, 10, n) for n in RNG.integers(2, 6, 1700)]
REVERSED = [s[::-1] for s in DIGITS]
SPELLED = [[f"d{digit}" for digit in s] for s in REVERSED]
WRITER = {
    "output": "sequence",
    "vocabulary_size": 10,
    "embedding_dim": 16,
    "dtype": "float32",
}


@pytest.fixture(scope="module")
def reverser():
    params = {"recurrent_layer_sizes": (48,), "learning_rate_init": 0.01, "max_iter": 10}
    network = RNNClassifier(**SMALL | params, **WRITER, bidirectional=True)
    return network.fit(DIGITS[:1500], SPELLED[:1500])


def test_short_strings_are_reversed(reverser):
    X, y = DIGITS[1500:], SPELLED[1500:]
    predicted = reverser.predict(X)
    is_right = [p.tolist() == truth for p, truth in zip(predicted, y, strict=True)]
    assert np.mean(is_right) > 0.9
    assert reverser.score(X, y) == np.mean(is_right)
    weight = RNG.uniform(size=200)
    assert reverser.score(X, y, weight) == pytest.approx(np.average(is_right, weights=weight))
    # what is right but for its length is not right
    assert reverser.score(X, [[*s, "d0"] for s in y]) < 0.05
    assert reverser.classes_.tolist() == [f"d{i}" for i in range(10)]
    assert reverser.n_outputs_ == 11


def test_probabilities_of_a_decoder_have_a_row_for_each_output(reverser):
    X = DIGITS[1500:]
    predicted, proba = reverser.predict(X), reverser.predict_proba(X)
    for labels, rows in zip(predicted, proba, strict=True):
        assert rows.shape == (len(labels), 11)
        np.testing.assert_allclose(rows.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(reverser.classes_[rows.argmax(axis=1)], labels)
    assert len({len(p) for p in predicted}) > 2  # each has its own end


def test_decoder_looks_from_the_end_to_the_beginning(reverser):
    X = [s for s in DIGITS[1500:] if len(s) == 5]
    weights = reverser.attention_weights(X)
    assert weights.shape == (len(X), weights.shape[1], 5)
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-5)
    mixed = reverser.attention_weights([DIGITS[1500][:2], X[0]])
    assert mixed.shape[2] == 5
    assert (mixed[0, :, 2:] == 0).all()
    np.testing.assert_allclose(mixed.sum(axis=2), 1, rtol=1e-5)


def test_written_outputs_depend_on_no_neighbour(reverser):
    X = DIGITS[1500:1530]
    together = reverser.predict(X)
    for sequence, written in zip(X, together, strict=True):
        np.testing.assert_array_equal(reverser.predict([sequence])[0], written)
    copied = pickle.loads(pickle.dumps(reverser))
    assert all(map(np.array_equal, copied.predict(X), together))


def test_blocks_of_written_outputs_are_put_together_again(reverser):
    X, expected = DIGITS[1500:1530], reverser.predict(DIGITS[1500:1530])
    copied = pickle.loads(pickle.dumps(reverser))
    copied.net_.rows_at_once = 4
    assert all(map(np.array_equal, copied.predict(X), expected))


def test_written_outputs_end_at_the_longest():
    X, y = DIGITS[:60], REVERSED[:60]
    options = QUICK | {"max_iter": 1} | WRITER
    at_default = RNNClassifier(**options).fit(X, y)
    longer = RNNClassifier(**options, max_output_length=9).fit(X, y)
    for network, longest in ((at_default, 5), (longer, 9)):
        # a network that never writes the end
        head = network.net_.module_.head[-1]
        head.bias.data[-1] = -100
        written = network.predict(X)
        assert {len(s) for s in written} == {longest}
        head.bias.data[-1] = 100  # and one that does nothing else
        assert {len(s) for s in network.predict(X)} == {0}
        assert network.predict_proba(X)[0].shape == (0, 11)
        assert network.score(X, y) == 0


def test_loss_of_a_decoder_counts_every_output_and_the_end():
    tokens, weight = DIGITS[:60], RNG.uniform(0.5, 2, 60)
    y = [s % 3 for s in REVERSED[:60]]
    class_weight = {0: 1.0, 1: 3.0, 2: 0.5}
    still = {"solver": "sgd", "learning_rate_init": 1e-12, "alpha": 0, "max_iter": 1}
    network = RNNClassifier(
        **QUICK | WRITER | still, class_weight=class_weight, batch_size=7, shuffle=False
    )
    network.fit(tokens, y, sample_weight=weight)
    module = network.net_.module_
    total = weights = 0.0
    for row, (sequence, outputs) in enumerate(zip(tokens, y, strict=True)):
        target = torch.tensor([[*outputs, 3]])  # the end, with a weight of 1
        raw = module(torch.from_numpy(sequence[None]), target)[0].detach().double().numpy()
        losses = np.log(np.exp(raw).sum(axis=1)) - raw[np.arange(len(raw)), target[0].numpy()]
        factors = weight[row] * np.array([*[class_weight[code] for code in outputs], 1.0])
        total, weights = total + factors @ losses, weights + factors.sum()
    assert network.loss_ == pytest.approx(total / weights, rel=1e-5)


@pytest.mark.parametrize(
    ("cell", "pool"), [("lstm", "attention"), ("lstm", "last"), ("gru", "mean"), ("rau", "max")]
)
def test_classes_of_a_rule_are_written(cell, pool):
    # the first token says how often the second is to be written
    X = [RNG.integers(1, 4, 2) for _ in range(150)]
    y = [[token] * count for count, token in X]
    params = {"cell": cell, "pool": pool, "recurrent_layer_sizes": (12, 10), "max_iter": 15}
    network = RNNClassifier(**SMALL | WRITER | params).fit(X, y)
    assert network.score(X, y) > 0.95


@pytest.mark.parametrize("teacher_forcing", [0.0, 0.5, 1.0])
def test_share_of_truth_in_training(teacher_forcing):
    X = [RNG.integers(1, 4, 2) for _ in range(150)]
    y = [[token] * count for count, token in X]
    network = RNNClassifier(
        **SMALL | WRITER | {"max_iter": 15}, teacher_forcing=teacher_forcing, batch_size=32
    )
    assert network.fit(X, y).score(X, y) > 0.95
    again = RNNClassifier(**network.get_params()).fit(X, y)
    assert again.loss_curve_ == network.loss_curve_  # it is drawn from the fit's own generator


PHASES = RNG.uniform(0, 2 * np.pi, 300)
WAVES = np.sin(PHASES[:, None] + 0.4 * np.arange(15))


@pytest.mark.parametrize("teacher_forcing", [0.5, 1.0])
@pytest.mark.parametrize("pool", ["auto", "last"])
def test_the_next_values_of_a_wave_are_written(pool, teacher_forcing):
    X, y = WAVES[:, :12], WAVES[:, 12:] * 1000 + 5e4
    network = RNNRegressor(
        **SMALL, output="sequence", pool=pool, teacher_forcing=teacher_forcing
    ).fit(X[:200], y[:200])
    assert network.predict(X[200:]).shape == (100, 3)
    assert network.score(X[200:], y[200:]) > 0.98
    assert network.score(X, y) == pytest.approx(r2_score(y.ravel(), network.predict(X).ravel()))


def test_several_numbers_of_a_step_and_ragged_waves():
    X = [WAVES[i, i % 5 : 12] for i in range(300)]
    y = np.stack([WAVES[:, 12:], -3 * WAVES[:, 12:] + 1], axis=2)
    network = RNNRegressor(**SMALL, output="sequence").fit(X[:200], y[:200])
    predicted = network.predict(X[200:])
    assert predicted.shape == (100, 3, 2)
    assert network.score(X[200:], y[200:]) > 0.95
    weights = network.attention_weights(X[200:])
    assert weights.shape == (100, 3, 12)
    np.testing.assert_allclose(weights.sum(axis=2), 1, rtol=1e-5)


def test_loss_of_written_numbers_is_that_of_standardised_ones():
    still = {"solver": "sgd", "learning_rate_init": 1e-12, "alpha": 0, "max_iter": 1}
    X, y = WAVES[:, :12], WAVES[:, 12:] * 7 + 3
    network = RNNRegressor(**QUICK | still, output="sequence", pool="last").fit(X, y)
    module = network.net_.module_
    standardised = torch.from_numpy((y - y.mean()) / y.std())[:, :, None]
    raw = module(torch.from_numpy(X)[:, :, None], standardised)
    expected = 0.5 * float(((raw.detach() - standardised) ** 2).mean())
    assert network.loss_ == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: -1, 1: 1}, "must hold finite numbers that are not negative"),
        ({0: np.inf, 1: 1}, "must hold finite numbers that are not negative"),
        ({0: np.nan}, "must hold finite numbers that are not negative"),
        ({0: 0, 1: 0}, "class_weight gives every step of y a weight of zero"),
    ],
)
def test_class_weights_that_weigh_no_step_are_refused(output, class_weight, message):
    network = RNNClassifier(**QUICK, output=output, class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        network.fit(CUBE, (CUBE[:, :, 0] > 0).astype(int))
