"""The target that is X itself."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from sknets import training
from sknets._plain import kept
from sknets.datasets._opening import refuse_pieces
from sknets.targets._numbers import NumberTarget
from sknets.targets._scaling import by_common_deviation
from sknets.targets._target import Task


@kept
@dataclass(frozen=True)
class Reconstruction(Task):
    """The task of autoencoders: a row is to be returned, whatever y is.

    All columns are in one scale, so that errors of a column count as its spread does, as in a principal
    component analysis. The rest is a regression with squared errors, of `NumberTarget`. The columns of
    an image are its values; of a series, a row is a timestep (`SequenceTask`).
    """

    returns_rows: ClassVar = True
    loss: ClassVar = "squared_error"
    kind: ClassVar = training.LOSSES["squared_error"]
    options: ClassVar = {}
    levels: ClassVar = None
    furthest: ClassVar = np.inf

    @property
    def given(self):
        """What must not change where a fit goes on: nothing can."""
        return {}

    def names(self, y):
        """Return None: X has names of its own."""

    def read(self, estimator, input, X, y, *, reset):
        refuse_pieces(X, type(estimator).__name__, "its y is X itself; ")
        rows = input.read(estimator, X, reset=reset)
        return rows, rows

    def learn(self, y, sample_weight, classes):
        y = self.columns(y)
        target = NumberTarget(self, self.scaling(y, sample_weight))
        target.check_reach(y)
        return target

    def make_loss(self):
        """Make the loss."""
        return self.kind()

    def scaling(self, y, sample_weight):
        """Return the `Scaling` of columns.

        Raises
        ------
        ValueError
            If they are too large.
        """
        scaling = by_common_deviation(y, sample_weight)
        if not (np.isfinite(scaling.shift) & np.isfinite(scaling.scale)).all():
            raise ValueError(
                f"X reaches {np.abs(y).max():.3g}, too large to standardise in float64; divide it by a "
                "constant."
            )
        return scaling

    def columns(self, y):
        """Return rows as float64, the values of an image side by side."""
        return y.astype(np.float64).reshape(len(y), -1)
