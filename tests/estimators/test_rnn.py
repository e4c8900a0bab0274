"""Recurrent networks: options, weights, training, and the places where scikit-learn puts them."""

import copy
import io
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import skorch
import torch
from sklearn.base import clone, is_classifier
from sklearn.metrics import log_loss, mean_pinball_loss, r2_score
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    train_test_split,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sknets import RNNClassifier, RNNRegressor, modules
from tests.callback_protocol import ScoringMonitor
from tests.estimators.estimators import outputs

RNG = np.random.default_rng(0)
LENGTHS = RNG.integers(3, 12, 60)
RAGGED = [RNG.normal(size=(n, 2)) for n in LENGTHS]
LABELS = np.array(["low", "high"])[np.array([int(s[0, 0] > 0) for s in RAGGED])]
NUMBERS = np.array([s[:, 0].sum() for s in RAGGED])
SIGNS = [np.where(s[:, 0].cumsum() > 0, "up", "down") for s in RAGGED]
SUMS = [s[:, 0].cumsum() for s in RAGGED]
TOKENS = [RNG.integers(0, 4, n) for n in RNG.integers(1, 5, 60)]
BACKWARDS = [s[::-1] for s in TOKENS]
SMALL = {
    "recurrent_layer_sizes": (6,),
    "cell": "gru",
    "conv_channels": (),
    "learning_rate": "constant",
    "learning_rate_init": 0.01,
    "max_iter": 4,
    "random_state": 0,
}

# every kind of output: estimator, X, y
KINDS = {
    "classes": (RNNClassifier(**SMALL), RAGGED, list(LABELS)),
    "numbers": (RNNRegressor(**SMALL), RAGGED, list(NUMBERS)),
    "classes of timesteps": (RNNClassifier(**SMALL, output="timesteps"), RAGGED, SIGNS),
    "numbers of timesteps": (RNNRegressor(**SMALL, output="timesteps"), RAGGED, SUMS),
    "sequence of classes": (
        RNNClassifier(**SMALL, output="sequence", vocabulary_size=4, embedding_dim=5),
        TOKENS,
        BACKWARDS,
    ),
    "sequence of numbers": (
        RNNRegressor(**SMALL, output="sequence"),
        RAGGED,
        [s[-3:, 0] for s in RAGGED],
    ),
}


@pytest.fixture(params=KINDS)
def kind(request):
    estimator, X, y = KINDS[request.param]
    return clone(estimator), X, y


def taken(rows, data):
    return [data[i] for i in rows]


def flat_outputs(fitted, X):
    """Return what tells two fitted estimators apart as one array."""
    result = outputs(fitted, X)
    return np.concatenate(list(result)) if result.dtype == object else result


# --- the architecture --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("rnn", 1), ("rnn_relu", 1), ("lstm", 4), ("gru", 3), ("gru_reset_before", 3), ("rau", 5)],
)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_parameters_are_counted_by_hand(cell, expected, bidirectional):
    options = {"recurrent_layer_sizes": (6, 5), "cell": cell, "bidirectional": bidirectional}
    network = RNNRegressor(**SMALL | options | {"max_iter": 1}).fit(RAGGED, NUMBERS)
    n = 2 if bidirectional else 1
    own = [expected * (h * d + h * h + h) for d, h in ((2, 6), (6 * n, 5))]
    own = [count + (h if cell == "gru" else 0) for count, h in zip(own, (6, 5), strict=True)]
    assert network.n_parameters_ == n * sum(own) + 5 * n + 1
    assert network.summary()["parameters"].sum() == network.n_parameters_


def test_summary_lists_the_layers_with_their_products():
    X, y = RNG.normal(size=(20, 12, 3)), RNG.normal(size=20)
    sizes = {"conv_channels": (4,), "recurrent_layer_sizes": (6, 5), "hidden_layer_sizes": (7,)}
    network = RNNRegressor(**SMALL | sizes, kernel_size=3, pool_size=2).fit(X, y)
    table = network.summary()
    assert table["parameters"].sum() == network.n_parameters_
    products = table.loc[table["multiply_adds"] > 0, "multiply_adds"].tolist()
    assert products == [12 * 4 * 3 * 3, 6 * 3 * 6 * (4 + 6), 6 * 3 * 5 * (6 + 5), 5 * 7, 7]
    shapes = table.loc[table["multiply_adds"] > 0, "output_shape"].tolist()
    assert shapes == [(4, 12), (6, 6), (6, 5), (7,), (1,)]


