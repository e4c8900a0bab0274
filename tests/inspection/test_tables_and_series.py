"""Activations and attributions of networks for tables and sequences, against NumPy and closed forms."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_iris
from sklearn.neural_network import MLPRegressor as SklearnMLPRegressor
from sklearn.neural_network._base import ACTIVATIONS  # its own formulas
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from torch import nn

from sknets import (
    CNNRegressor,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    ModuleRegressor,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inspection import (
    grad_cam,
    integrated_gradients,
    layer_activations,
    layer_relevance,
    occlusion,
)
from tests.inspection.networks import fit, raw_outputs

FRAME, Y = load_diabetes(return_X_y=True, as_frame=True)
X, Y = FRAME.to_numpy(), Y.to_numpy()
IRIS, SPECIES = load_iris(return_X_y=True)

RNG = np.random.default_rng(0)
SERIES = RNG.normal(2.0, 3.0, size=(40, 9, 2))
RAGGED = [series[:n] for series, n in zip(SERIES, RNG.integers(3, 10, 40), strict=True)]
SUMS = SERIES[:, :, 0].sum(axis=1)
TOKENS = RNG.integers(1, 12, size=(40, 7))


def dense(**options):
    options = {"hidden_layer_sizes": (7, 5), "max_iter": 20, "random_state": 0} | options
    return MLPRegressor(dtype="float64", **options).fit(X, Y)


def recurrent(X=SERIES, y=SUMS, **options):
    options = {"recurrent_layer_sizes": 6, "max_iter": 3, "random_state": 0} | options
    return RNNRegressor(dtype="float64", **options).fit(X, y)


class Hidden(nn.Module):
    """A network of a user's own, which makes tensors of a type of its own."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.below = nn.Linear(n_inputs, 4)
        self.act = nn.Tanh()
        self.top = nn.Linear(4, n_outputs)

    def forward(self, x):
        return self.top(self.act(self.below(x)) * torch.tensor([1.0, 2.0, 3.0, 4.0]))


class Remembering(nn.Module):
    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.gru = nn.GRU(1, 3, batch_first=True)
        self.other = nn.GRU(1, 3)  # timesteps come first
        self.top = nn.Linear(3, n_outputs)

    def forward(self, x):
        self.other(x.T[:, :, None])
        return self.top(self.gru(x[:, :, None])[0][:, -1])


# --- activations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("sizes", [(), (7,), (7, 5, 3)])
def test_hidden_layers_equal_the_formula_of_scikit_learn(activation, sizes):
    network = dense(hidden_layer_sizes=sizes, activation=activation)
    found = layer_activations(network, X)
    expected = X
    n_hidden = len(sizes)
    for number in range(n_hidden):
        expected = expected @ network.coefs_[number] + network.intercepts_[number]
        ACTIVATIONS[activation](expected)  # in place
        np.testing.assert_allclose(found[f"hidden{number + 1}"], expected, rtol=1e-12, atol=1e-12)
    # the last weights are in units of y
    predicted = expected @ network.coefs_[-1] + network.intercepts_[-1]
    np.testing.assert_allclose(network.predict(X), predicted[:, 0], rtol=1e-10)
    np.testing.assert_allclose(found["output"], raw_outputs(network, X), rtol=1e-12, atol=1e-12)
    assert list(found) == [*(f"hidden{n + 1}" for n in range(n_hidden)), "output"]


def test_hidden_layers_equal_those_of_scikit_learn_itself():
    theirs = SklearnMLPRegressor(
        hidden_layer_sizes=(6, 4), max_iter=30, random_state=0, activation="tanh"
    ).fit(X, Y)
    ours = dense(hidden_layer_sizes=(6, 4), activation="tanh", max_iter=1)
    with torch.no_grad():
        for layer, w, b in zip(
            ours.net_.module_.weighted_layers, theirs.coefs_, theirs.intercepts_, strict=True
        ):
            layer.weight.copy_(torch.from_numpy(w.T))
            layer.bias.copy_(torch.from_numpy(b))
    expected = theirs._forward_pass([X, None, None, None])
    found = layer_activations(ours, X)
    for name, values in zip(found, expected[1:], strict=True):
        np.testing.assert_allclose(found[name], values, rtol=1e-12, atol=1e-12)


