"""Norms of Jacobians over time against automatic differentiation, closed forms and bounds."""

import copy
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import CNNClassifier, RNNClassifier, RNNRegressor
from sknets.inspection import GradientFlowDisplay, _gradient_flow, gradient_flow
from sknets.preprocessing import TokenSequences

CELLS = ["rnn", "rnn_relu", "lstm", "gru", "gru_reset_before", "rau"]
PLAIN, GATED = CELLS[:2], CELLS[2:]

RNG = np.random.default_rng(0)
LENGTHS = [7, 3, 12, 1, 12, 5]
RAGGED = [RNG.normal(size=(n, 2)) for n in LENGTHS]
X = RNG.normal(size=(6, 12, 2))
Y = RNG.normal(size=6)


def fit(X=X, y=Y, *, cell="rnn", **options):
    plain = {"recurrent_layer_sizes": (5, 4), "conv_channels": (), "max_iter": 3, "random_state": 0}
    options = plain | options
    return RNNRegressor(cell=cell, dtype="float64", **options).fit(X, y)


def layers_of(network):
    return network.net_.module_.stack.layers


def scalar(cell="rnn", *, n_timesteps, u, w=0.0, b=0.0):
    """A fitted network of one unit with the weights w, u and b, and a series for it."""
    series = np.random.default_rng(1).normal(size=(3, n_timesteps, 1))
    network = fit(series, Y[:3], cell=cell, recurrent_layer_sizes=1, input_scaling=None)
    (layer,) = layers_of(network)
    layer.weight.data.fill_(w)
    layer.recurrent_weight.data.fill_(u)
    layer.bias.data.fill_(b)
    return network, series


def inputs_of(network, sequence, layer):
    """What a layer reads of one sequence."""
    module = network.net_.module_
    x, lengths = module.input(torch.from_numpy(sequence)[None])
    for convolution in module.stack.convolutions:
        x, lengths = convolution(x, lengths)
    for below in list(module.stack.layers)[:layer]:
        x, _ = below(x)
    return x.detach()


def norms_by_autograd(network, sequence, layer):
    """The norms by gap, through the layer's own forward from each state on."""
    x, layer = inputs_of(network, sequence, layer), layers_of(network)[layer]
    n_timesteps = x.shape[1]
    norms = [1.0]
    for gap in range(1, n_timesteps):
        _, state = layer(x[:, : n_timesteps - gap])
        rest = x[:, n_timesteps - gap :]
        jacobians = torch.autograd.functional.jacobian(
            lambda *state, rest=rest: layer(rest, state)[0][0, -1],
            tuple(part.detach() for part in state),
        )
        whole = torch.cat([jacobian[:, 0] for jacobian in jacobians], 1)
        norms.append(np.linalg.norm(whole.numpy(), 2))
    return np.array(norms)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("cell", CELLS)
def test_norms_are_those_of_automatic_differentiation(cell, layer):
    network = fit(cell=cell)
    flow = gradient_flow(network, X, layer=layer)
    np.testing.assert_array_equal(flow.gaps, np.arange(12))
    for sequence, norms in zip(X, flow.norms, strict=True):
        expected = norms_by_autograd(network, sequence, layer)
        np.testing.assert_allclose(norms, expected, rtol=1e-10)


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_sequences_of_unequal_length_are_aligned_by_gap(cell):
    network = fit(RAGGED, cell=cell)
    norms = gradient_flow(network, RAGGED).norms
    assert norms.shape == (6, 12)
    for sequence, row in zip(RAGGED, norms, strict=True):
        n = len(sequence)
        np.testing.assert_allclose(row[:n], norms_by_autograd(network, sequence, 1), rtol=1e-10)
        assert np.isnan(row[n:]).all()


def test_blocks_change_nothing(monkeypatch):
    network = fit(RAGGED, cell="gru")
    whole = gradient_flow(network, RAGGED).norms
    monkeypatch.setattr(_gradient_flow, "_BLOCK_VALUES", 1)
    np.testing.assert_allclose(gradient_flow(network, RAGGED).norms, whole, rtol=1e-12)


