"""Recurrent cells, poolings and decoders against their equations in NumPy, and against Torch."""

import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sknets.modules import (
    CELLS,
    SEQUENCE_POOLINGS,
    EncoderDecoder,
    RecurrentNet,
    RecurrentStack,
    _recurrent,
)
from sknets.modules._recurrent import Bidirectional, reverse
from sknets.modules._recurrent_net import share_out
from sknets.modules._sequences import AttentionPool, SequenceConvolution, SequenceInput

FUSED = ["rnn", "rnn_relu", "lstm", "gru"]
LENGTHS = torch.tensor([7, 3, 5, 1])
N, T = 4, 7


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


def randomized(module, seed=1):
    """Return a module in float64 with all parameters drawn, intercepts among them."""
    generator = seeded(seed)
    module = module.double()
    for parameter in module.parameters():
        parameter.data.normal_(0, 0.6, generator=generator)
    return module


def make_cell(name, n_inputs=3, n_units=5, recurrent_dropout=0.0):
    return randomized(CELLS[name](n_inputs, n_units, recurrent_dropout))


def make_stack(n_inputs=3, seed=1, **params):
    defaults = {
        "convolutions": [],
        "layer_sizes": [5],
        "cell": "gru",
        "bidirectional": False,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
        "bptt_steps": None,
        "weight_init": "glorot_uniform",
        "generator": seeded(seed),
    }
    return randomized(RecurrentStack(n_inputs, **defaults | params), seed)


def array(tensor):
    return tensor.detach().numpy()


# --- cells -------------------------------------------------------------------------------------------


def logistic(a):
    return 1 / (1 + np.exp(-a))