def test_a_hidden_layer_is_what_the_next_one_sees():
    network = dense(normalization="layer", dropout=0.3, activation=("gelu", "rbf"))
    h1, h2 = (layer_activations(network, X, name) for name in ("hidden1", "hidden2"))
    np.testing.assert_allclose(
        h1.mean(axis=1), network.net_.module_[2].bias.mean().item(), atol=0.5
    )
    last = network.net_.module_.weighted_layers[-1]
    w, b = last.weight.detach().numpy(), last.bias.detach().numpy()
    np.testing.assert_allclose(h2 @ w.T + b, raw_outputs(network, X), rtol=1e-12, atol=1e-12)
    middle = network.net_.module_.weighted_layers[1]
    with torch.no_grad():
        units = middle(torch.from_numpy(h1))
        norm = network.net_.module_[list(network.net_.module_).index(middle) + 1]
        np.testing.assert_allclose(h2, norm(units).numpy(), rtol=1e-12, atol=1e-12)


def test_tables_of_all_kinds_and_pipelines_have_the_same_activations(monkeypatch):
    network = dense()
    expected = layer_activations(network, X, "hidden1")
    for table in (sp.csr_array(X), sp.coo_array(X), X.tolist(), np.asfortranarray(X)):
        np.testing.assert_allclose(
            layer_activations(network, table, "hidden1"), expected, atol=1e-12
        )
    monkeypatch.setattr("sknets.inspection._opened.BLOCK_VALUES", 70)
    np.testing.assert_allclose(layer_activations(network, X, "hidden1"), expected, atol=1e-12)
    pipeline = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(5,), random_state=0, max_iter=2)
    )
    pipeline.fit(FRAME, Y)
    np.testing.assert_array_equal(
        layer_activations(pipeline, FRAME, "hidden1"),
        layer_activations(pipeline[-1], pipeline[0].transform(FRAME), "hidden1"),
    )


def test_recurrent_layers_follow_their_equation():
    network = recurrent(cell="rnn", recurrent_layer_sizes=(4, 3), hidden_layer_sizes=(5,))
    found = layer_activations(network, SERIES)
    assert {name: values.shape for name, values in found.items()} == {
        "recurrent1": (40, 9, 4),
        "recurrent2": (40, 9, 3),
        "pool": (40, 3),
        "hidden1": (40, 5),
        "output": (40, 1),
    }
    flat = SERIES.reshape(-1, 2)
    below = (SERIES - flat.mean(axis=0)) / flat.std(axis=0)
    for number, layer in enumerate(network.net_.module_.stack.layers, start=1):
        w, u, b = (p.detach().numpy() for p in (layer.weight, layer.recurrent_weight, layer.bias))
        h, states = np.zeros((40, len(u))), []
        for t in range(9):
            h = np.tanh(below[:, t] @ w.T + h @ u.T + b)
            states.append(h)
        below = np.stack(states, axis=1)
        np.testing.assert_allclose(found[f"recurrent{number}"], below, atol=1e-12)
    np.testing.assert_array_equal(found["pool"], found["recurrent2"][:, -1])
    np.testing.assert_allclose(found["output"], raw_outputs(network, SERIES), atol=1e-12)


@pytest.mark.parametrize("options", [{}, {"bidirectional": True}, {"conv_channels": (3, 4)}])
def test_ragged_sequences_have_the_activations_of_each_alone(options, monkeypatch):
    network = recurrent(**options)
    monkeypatch.setattr("sknets.inspection._opened.BLOCK_VALUES", 500)  # several blocks
    found = layer_activations(network, RAGGED)
    for name, values in found.items():
        for row in (0, 7, 39):
            alone = layer_activations(network, [RAGGED[row]], name)
            np.testing.assert_allclose(values[row], alone[0], atol=1e-12, err_msg=name)
    padded = np.full((40, 9, 2), np.nan)
    for row, series in enumerate(RAGGED):
        padded[row, : len(series)] = series
    again = layer_activations(network, padded, "recurrent1")
    for one, other in zip(again, found["recurrent1"], strict=True):
        np.testing.assert_allclose(one, other, atol=1e-12)