def test_summary_of_a_decoder_lists_each_layer_once():
    estimator, X, y = KINDS["sequence of classes"]
    network = clone(estimator).fit(X, y)
    table = network.summary()
    assert table.index.is_unique
    assert table["parameters"].sum() == network.n_parameters_


@pytest.mark.parametrize(
    "params",
    [
        {"cell": "rnn"},
        {"cell": "rnn_relu"},
        {"cell": "lstm"},
        {"cell": "gru"},
        {"cell": "gru_reset_before"},
        {"cell": "rau"},
        {"bidirectional": True},
        {"recurrent_layer_sizes": (8, 6)},
        {"recurrent_layer_sizes": 10},
        {"pool": "mean"},
        {"pool": "max"},
        {"pool": "attention"},
        {"conv_channels": (8,), "kernel_size": 3},
        {"hidden_layer_sizes": (8,), "activation": "tanh"},
        {"dropout": 0.2, "recurrent_layer_sizes": (12, 12)},
        {"recurrent_dropout": 0.2, "cell": "lstm", "recurrent_layer_sizes": (12,)},
        {"bptt_steps": 4},
        {"bptt_steps": 3, "pool": "mean"},
        {"solver": "sgd", "learning_rate_init": 0.2},
        {"solver": "rmsprop"},
        {"solver": "lbfgs", "max_iter": 30},
        {"weight_init": "orthogonal"},
        {"average": "polyak"},
        {"dtype": "float32"},
    ],
    ids=str,
)
def test_every_option_learns_a_sum_and_survives_a_pickle(params):
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 12, 220)]
    y = np.array([s[:, 0].sum() > 0 for s in X])
    network = RNNClassifier(
        **SMALL
        | {"recurrent_layer_sizes": (8,), "learning_rate_init": 0.03, "max_iter": 12}
        | params
    ).fit(X[:160], y[:160])
    assert network.score(X[160:], y[160:]) > 0.8
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict_proba(X), network.predict_proba(X))
    if network.solver != "lbfgs":
        np.testing.assert_array_equal(
            copied.partial_fit(X, y).predict_proba(X), network.partial_fit(X, y).predict_proba(X)
        )


def test_dropout_is_between_the_layers_of_all_kinds():
    sizes = {"recurrent_layer_sizes": (6, 5), "hidden_layer_sizes": (7,)}
    network = RNNClassifier(**SMALL | sizes, dropout=0.3, recurrent_dropout=0.2)
    network.fit(RAGGED, LABELS)
    dropped = {}
    for name, layer in network.net_.module_.named_modules():
        if isinstance(layer, modules.Dropout):
            layer.register_forward_hook(
                lambda layer, x, out, name=name: dropped.update({name: (out.shape[-1], layer.p)})
            )
    network.partial_fit(RAGGED, LABELS)
    assert list(dropped.values()) == [(6, 0.3), (5, 0.3), (7, 0.3)]
    assert [layer.recurrent_dropout for layer in network.net_.module_.stack.layers] == [0.2] * 2


@pytest.mark.parametrize("is_ragged", [False, True])
def test_truncated_gradients_learn_what_long_series_say_at_their_end(is_ragged):
    rng = np.random.default_rng(1)
    lengths = rng.integers(40, 80, 200) if is_ragged else np.full(200, 60)
    X = [rng.normal(size=n) for n in lengths]
    y = np.array([s[-4:].sum() for s in X])
    network = RNNRegressor(
        **SMALL | {"recurrent_layer_sizes": (12,), "learning_rate_init": 0.02, "max_iter": 15},
        bptt_steps=5,
    ).fit(X[:150], y[:150])
    assert network.score(X[150:], y[150:]) > 0.8


def test_several_labels_and_several_numbers():
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 8, 200)]
    sums = np.array([s.sum(axis=0) for s in X])
    options = SMALL | {"recurrent_layer_sizes": (12,), "learning_rate_init": 0.03, "max_iter": 15}
    classifier = RNNClassifier(**options).fit(X, (sums > 0).astype(int))
    assert classifier.predict(X).shape == classifier.predict_proba(X).shape == (200, 2)
    assert classifier.out_activation_ == "logistic"
    assert (classifier.predict(X) == (sums > 0)).mean() > 0.85
    regressor = RNNRegressor(**options).fit(X, sums * [1e6, 1] + [0, 50])
    assert regressor.predict(X).shape == (200, 2)
    assert regressor.score(X, sums * [1e6, 1] + [0, 50]) > 0.8


