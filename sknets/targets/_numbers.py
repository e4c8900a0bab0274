"""Numbers: the target of regressors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from sknets import modules, training
from sknets._plain import kept
from sknets._warn import warn_user
from sknets.targets._metrics import R2, MeanD2
from sknets.targets._scaling import ROUNDING, SCALINGS, Scaling, by_median
from sknets.targets._target import RowTarget, RowTask

#: Spreads from the centre from which an outlier counts as if it lay there, to a loss that it pulls with
#: a bounded force: none of the digits of the loss belong to it alone.
_FAR = 1e4

#: Share of the rows, and spreads from the centre: where more lie further off, they may be what is to be
#: learned, and the spread that of rows that tell nothing.
_MANY, _OFF = 0.03, 100.0

#: Spreads from the centre that a loss can compute with, in single precision.
_FURTHEST = 1e15


@kept
@dataclass(frozen=True)
class Regression(RowTask):
    """The task of regressors.

    Parameters
    ----------
    loss : str or callable
        Name of the loss, which says how y is scaled and which y it is for; or a loss of the user's own.
    options : dict
        The parameters that the loss declares.
    """

    loss: str | Callable
    options: dict

    @property
    def kind(self):
        """The class of the loss."""
        return training.CallableLoss if callable(self.loss) else training.LOSSES[self.loss]

    @property
    def levels(self):
        """Levels of the quantiles, or None where a y has one prediction.

        Raises
        ------
        ValueError
            If they do not increase from above 0 to below 1.
        """
        quantile = self.options.get("quantile", 0.5)
        if not np.ndim(quantile):
            return None
        try:
            levels = np.asarray(quantile, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"quantile={quantile!r} must be numbers: {error}") from error
        ends = np.r_[0.0, levels.ravel(), 1.0]
        if levels.ndim != 1 or not len(levels) or not (np.diff(ends) > 0).all():
            raise ValueError(
                f"quantile={quantile!r} must be a number between 0 and 1, or a list of such numbers that "
                "increase, as [0.1, 0.5, 0.9]."
            )
        return tuple(levels.tolist())

    @property
    def given(self):
        """What must not change where a fit goes on: some losses learn another y."""
        scaling = f"{self.kind.output}, {self.kind.scaling}"
        n_levels = None if self.levels is None else len(self.levels)
        return {
            "output": self.outputs.kind,
            "y (by loss)": scaling,
            "number of entries in quantile": n_levels,
        }

    def make_loss(self):
        """Make the loss."""
        if callable(self.loss):
            return training.CallableLoss(self.loss)
        if self.levels is None:
            return self.kind(**self.options)
        ordered = modules.OrderedQuantiles(self.levels)
        return training.OrderedPinball(ordered, quantile=self.levels)

    def learn(self, y, sample_weight, classes):
        """Return the target of a first y of shape (n,) or (n, n_outputs); `classes` has no meaning.

        Raises
        ------
        ValueError
            If y holds no numbers, or numbers that the loss is not for.
        """
        y = self.columns(y)
        if self.levels is not None and y.shape[1] > 1:
            raise ValueError(
                f"quantile={list(self.levels)} predicts several quantiles of one y, but y has "
                f"{y.shape[1]} outputs; fit an estimator for each of them, or give one quantile."
            )
        target = NumberTarget(self, self.scaling(y, sample_weight))
        target.check_reach(y)
        return target

    def scaling(self, y, sample_weight):
        """Return the `Scaling` that the loss asks for, of columns."""
        if self.kind.scaling == "median":
            scaling = by_median(y, sample_weight, tuple(np.ravel(self.options.get("quantile", ()))))
        else:
            scaling = SCALINGS[self.kind.scaling](y, sample_weight)
        if not (np.isfinite(scaling.shift) & np.isfinite(scaling.scale)).all():
            raise ValueError(
                f"y reaches {np.abs(y).max():.3g}, too large to standardise in float64; "
                "divide it by a constant."
            )
        return scaling

    @property
    def furthest(self):
        """Spreads from the centre from which a target counts as if it lay there."""
        if self.kind.scaling != "median":
            return np.inf
        return _FAR + self.options.get("huber_delta", 0.0)

    def columns(self, y):
        """Return y as float64 of shape (n, n_outputs)."""
        if sp.issparse(y):
            raise ValueError("y must be dense in regression; give y.toarray().")
        _refuse_times(y)
        if y.dtype.kind not in "buif":
            try:
                y = y.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise ValueError(f"y must be numbers in regression: {error}") from error
        lowest = self.kind.lowest_y
        if lowest > -np.inf and (y < lowest).any():
            what = "negative values" if lowest == 0 else "lower values"
            raise ValueError(f"loss={self.loss!r} needs y >= {lowest:g}, but y has {what}.")
        return y.astype(np.float64).reshape(len(y), -1)


@kept
class NumberTarget(RowTarget):
    """One or several numbers per row, scaled for the loss and back for the user.

    An output whose y has no spread is predicted as it is, whatever the network says. The first call in
    which it has one decides on its scale.

    Parameters
    ----------
    task : Regression
        The options.
    scaling : Scaling
        What y is scaled by.
    """

    def __init__(self, task, scaling):
        super().__init__(task)
        self.scaling = scaling
        levels = task.levels
        self.is_ordered = levels is not None
        self.levels = levels
        self.n_outputs = len(levels) if self.is_ordered else len(scaling.scale) * task.kind.n_raw

    @property
    def is_constant(self):
        """Whether no output has had a spread."""
        return bool(self.scaling.is_constant.all())

    @property
    def watches_loss(self):
        """Whether a validation loss says more than a score, which a single outlier can decide."""
        return self.task.kind.scaling == "median" or self.has_std

    @property
    def has_std(self):
        """Whether a row has a standard deviation of its own."""
        return self.task.kind.output == "gaussian"

    def with_end(self):
        """Return the target itself: sequences of numbers have a length, and no end to be written."""
        if self.is_ordered:
            raise ValueError(
                "output='sequence' writes one number for each y, from which it goes on: quantile="
                f"{list(self.task.levels)} has several. Give one quantile."
            )
        if self.has_std:
            raise ValueError(
                "output='sequence' writes one number for each y, from which it goes on: loss='gaussian' "
                "has a mean and a deviation. Use loss='squared_error', with n_members for a deviation."
            )
        return self

    def _make_output(self):
        return modules.make_number_output(
            self.task.kind.output,
            *self.scaling,
            levels=self.task.levels,
            least_deviation=training.LEAST_DEVIATION,
        )

    def make_loss(self):
        return self.task.make_loss()

    def check(self, y, *, as_before=False, is_validation=False):
        y = self.task.columns(y)
        n_outputs = len(self.scaling.scale)
        if y.shape[1] != n_outputs:
            raise ValueError(f"y has {y.shape[1]} outputs, but the network has {n_outputs}.")
        self.check_reach(y, is_validation=is_validation)

    def check_reach(self, y, *, is_validation=False):
        """Warn of columns with outliers from which the loss learns as if they were nearer, or hardly.

        Raises
        ------
        ValueError
            If the loss cannot be computed for them, or if most of them lie there.
        """
        loss, limit = self.task.loss, min(self.task.furthest, _FURTHEST)
        distance = np.abs(self.scaled(y))
        if distance.max(initial=0.0) <= min(limit, _OFF):
            return
        is_learned = is_validation | ~self.scaling.is_constant  # others will be scaled anew
        distance = np.where(is_learned, distance, 0.0)
        if not (distance > min(limit, _OFF)).any():
            return
        is_robust = self.task.furthest < np.inf
        n_far, n_off = ((distance > bound).any(axis=1).sum() for bound in (limit, _OFF))
        is_many = is_robust and n_off > max(1, _MANY * len(y))
        if not (n_far or is_many):
            return
        if is_many:
            limit, n_far = (_OFF, n_off) if n_far <= len(y) / 2 else (limit, n_far)
        name = "X" if self.task.returns_rows else "y"
        words = (
            f"{name} has {n_far} of {len(y)} rows that lie more than {limit:.3g} spreads from the centre "
            f"of the {name} of the first call (up to {np.abs(y[distance > limit]).max():.3g})"
        )
        if not is_robust:
            other = "" if self.task.returns_rows else ", or choose loss='huber'"
            raise ValueError(
                f"{words}: too far to compute loss={loss!r}. Remove or correct them{other}."
            )
        if is_validation:
            return
        if limit > _OFF and n_far > len(y) / 2:
            raise ValueError(
                f"{words}: loss={loss!r} cannot learn them in the scale of that y. Begin again with more "
                "rows in the first call, which decide on the scale, or use loss='squared_error'."
            )
        how = "hardly learns from them" if is_many else "learns from them as if they lay there"
        warn_user(
            f"{words}. loss={loss!r} {how}. Are they right? If so, use loss='squared_error', or "
            "transform y (TransformedTargetRegressor)."
        )

    def scaled(self, y):
        """Return columns in the scale of the loss."""
        with np.errstate(over="ignore"):
            return (y - self.scaling.shift) / self.scaling.scale

    def encode(self, y):
        scaled, furthest = self.scaled(self.task.columns(y)), self.task.furthest
        return scaled if furthest == np.inf else np.clip(scaled, -furthest, furthest)

    def strata(self, y):
        return None

    def _learn_further(self, y, sample_weight):
        scaling = self.scaling
        if not scaling.is_constant.any():
            return
        y = self.task.columns(y)
        if not (scaling.is_constant & (y != scaling.constant).any(axis=0)).any():
            return
        now = self.task.scaling(y, sample_weight)
        # where it is another value without spread, the step to it is all that is known
        step = np.abs(now.constant - scaling.constant)
        is_new = scaling.is_constant & ~(step <= ROUNDING * np.abs(scaling.constant))
        found = now._replace(
            scale=np.where(now.is_constant, step, now.scale), constant=np.full_like(step, np.nan)
        )
        self.scaling = Scaling(
            *(np.where(is_new, *pair) for pair in zip(found, scaling, strict=True))
        )

    def step_weights(self):
        return None

    def weigh(self, y, sample_weight):
        return sample_weight

    def predictions(self, raw):
        return self._decoded(self.output(raw.values), raw)

    def deviations(self, raw):
        """Return the standard deviations of y that a `Raw` tells, where `has_std`."""
        return self._decoded(self.output.std(raw.values), raw)

    def _decoded(self, values, raw):
        dtype = np.float64 if self.output.needs_double else raw.dtype
        values = values.numpy().astype(dtype, copy=False)
        return values[:, 0] if values.shape[1] == 1 and not self.is_ordered else values

    def metric_of(self, y, sample_weight):
        y = np.asarray(y)
        _refuse_times(y)
        if self.task.loss != "quantile":
            return R2(y, sample_weight)
        levels = self.task.levels
        return MeanD2(y, sample_weight, self.task.options["quantile"] if levels is None else levels)


def _refuse_times(y):
    if y.dtype.kind in "mM":
        raise ValueError(f"y must be numbers in regression, not times ({y.dtype}).")