def test_tokens_have_an_embedding_and_decoders_write():
    network = RNNClassifier(vocabulary_size=12, recurrent_layer_sizes=4, max_iter=2, random_state=0)
    network.fit(TOKENS, np.arange(40) % 3)
    weight = network.net_.module_.input.embedding.weight.detach().numpy()
    np.testing.assert_allclose(layer_activations(network, TOKENS, "embedding"), weight[TOKENS])
    each = RNNRegressor(output="timesteps", recurrent_layer_sizes=4, max_iter=2, random_state=0)
    each.fit(SERIES, SERIES[:, :, 0])
    found = layer_activations(each, RAGGED)
    assert [len(rows) for rows in found["output"]] == [len(series) for series in RAGGED]
    assert "pool" not in found
    writer = RNNRegressor(output="sequence", recurrent_layer_sizes=4, max_iter=2, random_state=0)
    writer.fit(SERIES, SERIES[:, :3, 0])
    found = layer_activations(writer, RAGGED)
    assert list(found) == ["recurrent1", "pool", "output"]
    assert found["output"].shape == (40, 3, 1)


def test_modules_of_a_user_name_their_layers():
    network = ModuleRegressor(Hidden, max_iter=2, random_state=0, dtype="float32").fit(X, Y)
    found = layer_activations(network, X)
    assert list(found) == ["below", "act", "top", "output"]
    np.testing.assert_allclose(found["act"], np.tanh(found["below"]), rtol=1e-6)
    assert found["act"].dtype == np.float32  # what it was fitted in
    np.testing.assert_allclose(found["output"], raw_outputs(network, X), rtol=1e-5)
    network = ModuleRegressor(Remembering, max_iter=1, random_state=0).fit(X, Y)
    assert layer_activations(network, X, "gru").shape == (442, 10, 3)
    with pytest.raises(
        ValueError, match="layer='other' puts out nothing with an entry for each row"
    ):
        layer_activations(network, X, "other")
    one = ModuleRegressor(nn.Linear, max_iter=1, random_state=0).fit(X, Y)
    assert list(layer_activations(one, X)) == ["output"]


def test_a_layer_that_works_in_place_leaves_the_one_before():
    class InPlace(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 3, 3)
            self.relu = nn.ReLU(inplace=True)

        def forward(self, x):
            return self.relu(self.conv(x))

    from tests.inspection.networks import X_NEW

    found = layer_activations(fit(backbone=InPlace(), max_iter=1), X_NEW)
    assert found["conv"].min() < 0 == found["relu"].min()
    np.testing.assert_array_equal(np.maximum(found["conv"], 0), found["relu"])


def test_unknown_layers_are_named():
    for network, data in ((dense(), X), (recurrent(), SERIES)):
        for layer in ("hidden9", 1, ["hidden1"]):
            with pytest.raises(ValueError, match="layer=.* is unknown; there are"):
                layer_activations(network, data, layer)


# --- integrated gradients -----------------------------------------------------------------------------


def test_a_linear_network_has_weights_times_distances_in_units_of_y():
    network = dense(hidden_layer_sizes=())
    w = network.coefs_[0][:, 0]
    for baseline in (None, 0.02, X.mean(axis=0)):
        start = 0.0 if baseline is None else baseline
        parts = integrated_gradients(network, X, baseline=baseline, n_steps=1)
        np.testing.assert_allclose(parts, (X - start) * w, rtol=1e-10, atol=1e-10)
    two = MLPRegressor(hidden_layer_sizes=(), random_state=0, max_iter=5, dtype="float64").fit(
        X, np.c_[Y, -9 * Y]
    )
    for target in (0, 1):
        parts = integrated_gradients(two, X, target=target, n_steps=1)
        np.testing.assert_allclose(parts, X * two.coefs_[0][:, target], rtol=1e-10, atol=1e-10)
    each = np.arange(442) % 2
    parts = integrated_gradients(two, X, target=each, n_steps=1)
    np.testing.assert_allclose(parts, X * two.coefs_[0][:, each].T, rtol=1e-10, atol=1e-10)