@pytest.mark.parametrize("output", ["single", "timesteps"])
@pytest.mark.parametrize(
    "loss", ["squared_error", "absolute_error", "huber", "poisson", "quantile"]
)
def test_every_loss_learns(loss, output):
    rng = np.random.default_rng(1)
    X = [rng.normal(size=(n, 2)) for n in rng.integers(3, 8, 200)]
    steps = [np.exp(0.5 * s[:, 0].cumsum()) for s in X]  # positive, for Poisson
    y = [s[-1] for s in steps] if output == "single" else steps
    network = RNNRegressor(
        loss,
        **SMALL | {"recurrent_layer_sizes": (12,), "learning_rate_init": 0.03, "max_iter": 15},
        output=output,
        quantile=0.9,
    ).fit(X, y)
    truth, predicted = np.hstack(y), np.hstack(network.predict(X))
    if loss == "quantile":
        constant = np.full_like(truth, np.quantile(truth, 0.9))
        ours, theirs = (mean_pinball_loss(truth, p, alpha=0.9) for p in (predicted, constant))
        assert ours < theirs / 2
        assert np.mean(truth < predicted) > 0.6
    else:
        assert r2_score(truth, predicted) > 0.7
    if loss == "poisson":
        assert (predicted > 0).all()


def test_gradients_are_shortened_to_one_at_the_default():
    options = SMALL | {"cell": "rnn_relu", "solver": "sgd", "learning_rate_init": 0.02}
    X = [s * 3 for s in RAGGED]
    auto, one, none = (
        RNNRegressor(**options, input_scaling=None, max_grad_norm=norm).fit(X, NUMBERS).predict(X)
        for norm in ("auto", 1.0, None)
    )
    np.testing.assert_array_equal(auto, one)
    assert abs(none - one).max() > 1e-3


def test_lbfgs_works_at_the_defaults():
    network = RNNClassifier(
        (6,), "lstm", conv_channels=(), solver="lbfgs", max_iter=60, random_state=0
    ).fit(RAGGED, LABELS)
    assert network.score(RAGGED, LABELS) > 0.95


@pytest.mark.parametrize("conv_channels", [(), (4,), (4, 4)], ids=len)
def test_attention_weights_are_shares_of_the_timesteps(conv_channels):
    options = SMALL | {"conv_channels": conv_channels}
    network = RNNClassifier(**options, pool="attention").fit(RAGGED, LABELS)
    weights = network.attention_weights(RAGGED)
    assert weights.dtype == object
    assert [len(w) for w in weights] == LENGTHS.tolist()
    np.testing.assert_allclose([w.sum() for w in weights], 1, rtol=1e-10)
    assert np.ptp(weights[np.argmax(LENGTHS)]) > 1e-4
    cube = np.stack([RAGGED[np.argmax(LENGTHS)]] * 2)
    array = network.attention_weights(cube)
    assert array.shape == (2, max(LENGTHS))
    np.testing.assert_allclose(array[1], weights[np.argmax(LENGTHS)], rtol=1e-10)


# --- weights -----------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:Got `batch_size`")
@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_weights_are_repetition(kind, solver):
    estimator, X, y = kind
    weight = RNG.integers(0, 4, 60)
    rows = np.repeat(np.arange(60), weight)
    estimator.set_params(batch_size=10_000, solver=solver, max_iter=10, dtype="float64")
    repeated = clone(estimator).fit(taken(rows, X), taken(rows, y))
    weighted = estimator.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-7)
    np.testing.assert_allclose(
        flat_outputs(weighted, X), flat_outputs(repeated, X), rtol=1e-6, atol=1e-6
    )
    plain = clone(estimator).fit(X, y)
    assert abs(plain.loss_ - weighted.loss_) > 1e-6


def test_weight_zero_is_removal_to_the_last_bit(kind):
    estimator, X, y = kind
    weight = RNG.integers(0, 2, 60) * RNG.uniform(0.5, 2, 60)
    rows = np.flatnonzero(weight)
    estimator.set_params(batch_size=8)
    removed = clone(estimator).fit(taken(rows, X), taken(rows, y), sample_weight=weight[rows])
    weighted = estimator.fit(X, y, sample_weight=weight)
    assert weighted.loss_curve_ == removed.loss_curve_
    np.testing.assert_array_equal(flat_outputs(weighted, X), flat_outputs(removed, X))


