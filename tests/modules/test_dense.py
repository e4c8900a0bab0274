"""The dense stack and its layers, against NumPy."""

import numpy as np
import pytest
import scipy.special
import torch
from torch import nn

from sknets import modules

RNG = np.random.default_rng(0)
X = RNG.standard_normal((9, 4))

NUMPY = {
    "identity": lambda z: z,
    "logistic": scipy.special.expit,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "prelu": lambda z: np.where(z > 0, z, 0.25 * z),
    "elu": lambda z: np.where(z > 0, z, np.expm1(z)),
    "gelu": lambda z: z * scipy.special.ndtr(z),
    "silu": lambda z: z * scipy.special.expit(z),
}


def make_stack(activations, dropout=0.0, normalization=None, weight_init="glorot_uniform", seed=0):
    sizes = [4, *[5] * len(activations), 2]
    return modules.DenseStack(
        sizes,
        activations,
        [dropout] * len(activations),
        normalization,
        weight_init,
        torch.Generator().manual_seed(seed),
    ).double()


def numpy_layers(stack):
    return [
        (layer.weight.detach().numpy().T, layer.bias.detach().numpy())
        for layer in stack.weighted_layers
    ]


@pytest.mark.parametrize("name", modules.ACTIVATIONS)
def test_forward_equals_numpy(name):
    stack = make_stack([name, name])
    hidden = X
    (w1, b1), (w2, b2), (w3, b3) = numpy_layers(stack)
    hidden = NUMPY[name](hidden @ w1 + b1)
    hidden = NUMPY[name](hidden @ w2 + b2)
    expected = hidden @ w3 + b3
    np.testing.assert_allclose(stack(torch.from_numpy(X)).detach().numpy(), expected, atol=1e-12)


def test_all_activations_are_tested():
    assert set(NUMPY) == set(modules.ACTIVATIONS)


def test_radial_basis_units_answer_to_distance():
    stack = make_stack(["rbf"])
    (centres, b1), (w2, b2) = numpy_layers(stack)
    squared = ((X[:, :, None] - centres[None]) ** 2).sum(axis=1)
    expected = np.exp(-np.exp(b1) * squared) @ w2 + b2
    np.testing.assert_allclose(stack(torch.from_numpy(X)).detach().numpy(), expected, atol=1e-12)
    at_centre = stack[0](torch.from_numpy(centres.T)).detach().numpy()
    np.testing.assert_allclose(np.diag(at_centre), 1.0)
    sparse = torch.from_numpy(X).to_sparse()
    torch.testing.assert_close(stack(sparse), stack(torch.from_numpy(X)))


@pytest.mark.parametrize("name", [*modules.ACTIVATIONS, "rbf"])
@pytest.mark.parametrize("normalization", [None, *modules.NORMALIZATIONS])
def test_gradient_equals_finite_differences(name, normalization):
    stack = make_stack([name], normalization=normalization)
    parameters = {k: v.detach() for k, v in stack.named_parameters()}
    x = torch.from_numpy(X)

    def call(*values):
        return torch.func.functional_call(stack, dict(zip(parameters, values, strict=True)), (x,))

    inputs = [v.clone().requires_grad_() for v in parameters.values()]
    assert torch.autograd.gradcheck(call, inputs, atol=1e-7)


def test_normalisation_comes_after_the_activation_and_dropout_last():
    kinds = [type(layer) for layer in make_stack(["relu"], 0.5, "batch")]
    assert kinds[1:4] == [nn.ReLU, modules.BatchNorm, modules.Dropout]
    assert isinstance(make_stack(["relu"], 0.5, "layer")[2], nn.LayerNorm)


def test_dropout_scales_what_stays():
    layer = modules.Dropout(0.4)
    layer.generator = torch.Generator().manual_seed(0)
    x = torch.ones(200, 200)
    out = layer(x)
    assert set(np.unique(out.numpy())) == {0.0, np.float32(1 / layer.keep)}
    assert layer.keep == pytest.approx(0.6, abs=2**-17)
    assert (out == 0).float().mean() == pytest.approx(0.4, abs=0.01)
    assert out.mean() == pytest.approx(1.0, abs=0.02)
    layer.eval()
    assert torch.equal(layer(x), x)


def test_build_leaves_the_global_generator_alone():
    before = torch.get_rng_state()
    make_stack(["relu", "rbf", "prelu"], 0.3, "batch", "orthogonal")
    assert torch.equal(before, torch.get_rng_state())


def test_same_generator_same_weights():
    a, b, c = (make_stack(["relu"], seed=seed) for seed in (0, 0, 1))
    assert torch.equal(a[0].weight, b[0].weight)
    assert not torch.equal(a[0].weight, c[0].weight)


def test_batch_normalisation_of_one_row_says_what_to_do():
    with pytest.raises(ValueError, match="use more rows, a larger batch_size"):
        make_stack(["relu"], normalization="batch")(torch.ones(1, 4).double())