def test_attributions_are_the_integral_by_hand():
    # one hidden layer of tanh: the gradient by the chain rule, the integral by 2,000 midpoints
    network = dense(hidden_layer_sizes=(6,), activation="tanh")
    (w1, w2), (b1, _) = network.coefs_, network.intercepts_
    origin = X.mean(axis=0)
    gradient = 0.0
    for alpha in (np.arange(2000) + 0.5) / 2000:
        h = np.tanh((origin + alpha * (X - origin)) @ w1 + b1)
        gradient = gradient + (1 - h**2) * w2[:, 0] @ w1.T / 2000
    parts = integrated_gradients(network, X, baseline=origin)
    np.testing.assert_allclose(parts, (X - origin) * gradient, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    "options",
    [
        {"activation": "tanh"},
        {"activation": ("rbf", "gelu")},
        {"activation": "silu", "normalization": "layer"},
        {"activation": "elu", "normalization": "batch", "dropout": 0.2},
        {"loss": "huber", "activation": "tanh"},
        {"loss": "quantile", "activation": "tanh"},
    ],
    ids=str,
)
def test_attributions_add_up_to_the_difference_of_predictions(options):
    network = dense(**options)
    origin = X.mean(axis=0)
    parts = integrated_gradients(network, X, baseline=origin)
    difference = network.predict(X) - network.predict(origin[None])
    reach = np.abs(difference).max()
    np.testing.assert_allclose(parts.sum(axis=1), difference, atol=1e-3 * reach)


def test_a_logarithmic_loss_adds_up_to_the_difference_of_logarithms():
    network = dense(loss="poisson", activation="tanh")
    parts = integrated_gradients(network, X)
    difference = np.log(network.predict(X)) - np.log(network.predict(0 * X[:1]))
    np.testing.assert_allclose(parts.sum(axis=1), difference, atol=1e-6)


def test_classes_are_explained_by_their_logits():
    network = MLPClassifier((6,), activation="tanh", max_iter=40, random_state=0, dtype="float64")
    network.fit(IRIS, np.array(["setosa", "versi", "virgin"])[SPECIES])
    logs = network.predict_log_proba(IRIS)
    origin = network.predict_log_proba(0 * IRIS[:1])
    by_class = [integrated_gradients(network, IRIS, target=c).sum(axis=1) for c in network.classes_]
    for k in (1, 2):  # differences of logits are those of log-probabilities
        found = by_class[k] - by_class[0]
        expected = logs[:, k] - logs[:, 0] - origin[:, k] + origin[:, 0]
        np.testing.assert_allclose(found, expected, atol=1e-6)
    best = integrated_gradients(network, IRIS)
    same = integrated_gradients(network, IRIS, target=network.predict(IRIS))
    np.testing.assert_array_equal(best, same)
    binary = MLPClassifier((6,), max_iter=5, random_state=0).fit(IRIS, SPECIES == 1)
    first, second = (integrated_gradients(binary, IRIS, target=c) for c in (False, True))
    np.testing.assert_array_equal(first, -second)
    labels = MLPClassifier((6,), max_iter=5, random_state=0)
    labels.fit(IRIS, np.c_[SPECIES == 0, SPECIES == 2].astype(int))
    assert integrated_gradients(labels, IRIS, target=1).shape == IRIS.shape
    with pytest.raises(ValueError, match="target=None is ambiguous: the network has 2 outputs"):
        integrated_gradients(labels, IRIS)


