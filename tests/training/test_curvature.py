"""Loss, gradient and curvature of all rows against Torch's autograd and difference quotients."""

import numpy as np
import pytest
import scipy.sparse
import torch
from torch import nn
from torch.autograd.functional import hessian, jacobian
from torch.func import functional_call

from sknets import modules, training
from sknets.training import _curvature
from sknets.training._curvature import DenseSquaredErrors
from sknets.training._torch_curvature import Hessian, TorchSquaredErrors
from tests.training.nets import WEIGHT, X, make_net

NUMBERS = np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
SMOOTH = [name for name in modules.ACTIVATIONS if name not in ("relu", "leaky_relu", "prelu")]
KINDS = [DenseSquaredErrors, TorchSquaredErrors]


def make_stack(activation="tanh", dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    sizes = [3, 4, 3, 2]
    stack = modules.DenseStack(sizes, [activation] * 2, [0, 0], None, "glorot_uniform", generator)
    return stack.to(dtype)


def make_net_and_rows(module=None, weight=WEIGHT, alpha=0.7, criterion=None, y=NUMBERS, x=X):
    module = module or make_stack()
    net = make_net(
        module=module,
        penalty=training.Penalty(alpha=alpha),
        criterion=criterion or training.HalfSquaredError(),
    ).initialize()
    dtype = net.flat.values.dtype
    x = torch.from_numpy(x).to(dtype) if isinstance(x, np.ndarray) else x
    y = torch.from_numpy(y)
    weight = None if weight is None else torch.from_numpy(weight).to(dtype)
    rows = training.Rows(x, y.to(dtype) if y.is_floating_point() else y, weight)
    net.learner.begin(rows.mean_weight)
    return net, rows


def function_of(net, rows):
    """Return raw outputs and penalised loss as functions of the flat vector, by Torch."""
    module, flat, n = net.module_, net.flat, len(rows)
    x, y, weight = rows.take(slice(None))

    def raw(theta):
        return functional_call(module, flat.parameters_of(module, theta), (x,))

    def loss(theta):
        penalty = net.learner.penalty.alpha * theta[: flat.n_weights].square().sum() / 2 / n
        return net.criterion_(raw(theta), y, weight, n) + penalty

    return raw, loss


def check_gauss_newton(curvature, net, rows):
    """Compare with matrices that Torch makes of all rows at once."""
    raw, loss = function_of(net, rows)
    theta = net.flat.values.clone().requires_grad_()
    J = jacobian(raw, theta).reshape(-1, len(theta)).numpy()
    weight = np.ones(len(rows)) if rows.weight is None else rows.weight.numpy()
    expected = J.T @ (np.repeat(weight, len(J) // len(rows))[:, None] * J) / len(rows)
    expected[np.diag_indices(net.flat.n_weights)] += net.learner.penalty.alpha / len(rows)
    value = loss(theta)
    value.backward()
    found, gradient, matrix = curvature.expand(curvature.start)
    assert found == pytest.approx(value.item(), rel=1e-12)
    assert curvature.loss(curvature.start) == pytest.approx(value.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, theta.grad, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(matrix, expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("activation", [*modules.ACTIVATIONS, "rbf"])
def test_gauss_newton_matrix_of_each_activation(activation, kind):
    net, rows = make_net_and_rows(make_stack(activation))
    check_gauss_newton(kind(net, rows), net, rows)


@pytest.mark.parametrize("weight", [None, WEIGHT])
@pytest.mark.parametrize("kind", KINDS)
def test_rows_go_through_in_blocks(kind, weight, monkeypatch):
    monkeypatch.setattr(_curvature, "_BLOCK_VALUES", 7 * 37 + 1)
    net, rows = make_net_and_rows(weight=weight)
    curvature = kind(net, rows)
    assert len(curvature._blocks()) > 1
    check_gauss_newton(curvature, net, rows)


def test_sparse_rows():
    store = training.SparseStore(scipy.sparse.csr_array(X), torch.float64, torch.device("cpu"))
    net, rows = make_net_and_rows(x=store)
    dense_net, dense_rows = make_net_and_rows()
    ours = DenseSquaredErrors(net, rows)
    theirs = DenseSquaredErrors(dense_net, dense_rows)
    for found, expected in zip(ours.expand(ours.start), theirs.expand(theirs.start), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_single_precision_is_computed_in_double():
    module = make_stack(dtype=torch.float32)
    net, rows = make_net_and_rows(module)
    curvature = DenseSquaredErrors(net, rows)
    module.double()
    raw = module(rows.x.data.double()).detach()
    residual = (raw - rows.y.double()).square().sum(1) * rows.weight.double()
    weights = curvature.start[: net.flat.n_weights]
    expected = 0.5 * residual.mean() + 0.5 * 0.7 / len(rows) * weights @ weights
    assert curvature.loss(curvature.start) == pytest.approx(float(expected), rel=1e-12)


def test_batch_normalisation_takes_all_rows_as_one_block():
    module = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)).double()
    module.train()
    net, rows = make_net_and_rows(module)
    curvature = TorchSquaredErrors(net, rows)
    assert len(curvature._blocks()) == 1
    check_gauss_newton(curvature, net, rows)


def test_kernels_that_lie_channels_last():
    module = nn.Sequential(
        nn.Unflatten(1, (3, 4, 4)), nn.Conv2d(3, 2, 2), nn.Tanh(), nn.Flatten(), nn.Linear(18, 2)
    )
    module = module.double().to(memory_format=torch.channels_last)
    x = np.random.default_rng(0).standard_normal((len(X), 48))
    net, rows = make_net_and_rows(module, x=x)
    check_gauss_newton(TorchSquaredErrors(net, rows), net, rows)


@pytest.mark.parametrize("kind", [*KINDS, Hessian])
def test_frozen_parameters_are_left_out(kind):
    net, rows = make_net_and_rows()
    whole = kind(net, rows)
    _, gradient, matrix = whole.expand(whole.start)
    net.module_[0].weight.requires_grad_(False)
    net.learner.begin(1.0)
    learns = np.ones(len(gradient), dtype=bool)
    learns[net.learner.frozen[0]] = False
    assert 0 < learns.sum() < len(learns)
    part = kind(net, rows)
    found = part.expand(part.start)
    np.testing.assert_allclose(found[1], gradient[learns], atol=1e-14)
    np.testing.assert_allclose(found[2], matrix[np.ix_(learns, learns)], atol=1e-14)
    np.testing.assert_array_equal(part.whole(part.start), net.flat.values)


LOSSES = {
    "squared_error": (training.HalfSquaredError(), NUMBERS),
    "huber": (training.LOSSES["huber"](huber_delta=0.5), NUMBERS),
    "poisson": (training.LOSSES["poisson"](), np.floor(np.abs(3 * NUMBERS))),
    "labels": (training.BinaryCrossEntropy(), (NUMBERS > 0).astype(float)),
    "classes": (training.SoftmaxCrossEntropy(), (X[:, 0] > 0).astype(int)),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("activation", ["tanh", "silu", "relu"])
def test_hessian_of_each_loss(activation, name):
    criterion, y = LOSSES[name]
    net, rows = make_net_and_rows(make_stack(activation), criterion=criterion, y=y)
    check_hessian(net, rows)


@pytest.mark.parametrize("activation", SMOOTH)
def test_hessian_is_the_limit_of_difference_quotients(activation):
    net, rows = make_net_and_rows(make_stack(activation))
    curvature, h = Hessian(net, rows), 1e-5
    start = curvature.start
    _, gradient, matrix = curvature.expand(start)
    squares = DenseSquaredErrors(net, rows)
    for i in range(0, len(start), 5):
        step = np.zeros(len(start))
        step[i] = h
        ahead, behind = squares.expand(start + step), squares.expand(start - step)
        np.testing.assert_allclose((ahead[1] - behind[1]) / (2 * h), matrix[i], atol=1e-7)
        assert (ahead[0] - behind[0]) / (2 * h) == pytest.approx(gradient[i], abs=1e-8)


class Stubborn(nn.Module):
    """A network with an operation that knows no batches of gradients."""

    class Root(torch.autograd.Function):
        """x² with a derivative of its own."""

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, grad):
            (x,) = ctx.saved_tensors
            if grad.detach().sum().item() == 0.123:  # to look at a value is what vmap cannot do
                return grad
            return 2 * x * grad

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.Root.apply(self.layer(x))


@pytest.mark.parametrize("kind", [TorchSquaredErrors, Hessian])
def test_operations_without_batches_are_differentiated_one_by_one(kind):
    net, rows = make_net_and_rows(Stubborn().double())
    curvature = kind(net, rows)
    if kind is Hessian:
        check_hessian(net, rows)
    else:
        check_gauss_newton(curvature, net, rows)
    curvature.expand(curvature.start)
    assert not curvature._torch._is_vectorised


def check_hessian(net, rows):
    _, loss = function_of(net, rows)
    theta = net.flat.values.clone()
    curvature = Hessian(net, rows)
    value, _, matrix = curvature.expand(curvature.start)
    assert value == pytest.approx(loss(theta).item(), rel=1e-12)
    np.testing.assert_allclose(matrix, hessian(loss, theta), rtol=1e-8, atol=1e-12)
