"""The loss of a fitted network as a function of its parameters."""

import numpy as np
import torch
from sklearn.compose import TransformedTargetRegressor

from sknets.estimators._data import read_data
from sknets.inspection._opened import OpenedNetwork
from sknets.inspection._opening import _KINDS
from sknets.inspection._unwrap import unwrap, wrappers

ABILITIES = tuple(_KINDS)
_SKIPPED = (torch.nn.Identity, torch.nn.modules.dropout._DropoutNd)


class SurfaceLoss:
    """The loss of some rows, without penalties, at any parameters; computed with a copy of the network.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    X, y : array-like
        Rows and targets, as the estimator takes them; y of an autoencoder is None.
    sample_weight : array-like of shape (n_samples,)
        Weights of the rows, or None.

    Attributes
    ----------
    network : BaseNet
        The fitted network.
    state : State
        Its parameters.
    y : ndarray
        Encoded targets.
    """

    def __init__(self, estimator, X, y, sample_weight):
        self.network, X = unwrap(estimator, ABILITIES, X)
        _check_sees_y(estimator)
        learned = self.network._learned
        self._opened = opened = OpenedNetwork(estimator, ABILITIES)
        parts = self.network, learned.input, learned.target.task, X, y, sample_weight
        data = read_data(*parts, reset=False)
        learned.target.check(data.y)
        self._data = data = data.weighed(learned.target)
        learned.input.check_sizes(data.rows, opened.dtype)
        order, size = learned.input.plan_prediction(data.rows, learned.net.rows_at_once)
        self._n_at_once = min(size, data.rows.shape[0])
        rows = data.rows if order is None else data.rows[order]
        starts = range(0, rows.shape[0], size)
        self._batches = [opened.batch(rows[start : start + size]) for start in starts]
        index = slice(None) if order is None else order
        self.y = learned.target.encode(data.y)
        self._target = _as_tensor(self.y[index])
        self._weight = None if data.weight is None else torch.from_numpy(data.weight[index])
        self.state = State(self.network)
        self._tensors = _tensors(opened.module)

    def check_same_y(self, other, name):
        """Raise ValueError if another network has learned a y of other classes or units."""
        ours, theirs = self.network._learned.target, other._learned.target
        is_same = type(ours) is type(theirs) and np.array_equal(_classes(ours), _classes(theirs))
        if is_same:
            encoded = theirs.encode(self._data.y)
            is_same = encoded.shape == self.y.shape and np.allclose(
                encoded, self.y, rtol=1e-6, atol=1e-6, equal_nan=True
            )
        if not is_same:
            raise ValueError(
                f"{name} has learned other classes, or a y of another mean or spread, so that its loss "
                "has other units; fit both networks to the same y."
            )

    def __call__(self, values):
        """Return the loss where the tensors of the state have these values; it may be inf or NaN."""
        with torch.no_grad():
            parts = torch.from_numpy(values).split(self.state.sizes)
            for tensor, part in zip(self._tensors, parts, strict=True):
                tensor.copy_(part.view(tensor.shape))
            n_rows = len(self._target)
            with self._opened.threads(self._n_at_once):
                net = self.network.net_
                raw = net.raw_outputs(self._batches, n_rows, self._opened.module)
                return float(net.criterion_(raw.double(), self._target, self._weight))


class State:
    """The parameters of a fitted network, and behind them its buffers of numbers, as one vector.

    Attributes
    ----------
    values : ndarray of shape (n_parameters + n_buffered,)
        The vector, in float64.
    shapes : dict of tuple
        Shapes of its parts by name.
    sizes : list of int
        Their sizes.
    layers : list of type
        The kinds of its layers, without dropout.
    n_parameters : int
        How many of the values are parameters.
    """

    def __init__(self, network):
        module = network.net_.module_
        tensors = _tensors(module)
        self.values = np.concatenate([t.detach().cpu().double().numpy().ravel() for t in tensors])
        self.sizes = [tensor.numel() for tensor in tensors]
        self.shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
        self.shapes |= {name: tuple(b.shape) for name, b in module.named_buffers()}
        self.layers = [type(layer) for layer in module.modules() if not isinstance(layer, _SKIPPED)]
        self.n_parameters = sum(p.numel() for p in module.parameters())

    @property
    def parameters(self):
        """The parameters alone."""
        return self.values[: self.n_parameters]


def _tensors(module):
    """Return the parameters of a module, then its buffers of floating-point numbers."""
    buffers = (buffer for buffer in module.buffers() if buffer.is_floating_point())
    return [*module.parameters(), *buffers]


def _classes(target):
    """Return the classes of a target, or None; of sequences, those of their steps."""
    return getattr(getattr(target, "inner", target), "classes", None)


def _as_tensor(y):
    y = torch.as_tensor(np.asarray(y))
    return y.double() if y.is_floating_point() else y


def _check_sees_y(estimator):
    if any(isinstance(wrapper, TransformedTargetRegressor) for wrapper in wrappers(estimator)):
        raise TypeError(
            "estimator: the network in a TransformedTargetRegressor sees another y; give its regressor_, "
            "with y as its transformer_ makes it."
        )