def test_tables_of_all_kinds_have_the_same_attributions(monkeypatch):
    network = dense(activation="tanh")
    expected = integrated_gradients(network, X, baseline=X[0], n_steps=9)
    sparse = integrated_gradients(network, sp.csr_array(X), baseline=X[0], n_steps=9)
    np.testing.assert_allclose(sparse, expected, atol=1e-10)
    monkeypatch.setattr("sknets.inspection._opened.BLOCK_VALUES", 2000)
    blocks = integrated_gradients(network, X, baseline=X[0], n_steps=9)
    np.testing.assert_allclose(blocks, expected, atol=1e-10)


def test_a_pipeline_explains_the_columns_that_the_network_sees():
    frame = FRAME.assign(sex=np.where(FRAME["sex"] > 0, "f", "m"))
    columns = ColumnTransformer(
        [("one", OneHotEncoder(), ["sex"])], remainder=StandardScaler(), sparse_threshold=0
    )
    pipeline = make_pipeline(
        columns,
        MLPRegressor(hidden_layer_sizes=(5,), activation="tanh", random_state=0, max_iter=9),
    )
    pipeline.fit(frame, Y)
    parts = integrated_gradients(pipeline, frame)
    names = pipeline[:-1].get_feature_names_out()
    assert parts.shape == (442, len(names)) == (442, 11)
    np.testing.assert_array_equal(
        parts, integrated_gradients(pipeline[-1], pipeline[0].transform(frame))
    )
    row = frame.iloc[[3]]
    parts = integrated_gradients(pipeline, frame, baseline=row)
    np.testing.assert_allclose(
        parts.sum(axis=1), pipeline.predict(frame) - pipeline.predict(row), rtol=1e-5, atol=1e-4
    )
    scaled = make_pipeline(
        StandardScaler(), MLPRegressor(hidden_layer_sizes=(5,), random_state=0, max_iter=3)
    )
    scaled.fit(FRAME, Y)
    np.testing.assert_allclose(  # zero behind the scaler is the mean before it
        integrated_gradients(scaled, FRAME, baseline=FRAME.mean()),
        integrated_gradients(scaled, FRAME),
        atol=1e-8,
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"cell": "gru", "bidirectional": True},
        {"cell": "rau"},
        {"pool": "attention", "cell": "rnn"},
        {"pool": "mean", "conv_channels": (4,), "activation": "tanh", "pool_size": 1},
        {"hidden_layer_sizes": (4,), "activation": "tanh", "dropout": 0.2, "bptt_steps": 3},
    ],
    ids=str,
)
def test_attributions_of_series_add_up(options, monkeypatch):
    network = recurrent(**options)
    some = RAGGED[:12]
    mean = SERIES.reshape(-1, 2).mean(axis=0)
    for baseline in (None, SERIES[0]):
        start = np.broadcast_to(mean if baseline is None else baseline, (1, 9, 2))
        parts = integrated_gradients(network, SERIES[:12], baseline=baseline, n_steps=200)
        difference = network.predict(SERIES[:12]) - network.predict(start)
        assert parts.shape == (12, 9, 2)
        np.testing.assert_allclose(parts.sum(axis=(1, 2)), difference, atol=0.03)
    monkeypatch.setattr("sknets.inspection._opened.BLOCK_VALUES", 2000)
    for baseline in (None, 1.5, [0.5, -1.0]):
        start = mean if baseline is None else baseline
        parts = integrated_gradients(network, some, baseline=baseline, n_steps=200)
        origin = network.predict([np.broadcast_to(start, series.shape) for series in some])
        assert [part.shape for part in parts] == [series.shape for series in some]
        sums = [part.sum() for part in parts]
        np.testing.assert_allclose(sums, network.predict(some) - origin, atol=0.03)


