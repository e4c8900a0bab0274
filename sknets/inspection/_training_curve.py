"""Pictures of how training went."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sknets.inspection._pyplot import import_pyplot
from sknets.inspection._unwrap import last_step

_CURVES = ("loss", "validation_loss", "validation_score", "learning_rate", "seconds")
_INK = {"loss": "#1f5f8b", "validation_loss": "#d1603d", "validation_score": "#d1603d"}
_LABEL = {
    "loss": "training loss",
    "validation_loss": "validation loss",
    "validation_score": "validation score",
}


class TrainingCurveDisplay:
    """Training and validation curves of a fitted network.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    history : dict of list
        A list of one value per epoch by name, as in the attribute `history_` of all estimators.
    best_epoch : int or None, default=None
        Epoch, counted from 1, whose weights were kept.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes with the curves.
    figure_ : matplotlib.figure.Figure
        Its figure.
    lines_ : dict of matplotlib.lines.Line2D
        The curves by name.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from sknets import MLPRegressor
    >>> from sknets.inspection import TrainingCurveDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = MLPRegressor(early_stopping=True, random_state=0).fit(scale(X), y)
    >>> display = TrainingCurveDisplay.from_estimator(network)
    >>> sorted(display.lines_)
    ['loss', 'validation_loss']
    """

    def __init__(self, history, *, best_epoch=None):
        self.history = history
        self.best_epoch = best_epoch

    @classmethod
    def from_estimator(cls, estimator, *, curves=("loss", "validation_loss"), ax=None, log=False):
        """Draw the curves of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted network, or a pipeline, search or FrozenEstimator with one.
        curves : str or sequence of str, default=("loss", "validation_loss")
            "loss", "validation_loss", "validation_score", "learning_rate" or "seconds", or several of
            them; those that have not been recorded are left out.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        log : bool, default=False
            Whether the vertical axis is logarithmic.

        Returns
        -------
        TrainingCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        ValueError
            If a curve is unknown, or none of them has been recorded.
        TypeError
            If the estimator is no network, or holds several.
        NotFittedError
            If it is not fitted.
        """
        names = [curves] if isinstance(curves, str) else curves
        if not isinstance(names, list | tuple) or not all(name in _CURVES for name in names):
            raise ValueError(f"curves={curves!r} is unknown; choose from {list(_CURVES)}.")
        network, _ = last_step(estimator)
        check_is_fitted(network)
        if not hasattr(network, "history_"):
            raise ValueError(
                "estimator must be a network of sknets, or a pipeline or search with one, got "
                f"{type(network).__name__}."
            )
        history = {name: network.history_[name] for name in names if name in network.history_}
        if not history:
            raise ValueError(
                f"curves={curves!r} has not been recorded; history_ has "
                f"{sorted(network.history_)}. Validation curves need early_stopping=True or X_val."
            )
        return cls(history, best_epoch=_best_epoch(network)).plot(ax=ax, log=log)

    def plot(self, *, ax=None, log=False):
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        log : bool, default=False
            Whether the vertical axis is logarithmic.

        Returns
        -------
        TrainingCurveDisplay
        """
        if ax is None:
            _, ax = import_pyplot("TrainingCurveDisplay").subplots(layout="constrained")
        self.lines_ = {}
        for name, values in self.history.items():
            epochs = np.arange(1, len(values) + 1)
            (self.lines_[name],) = ax.plot(
                epochs,
                values,
                color=_INK.get(name),
                label=_LABEL.get(name, name),
                marker="o" if len(values) == 1 else None,  # a line of one point is not seen
            )
        if self.best_epoch is not None:
            ax.axvline(
                self.best_epoch, color="0.6", linewidth=1, linestyle=":", label="kept weights"
            )
        ax.set(xlabel="epoch", ylabel=", ".join(_axis_names(self.history)))
        if log:
            ax.set_yscale("log")
        if len(ax.get_legend_handles_labels()[0]) > 1:
            ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _axis_names(history):
    kinds = [name.removeprefix("validation_") for name in history]
    return list(dict.fromkeys(kinds))


def _best_epoch(network):
    """Return the epoch, counted from 1, whose weights were kept; None if it was none."""
    if not network.validation_scores_:
        return None
    before = len(network.validation_scores_) - network.n_iter_  # of warm starts
    scores = np.array(network.validation_scores_[before:])
    if not scores.size or network.best_validation_score_ > np.nanmax(scores):  # at the start
        return None
    # of equal scores, the lower validation loss
    is_best = np.isclose(scores, np.nanmax(scores), rtol=1e-12, atol=0)
    losses = np.array(network.history_["validation_loss"][before:])
    return before + int(np.where(is_best, losses, np.inf).argmin()) + 1