def test_tokens_of_rows_without_weight_are_unknown():
    X, y = [np.array([9, 9]), *TOKENS[1:]], list(LABELS)
    weight = np.array([0] + [1] * 59)
    model = RNNClassifier(**SMALL, vocabulary_size="auto")
    weighted = clone(model).fit(X, y, sample_weight=weight)
    removed = clone(model).fit(X[1:], y[1:])
    np.testing.assert_array_equal(weighted.predict_proba(X[1:]), removed.predict_proba(X[1:]))


def standing_still(estimator, **params):
    """Return a network whose loss is that of its initial weights, on the rows batch by batch."""
    options = {"solver": "sgd", "learning_rate_init": 1e-12, "alpha": 0, "max_iter": 1}
    return clone(estimator).set_params(**options | params)


@pytest.mark.parametrize("batch_size", [7, 60])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"up": 3.0, "down": 0.5}], ids=str)
@pytest.mark.parametrize("is_weighted", [False, True])
def test_loss_of_timesteps_is_the_weighted_mean_over_all(batch_size, class_weight, is_weighted):
    weight = RNG.uniform(0.5, 2, 60) if is_weighted else np.ones(60)
    network = standing_still(
        RNNClassifier(**SMALL, output="timesteps"), class_weight=class_weight, batch_size=batch_size
    )
    network.fit(RAGGED, SIGNS, sample_weight=weight if is_weighted else None)
    labels, steps = np.concatenate(SIGNS), np.repeat(weight, LENGTHS)
    if class_weight == "balanced":
        share = {label: steps[labels == label].sum() for label in ("up", "down")}
        class_weight = {label: steps.sum() / (2 * share[label]) for label in share}
    if class_weight is not None:
        steps = steps * np.array([class_weight[label] for label in labels])
    expected = log_loss(labels, flat_outputs(network, RAGGED), sample_weight=steps)
    assert network.loss_ == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("batch_size", [7, 60])
def test_loss_of_numbers_of_timesteps_is_that_of_standardised_ones(batch_size):
    weight = RNG.uniform(0.5, 2, 60)
    network = standing_still(RNNRegressor(**SMALL, output="timesteps"), batch_size=batch_size)
    network.fit(RAGGED, SUMS, sample_weight=weight)
    truth, steps = np.concatenate(SUMS), np.repeat(weight, LENGTHS)
    mean = np.average(truth, weights=steps)
    variance = np.average((truth - mean) ** 2, weights=steps)
    errors = (truth - flat_outputs(network, RAGGED)) ** 2
    expected = 0.5 * np.average(errors, weights=steps) / variance
    assert network.loss_ == pytest.approx(expected, rel=1e-7)