def test_a_gradient_step_by_step_by_hand():
    # h_t = tanh(w x_t + u h_{t-1} + b), from x = 0 to x: the chain rule backwards at 400 midpoints
    series = RNG.normal(size=(30, 5))
    network = recurrent(
        series, series.sum(axis=1), cell="rnn", recurrent_layer_sizes=3, input_scaling=None
    )
    layer = network.net_.module_.stack.layers[0]
    w, u, b = (p.detach().numpy() for p in (layer.weight, layer.recurrent_weight, layer.bias))
    top = network.net_.module_.head[0].weight.detach().numpy()[0]
    scale = (network.predict(series[:2])[1] - network.predict(series[:2])[0]) / np.diff(
        raw_outputs(network, series[:2])[:, 0]
    )
    total = np.zeros_like(series)
    for alpha in (np.arange(400) + 0.5) / 400:
        h, states = np.zeros((30, 3)), []
        for t in range(5):
            h = np.tanh(alpha * series[:, [t]] @ w.T + h @ u.T + b)
            states.append(h)
        delta = np.broadcast_to(top, (30, 3))
        for t in reversed(range(5)):
            delta = delta * (1 - states[t] ** 2)
            total[:, t] += (delta @ w)[:, 0] / 400
            delta = delta @ u
    parts = integrated_gradients(network, series)
    assert parts.shape == series.shape  # univariate
    np.testing.assert_allclose(parts, series * total * scale, rtol=1e-4, atol=1e-7)


def test_tokens_get_the_sum_over_their_embedding():
    network = RNNClassifier(vocabulary_size=12, recurrent_layer_sizes=4, max_iter=3, random_state=0)
    network.fit(TOKENS, np.arange(40) % 3)
    raw = layer_activations(network, TOKENS, "output")[:, 1]
    parts = integrated_gradients(network, TOKENS, target=1, baseline=5)
    assert parts.shape == TOKENS.shape
    start = layer_activations(network, np.full((1, 7), 5), "output")[:, 1]
    np.testing.assert_allclose(parts.sum(axis=1), raw - start, atol=1e-6)
    assert (parts[TOKENS == 5] == 0).all()
    texts = [row[:n].tolist() for row, n in zip(TOKENS, [1, 7, 3, 2] * 10, strict=True)]
    parts = integrated_gradients(network, texts, target=1)
    assert [len(part) for part in parts] == [len(text) for text in texts]
    np.testing.assert_allclose(parts[1], integrated_gradients(network, TOKENS[[1]], target=1)[0])
    for wrong in (12, -1, 0.5, [[1, 2]]):
        with pytest.raises(ValueError, match="baseline"):
            integrated_gradients(network, TOKENS, target=1, baseline=wrong)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
def test_a_step_of_several_outputs_is_named(output):
    y = SERIES[:, :, :2] if output == "timesteps" else SERIES[:, :3]
    network = recurrent(y=y, output=output)
    mean = np.broadcast_to(SERIES.reshape(-1, 2).mean(axis=0), (1, 9, 2))
    for step in (0, 2, -1):
        parts = integrated_gradients(network, SERIES, target=1, output_step=step)
        difference = network.predict(SERIES)[:, step, 1] - network.predict(mean)[:, step, 1]
        np.testing.assert_allclose(parts.sum(axis=(1, 2)), difference, atol=1e-5)
    for step in (None, 9, -10, 1.0, "last", True):
        with pytest.raises(
            ValueError, match="output_step=.*number of the step to explain, from 0 to"
        ):
            integrated_gradients(network, SERIES, target=1, output_step=step)
    for single, data in ((recurrent(), SERIES), (dense(), X)):
        with pytest.raises(ValueError, match="output_step=0, but the network has one output"):
            integrated_gradients(single, data, output_step=0)


def test_the_last_step_of_ragged_sequences_is_their_own():
    network = recurrent(y=SERIES[:, :, 0], output="timesteps")
    parts = integrated_gradients(network, RAGGED, output_step=-1)
    for row in (0, 5, 39):
        alone = integrated_gradients(network, [RAGGED[row]], output_step=len(RAGGED[row]) - 1)
        np.testing.assert_allclose(parts[row], alone[0], atol=1e-10)
    # the first step of a network that reads ahead knows nothing of later ones
    first = integrated_gradients(network, SERIES, output_step=0)
    assert (first[:, 1:] == 0).all()
    assert np.abs(first[:, 0]).min() > 0


