"""The decoder of the recurrent autoencoder: against a recursion in NumPy."""

import numpy as np
import pytest
import torch

from sknets.modules import RecurrentAutoencoder

GENERATOR = torch.Generator().manual_seed(0)
PLAN = {
    "bidirectional": False,
    "head_sizes": [2],
    "head_activations": ["identity"],
    "dropout": 0.0,
    "recurrent_dropout": 0.0,
    "weight_init": "glorot_uniform",
    "noise": None,
    "noise_level": 0.0,
}


def make(layer_sizes, cell, **changes):
    plan = PLAN | {"cell": cell} | changes
    return RecurrentAutoencoder(3, layer_sizes, **plan, generator=GENERATOR).double().eval()


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def steps_of(cell, weight, recurrent, bias, second, inputs, state):
    """Return the outputs of a cell, step by step, from its equations."""
    outputs = []
    for x in inputs:
        (h, *_), a = state, weight @ x + bias
        if cell == "rnn":
            state = (np.tanh(a + recurrent @ h),)
        elif cell == "lstm":
            i, f, g, o = np.split(a + recurrent @ h, 4)
            c = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
            state = (sigmoid(o) * np.tanh(c), c)
        else:
            (r, z, n), (ur, uz, un) = np.split(a, 3), np.split(recurrent @ h, 3)
            r, z = sigmoid(r + ur), sigmoid(z + uz)
            state = ((1 - z) * np.tanh(n + r * (un + second)) + z * h,)
        outputs.append(state[0])
    return np.array(outputs)


def unrolled_by_numpy(module, cell, code, n_steps):
    part = module.unrolled
    inputs = np.repeat(code[None], n_steps, axis=0)
    for start, layer in zip(part.starts, part.layers, strict=True):
        state = np.tanh(start.weight.detach().numpy() @ code + start.bias.detach().numpy())
        names = ("weight", "recurrent_weight", "bias", "recurrent_bias")
        values = [
            getattr(layer, name).detach().numpy() if hasattr(layer, name) else None
            for name in names
        ]
        inputs = steps_of(cell, *values, inputs, np.split(state, part.n_states))
    return inputs @ module.head.weight.detach().numpy().T + module.head.bias.detach().numpy()


@pytest.mark.parametrize("layer_sizes", [[5], [4, 6]])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_decoder_equals_a_recursion_in_numpy(cell, layer_sizes):
    module = make(layer_sizes, cell)
    codes = torch.randn(2, 2, dtype=torch.float64, generator=GENERATOR)
    unrolled = module.decode(codes, 7).detach().numpy()
    for code, series in zip(codes.numpy(), unrolled, strict=True):
        expected = unrolled_by_numpy(module, cell, code, 7)
        np.testing.assert_allclose(series, expected, atol=1e-12)
    assert [layer.n_units for layer in module.unrolled.layers] == layer_sizes[::-1]


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_changes_nothing(bidirectional):
    module = make([4, 3], "gru", bidirectional=bidirectional)
    x = torch.randn(1, 5, 3, dtype=torch.float64, generator=GENERATOR)
    padded = torch.cat([x, torch.full((1, 3, 3), torch.nan, dtype=torch.float64)], 1)
    torch.testing.assert_close(module.encode(padded), module.encode(x), atol=1e-13, rtol=0)
    torch.testing.assert_close(module(padded)[:, :5], module(x), atol=1e-13, rtol=0)
    code, lengths = module.encode(x), torch.tensor([5])
    torch.testing.assert_close(
        module.decode(code, 8, lengths)[:, :5], module.decode(code, 5), atol=1e-13, rtol=0
    )


def test_from_both_ends_is_what_it_says():
    module = make([4], "rnn", bidirectional=True)
    code = torch.randn(1, 2, dtype=torch.float64, generator=GENERATOR)
    outputs = module.unrolled(code, 6, None)
    ahead, back = outputs.chunk(2, 2)
    torch.testing.assert_close(module.unrolled(code, 3, None)[:, :, :4], ahead[:, :3])
    torch.testing.assert_close(module.unrolled(code, 3, None)[:, :, 4:], back[:, 3:])


def test_hidden_layers_are_mirrored():
    module = make([4], "rnn", head_sizes=[7, 5, 2], head_activations=["tanh", "relu", "logistic"])
    shapes = [
        tuple(layer.weight.shape) for layer in module.widening.modules() if hasattr(layer, "weight")
    ]
    assert shapes == [(5, 2), (7, 5)]
    assert [type(layer).__name__ for layer in module.widening.modules()][3:] == [
        "ReLU",
        "Linear",
        "Tanh",
    ]
    code = module.encode(torch.randn(3, 4, 3, dtype=torch.float64, generator=GENERATOR))
    assert ((code > 0) & (code < 1)).all()
