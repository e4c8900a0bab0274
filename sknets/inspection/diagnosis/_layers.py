"""What happens in the layers of a network: gradients, steps, and units that say nothing."""

from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sknets.estimators._tasks import is_incremental
from sknets.inspection._opened import OpenedNetwork, outputs_of

_MOST_ROWS = 256  # that are sent through the layers at once
#: Lower and upper limit of the activations that have two.
_LIMITS = {nn.Sigmoid: (0.0, 1.0), nn.Tanh: (-1.0, 1.0), nn.Softsign: (-1.0, 1.0)}
_RECTIFIERS = (nn.ReLU, nn.ReLU6)
_NEAR = 0.02  # of the distance of both limits: a unit there is saturated
_MEAN_TO_RMS = np.sqrt(3) / 2  # of the absolute values of uniform weights
#: Solvers whose steps are about as long as the rate, however long the gradient is.
_UNIT_STEPS = ("adam", "adamw", "rmsprop", "adagrad")


class Weights(NamedTuple):
    """The weights of a layer, by root mean squares.

    Attributes
    ----------
    name : str
        Name in the module.
    size : float
        Of the weights.
    gradient : float
        Of the gradient of the loss.
    n_units : int
        Units that they lead to.
    n_values : int
        How many weights there are.
    """

    name: str
    size: float
    gradient: float
    n_units: int
    n_values: int

    @property
    def as_drawn(self):
        """The same with weights as Torch draws them: uniform in ±1 / √n_inputs."""
        return self._replace(size=float(np.sqrt(self.n_units / self.n_values / 3)))


class Units(NamedTuple):
    """The units of an activation.

    Attributes
    ----------
    name : str
        Name in the module.
    dead : float
        Share of units that put out nothing but zero for all rows; NaN where units cannot die.
    saturated : float
        Share of outputs next to a limit of the activation; NaN where it has none.
    """

    name: str
    dead: float
    saturated: float


class Inside(NamedTuple):
    """What has been measured in a network.

    Attributes
    ----------
    weights : list of Weights
        After training, from the first layer to the last.
    start : list of Weights
        The same before training; empty where that cannot be made again.
    units : list of Units
        Of activations that are layers of the module.
    """

    weights: list
    start: list
    units: list

    @property
    def fresh(self):
        """The weights before training; where these are unknown, as Torch draws them."""
        return self.start or [layer.as_drawn for layer in self.weights]

    def step(self, network):
        """Return the length of a first step beside that of the weights, all layers together.

        NaN for solvers that know no learning rate.
        """
        count = sum(layer.n_values for layer in self.fresh)
        if not count or not knows_rate(network):
            return np.nan
        size, gradient = self._length("size"), self._length("gradient")
        if network.solver in _UNIT_STEPS:
            gradient = np.sqrt(count)
        elif network.max_grad_norm is not None:
            gradient = min(gradient, network.max_grad_norm)
        if network.solver == "sgd":
            gradient /= 1 - min(network.momentum, 0.99)
        return float(network.learning_rate_init * gradient / max(size, 1e-12))

    def _length(self, of):
        """Return the norm over all fresh layers."""
        return float(np.sqrt(sum(w.n_values * getattr(w, of) ** 2 for w in self.fresh)))

    def penalties(self, network):
        """Return the penalties of fresh weights, times the number of rows."""
        l1 = sum(w.n_values * _MEAN_TO_RMS * w.size for w in self.fresh)
        return network.alpha / 2 * self._length("size") ** 2, network.l1_alpha * l1

    @property
    def depth_ratio(self):
        """Return the gradient of the first layer beside that of the last, before or after training.

        The larger one counts: where last weights start at zero, no gradient comes through at first.
        """
        return max(map(_first_to_last, filter(None, (self.start, self.weights))), default=np.nan)

    def by_layer(self):
        """Return the numbers of each layer as plain values."""
        named = {"weights": [*self.weights], "weights_before_training": [*self.start]}
        found = {
            name: [
                {"name": w.name, "n_units": w.n_units, "size": w.size, "gradient": w.gradient}
                for w in layers
            ]
            for name, layers in named.items()
            if layers
        }
        units = [
            {name: value for name, value in unit._asdict().items() if value == value}
            for unit in self.units  # without what is NaN
        ]
        return found | ({"units": units} if units else {})

    @property
    def narrowest(self):
        """Return the units of the narrowest hidden layer; NaN without one."""
        return min((layer.n_units for layer in self.weights[:-1]), default=np.nan)

    @property
    def shrinkage(self):
        """Return the size of the weights after training beside that before, the median over layers."""
        if not self.start or len(self.start) != len(self.weights):
            return np.nan
        pairs = zip(self.weights, self.start, strict=True)
        return float(np.median([now.size / max(then.size, 1e-12) for now, then in pairs]))