def test_choices_of_a_decoder_have_no_gradient():
    writer = RNNClassifier(output="sequence", recurrent_layer_sizes=4, max_iter=1, random_state=0)
    writer.fit(SERIES, (SERIES[:, :3, 0] > 0).astype(int))
    with pytest.raises(ValueError, match="writes classes.*no gradient leads through that choice"):
        integrated_gradients(writer, SERIES, output_step=0)


def test_classes_of_timesteps_are_explained():
    network = RNNClassifier(output="timesteps", recurrent_layer_sizes=4, max_iter=2, random_state=0)
    network.fit(SERIES, np.where(SERIES[:, :, 0] > 0, "up", "down"))
    up, down = (integrated_gradients(network, SERIES, c, output_step=4) for c in ("up", "down"))
    np.testing.assert_array_equal(up, -down)


@pytest.mark.parametrize("kind", ["regressor", "classifier"])
def test_modules_of_a_user_are_explained(kind):
    kind, y = (ModuleRegressor, Y) if kind == "regressor" else (ModuleClassifier, Y > 150)
    network = kind(Hidden, max_iter=5, random_state=0, dtype="float32").fit(X, y)
    parts = integrated_gradients(network, X, target=None if kind is ModuleRegressor else True)
    raw = raw_outputs(network, np.vstack([X, 0 * X[:1]])).astype(float)[:, 0]
    scale = Y.std() if kind is ModuleRegressor else 1.0
    np.testing.assert_allclose(parts.sum(axis=1), (raw[:-1] - raw[-1]) * scale, atol=1e-3)


