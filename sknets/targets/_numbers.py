"""Numbers: the target of regressors."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from sklearn.metrics import r2_score

from sknets import modules, training
from sknets.targets._target import RowTarget, RowTask


@dataclass(frozen=True)
class Regression(RowTask):
    """The task of regressors.

    Parameters
    ----------
    loss : str
        Name of the loss, which says how y is scaled and which y it is for.
    options : dict
        The parameters that the loss declares.
    """

    loss: str
    options: dict

    @property
    def kind(self):
        """The class of the loss."""
        return training.LOSSES[self.loss]

    @property
    def given(self):
        """What must not change where a fit goes on: some losses learn another y."""
        scaling = f"{self.kind.output}, {self.kind.scaling}"
        return {"output": self.outputs.kind, "y (by loss)": scaling}

    def make_loss(self):
        """Make the loss."""
        return self.kind(**self.options)

    def learn(self, y, sample_weight, classes):
        """Return the target of a first y of shape (n,) or (n, n_outputs); `classes` has no meaning.

        Raises
        ------
        ValueError
            If y holds no numbers, or numbers that the loss is not for.
        """
        y = self.columns(y)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = np.average(y, axis=0, weights=sample_weight)
            reach = np.abs(y - mean).max(axis=0)
            reach = np.where(reach > 0, reach, 1.0)  # squares of tiny residuals would vanish
            relative = np.average(((y - mean) / reach) ** 2, axis=0, weights=sample_weight)
            deviation = reach * np.sqrt(relative)
        if not np.isfinite(deviation).all():
            raise ValueError(
                f"y reaches {np.abs(y).max():.3g}, too large to standardise in float64; "
                "divide it by a constant."
            )
        is_constant = deviation <= 10 * np.finfo(np.float64).eps * np.abs(mean)
        shift, scale = {
            "standardize": (mean, np.where(is_constant, 1.0, deviation)),
            "mean": (np.zeros_like(mean), np.where(mean > 0, mean, 1.0)),
        }[self.kind.scaling]
        return NumberTarget(self, shift, scale, is_constant=bool(is_constant.all()))

    def columns(self, y):
        """Return y as float64 of shape (n, n_outputs)."""
        if sp.issparse(y):
            raise ValueError("y must be dense in regression; give y.toarray().")
        if y.dtype.kind in "mM":
            raise ValueError(f"y must be numbers in regression, not times ({y.dtype}).")
        if y.dtype.kind not in "buif":
            try:
                y = y.astype(np.float64)
            except (TypeError, ValueError) as error:
                raise ValueError(f"y must be numbers in regression: {error}") from error
        lowest = self.kind.lowest_y
        if (y < lowest).any():
            what = "negative values" if lowest == 0 else "lower values"
            raise ValueError(f"loss={self.loss!r} needs y >= {lowest:g}, but y has {what}.")
        return y.astype(np.float64).reshape(len(y), -1)


class NumberTarget(RowTarget):
    """One or several numbers per row, scaled for the loss and back for the user.

    Parameters
    ----------
    task : Regression
        The options.
    shift, scale : ndarray of shape (n_outputs,)
        What is subtracted from y, and what it is then divided by.
    is_constant : bool
        Whether the first y had no spread.
    """

    def __init__(self, task, shift, scale, *, is_constant):
        super().__init__(task)
        self.shift = shift
        self.scale = scale
        self.n_outputs = len(scale)
        self.is_constant = is_constant

    def with_end(self):
        """Return the target itself: sequences of numbers have a length, and no end to be written."""
        return self

    def _make_output(self):
        return modules.make_number_output(self.task.kind.output, self.shift, self.scale)

    def make_loss(self):
        return self.task.make_loss()

    def check(self, y, *, as_before=False, is_validation=False):
        n_outputs = self.task.columns(y).shape[1]
        if n_outputs != self.n_outputs:
            raise ValueError(f"y has {n_outputs} outputs, but the network has {self.n_outputs}.")

    def encode(self, y):
        return (self.task.columns(y) - self.shift) / self.scale

    def strata(self, y):
        return None

    def _learn_weights(self, y, sample_weight):
        pass  # nothing but the user's own weights

    def step_weights(self):
        return None

    def weigh(self, y, sample_weight):
        return sample_weight

    def predictions(self, raw):
        y = self.output(raw.values).numpy().astype(raw.dtype, copy=False)
        return y[:, 0] if self.n_outputs == 1 else y

    def metric(self, y, predictions, sample_weight):
        return r2_score(y, predictions, sample_weight=sample_weight)