def knows_rate(network):
    """Return whether the solver of a network takes steps of a given rate."""
    try:
        return is_incremental(network)
    except AttributeError:
        return False


def _first_to_last(weights):
    if len(weights) < 2:
        return np.nan
    last = weights[-1].gradient
    return weights[0].gradient / last if last > 0 else np.nan


def look_inside(estimator, ability, X, y):
    """Measure gradients, weights and units on copies of the module of a fitted network.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    ability : Ability
        What the network can do.
    X : array-like
        Rows, as the estimator takes them.
    y : ndarray or sequences
        Their targets, as the network has encoded them.

    Returns
    -------
    Inside
    """
    opened = OpenedNetwork(estimator, ability, X, device="cpu")
    n_rows = min(_MOST_ROWS, opened.rows.shape[0])
    batch = opened.batch(opened.rows[:n_rows])
    target = torch.as_tensor(np.asarray(y)[:n_rows])
    if target.is_floating_point():
        target = target.to(opened.dtype)
    with opened.threads(n_rows):
        units = _measure_units(opened.module, batch, n_rows)
        weights = _measure_weights(opened, batch, target)
        start = []
        if _reset(opened):
            start = _measure_weights(opened, batch, target)
    return Inside(weights, start, units)


def _measure_weights(opened, batch, target):
    module = opened.module
    module.requires_grad_(True).zero_grad(set_to_none=True)
    loss = opened.network.net_.criterion_(module(batch), target)
    loss.backward()
    return [
        Weights(name, _rms(p), 0.0 if p.grad is None else _rms(p.grad), len(p), p.numel())
        for name, p in module.named_parameters()
        if p.ndim > 1
    ]


def _rms(tensor):
    return float(tensor.detach().square().mean().sqrt())


def _reset(opened):
    """Put the weights before training into the copy; return whether that can be done."""
    learned = opened.network._learned
    generator = torch.Generator()
    generator.set_state(torch.from_numpy(np.array(learned.build_state)))
    is_pretrained = getattr(opened.network, "pretrain", None) is not None
    if learned.architecture.must_be_tried or learned.architecture.is_pretrained or is_pretrained:
        return False  # some sizes, or weights, are not drawn
    drawn = dict(learned.architecture.build(generator).named_parameters())
    with torch.no_grad():
        for name, parameter in opened.module.named_parameters():
            if name not in drawn or drawn[name].shape != parameter.shape:
                return False
            parameter.copy_(drawn[name])
    return True


def _measure_units(module, batch, n_rows):
    kinds = (*_LIMITS, *_RECTIFIERS)
    layers = {name: layer for name, layer in module.named_modules() if type(layer) in kinds}
    if not layers:
        return []
    with torch.no_grad():
        try:
            outputs = outputs_of(layers, lambda: module(batch), n_rows)
        except ValueError:  # the only one has no entry for each row
            return []
    return [_units(name, layers[name], values) for name, values in outputs.items()]


def _units(name, layer, values):
    axis = -1 if values.ndim == 3 else 1  # units are last in sequences, channels second in images
    by_unit = values.movedim(axis, 0).flatten(1)
    if isinstance(layer, _RECTIFIERS):
        return Units(name, float((by_unit == 0).all(dim=1).double().mean()), np.nan)
    low, high = _LIMITS[type(layer)]
    margin = _NEAR * (high - low)
    is_near = (by_unit < low + margin) | (by_unit > high - margin)
    return Units(name, np.nan, float(is_near.double().mean()))
