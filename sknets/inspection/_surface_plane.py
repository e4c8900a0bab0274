"""The line or plane in the space of parameters over which a loss is looked at."""

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from sknets.estimators import BaseNet
from sknets.inspection._parameter_path import ParameterPath
from sknets.inspection._surface_loss import ABILITIES, State
from sknets.inspection._unwrap import last_step, unwrap

_AROUND, _BETWEEN = (-1.0, 1.0), (-0.5, 1.5)  # what is shown: around a fit, and of a way to another
_MARGIN = 0.2  # of a path's extent
_PARALLEL = 1e-6  # ratio of singular values


class Direction(NamedTuple):
    """A direction from the parameters of the fit.

    Attributes
    ----------
    values : ndarray of shape (n_values,)
        Change of the state over one unit.
    name : str
        What it is, for the axis.
    span : tuple of float, default=(-1.0, 1.0)
        From where to where it is shown, in units.
    is_fit : bool, default=False
        Whether another fit lies at one unit.
    """

    values: Any
    name: str
    span: tuple = _AROUND
    is_fit: bool = False


class Plane(NamedTuple):
    """One or two directions from the parameters of a fit, and a path in them.

    Attributes
    ----------
    directions : list of Direction
    path : ndarray of shape (n_steps, n_directions) or None
        Coordinates of the points of the plane that are next to those of the path.
    """

    directions: list
    path: Any

    def evaluate(self, loss, coordinates):
        """Return the losses of a grid, a row for each coordinate in the second direction."""
        basis = np.stack([direction.values for direction in self.directions])
        grid = np.stack(np.meshgrid(*coordinates), axis=-1)
        losses = [loss(loss.state.values + point @ basis) for point in grid.reshape(-1, len(basis))]
        return np.reshape(losses, grid.shape[:-1])

    def loss_at(self, loss, point):
        """Return the loss at one point."""
        return self.evaluate(loss, [[coordinate] for coordinate in point]).item()

    @property
    def fits(self):
        """Coordinates of the fits in the plane, the one in its centre first."""
        n = len(self.directions)
        ends = [np.eye(n)[k] for k, direction in enumerate(self.directions) if direction.is_fit]
        return np.array([np.zeros(n), *ends])


def find_plane(loss, directions, path, random_state):
    """Find the plane that a user asks for.

    Parameters
    ----------
    loss : SurfaceLoss
        The loss, with the network.
    directions, path, random_state
        As `LossSurfaceDisplay.from_estimator` takes them.

    Returns
    -------
    Plane
    """
    state = loss.state
    steps = None if path is None else _read_path(path, state)
    if isinstance(directions, str) and directions == "principal":
        found = _principal(steps, state)
    else:
        rng = np.random.default_rng() if random_state is None else check_random_state(random_state)
        items = _as_items(directions)
        named = len(items) > 1 or isinstance(directions, list | tuple)
        found = [
            _read_direction(item, f"directions[{k}]" if named else "directions", k, loss, rng)
            for k, item in enumerate(items)
        ]
    _check_independent(found, state)
    basis = np.stack([direction.values[: state.n_parameters] for direction in found], axis=1)
    if steps is None:
        return Plane(found, None)
    coordinates = np.linalg.lstsq(basis, (steps - state.parameters).T, rcond=None)[0].T
    spans = [_span(d.span, c) for d, c in zip(found, coordinates.T, strict=True)]
    found = [d._replace(span=span) for d, span in zip(found, spans, strict=True)]
    return Plane(found, coordinates)


def _as_items(directions):
    """Return what stands for each direction."""
    if isinstance(directions, str) and directions == "random":
        return ["random", "random"]
    if isinstance(directions, np.ndarray) and directions.ndim == 2:
        directions = list(directions)
    if not isinstance(directions, list | tuple):
        return [directions]
    if len(directions) not in (1, 2):
        raise ValueError(f"directions must be one or two, got {len(directions)}.")
    return list(directions)


def _read_direction(item, name, number, loss, rng):
    if isinstance(item, str):
        if item != "random":
            raise ValueError(
                f"{name}={item!r} is unknown; give 'random', a fitted estimator, a vector of all "
                "parameters, or for both directions 'principal'."
            )
        return Direction(_random_direction(loss, rng), f"random direction {number + 1}")
    if hasattr(item, "get_params"):
        values = _values_of_fit(item, name, loss)
        if np.array_equal(values, loss.state.values):
            raise ValueError(f"{name} has the parameters of estimator; give another fit.")
        change = values - loss.state.values
        return Direction(change, "way to the other fit", _BETWEEN, is_fit=True)
    vector = _read_vector(item, name, loss.state, "'random', a fitted estimator")
    if not vector.any():
        raise ValueError(f"{name} is zero everywhere; give a change of some parameters.")
    n_buffered = len(loss.state.values) - len(vector)
    return Direction(np.append(vector, np.zeros(n_buffered)), f"direction {number + 1}")


def _values_of_fit(estimator, name, loss):
    """Return the state of another fit of the same network."""
    network, _ = unwrap(estimator, ABILITIES)
    _check_same_network(State(network), loss.state, name)
    loss.check_same_y(network, name)
    return State(network).values