def softmax(a):
    e = np.exp(a - a.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def relu(a):
    return np.maximum(a, 0)


def gates_of(layer):
    """Return (W, U, b) of each gate."""
    n = layer.n_units
    W, U, b = (array(p) for p in (layer.weight, layer.recurrent_weight, layer.bias))
    return [tuple(p[i : i + n] for p in (W, U, b)) for i in range(0, len(W), n)]


def gru_by_hand(layer, x, h):
    (Wr, Ur, br), (Wz, Uz, bz), (Wn, Un, bn) = gates_of(layer)
    r = logistic(Wr @ x + Ur @ h + br)
    z = logistic(Wz @ x + Uz @ h + bz)
    n = np.tanh(Wn @ x + bn + r * (Un @ h + array(layer.recurrent_bias)))
    return (1 - z) * n + z * h


def reset_before_by_hand(layer, x, h):
    (Wr, Ur, br), (Wz, Uz, bz), (Wn, Un, bn) = gates_of(layer)[:3]
    r = logistic(Wr @ x + Ur @ h + br)
    z = logistic(Wz @ x + Uz @ h + bz)
    n = np.tanh(Wn @ x + Un @ (r * h) + bn)
    return (1 - z) * n + z * h


def rau_by_hand(layer, x, h):
    (Wa, Ua, ba), (Wv, Uv, bv) = gates_of(layer)[3:]
    attention = softmax(Wa @ x + Ua @ h + ba)
    return reset_before_by_hand(layer, x, h) + attention * relu(Wv @ x + Uv @ h + bv)


def rnn_by_hand(layer, x, h, function=np.tanh):
    [(W, U, b)] = gates_of(layer)
    return function(W @ x + U @ h + b)


def lstm_by_hand(layer, x, h, c):
    (Wi, Ui, bi), (Wf, Uf, bf), (Wg, Ug, bg), (Wo, Uo, bo) = gates_of(layer)
    i = logistic(Wi @ x + Ui @ h + bi)
    f = logistic(Wf @ x + Uf @ h + bf)
    g = np.tanh(Wg @ x + Ug @ h + bg)
    o = logistic(Wo @ x + Uo @ h + bo)
    c = f * c + i * g
    return o * np.tanh(c), c


BY_HAND = {
    "rnn": rnn_by_hand,
    "rnn_relu": lambda layer, x, h: rnn_by_hand(layer, x, h, relu),
    "lstm": lstm_by_hand,
    "gru": gru_by_hand,
    "gru_reset_before": reset_before_by_hand,
    "rau": rau_by_hand,
}


def run_by_hand(name, layer, sequence, state):
    outputs = []
    for x in sequence:
        state = BY_HAND[name](layer, x, *state)
        state = state if isinstance(state, tuple) else (state,)
        outputs.append(state[0])
    return np.stack(outputs), state


@pytest.mark.parametrize("starts", ["zero", "given"])
@pytest.mark.parametrize("name", CELLS)
def test_cell_is_its_equation(name, starts):
    layer, x = make_cell(name), draw(N, T, 3)
    given = tuple(draw(N, 5, seed=7 + i) for i in range(layer.n_states))
    outputs, last = layer(x, given if starts == "given" else None)
    assert outputs.shape == (N, T, 5)
    assert len(last) == layer.n_states
    for row in range(N):
        state = [array(s[row]) * (starts == "given") for s in given]
        expected, state = run_by_hand(name, layer, array(x[row]), state)
        np.testing.assert_allclose(array(outputs[row]), expected, rtol=0, atol=1e-10)
        for ours, theirs in zip(last, state, strict=True):
            np.testing.assert_allclose(array(ours[row]), theirs, rtol=0, atol=1e-10)


def step_by_step(layer, x, state, mask=None):
    outputs = []
    for inputs in F.linear(x, layer.weight, layer.bias).unbind(1):
        state = layer.step(inputs, state, mask)
        outputs.append(state[0])
    return torch.stack(outputs, 1), state


@pytest.mark.parametrize("name", CELLS)
def test_fused_kernel_is_the_loop_and_so_is_its_gradient(name):
    layer, x = make_cell(name), draw(N, T, 3).requires_grad_()
    assert (layer.kernel is not None) == (name in FUSED)
    state = tuple(draw(N, 5, seed=7 + i).requires_grad_() for i in range(layer.n_states))
    results, gradients = [], []
    for outputs, last in (layer(x, state), step_by_step(layer, x, state)):
        loss = sum((draw(*t.shape, seed=3) * t).sum() for t in (outputs, *last))
        results.append((outputs, *last))
        gradients.append(torch.autograd.grad(loss, [x, *state, *layer.parameters()]))
    torch.testing.assert_close(*results, rtol=0, atol=1e-12)
    torch.testing.assert_close(*gradients, rtol=0, atol=1e-12)
    assert all((gradient != 0).any() for gradient in gradients[0])


@pytest.mark.parametrize("name", CELLS)
def test_gradient_equals_finite_differences(name):
    layer, x = make_cell(name, n_units=3), draw(2, 4, 3).requires_grad_()
    parameters = list(layer.parameters())
    assert torch.autograd.gradcheck(lambda x, *_: layer(x)[0], (x, *parameters))


@pytest.mark.parametrize("name", CELLS)
def test_state_is_handed_on(name):
    layer, x = make_cell(name), draw(N, T, 3)
    outputs, last = layer(x)
    first, state = layer(x[:, :3])
    second, end = layer(x[:, 3:], state)
    torch.testing.assert_close(torch.cat([first, second], 1), outputs, rtol=0, atol=1e-12)
    torch.testing.assert_close(end, last, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "Reference"),
    [("rnn", nn.RNN), ("rnn_relu", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)],
)
def test_layer_is_torchs(name, Reference):
    layer, x = make_cell(name), draw(N, T, 3)
    options = {"nonlinearity": "relu"} if name == "rnn_relu" else {}
    reference = Reference(3, 5, batch_first=True, **options).double()
    load(reference, layer)
    expected, _ = reference(x)
    torch.testing.assert_close(layer(x)[0], expected, rtol=0, atol=1e-12)


def load(reference, layer, suffix="l0"):
    second = torch.zeros_like(layer.bias)
    if hasattr(layer, "recurrent_bias"):
        second[-layer.n_units :] = layer.recurrent_bias.detach()
    reference.load_state_dict(
        {
            f"weight_ih_{suffix}": layer.weight,
            f"weight_hh_{suffix}": layer.recurrent_weight,
            f"bias_ih_{suffix}": layer.bias,
            f"bias_hh_{suffix}": second,
        },
        strict=False,
    )


# --- recurrent dropout -------------------------------------------------------------------------------