class Measured(nn.Module):
    """A user's recurrent network, which is told where sequences end."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__()
        self.gru = nn.GRU(2, 3, batch_first=True)
        self.top = nn.Linear(3, 1)

    def forward(self, x, lengths):
        return self.top(self.gru(x)[0][torch.arange(len(x)), lengths - 1])


def test_modules_of_sequences_are_explained_to_their_ends(monkeypatch):
    network = ModuleRegressor(Measured, max_iter=2, random_state=0, dtype="float64").fit(
        RAGGED, SUMS
    )
    monkeypatch.setattr("sknets.inspection._opened.BLOCK_VALUES", 300)
    for baseline in (None, [0.5, -1.0]):
        parts = integrated_gradients(network, RAGGED, baseline=baseline, n_steps=50)
        assert [part.shape for part in parts] == [series.shape for series in RAGGED]
        start = 0.0 if baseline is None else baseline
        origin = network.predict([np.broadcast_to(start, series.shape) for series in RAGGED])
        sums = [part.sum() for part in parts]
        np.testing.assert_allclose(sums, network.predict(RAGGED) - origin, atol=1e-3)


def test_regression_on_images_is_in_units_of_y_too():
    images = RNG.normal(size=(40, 6, 6))
    y = 1000 + 500 * images[:, :3].mean(axis=(1, 2))
    network = CNNRegressor(conv_channels=3, max_iter=3, dtype="float64", random_state=0).fit(
        images, y
    )
    drops = occlusion(network, images, window=6)[:, 0, 0]
    difference = network.predict(images) - network.predict(np.full((1, 6, 6), images.mean()))
    np.testing.assert_allclose(drops, difference, rtol=1e-6, atol=1e-6)


def test_baselines_of_another_shape_or_kind_are_named():
    network = dense()
    for baseline in (
        np.zeros(3),
        np.zeros((442, 9)),
        "mean",
        np.nan,
        [1, np.inf],
        [[1], [2, 3]],
        {},
    ):
        with pytest.raises(ValueError, match="baseline"):
            integrated_gradients(network, X, baseline=baseline)
    for baseline in (np.zeros((5, 2)), np.zeros(3)):
        for data in (SERIES, RAGGED):
            with pytest.raises(ValueError, match="baseline has shape"):
                integrated_gradients(recurrent(), data, baseline=baseline)


def test_frames_need_no_baseline_with_names():
    network = MLPRegressor(hidden_layer_sizes=(5,), max_iter=2, random_state=0).fit(FRAME, Y)
    parts = integrated_gradients(network, FRAME, baseline=FRAME.mean())
    np.testing.assert_array_equal(
        parts, integrated_gradients(network, FRAME, baseline=X.mean(axis=0))
    )
    assert isinstance(FRAME, pd.DataFrame)


# --- relevance ------------------------------------------------------------------------------------------


def test_relevance_of_a_dense_network_is_the_epsilon_rule_by_hand():
    network = dense(activation="relu", hidden_layer_sizes=(7,))
    (w1, w2), (b1, _) = network.coefs_, network.intercepts_
    h = np.maximum(X @ w1 + b1, 0)
    raw = raw_outputs(network, X)[:, 0]
    upper = h * w2[:, 0]
    upper = upper / upper.sum(axis=1, keepdims=True) * raw[:, None]
    contributions = X[:, :, None] * w1
    expected = (contributions / contributions.sum(axis=1, keepdims=True) * upper[:, None]).sum(
        axis=2
    )
    for rule in ("composite", "epsilon"):
        found = layer_relevance(network, X, rule=rule)
        np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"hidden_layer_sizes": ()},
        {"normalization": "batch"},
        {"normalization": "layer", "dropout": 0.1},
    ],
    ids=str,
)
def test_relevance_of_dense_networks_is_conserved(options):
    network = dense(**options)
    raw = raw_outputs(network, X)[:, 0]
    found = layer_relevance(network, sp.csr_array(X)).sum(axis=1)
    assert np.all(np.abs(found - raw) <= 0.01 * np.maximum(np.abs(raw), 1e-3))
    user = ModuleRegressor(module=Stack, max_iter=2, random_state=0).fit(X, Y)
    raw = raw_outputs(user, X)[:, 0]
    found = layer_relevance(user, X).sum(axis=1)
    assert np.all(np.abs(found - raw) <= 0.01 * np.maximum(np.abs(raw), 1e-3))


class Stack(nn.Sequential):
    def __init__(self, n_inputs, n_outputs):
        super().__init__(nn.Linear(n_inputs, 4), nn.ReLU(inplace=True), nn.Linear(4, n_outputs))


def test_what_has_no_rule_is_refused():
    with pytest.raises(ValueError, match=r"'0' \(RadialBasis\).*no rule.*integrated_gradients"):
        layer_relevance(dense(activation="rbf"), X)
    with pytest.raises(TypeError, match=r"MLPClassifier or MLPRegressor.*got RNNRegressor"):
        layer_relevance(recurrent(), SERIES)
    for look in (grad_cam, occlusion):
        with pytest.raises(
            TypeError, match="fitted CNNClassifier or CNNRegressor.*got MLPRegressor"
        ):
            look(dense(), X)


# --- what stays -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", [layer_activations, integrated_gradients, layer_relevance])
def test_estimator_data_and_random_states_stay(look):
    class Drawing(nn.Module):
        def __init__(self, n_inputs, n_outputs):
            super().__init__()
            self.top = nn.Linear(n_inputs, n_outputs)

        def forward(self, x):
            return self.top(x)

    data = [(dense(), X), (ModuleRegressor(Drawing, max_iter=1, random_state=0).fit(X, Y), X)]
    data += [] if look is layer_relevance else [(recurrent(), SERIES)]
    for network, values in data:
        values = values.copy()
        values.flags.writeable = False
        before = network.predict(values), torch.get_rng_state(), np.random.get_state()[1].copy()
        grads = [p.grad.clone() for p in network.net_.module_.parameters()]
        look(network, values)
        np.testing.assert_array_equal(network.predict(values), before[0])
        assert torch.equal(torch.get_rng_state(), before[1])
        np.testing.assert_array_equal(np.random.get_state()[1], before[2])
        assert all(
            torch.equal(p.grad, grad)
            for p, grad in zip(network.net_.module_.parameters(), grads, strict=True)
        )
        assert all(not module._forward_hooks for module in network.net_.module_.modules())
        with torch.no_grad():
            look(network, values)
