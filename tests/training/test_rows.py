"""Derivatives of each row, written out, against Torch's."""

import numpy as np
import pytest
import torch

from sknets import training
from sknets.training._motion import as_arrays
from sknets.training._recursion import Recursion
from tests.training.nets import make_learner
from tests.training.test_recursion import ACTIVATIONS, EMBEDDINGS, NUMBERS, X, make_stack


def derivatives(stack, x, output):
    """Return the derivatives of an output of each row by Torch, in the order of the flat vector."""
    learner = make_learner(stack)
    places = learner.flat.places()
    rows = np.zeros((len(x), learner.flat.values.numel()))
    for number, row in enumerate(x):
        (stack(row[None])[0, output]).backward()
        for parameter in stack.parameters():
            rows[number, places[id(parameter)]] = parameter.grad.numpy().ravel()
        learner.flat.grad.zero_()
    return learner, rows


@pytest.mark.parametrize("output", [0, 1])
@pytest.mark.parametrize("embedding", [None, *EMBEDDINGS])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_rows_equal_those_of_autograd(activation, embedding, output):
    stack, x = make_stack(activation, embedding=embedding), torch.from_numpy(X)
    learner, expected = derivatives(stack, x, output)
    flat = learner.flat
    recursion = Recursion(
        [stack.plain_layers()],
        flat.places(),
        *as_arrays(flat.values, flat.grad),
        training.HalfSquaredError(),
    )
    encoded = X if stack.encoder is None else stack.encoder.encode(X)
    rows = np.full_like(expected, np.nan)
    for _ in range(2):  # the second time in rooms that are there
        raw = recursion.differentiate_rows(encoded, output, rows)
    np.testing.assert_allclose(rows, expected, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(raw, stack(x).detach(), atol=1e-12)


def test_rows_sum_up_to_the_gradient():
    stack = make_stack("tanh")
    learner = make_learner(stack)
    flat = learner.flat
    vectors = as_arrays(flat.values, flat.grad)
    loss = training.HalfSquaredError()
    recursion = Recursion([stack.plain_layers()], flat.places(), *vectors, loss)
    _, raw = recursion.fill(X, NUMBERS, None, float(len(X)))
    residual, gradient = raw - NUMBERS, vectors[1].copy()
    rows, total = np.empty((len(X), len(gradient))), 0.0
    for output in (0, 1):
        recursion.differentiate_rows(X, output, rows)
        total = total + residual[:, output] @ rows
    np.testing.assert_allclose(total / len(X), gradient, rtol=1e-10, atol=1e-14)