def test_a_unit_is_dropped_at_all_timesteps_or_at_none():
    # h_t = relu(m h_{t-1}): a unit that is kept doubles at each step, one that is dropped stays zero
    layer = CELLS["rnn_relu"](2, 50, recurrent_dropout=0.5).double()
    layer.weight.data.zero_()
    layer.generator = seeded()
    outputs, _ = layer(torch.zeros(3, 6, 2).double(), (torch.ones(3, 50).double(),))
    is_kept = outputs[:, 0] > 0
    assert 0.3 < is_kept.double().mean() < 0.7
    assert not torch.equal(is_kept[0], is_kept[1])  # rows have masks of their own
    powers = 2.0 ** torch.arange(1, 7)
    torch.testing.assert_close(outputs, is_kept[:, None] * powers[:, None].double())
    assert not torch.equal(layer(torch.zeros(3, 6, 2).double())[0], outputs)


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_takes_one_mask(name, monkeypatch):
    layer, x = make_cell(name, n_units=40, recurrent_dropout=0.25), draw(N, T, 3)
    masks, step = [], layer.step
    monkeypatch.setattr(layer, "step", lambda i, s, mask: masks.append(mask) or step(i, s, mask))
    layer(x)
    assert len(masks) == T
    assert all(torch.equal(mask, masks[0]) for mask in masks)
    kept = masks[0] != 0
    torch.testing.assert_close(masks[0][kept], torch.full_like(masks[0][kept], 1 / 0.75))
    assert 0.6 < kept.double().mean() < 0.9

    # the output before is masked on its way in, and nowhere else
    state = tuple(draw(N, 40, seed=7 + i) for i in range(layer.n_states))
    inputs = F.linear(x[:, 0], layer.weight, layer.bias)
    masked = layer.step(inputs, state, masks[0])
    from_masked = layer.step(inputs, (state[0] * masks[0], *state[1:]), None)
    if name in ("rnn", "rnn_relu", "lstm"):
        torch.testing.assert_close(masked, from_masked)
    else:  # what a GRU keeps of its state is not masked
        difference = (masked[0] - from_masked[0]) / (state[0] - state[0] * masks[0])
        assert ((difference > 0) & (difference < 1)).all()  # it is z


@pytest.mark.parametrize("name", CELLS)
def test_prediction_drops_nothing(name):
    x = draw(N, T, 3)
    dropping, plain = make_cell(name, recurrent_dropout=0.5), make_cell(name)
    torch.testing.assert_close(dropping.eval()(x), plain.eval()(x), rtol=0, atol=1e-12)
    assert not torch.allclose(dropping.train()(x)[0], plain(x)[0])


# --- initial weights ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CELLS)
def test_recurrent_weights_are_orthogonal_gate_by_gate(name):
    layer = CELLS[name](3, 6, generator=seeded())
    gates = gates_of(layer)
    assert len(gates) == {"rnn": 1, "rnn_relu": 1, "lstm": 4, "rau": 5}.get(name, 3)
    for W, U, _ in gates:
        np.testing.assert_allclose(U.T @ U, np.eye(6), atol=1e-5)
        assert 0.5 < abs(W).max() / np.sqrt(6 / (3 + 6)) <= 1  # of one gate, not of all together
    for number, (_, U, _) in enumerate(gates[1:]):
        assert not np.allclose(U, gates[number][1])
    for number, (_, _, b) in enumerate(gates):
        lasts = number == 1 and len(gates) > 1  # the gate that keeps the memory, f or z
        assert (b == (1 if lasts else 0)).all()
    if name == "rnn_relu":
        np.testing.assert_array_equal(gates[0][1], np.eye(6))


# --- both directions ---------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["equal", "ragged"])
def test_each_sequence_is_reversed_on_its_own(lengths):
    x = draw(N, T, 2)
    expected = array(x).copy()
    for row, length in enumerate([T] * N if lengths is None else lengths.tolist()):
        expected[row, :length] = expected[row, :length][::-1]
    np.testing.assert_array_equal(reverse(x, lengths), expected)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["equal", "ragged"])
