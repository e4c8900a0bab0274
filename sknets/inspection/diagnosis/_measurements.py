"""All that is measured of a fitted network and its data, once, before anything is concluded."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from sklearn.utils import resample

from sknets.estimators._data import read_data
from sknets.estimators._validation_data import check_whole, read_validation
from sknets.inspection._opening import _KINDS
from sknets.inspection._unwrap import unwrap
from sknets.inspection.diagnosis._columns import find_shifts, find_tellers
from sknets.inspection.diagnosis._layers import knows_rate, look_inside
from sknets.inspection.diagnosis._place import find_place
from sknets.inspection.diagnosis._references import (
    as_plain,
    as_table,
    comparable,
    compare_simple,
    skill,
)

_MOST_ROWS = 4000  # that are looked at; of more, so many at random
_RARE = 0.4  # share of a class, where 1 is an equal one, below which balanced classes are tried
_FEWEST_STEPS = 200  # of a training that has had its time
_RECENT = 0.25  # share of the epochs by which a trend is judged
ALL = tuple(_KINDS)


@dataclass
class Measurements:
    """What is known of a fitted network.

    Attributes
    ----------
    place : Place
        Where the network is.
    n_rows, n_columns : int
        Training rows, and values in one.
    is_of_classes : bool
        Whether y holds classes or labels.
    train_loss, valid_loss, constant_loss : float
        Losses without penalties, on training and validation rows and of a constant prediction.
    train_skill, valid_skill : float
        How much better than a constant: R² of numbers, mean recall of classes from chance on.
    spread : float
        Spread of the predictions of training rows beside that of y; of classes, share of rows that are
        not predicted to be of the class that is predicted most.
    recalls : dict
        Recall of each class on the validation rows, or on the training rows without any.
    shares : dict
        Share of each class in the training rows.
    columns : Columns or None
        The columns of X as they reach the layers.
    inside : Inside or None
        Gradients, weights and units; None where the network could not be opened.
    reference : Reference or None
        What simple models reach.
    shifts, tellers : list
        Columns that have moved, and that tell y alone.
    unknown : list of str
        What could not be told, and why.
    n_seen, n_valid : int
        Training rows, and validation rows, that were looked at.
    """

    place: Any
    n_rows: int
    n_columns: int
    is_of_classes: bool
    train_loss: float = math.nan
    valid_loss: float = math.nan
    constant_loss: float = math.nan
    train_skill: float = math.nan
    valid_skill: float = math.nan
    spread: float = math.nan
    recalls: dict = field(default_factory=dict)
    shares: dict = field(default_factory=dict)
    columns: Any = None
    inside: Any = None
    reference: Any = None
    shifts: list = field(default_factory=list)
    tellers: list = field(default_factory=list)
    unknown: list = field(default_factory=list)
    n_seen: int = 0
    n_valid: int = 0

    @property
    def network(self):
        """The fitted network."""
        return self.place.network

    @property
    def has_valid(self):
        """Whether there are validation rows."""
        return not math.isnan(self.valid_skill)

    @property
    def attainable(self):
        """Skill that simple models reach on held-out rows; NaN if unknown."""
        return math.nan if self.reference is None else self.reference.best

    @property
    def attainable_in_folds(self):
        """Skill that they reach in folds of the training rows; NaN if unknown."""
        return math.nan if self.reference is None else self.reference.best_folds

    @cached_property
    def losses(self):
        """Recorded training losses, by epoch."""
        return np.array(self.network.history_.get("loss", []), dtype=float)

    @cached_property
    def valid_losses(self):
        """Recorded validation losses, by epoch."""
        return np.array(self.network.history_.get("validation_loss", []), dtype=float)

    @property
    def fall(self):
        """Share by which the training loss fell in the last quarter of the epochs."""
        losses = self.losses
        if len(losses) < 2:
            return math.nan
        n = max(1, int(len(losses) * _RECENT))
        before, now = (
            losses[-2 * n : -n].mean() if len(losses) >= 2 * n else losses[0],
            losses[-n:].mean(),
        )
        return float((before - now) / abs(before)) if before else 0.0

    @property
    def unrest(self):
        """Mean jump of the training loss from epoch to epoch in the last half, beside its level.

        A level below a tenth of the loss of a constant counts as that: there, jumps are small.
        """
        recent = self.losses[len(self.losses) // 2 :]
        if len(recent) < 3:
            return math.nan
        level = max(abs(np.median(recent)), 0.1 * abs(self.constant_loss), 1e-12)
        return float(np.abs(np.diff(recent)).mean() / level)

    @property
    def rarity(self):
        """Share of the rarest class beside an equal share."""
        return min(self.shares.values(), default=math.nan) * len(self.shares)

    @property
    def n_steps(self):
        """Steps of the solver in all epochs; of a minimiser, its iterations."""
        n_epochs, net = max(1, len(self.losses)), self.network.net_
        return n_epochs * max(1, math.ceil(self.network.t_ / n_epochs / max(1, net.batch_size)))

    @property
    def is_minimised(self):
        """Whether the solver minimises over all rows, in iterations rather than steps of a given rate."""
        return not knows_rate(self.network)

    @property
    def is_trained(self):
        """Whether training has had its time: enough steps, or the end of a minimisation."""
        return self.n_steps >= _FEWEST_STEPS or (self.is_minimised and not self.is_at_work)

    @property
    def is_at_work(self):
        """Whether training was ended by `max_iter` rather than by itself."""
        return self.network.stop_reason_ == "max_iter"

    @cached_property
    def penalty_shares(self):
        """Penalties (of `alpha`, of `l1_alpha`) of fresh weights, beside the loss of a constant."""
        if self.inside is None:
            return math.nan, math.nan
        scale = self.n_rows * max(abs(self.constant_loss), 1e-12)
        return tuple(float(size / scale) for size in self.inside.penalties(self.network))

    @property
    def dead(self):
        """Largest share of dead units in a layer."""
        return self._largest_of_units("dead")

    @property
    def saturated(self):
        """Largest share of saturated outputs of a layer."""
        return self._largest_of_units("saturated")

    def _largest_of_units(self, name):
        units = [] if self.inside is None else self.inside.units
        values = [
            value for value in (getattr(unit, name) for unit in units) if not math.isnan(value)
        ]
        return max(values, default=math.nan)

    @cached_property
    def step(self):
        """Length of a first step beside the weights."""
        return math.nan if self.inside is None else self.inside.step(self.network)

    def evidence(self):
        """Return the numbers by name, without those that are unknown."""
        reference = self.reference
        numbers = {
            "n_rows": self.n_rows,
            "n_validation_rows": self.n_valid or math.nan,
            "n_parameters": self.network.n_parameters_,
            "n_epochs": len(self.losses),
            "train_loss": self.train_loss,
            "valid_loss": self.valid_loss,
            "constant_loss": self.constant_loss,
            "train_skill": self.train_skill,
            "valid_skill": self.valid_skill,
            "linear_skill": math.nan if reference is None else reference.linear,
            "trees_skill": math.nan if reference is None else reference.trees,
            "last_fall_of_loss": self.fall,
            "unrest_of_loss": self.unrest,
            "penalty_share": sum(self.penalty_shares),
            "step_to_weight": self.step,
            "dead_units": self.dead,
            "saturated_outputs": self.saturated,
            "first_to_last_gradient": math.nan if self.inside is None else self.inside.depth_ratio,
        }
        known = {name: value for name, value in numbers.items() if not math.isnan(value)}
        return known if self.inside is None else known | self.inside.by_layer()


def measure(estimator, X, y, X_val=None, y_val=None):
    """Measure a fitted estimator and its data; nothing of the estimator changes.

    Returns
    -------
    Measurements
    """
    check_whole(X_val, y_val, None)
    for name, value in (("X", X), ("y", y)):
        if value is None:
            raise ValueError(f"{name}=None: give the data with which the estimator was fitted.")
    place = find_place(estimator, ALL)
    network = place.network
    ability = next(ability for ability in ALL if ability.fits(network))
    learned = network._learned
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    X, y = sample(X, y)
    seen = unwrap(estimator, ability, X)[1]
    data = read_data(network, learned.input, learned.target.task, seen, y, None, reset=False)
    learned.target.check(data.y)
    valid = None
    if X_val is not None:
        X_val, y_val = sample(X_val, y_val)
        seen = unwrap(estimator, ability, X_val)[1]
        valid = read_validation(network, learned, seen, y_val, None)
    is_of_classes = hasattr(learned.target, "classes")
    n_columns = int(np.prod(data.rows.shape[1:]))
    found = Measurements(place, n_rows, n_columns, is_of_classes, n_seen=data.rows.shape[0])
    encoded = _measure_losses(found, data, valid)
    _measure_scores(found, data, valid)
    found.n_valid = 0 if valid is None else valid.rows.shape[0]
    found.columns = learned.architecture.describe_columns(network.net_.module_, data.rows, None)
    try:
        found.inside = look_inside(estimator, ability, X, encoded)
    except (RuntimeError, TypeError) as error:
        why = str(error).splitlines()[0][:120]
        found.unknown.append(f"gradients and units: the module cannot be taken apart ({why})")
    _measure_data(found, data, valid)
    if valid is None:
        found.unknown.append(
            "whether it does worse on other rows: give X_val and y_val, which training has not seen"
        )
    return found


def sample(X, y):
    """Return as many rows at random as are looked at."""
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    n_targets = y.shape[0] if hasattr(y, "shape") else len(y)
    if n_rows <= _MOST_ROWS or n_rows != n_targets:
        return X, y  # unequal numbers are refused where they are read
    return resample(X, y, replace=False, n_samples=_MOST_ROWS, random_state=0)


def _measure_losses(found, data, valid):
    """Measure losses; return the encoded targets of the training rows."""
    network = found.network
    net, target = network.net_, network._learned.target
    encoded = target.encode(data.y)
    dtype = torch.float64
    y = _as_tensor(encoded, dtype)
    raw = network._answer(data.rows).values.to(dtype)
    with torch.no_grad():
        found.train_loss = float(net.criterion_(raw, y))
        found.constant_loss = float(
            net.criterion_(net.criterion_.neutral(y, target.n_outputs, dtype), y)
        )
        if valid is not None:
            raw = network._answer(valid.rows).values.to(dtype)
            found.valid_loss = float(net.criterion_(raw, _as_tensor(target.encode(valid.y), dtype)))
    return encoded


def _as_tensor(y, dtype):
    y = torch.as_tensor(np.asarray(y))
    return y.to(dtype) if y.is_floating_point() else y


def _measure_scores(found, data, valid):
    network, of_classes = found.network, found.is_of_classes
    target = network._learned.target
    levels = getattr(target, "levels", None)

    def predict(rows):
        return target.predictions(network._answer(rows))

    y, predictions = scored = comparable(
        data.y, predict(data.rows), levels, is_of_classes=of_classes
    )
    found.train_skill = skill(y, predictions, is_of_classes=of_classes)
    if valid is not None:
        scored = comparable(valid.y, predict(valid.rows), levels, is_of_classes=of_classes)
        found.valid_skill = skill(*scored, is_of_classes=of_classes)
        if math.isnan(found.valid_skill):
            found.unknown.append(
                "how good it is on validation rows: y_val is constant, or of another length"
            )
    if math.isnan(found.train_skill):
        found.unknown.append(
            "how good it is on its training rows: y is constant, or of another length"
        )
        return
    if of_classes and y.ndim == 1:
        classes, counts = np.unique(y, return_counts=True)
        found.shares = dict(zip(classes.tolist(), (counts / len(y)).tolist(), strict=True))
        known = np.isin(classes, scored[0])
        found.recalls = {
            c: float((scored[1][scored[0] == c] == c).mean()) for c in classes[known].tolist()
        }
        found.spread = 1.0 - float(np.unique(predictions, return_counts=True)[1].max() / len(y))
    elif not of_classes:
        found.spread = float(np.mean(predictions.std(axis=0)) / max(np.mean(y.std(axis=0)), 1e-300))


def _measure_data(found, data, valid):
    """Compare with simple models, and training rows with validation rows."""
    of_classes = found.is_of_classes
    table = as_table(data.rows)
    is_of_rows = not hasattr(data.y, "lengths") and not hasattr(data.y, "toarray")
    if table is None or not is_of_rows:
        found.unknown.append("how much simple models make of these data: they take no such X or y")
        return
    held = None if valid is None else (as_table(valid.rows), as_plain(valid.y, of_classes))
    if held is not None and held[0].shape[1] != table.shape[1]:
        held = None
    y = as_plain(data.y, of_classes)
    wants = bool(found.shares) and found.rarity < _RARE
    found.reference = compare_simple(
        (table, y), held, is_of_classes=of_classes, wants_balanced=wants
    )
    if found.reference is None:
        found.unknown.append(
            "how much simple models make of these data: too few rows, or of a class"
        )
    if getattr(data.rows, "ndim", 0) == 2:
        found.tellers = find_tellers(
            table, y, *((None, None) if held is None else held), is_of_classes=of_classes
        )
        if held is not None:
            found.shifts = find_shifts(table, held[0])