def test_layer_counts_from_the_end_and_is_the_last_one():
    network = fit()
    last = gradient_flow(network, X).norms
    np.testing.assert_array_equal(gradient_flow(network, X, layer=1).norms, last)
    np.testing.assert_array_equal(gradient_flow(network, X, layer=np.int64(-1)).norms, last)
    first = gradient_flow(network, X, layer=-2).norms
    np.testing.assert_array_equal(gradient_flow(network, X, layer=0).norms, first)
    assert not np.allclose(first, last)


def test_one_tanh_unit_has_its_closed_form():
    network, series = scalar(n_timesteps=30, u=-0.9, w=0.7, b=0.2)
    norms = gradient_flow(network, series).norms
    h, slopes = np.zeros(3), []
    for t in range(30):
        h = np.tanh(0.7 * series[:, t, 0] - 0.9 * h + 0.2)
        slopes.append(-0.9 * (1 - h**2))
    # gap g: the slopes of the last g steps
    expected = np.abs(np.cumprod([np.ones(3), *slopes[:0:-1]], axis=0)).T
    np.testing.assert_allclose(norms, expected, rtol=1e-10)


@pytest.mark.parametrize("u", [1e-5, 0.3, 1e5])
def test_norms_have_all_their_digits_until_floats_end(u):
    network, series = scalar(n_timesteps=80, u=u)  # h = 0 always
    flow = gradient_flow(network, series)
    power = u ** np.arange(62)  # 1e-305 to 1e305
    np.testing.assert_allclose(flow.norms[:, :62], [power] * 3, rtol=1e-12)
    if u != 0.3:
        np.testing.assert_array_equal(flow.norms[:, 70:], 0.0 if u < 1 else np.inf)


@pytest.mark.parametrize("cell", PLAIN)
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_norms_of_plain_cells_never_exceed_the_bound(cell, scale):
    network = fit(cell=cell)
    recurrent = layers_of(network)[-1].recurrent_weight
    recurrent.data *= scale
    flow = gradient_flow(network, X)
    sigma = np.linalg.svd(recurrent.detach().numpy(), compute_uv=False)[0]
    assert flow.largest_singular_value == pytest.approx(sigma, rel=1e-12)
    np.testing.assert_allclose(flow.bound, sigma ** np.arange(12), rtol=1e-12)
    assert (flow.norms <= flow.bound * (1 + 1e-12)).all()


def test_bound_is_reached_by_relus_that_are_all_active():
    network = fit(cell="rnn_relu", recurrent_layer_sizes=4)
    (layer,) = layers_of(network)
    layer.weight.data.zero_()
    layer.bias.data.fill_(1.0)
    layer.recurrent_weight.data = 0.5 * torch.eye(4, dtype=torch.float64)
    flow = gradient_flow(network, X)
    np.testing.assert_allclose(flow.norms, [flow.bound] * 6, rtol=1e-12)
    np.testing.assert_allclose(flow.bound, 0.5 ** np.arange(12), rtol=1e-12)


@pytest.mark.parametrize("cell", GATED)
def test_gated_cells_have_no_bound(cell):
    flow = gradient_flow(fit(cell=cell, max_iter=1), X)
    assert flow.bound is None
    assert flow.largest_singular_value is None


def test_small_recurrent_weights_let_gradients_vanish_and_an_open_forget_gate_keeps_them():
    series = np.random.default_rng(2).normal(size=(6, 60, 2))
    plain = fit(series, cell="rnn", recurrent_layer_sizes=8)
    layers_of(plain)[0].recurrent_weight.data *= 0.1
    assert gradient_flow(plain, series).norms[:, 40].max() < 1e-30

    lstm = fit(series, cell="lstm", recurrent_layer_sizes=8)
    usual = gradient_flow(lstm, series).norms
    bias = layers_of(lstm)[0].bias.data
    bias[:8], bias[8:16] = -20.0, 20.0  # nothing is written, nothing forgotten
    kept = gradient_flow(lstm, series).norms
    # every step back shows the same memory c, through the output gate of the last
    np.testing.assert_allclose(kept[:, 1:], kept[:, [1]] * np.ones(59), rtol=1e-4)
    assert (kept[:, 40] > 10 * usual[:, 40]).all()


def test_convolutions_in_front_shorten_the_gaps():
    network = fit(cell="gru", conv_channels=3, kernel_size=3, pool_size=2)
    X_odd = X[:, :11]
    norms = gradient_flow(network, X_odd).norms
    assert norms.shape == (6, 6)
    for sequence, row in zip(X_odd, norms, strict=True):
        np.testing.assert_allclose(row, norms_by_autograd(network, sequence, 1), rtol=1e-10)