def _check_same_network(theirs, ours, name):
    if theirs.shapes == ours.shapes:
        if theirs.layers == ours.layers:
            return
        raise ValueError(
            f"{name} is another network: its layers are of other kinds than those of estimator. Fit both "
            "with the same activations, normalisation and connections."
        )
    different = [key for key in ours.shapes if theirs.shapes.get(key) != ours.shapes[key]]
    what = (
        f"{different[0]} has the shape {ours.shapes[different[0]]}" if different else "all is there"
    )
    there = f"{theirs.shapes.get(different[0])}" if different else f"{sorted(theirs.shapes)}"
    raise ValueError(
        f"{name} is another network: in estimator {what}, there {there}. Fit both with the same layers."
    )


def _read_vector(item, name, state, others="a fitted estimator"):
    """Return a vector of all parameters as an array in float64; `others` may stand in its place."""
    item = item.detach().cpu() if hasattr(item, "detach") else item
    try:
        vector = np.asarray(item, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{name} must be {others} or a vector of numbers, got {type(item).__name__}."
        ) from error
    if vector.shape != (state.n_parameters,):
        raise ValueError(
            f"{name} must have the shape ({state.n_parameters},), a number for each parameter in the "
            f"order of net_.module_.parameters(); got {vector.shape}."
        )
    if not np.isfinite(vector).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    return vector


def _random_direction(loss, rng):
    """Return a normal direction in which each unit's change is as long as its weights.

    Biases, normalisations and what is frozen stay (Li et al., 2018, section 4).
    """
    net = loss.network.net_
    places, parts = net.flat.places(), []
    for parameter in net.module_.parameters():
        weights = parameter.detach().cpu().double().numpy()
        is_weight = places[id(parameter)].stop <= net.flat.n_weights
        if not (is_weight and parameter.requires_grad):
            parts.append(np.zeros(weights.size))
            continue
        drawn = rng.normal(size=(len(weights), weights[0].size))
        norms = np.linalg.norm(weights.reshape(drawn.shape), axis=1, keepdims=True)
        parts.append((drawn * (norms / np.linalg.norm(drawn, axis=1, keepdims=True))).ravel())
    n_buffered = len(loss.state.values) - loss.state.n_parameters
    direction = np.concatenate([*parts, np.zeros(n_buffered)])
    if not direction.any():
        raise ValueError(
            "directions='random' changes weights that learn and are not zero; this network has none. "
            "Give vectors."
        )
    return direction


# --- paths ----------------------------------------------------------------------------------------


def _read_path(path, state):
    """Return the steps of a path as an array of shape (n_steps, n_parameters)."""
    if isinstance(path, ParameterPath):
        path = path.parameters_
    if isinstance(path, BaseNet | str) or not hasattr(path, "__len__"):
        raise TypeError(
            "path must be a ParameterPath, an array of shape (n_steps, n_parameters) or a list of fitted "
            f"estimators, got {type(path).__name__}."
        )
    if len(path) < 2:
        raise ValueError(f"path must have at least two steps, got {len(path)}.")
    steps = []
    for number, item in enumerate(path):
        name = f"path[{number}]"
        if hasattr(item, "get_params"):
            network, _ = last_step(item)
            unwrap(network, ABILITIES)
            there = State(network)
            _check_same_network(there, state, name)
            steps.append(there.parameters)
        else:
            steps.append(_read_vector(item, name, state))
    return np.array(steps)


def _principal(steps, state):
    """Return the two principal directions of a path, of length 1 (Li et al., 2018, section 7)."""
    if steps is None:
        raise ValueError(
            "directions='principal' are those of a path; give path, such as a ParameterPath that was one "
            "of the callbacks of the fit."
        )
    moves = steps - steps.mean(axis=0)
    values, vectors = np.linalg.svd(moves, full_matrices=False)[1:]
    if len(values) < 2 or values[1] <= _PARALLEL * values[0]:
        raise ValueError(
            "path: its steps lie on a line, which has one principal direction; give more steps, or other "
            "directions."
        )
    shares = values**2 / np.sum(values**2)
    zeros = np.zeros(len(state.values) - state.n_parameters)
    # an SVD knows no sign: the path starts at positive coordinates
    start = vectors[:2] @ (steps[0] - state.parameters)
    signs = np.where(start < 0, -1.0, 1.0)
    names = (f"principal direction {k + 1} ({shares[k]:.0%} of the path)" for k in range(2))
    return [
        Direction(np.append(sign * vector, zeros), name, span=(0.0, 0.0))
        for sign, vector, name in zip(signs, vectors[:2], names, strict=True)
    ]


def _span(span, coordinates):
    """Return a span that has room for a path."""
    low, high = min(coordinates.min(), 0.0), max(coordinates.max(), 0.0)
    margin = _MARGIN * (high - low)
    return min(span[0], low - margin), max(span[1], high + margin)


def _check_independent(directions, state):
    vectors = np.stack([direction.values[: state.n_parameters] for direction in directions])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    values = np.linalg.svd(vectors / np.where(lengths > 0, lengths, 1.0), compute_uv=False)
    if values[-1] <= _PARALLEL:
        raise ValueError("directions are parallel, and span no plane; give others, or one of them.")
