"""Pictures of a sweep over learning rates."""

from sknets.inspection._learning_rate import find_learning_rate
from sknets.inspection._pyplot import check_axes, import_pyplot

_LOSS, _STEPS, _SUGGESTED = "#1f5f8b", "#c9d2d8", "#d1603d"


class LearningRateDisplay:
    """The training loss while the learning rate grows, and the rates that it suggests.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    rates : ndarray of shape (n_steps,)
        The rates of the steps.
    losses : ndarray of shape (n_steps,)
        The training losses of the batches.
    smoothed_losses : ndarray of shape (n_steps,)
        Their smoothed course.
    learning_rate : float, default=None
        The rate that is suggested.
    cautious_learning_rate : float, default=None
        A lower one, for many epochs without early stopping.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes with the curve.
    figure_ : matplotlib.figure.Figure
        Its figure.
    line_ : matplotlib.lines.Line2D
        The smoothed losses.
    points_ : matplotlib.lines.Line2D
        The losses of the batches.
    suggestion_ : matplotlib.lines.Line2D or None
        The rate that is suggested.
    cautious_ : matplotlib.lines.Line2D or None
        The lower one.

    See Also
    --------
    find_learning_rate : What is drawn, as numbers.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from sknets import MLPRegressor
    >>> from sknets.inspection import LearningRateDisplay
    >>> X, y = load_diabetes(return_X_y=True)
    >>> display = LearningRateDisplay.from_estimator(MLPRegressor(random_state=0), scale(X), y)
    >>> display.ax_.get_xscale()
    'log'
    """

    def __init__(
        self, rates, losses, smoothed_losses, *, learning_rate=None, cautious_learning_rate=None
    ):
        self.rates = rates
        self.losses = losses
        self.smoothed_losses = smoothed_losses
        self.learning_rate = learning_rate
        self.cautious_learning_rate = cautious_learning_rate

    @classmethod
    def from_estimator(
        cls, estimator, X, y=None, *, lowest=1e-6, highest=10.0, n_steps=300, ax=None
    ):
        """Try the rates with a clone of a network, and draw.

        Parameters
        ----------
        estimator : estimator
            A network, or a pipeline that ends in one; it need not be fitted.
        X : array-like of shape (n_samples, ...) or list of sequences
            Training data, as the estimator takes them.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their target; None for autoencoders only, whose target is X.
        lowest : float, default=1e-6
            The first rate.
        highest : float, default=10.0
            The last rate.
        n_steps : int, default=300
            Number of steps.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LearningRateDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If there is no network in the estimator, or ax is something else.
        ValueError
            If its solver knows no learning rate, data or parameters are wrong, or the loss falls at no
            rate.
        """
        import_pyplot("LearningRateDisplay")
        check_axes(ax)
        found = find_learning_rate(estimator, X, y, lowest=lowest, highest=highest, n_steps=n_steps)
        return cls(**found).plot(ax=ax)

    def plot(self, *, ax=None):
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LearningRateDisplay

        Raises
        ------
        TypeError
            If ax is something else.
        """
        plt = import_pyplot("LearningRateDisplay")
        check_axes(ax)
        if ax is None:
            _, ax = plt.subplots(layout="constrained")
        (self.points_,) = ax.plot(
            self.rates, self.losses, ".", color=_STEPS, markersize=3, label="batches"
        )
        (self.line_,) = ax.plot(self.rates, self.smoothed_losses, color=_LOSS, label="smoothed")
        self.suggestion_ = _mark(ax, self.learning_rate, ":", "suggested")
        self.cautious_ = _mark(ax, self.cautious_learning_rate, "--", "cautious")
        low, start = min(self.smoothed_losses), self.smoothed_losses[0]
        room = max(start - low, 1e-12)
        ax.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        ax.set_ylim(low - 0.3 * room, start + 0.8 * room)  # an explosion leaves it at the top
        ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _mark(ax, rate, style, name):
    """Draw a rate, and return the line; None without one."""
    if rate is None:
        return None
    return ax.axvline(rate, color=_SUGGESTED, linestyle=style, label=f"{name}: {rate:.2g}")