def test_ragged_sequences_pass_convolutions():
    network = fit(RAGGED, conv_channels=3, kernel_size=3, pool_size=2)
    norms = gradient_flow(network, RAGGED).norms
    n_valid = (~np.isnan(norms)).sum(axis=1)
    np.testing.assert_array_equal(n_valid, np.ceil(np.array(LENGTHS) / 2))


def test_dropout_and_truncation_play_no_role():
    network = fit(cell="lstm", dropout=0.5, recurrent_dropout=0.5, bptt_steps=3)
    norms = gradient_flow(network, X).norms
    np.testing.assert_allclose(norms[0], norms_by_autograd(network, X[0], 1), rtol=1e-10)
    assert (norms[:, 1:] > 0).all()


def test_network_stays_as_it_is():
    network = RNNRegressor(recurrent_layer_sizes=(4, 4), max_iter=2, random_state=0).fit(X, Y)
    module = network.net_.module_
    before, predicted = copy.deepcopy(module.state_dict()), network.predict(X)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1]
    gradient_flow(network, X, layer=0)
    for name, values in module.state_dict().items():
        assert values.dtype == before[name].dtype
        assert torch.equal(values, before[name])
    assert all(parameter.requires_grad for parameter in module.parameters())
    np.testing.assert_array_equal(network.predict(X), predicted)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)


def test_network_in_float32_is_computed_in_float64():
    single = RNNRegressor(cell="rnn", max_iter=2, random_state=0, dtype="float32").fit(X, Y)
    assert single.net_.module_.stack.layers[0].weight.dtype == torch.float32
    double = copy.deepcopy(single)
    double.net_.module_.double()
    expected = norms_by_autograd(double, X[0], 0)
    np.testing.assert_allclose(gradient_flow(single, X[:1]).norms[0], expected, rtol=1e-10)


@pytest.mark.parametrize("output", ["timesteps", "sequence"])
def test_networks_with_sequences_of_outputs_are_taken(output):
    network = RNNRegressor(
        recurrent_layer_sizes=4, cell="lstm", output=output, max_iter=2, dtype="float64"
    ).fit(X, X[:, :, 0])
    norms = gradient_flow(network, X).norms
    np.testing.assert_allclose(norms[0], norms_by_autograd(network, X[0], 0), rtol=1e-10)


def test_pipelines_searches_and_frozen_networks_are_opened():
    table = np.random.default_rng(3).normal(3.0, 2.0, size=(20, 9))
    y = (table[:, 0] > 3.0).astype(int)
    network = RNNClassifier(4, max_iter=2, random_state=0, input_scaling=None)
    pipeline = make_pipeline(StandardScaler(), network).fit(table, y)
    expected = gradient_flow(pipeline[-1], pipeline[0].transform(table)).norms
    assert expected.shape == (20, 9)
    np.testing.assert_array_equal(gradient_flow(pipeline, table).norms, expected)
    frozen = FrozenEstimator(pipeline)
    np.testing.assert_array_equal(gradient_flow(frozen, table).norms, expected)
    search = GridSearchCV(pipeline, {"rnnclassifier__cell": ["lstm"]}, cv=2).fit(table, y)
    np.testing.assert_array_equal(gradient_flow(search, table).norms, expected)


def test_texts_are_taken():
    texts = ["a b a", "b", "a a b b a", "b a"]
    tokens = TokenSequences(token_pattern=r"\w").fit(texts)
    network = RNNClassifier(4, vocabulary_size="auto", max_iter=2, random_state=0)
    model = make_pipeline(tokens, network).fit(texts, [0, 1, 0, 1])
    n_valid = (~np.isnan(gradient_flow(model, texts).norms)).sum(axis=1)
    np.testing.assert_array_equal(n_valid, [3, 1, 5, 2])