def test_both_directions_are_torchs(lengths):
    layer, x = randomized(Bidirectional(lambda: CELLS["lstm"](3, 5))), draw(N, T, 3)
    reference = nn.LSTM(3, 5, batch_first=True, bidirectional=True).double()
    load(reference, layer.ahead)
    load(reference, layer.back, "l0_reverse")
    ends = torch.full((N,), T) if lengths is None else lengths
    packed = pack_padded_sequence(x, ends, batch_first=True, enforce_sorted=False)
    expected, _ = pad_packed_sequence(reference(packed)[0], batch_first=True)
    outputs = layer(x, lengths)
    for row, length in enumerate(ends.tolist()):
        torch.testing.assert_close(
            outputs[row, :length], expected[row, :length], rtol=0, atol=1e-12
        )


# --- from timesteps to features ----------------------------------------------------------------------


def attention_by_hand(pool, x):
    W, b = array(pool.hidden.weight), array(pool.hidden.bias)
    v, c = array(pool.scores.weight)[0], array(pool.scores.bias)
    return softmax(np.tanh(x @ W.T + b) @ v + c)


POOLS_BY_HAND = {
    "last": lambda pool, x: np.concatenate([x[-1, :4], x[0, 4:]]),
    "mean": lambda pool, x: x.mean(axis=0),
    "max": lambda pool, x: x.max(axis=0),
    "attention": lambda pool, x: attention_by_hand(pool, x) @ x,
}


@pytest.mark.parametrize("padding", [0.0, 50.0, -50.0])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["equal", "ragged"])
@pytest.mark.parametrize("name", SEQUENCE_POOLINGS)
def test_pooling_sees_the_sequence_and_no_padding(name, lengths, padding):
    pool = randomized(SEQUENCE_POOLINGS[name](6, 4, seeded()))  # 4 of 6 read from the beginning
    x = draw(N, T, 6)
    ends = [T] * N if lengths is None else lengths.tolist()
    for row, end in enumerate(ends):
        x[row, end:] = padding
    expected = [POOLS_BY_HAND[name](pool, array(x[row, :end])) for row, end in enumerate(ends)]
    np.testing.assert_allclose(array(pool(x, lengths)), expected, rtol=0, atol=1e-10)


def test_attention_weights_sum_to_one_and_are_zero_in_the_padding():
    pool, x = randomized(AttentionPool(6)), draw(N, T, 6)
    weights = array(pool.weights(x, LENGTHS))
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-12)
    is_padding = np.arange(T) >= LENGTHS.numpy()[:, None]
    np.testing.assert_array_equal(weights == 0, is_padding)
    assert np.ptp(weights[0]) > 0.01


# --- rows as they come in ----------------------------------------------------------------------------


def test_input_standardises_and_finds_the_lengths():
    source = SequenceInput(2, None, 0).double()
    source.standardize_by([1.0, -2.0], [2.0, 0.5])
    x = draw(N, T, 2)
    values, lengths = source(x)
    assert lengths is None
    np.testing.assert_allclose(values, (array(x) - [1, -2]) / [2, 0.5], rtol=1e-12)
    for row, end in enumerate(LENGTHS.tolist()):
        x[row, end:] = torch.nan
    values, lengths = source(x)
    np.testing.assert_array_equal(lengths, LENGTHS)
    expected = np.nan_to_num((array(x) - [1, -2]) / [2, 0.5])
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_input_looks_tokens_up():
    source = SequenceInput(1, 4, 3, seeded())
    tokens = torch.tensor([[0, 3, 2], [1, -1, -1]])
    values, lengths = source(tokens)
    weight = array(source.embedding.weight)
    np.testing.assert_array_equal(lengths, [3, 1])
    np.testing.assert_array_equal(array(values[0]), weight[[0, 3, 2]])
    np.testing.assert_array_equal(array(values[1]), [weight[1], np.zeros(3), np.zeros(3)])
    assert source(tokens[:1])[1] is None


# --- convolutions in front ---------------------------------------------------------------------------