@pytest.mark.filterwarnings("ignore:Got `batch_size`")
def test_class_weight_of_timesteps_is_the_weight_of_sequences_of_one_class():
    signs = [np.full(len(s), s[0]) for s in SIGNS]
    weight = np.array([3.0 if s[0] == "up" else 0.5 for s in signs])
    model = RNNClassifier(**SMALL | {"max_iter": 10}, output="timesteps", alpha=0)
    model.set_params(input_scaling=None, batch_size=10_000)
    by_row = clone(model).fit(RAGGED, signs, sample_weight=weight)
    by_class = clone(model).set_params(class_weight={"up": 3.0, "down": 0.5}).fit(RAGGED, signs)
    np.testing.assert_allclose(by_class.loss_curve_, by_row.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(
        flat_outputs(by_class, RAGGED), flat_outputs(by_row, RAGGED), rtol=1e-8
    )


# --- training ----------------------------------------------------------------------------------------


def test_partial_fit_takes_one_epoch(kind):
    estimator, X, y = kind
    estimator.set_params(batch_size=16)
    fitted = clone(estimator).fit(X, y)
    parts = clone(estimator)
    classes = {"classes": np.unique(np.hstack(y))} if is_classifier(parts) else {}
    for _ in range(4):
        parts.partial_fit(X, y, **classes)
    np.testing.assert_array_equal(flat_outputs(parts, X), flat_outputs(fitted, X))
    assert parts.loss_curve_ == fitted.loss_curve_
    parts.set_params(batch_size="auto").partial_fit(X[:5], y[:5])  # other lengths than before
    assert parts.t_ == 4 * 60 + 5


def test_warm_start_goes_on(kind):
    estimator, X, y = kind
    network = estimator.set_params(warm_start=True, max_iter=20)
    first = network.fit(X, y).loss_
    assert network.fit(X, y).loss_ < first
    assert len(network.loss_curve_) == 40
    assert network.loss_curve_[20] < network.loss_curve_[0]


@pytest.mark.parametrize("scoring", [None, "loss"])
def test_early_stopping_keeps_the_best(kind, scoring):
    estimator, X, y = kind
    network = estimator.set_params(
        early_stopping=True, scoring=scoring, max_iter=30, learning_rate_init=0.1
    )
    network.set_params(n_iter_no_change=4)
    network.fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert len(network.validation_scores_) == network.n_iter_
    assert network.best_validation_score_ == max(network.validation_scores_)
    if scoring is None:
        assert network.score(X[40:], y[40:]) == pytest.approx(network.best_validation_score_)
    else:
        best = int(np.argmax(network.validation_scores_))
        assert network.validation_scores_[best] == -network.history_["validation_loss"][best]
    own = clone(network).fit(X, y)
    assert len(own.validation_scores_) == own.n_iter_
    assert own.t_ == 54 * own.n_iter_


@pytest.mark.parametrize("name", ["classes", "classes of timesteps"])
def test_validation_loss_is_that_of_the_predictions(name):
    estimator, X, y = KINDS[name]
    network = clone(estimator).fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    expected = log_loss(np.hstack(y[40:]), flat_outputs(network, X[40:]))
    assert network.history_["validation_loss"][-1] == pytest.approx(expected, rel=1e-6)
    assert network.history_["validation_score"][-1] == network.score(X[40:], y[40:])


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro", "neg_log_loss"])
def test_scorers_of_scikit_learn_watch_ragged_rows(scoring):
    network = RNNClassifier(**SMALL, early_stopping=True, scoring=scoring).fit(RAGGED, LABELS)
    assert np.isfinite(network.validation_scores_).all()


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro"])
def test_scorers_of_scikit_learn_and_timesteps_work_or_say_what_to_do(scoring):
    network = RNNClassifier(**SMALL, output="timesteps", early_stopping=True, scoring=scoring)
    try:
        network.fit(RAGGED, SIGNS)
    except ValueError as error:
        assert "scoring" in str(error)
    else:
        assert np.isfinite(network.validation_scores_).all()


def test_fit_is_the_same_for_the_same_random_state(kind):
    estimator, X, y = kind
    estimator.set_params(
        dropout=0.2,
        batch_size=16,
        recurrent_dropout=0.1,
        recurrent_layer_sizes=(5, 5),
    )
    world = np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
    first, second = (flat_outputs(clone(estimator).fit(X, y), X) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = clone(estimator).set_params(random_state=1).fit(X, y)
    assert other.loss_curve_ != clone(estimator).fit(X, y).loss_curve_
    assert world == (np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())


def through_pickle(fitted):
    return pickle.loads(pickle.dumps(fitted))


def through_joblib(fitted):
    file = io.BytesIO()
    joblib.dump(fitted, file)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize("copied", [through_pickle, through_joblib, copy.deepcopy])
def test_copy_predicts_and_learns_on_to_the_last_bit(kind, copied):
    estimator, X, y = kind
    fitted = estimator.set_params(batch_size=16, dropout=0.1).fit(X, y)
    other = copied(fitted)
    np.testing.assert_array_equal(flat_outputs(other, X), flat_outputs(fitted, X))
    assert other.score(X, y) == fitted.score(X, y)
    for network in (fitted, other):
        network.partial_fit(X, y).partial_fit(X, y)
    np.testing.assert_array_equal(flat_outputs(other, X), flat_outputs(fitted, X))
    assert other.loss_curve_ == fitted.loss_curve_


def mean_output(net, X, y):
    return float(net.predict(X).mean())


@pytest.mark.parametrize(
    "make",
    [
        lambda path: skorch.callbacks.Checkpoint(monitor="train_loss_best", dirname=path),
        lambda path: skorch.callbacks.EpochScoring(mean_output, name="mean", on_train=True),
        lambda path: skorch.callbacks.EpochScoring(mean_output, name="mean", on_train=False),
        lambda path: skorch.callbacks.GradientNormClipping(0.1),
        lambda path: skorch.callbacks.PrintLog(sink=str),
        lambda path: skorch.callbacks.EarlyStopping(monitor="valid_loss", sink=str),
    ],
    ids=range(6),
)
def test_skorchs_callbacks_see_the_net(kind, make, tmp_path):
    estimator, X, y = kind
    network = estimator.set_params(callbacks=[make(tmp_path)])
    network.fit(X, y, X_val=X[:20], y_val=y[:20])
    rows = network.net_.history
    assert len(rows) == 4
    if isinstance(network.callbacks[0], skorch.callbacks.EpochScoring):
        assert np.isfinite([row["mean"] for row in rows]).all()
    if isinstance(network.callbacks[0], skorch.callbacks.Checkpoint):
        assert (tmp_path / "params.pt").exists()


def test_scikit_learns_callbacks_see_every_epoch():
    monitor = ScoringMonitor(scoring="accuracy")
    network = RNNClassifier(**SMALL).set_callbacks(monitor).fit(RAGGED, LABELS)
    frame = monitor.get_logs(select="most_recent").data_as_pandas
    scores = frame.loc[frame["task_name"] == "epoch", "accuracy"]
    assert len(scores) == 4
    assert scores.iloc[-1] == network.score(RAGGED, LABELS)


# --- where scikit-learn puts them --------------------------------------------------------------------


def objects(sequences):
    array = np.empty(len(sequences), dtype=object)
    array[:] = sequences
    return array


@pytest.mark.parametrize("form", [list, objects, pd.Series], ids=["list", "objects", "Series"])
def test_cross_validation(kind, form):
    estimator, X, y = kind
    y = form(y) if isinstance(y[0], np.ndarray) else y
    scores = cross_val_score(estimator, form(X), y, cv=3)
    parts = np.array_split(np.arange(60), 3)
    if not is_classifier(estimator) or estimator.output != "single":  # else they are stratified
        for score, held in zip(scores, parts, strict=True):
            rest = np.setdiff1d(np.arange(60), held)
            network = clone(estimator).fit(taken(rest, X), taken(rest, list(y)))
            assert score == network.score(taken(held, X), taken(held, list(y)))
    predicted = cross_val_predict(estimator, form(X), y, cv=3)
    assert len(predicted) == 60
    if estimator.output == "timesteps":
        assert [len(p) for p in predicted] == LENGTHS.tolist()


@pytest.mark.parametrize("form", [list, objects, pd.Series], ids=["list", "objects", "Series"])
def test_pipeline_and_grid_search(form):
    first = FunctionTransformer(lambda X: [s[:, :1] for s in X])
    model = make_pipeline(first, RNNClassifier(**SMALL))
    grid = {
        "rnnclassifier__cell": ["rnn", "lstm"],
        "rnnclassifier__recurrent_layer_sizes": [3, (4, 2)],
    }
    X_train, X_test, y_train, y_test = train_test_split(
        form(RAGGED), LABELS, stratify=LABELS, random_state=0
    )
    search = GridSearchCV(model, grid, cv=2).fit(X_train, y_train)
    assert len(set(search.cv_results_["mean_test_score"])) > 1
    assert 0 <= search.score(X_test, y_test) <= 1
    assert search.best_estimator_[-1].n_features_in_ == 1
    proba = cross_val_predict(model, form(RAGGED), LABELS, cv=2, method="predict_proba")
    assert proba.shape == (60, 2)


def test_series_in_a_table_may_be_scaled_in_a_pipeline():
    table = RNG.normal(size=(60, 8))
    model = make_pipeline(StandardScaler(), RNNRegressor(**SMALL)).fit(table, table.sum(axis=1))
    assert model.predict(table).shape == (60,)


@pytest.mark.parametrize("seed", range(3))
def test_split_of_padded_series_may_miss_the_longest(seed):
    X = np.full((60, 15, 2), np.nan)
    y = np.full((60, 15), "none")
    for row, (sequence, signs) in enumerate(zip(RAGGED, SIGNS, strict=True)):
        X[row, : len(sequence)], y[row, : len(sequence)] = sequence, signs
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=seed)
    network = RNNClassifier(**SMALL, output="timesteps").fit(X_train, y_train)
    assert network.classes_.tolist() == ["down", "up"]
    assert 0 < network.score(X_test, y_test) < 1