def test_errors_say_what_to_do():
    network = fit()
    with pytest.raises(ValueError, match="bidirectional=True.*fit with bidirectional=False"):
        gradient_flow(fit(bidirectional=True, max_iter=1), X)
    for layer in (2, -3, "1"):
        with pytest.raises(ValueError, match=f"layer={layer!r} is unknown.*from 0 to 1.*-2 to -1"):
            gradient_flow(network, X, layer=layer)
    with pytest.raises(TypeError, match="RNNClassifier or RNNRegressor.*got CNNClassifier"):
        gradient_flow(CNNClassifier(max_iter=1).fit(X, np.arange(len(X)) % 2), X)
    with pytest.raises(NotFittedError):
        gradient_flow(RNNRegressor(), X)
    with pytest.raises(NotFittedError):
        gradient_flow(GridSearchCV(RNNRegressor(), {"cell": ["rnn"]}), X)
    with pytest.raises(ValueError, match="expecting 2 features"):
        gradient_flow(network, X[:, :, :1])


# --- the picture -------------------------------------------------------------------------------------


def test_display_draws_the_norms():
    network = fit(RAGGED)
    flow = gradient_flow(network, RAGGED, layer=0)
    display = GradientFlowDisplay.from_estimator(network, RAGGED, layer=0)
    np.testing.assert_array_equal(display.line_.get_xdata(), flow.gaps)
    middle = [np.median(column[~np.isnan(column)]) for column in flow.norms.T]
    np.testing.assert_allclose(display.line_.get_ydata(), middle)
    low, high = (
        [np.quantile(column[~np.isnan(column)], q) for column in flow.norms.T] for q in (0.1, 0.9)
    )
    corners = display.band_.get_paths()[0].vertices
    at_7 = corners[corners[:, 0] == 7, 1]
    np.testing.assert_allclose([at_7.min(), at_7.max()], [low[7], high[7]])
    np.testing.assert_array_equal(display.bound_line_.get_ydata(), flow.bound)
    assert display.bound_line_.get_linestyle() == "--"
    assert display.bound_line_ in display.ax_.lines
    assert display.ax_.get_yscale() == "log"
    assert display.ax_.get_xlabel() == "gap T − t (timesteps)"
    assert display.figure_ is display.ax_.figure


def test_several_networks_share_axes_and_are_told_apart():
    _, ax = plt.subplots()
    plain = GradientFlowDisplay.from_estimator(fit(), X, ax=ax)
    lstm = GradientFlowDisplay.from_estimator(fit(cell="lstm"), X, label="memory", ax=ax)
    bare = GradientFlowDisplay.from_estimator(fit(), X, label="bare", show_bound=False, ax=ax)
    assert plain.ax_ is lstm.ax_ is bare.ax_ is ax
    assert lstm.bound_line_ is None
    assert bare.bound_line_ is None
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == ["rnn", "bound of rnn", "memory", "bare"]
    colors = {display.line_.get_color() for display in (plain, lstm, bare)}
    assert len(colors) == 3
    assert plain.bound_line_.get_color() == plain.line_.get_color()


def test_curves_and_not_the_bound_set_the_limits():
    network = fit()
    layers_of(network)[-1].recurrent_weight.data *= 100.0
    display = GradientFlowDisplay.from_estimator(network, X)
    assert display.bound_line_.get_ydata()[-1] > display.ax_.get_ylim()[1]


@pytest.mark.parametrize("u", [0.0, 1e-5, 1e5])
def test_zeros_and_infinite_norms_leave_the_axis(u):
    network, series = scalar(n_timesteps=80, u=u)
    display = GradientFlowDisplay.from_estimator(network, series)
    display.figure_.canvas.draw()
    low, high = display.ax_.get_ylim()
    assert 0 < low <= 1 <= high < np.inf
    if u == 0:  # from one to the next
        np.testing.assert_array_equal(display.line_.get_ydata(), [1.0] + [0.0] * 79)


def test_numbers_are_drawn_without_an_estimator():
    display = GradientFlowDisplay(np.array([[1.0], [1.0]])).plot()
    assert display.line_.get_marker() == "o"  # a line of one point is not seen
    assert display.ax_.get_legend() is None
    display = GradientFlowDisplay(np.ones((2, 3)), bound=np.ones(3), label="a").plot(label="b")
    assert display.ax_.get_legend_handles_labels()[1] == ["b", "bound of b"]


def test_display_needs_matplotlib(monkeypatch):
    network = fit(max_iter=1)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"GradientFlowDisplay.*pip install 'sknets\[plot\]'"):
        GradientFlowDisplay.from_estimator(network, X)