def convolution_by_hand(layer, x):
    """Return what one sequence of shape (n_timesteps, n_inputs) becomes."""
    weight, bias = array(layer.convolution.weight), array(layer.convolution.bias)
    k = weight.shape[2]
    padded = np.pad(x, [((k - 1) // 2, k // 2), (0, 0)])
    maps = [np.einsum("oik,ki->o", weight, padded[t : t + k]) + bias for t in range(len(x))]
    size = layer.pool_size
    pooled = [
        np.max(np.tanh(maps[start : start + size]), axis=0) for start in range(0, len(x), size)
    ]
    centred = pooled - np.mean(pooled, axis=1, keepdims=True)
    scaled = centred / np.sqrt(np.mean(centred**2, axis=1, keepdims=True) + 1e-5)
    return scaled * array(layer.normalization.weight) + array(layer.normalization.bias)


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["equal", "ragged"])
@pytest.mark.parametrize(("kernel_size", "pool_size"), [(3, 2), (5, 1), (1, 3), (9, 4)])
def test_convolution_shortens_each_sequence_as_if_alone(kernel_size, pool_size, lengths):
    layer = SequenceConvolution(3, 6, kernel_size, pool_size, "tanh", "glorot_uniform", seeded())
    layer, x = randomized(layer), draw(N, T, 3)
    ends = [T] * N if lengths is None else lengths.tolist()
    for row, end in enumerate(ends):
        x[row, end:] = 0.0
    outputs, shorter = layer(x, lengths)
    assert outputs.shape == (N, -(-T // pool_size), 6)
    if lengths is None:
        assert shorter is None
        shorter = torch.full((N,), outputs.shape[1])
    for row, (end, length) in enumerate(zip(ends, shorter.tolist(), strict=True)):
        assert length == int(np.ceil(end / pool_size))
        expected = convolution_by_hand(layer, array(x[row, :end]))
        np.testing.assert_allclose(array(outputs[row, :length]), expected, rtol=0, atol=1e-10)
        assert (outputs[row, length:] == 0).all()


def test_even_kernel_is_no_reason_for_a_warning():
    layer = SequenceConvolution(3, 6, 4, 2, "tanh", "glorot_uniform", seeded())
    layer, x = randomized(layer), draw(N, T, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outputs, _ = layer(x, None)
    for row in range(N):
        expected = convolution_by_hand(layer, array(x[row]))
        np.testing.assert_allclose(array(outputs[row]), expected, rtol=0, atol=1e-10)


# --- the stack ---------------------------------------------------------------------------------------


def test_padding_changes_nothing_in_a_whole_network():
    convolutions = [
        {"n_channels": 4, "kernel_size": 3, "pool_size": 2, "activation": "tanh"},
        {"n_channels": 5, "kernel_size": 3, "pool_size": 3, "activation": "tanh"},
    ]
    stack = make_stack(convolutions=convolutions, layer_sizes=[5, 4], bidirectional=True)
    assert stack.shortening == 6
    assert (stack.n_outputs, stack.n_ahead) == (8, 4)
    x, lengths = draw(N, 20, 3), torch.tensor([20, 7, 13, 1])
    for row, end in enumerate(lengths.tolist()):
        x[row, end:] = 0.0
    outputs, shorter = stack(x, lengths)
    for row, end in enumerate(lengths.tolist()):
        alone, _ = stack(x[row : row + 1, :end], None)
        assert alone.shape[1] == shorter[row]
        torch.testing.assert_close(outputs[row, : shorter[row]], alone[0], rtol=0, atol=1e-12)


def cut_by_hand(stack, x, parts):
    """Return outputs of a stack whose states are detached after each part."""
    states, outputs = [None] * len(stack.layers), []
    for part in x.split(parts, 1):
        for depth, layer in enumerate(stack.layers):
            state = states[depth]
            if state is None:
                state = (part.new_zeros(len(part), layer.n_units),) * layer.n_states
            part, state = step_by_step(layer, part, state)
            states[depth] = tuple(s.detach() for s in state)
        outputs.append(part)
    return torch.cat(outputs, 1)


@pytest.mark.parametrize(("bptt_steps", "parts"), [(3, [2, 3, 3]), (4, [4, 4]), (1, [1] * 8)])
@pytest.mark.parametrize("cell", ["lstm", "gru", "rau"])
def test_gradient_is_cut_on_its_way_back(cell, bptt_steps, parts):
    stack = make_stack(cell=cell, layer_sizes=[5, 4], bptt_steps=bptt_steps)
    whole = make_stack(cell=cell, layer_sizes=[5, 4])
    x, parameters = draw(N, 8, 3), list(stack.parameters())
    factors = draw(N, 8, 4, seed=5)
    outputs, _ = stack(x, None)
    torch.testing.assert_close(outputs, whole(x, None)[0], rtol=0, atol=1e-12)
    gradient = torch.autograd.grad((outputs * factors).sum(), parameters)
    by_hand = cut_by_hand(stack, x, parts)
    expected = torch.autograd.grad((by_hand * factors).sum(), parameters)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-11)
    full = torch.autograd.grad((whole(x, None)[0] * factors).sum(), list(whole.parameters()))
    assert not torch.allclose(gradient[0], full[0])

    last, _ = stack(x, None, only_last=True)
    assert last.shape[1] == bptt_steps  # nothing is kept of what lies before
    torch.testing.assert_close(last[:, -1], outputs[:, -1], rtol=0, atol=1e-12)
    gradient = torch.autograd.grad((last[:, -1] * factors[:, -1]).sum(), parameters)
    by_hand = cut_by_hand(stack, x, parts)
    expected = torch.autograd.grad((by_hand[:, -1] * factors[:, -1]).sum(), parameters)
    torch.testing.assert_close(gradient, expected, rtol=0, atol=1e-11)


def test_cut_sequences_may_be_ragged_and_are_whole_in_prediction():
    stack, whole = make_stack(bptt_steps=3), make_stack()
    x = draw(N, T, 3)
    cut, lengths = stack(x, LENGTHS, only_last=True)
    assert lengths is LENGTHS
    torch.testing.assert_close(cut, whole(x, None)[0], rtol=0, atol=1e-12)
    outputs, _ = stack.eval()(x, None, only_last=True)
    torch.testing.assert_close(outputs, whole(x, None)[0], rtol=0, atol=1e-12)


def make_net(pool, **params):
    source = SequenceInput(3, None, 0)
    head = {
        "layer_sizes": [2],
        "activations": [],
        "dropout": [],
        "normalization": None,
        "weight_init": "glorot_uniform",
    }
    net = RecurrentNet(source, make_stack(**params), pool=pool, feature_dropout=0.0, head=head)
    return randomized(net)


def test_network_has_an_output_per_sequence_or_per_timestep():
    x = draw(N, T, 3)
    single, timesteps = make_net("last"), make_net(None)
    assert single(x).shape == (N, 2)
    assert timesteps(x).shape == (N, T, 2)
    torch.testing.assert_close(timesteps(x)[:, -1], single(x), rtol=0, atol=1e-12)
    with pytest.raises(TypeError, match="no attention"):
        single.attention(x)


def test_products_are_counted_by_timestep():
    layer = CELLS["lstm"](3, 5)
    assert layer.count_products(layer(torch.zeros(1, 7, 3))[0]) == 7 * 4 * 5 * (3 + 5)


# --- attention over shortened sequences ---------------------------------------------------------------


@pytest.mark.parametrize("n_steps", [None, 2], ids=["pool", "decoder"])
@pytest.mark.parametrize("lengths", [None, [13, 12, 11, 1, 2, 6, 7]], ids=["equal", "ragged"])
@pytest.mark.parametrize("shortening", [1, 2, 3, 4, 6, 20])
def test_spread_weights_still_sum_to_one(shortening, lengths, n_steps):
    lengths = None if lengths is None else torch.tensor(lengths)
    ends = np.full(7, 13) if lengths is None else lengths.numpy()
    n_short = -(-13 // shortening)
    scores = draw(7, n_short) if n_steps is None else draw(7, n_steps, n_short)
    inside = np.arange(n_short) < -(-ends // shortening)[:, None]
    inside = torch.from_numpy(inside).reshape(7, *[1] * (scores.ndim - 2), n_short)
    weights = torch.softmax(scores.masked_fill(~inside, -torch.inf), -1)
    result = array(share_out(weights, torch.zeros(7, 13, 2).double(), lengths, shortening))
    assert result.shape == (*scores.shape[:-1], 13)
    np.testing.assert_allclose(result.sum(axis=-1), 1, rtol=1e-12)
    for row, end in enumerate(ends):
        assert (result[row][..., end:] == 0).all()
        for start in range(0, end, shortening):
            window = result[row][..., start : min(start + shortening, end)]
            weight = array(weights[row])[..., start // shortening, None]
            expected = np.broadcast_to(weight / window.shape[-1], window.shape)
            np.testing.assert_allclose(window, expected, rtol=1e-12)


# --- the decoder -------------------------------------------------------------------------------------


def make_decoder(*, n_classes, pool="attention", cell="lstm", seed=1, **params):
    stack = make_stack(cell=cell, bidirectional=True)
    head = {
        "layer_sizes": [2 if n_classes is None else n_classes + 1],
        "activations": [],
        "dropout": [],
        "normalization": None,
        "weight_init": "glorot_uniform",
    }
    defaults = {
        "layer_sizes": [5, 4],
        "max_output_length": 6,
        "teacher_forcing": 1.0,
        "dropout": 0.0,
        "recurrent_dropout": 0.0,
        "head": head,
    }
    decoder = EncoderDecoder(
        SequenceInput(3, None, 0),
        stack,
        pool=pool,
        cell=cell,
        n_classes=n_classes,
        **defaults | params,
    )
    return randomized(decoder, seed)


def decode_by_hand(module, x, told):
    """Return raw outputs and attention of one sequence; `told(step, raw)` is what is seen next."""
    outputs, _ = module.stack(x[None], None)
    outputs = array(outputs[0])
    features = module.pool(torch.from_numpy(outputs[None]), None)[0].detach().numpy()
    states = []
    for bridge, layer in zip(module.bridges, module.layers, strict=True):
        state = np.tanh(array(bridge.weight) @ features + array(bridge.bias))
        states.append(tuple(np.split(state, layer.n_states)))
    raws, weights, raw = [], [], None
    for step in range(100):
        seen = told(step, raw)
        if seen is None:
            return np.array(raws), np.array(weights)
        for depth, layer in enumerate(module.layers):
            name = "lstm" if layer.n_states == 2 else "gru"
            _, states[depth] = run_by_hand(name, layer, [seen], states[depth])
            seen = states[depth][0]
        if module.attends:
            keys = outputs @ array(module.keys.weight).T + array(module.keys.bias)
            weight = softmax(keys @ seen)
            weights.append(weight)
            both = np.concatenate([weight @ outputs, seen])
            seen = np.tanh(array(module.mix.weight) @ both + array(module.mix.bias))
        raw = array(module.head[-1].weight) @ seen + array(module.head[-1].bias)
        raws.append(raw)
    raise AssertionError("it should have ended")


@pytest.mark.parametrize("cell", ["lstm", "gru"])
@pytest.mark.parametrize("pool", ["attention", "last", "mean"])
@pytest.mark.parametrize("n_classes", [None, 3], ids=["numbers", "classes"])
def test_forced_pass_is_one_step_after_the_other_with_the_truth(n_classes, pool, cell):
    module, x = make_decoder(n_classes=n_classes, pool=pool, cell=cell), draw(N, T, 3)
    if n_classes is None:
        y = draw(N, 5, 2, seed=9)
        seen = np.concatenate([np.zeros((N, 1, 2)), array(y)[:, :-1]], axis=1)
    else:
        y = torch.tensor([[0, 1, 2, 2, 3], [2, 0, 3, -1, -1], [3, -1, -1, -1, -1], [1] * 4 + [3]])
        first = np.full((N, 1), n_classes + 1)
        before = np.concatenate([first, y.numpy()[:, :-1]], axis=1).clip(min=0)
        seen = array(module.embedding.weight)[before]
    raw = array(module(x, y))
    for row in range(N):
        expected, _ = decode_by_hand(
            module, x[row], lambda step, _, row=row: seen[row, step] if step < 5 else None
        )
        is_step = np.ones(5, bool) if n_classes is None else y[row].numpy() >= 0
        np.testing.assert_allclose(raw[row][is_step], expected[is_step], rtol=0, atol=1e-10)


@pytest.mark.parametrize("n_classes", [None, 3], ids=["numbers", "classes"])
def test_writing_goes_on_from_what_was_written_and_stops_at_the_end(n_classes):
    # of the rows, some end early, some late and some never
    module, x = make_decoder(n_classes=n_classes, seed=13, max_output_length=8), draw(12, T, 3)
    raw, attention = array(module(x)), array(module.attention(x))
    lengths = []
    for row in range(12):

        def told(step, raw):
            if n_classes is None:
                return None if step == 8 else np.zeros(2) if raw is None else raw
            written = n_classes + 1 if raw is None else raw.argmax()
            has_ended = step == 8 or written == n_classes
            return None if has_ended else array(module.embedding.weight)[written]

        expected, weights = decode_by_hand(module, x[row], told)
        lengths.append(len(expected))
        np.testing.assert_allclose(raw[row, : lengths[-1]], expected, rtol=0, atol=1e-10)
        np.testing.assert_allclose(attention[row, : lengths[-1]], weights, rtol=0, atol=1e-10)
    assert raw.shape[1] == max(lengths)
    if n_classes is not None:
        assert len(set(lengths)) > 2

    # a batch is written no further than its last end, also where rows have ended one by one
    if n_classes is not None:
        ended = [row for row in range(12) if lengths[row] < 8]
        assert len({lengths[row] for row in ended}) > 2
        assert module(x[ended]).shape[1] == max(lengths[row] for row in ended)


@pytest.mark.parametrize("n_classes", [None, 3], ids=["numbers", "classes"])
def test_rate_of_truth_that_a_decoder_is_told(n_classes):
    x = draw(60, T, 3)
    y = draw(60, 4, 2, seed=9) if n_classes is None else torch.arange(240).reshape(60, 4) % 3
    forced = make_decoder(n_classes=n_classes)(x, y)
    almost = make_decoder(n_classes=n_classes, teacher_forcing=1 - 1e-12)  # writes step by step
    torch.testing.assert_close(almost(x, y), forced, rtol=0, atol=1e-12)
    free = make_decoder(n_classes=n_classes, teacher_forcing=0.0, max_output_length=4)
    own = free(x)
    torch.testing.assert_close(free(x, y)[:, : own.shape[1]], own, rtol=0, atol=1e-12)

    half = make_decoder(n_classes=n_classes, teacher_forcing=0.7)
    half.generator = seeded(3)
    mixed = half(x, y)
    torch.testing.assert_close(mixed[:, 0], forced[:, 0], rtol=0, atol=1e-12)
    differs = (forced[:, 1] - own[:, 1]).abs().amax(1) > 1e-6
    is_told = (mixed[:, 1] - forced[:, 1]).abs().amax(1) < 1e-9
    is_own = (mixed[:, 1] - own[:, 1]).abs().amax(1) < 1e-9
    assert (is_told | is_own).all()
    assert differs.sum() > 10
    assert 0.5 < is_told[differs].double().mean() < 0.9


def test_memory_of_padded_sequences_is_that_of_each_alone():
    module, x = make_decoder(n_classes=3), draw(N, T, 3)
    y = torch.tensor([[0, 1, 2, 3]] * N)
    for row, end in enumerate(LENGTHS.tolist()):
        x[row, end:] = torch.nan
    together = module(x, y)
    attention = module.attention(x)
    for row, end in enumerate(LENGTHS.tolist()):
        alone = module(x[row : row + 1, :end], y[row : row + 1])
        torch.testing.assert_close(together[row], alone[0], rtol=0, atol=1e-12)
        assert (attention[row, :, end:] == 0).all()
    np.testing.assert_allclose(array(attention.sum(2)), 1, rtol=1e-12)


def test_what_cudnn_advises_is_left_out_once():
    message = "RNN module weights are not part of single contiguous chunk of memory. This means"
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        _recurrent._ignore_advice(torch.device("cpu"))
        warnings.warn(message, stacklevel=1)
        assert len(told) == 1
        for _ in range(3):
            _recurrent._ignore_advice(torch.device("cuda"))
        assert warnings.filters.count(_recurrent._ADVICE) == 1
        warnings.warn(message, stacklevel=1)
        assert len(told) == 1
