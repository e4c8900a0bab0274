"""Pictures of a nonlinear regression: the curve with its bands, and residuals."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student
from sklearn.utils.validation import check_is_fitted

from sknets.inspection._pyplot import import_pyplot
from sknets.inspection._unwrap import last_step
from sknets.nonlinear import NonlinearRegressor

INK, CURVE = "#3b4754", "#1f5f8b"


class NonlinearFitDisplay:
    """A fitted curve over one column, with a band for the curve and one for new rows.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    x, y : ndarray of shape (n_samples,)
        The rows of the fit.
    grid, curve : ndarray of shape (n_points,)
        The curve.
    band, wide_band : ndarray of shape (n_points, 2) or None
        Where the curve lies with a given confidence, and a new y with the same probability, each at one
        place. None: no bands.
    coverage : float
        This probability.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes.
    figure_ : matplotlib.figure.Figure
        Its figure.
    line_ : matplotlib.lines.Line2D
        The curve.
    points_ : matplotlib.collections.PathCollection
        The rows.
    bands_ : list of matplotlib.collections.FillBetweenPolyCollection
        The band for new rows and that of the curve; none if there were no more rows than parameters,
        which leaves no error to measure.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets import NonlinearRegressor
    >>> from sknets.inspection import NonlinearFitDisplay
    >>> X = np.arange(8.0)[:, None]
    >>> y = [9.2, 6.9, 5.6, 4.1, 3.4, 2.5, 2.1, 1.4]
    >>> fit = NonlinearRegressor(lambda x, theta: theta[0] * (-theta[1] * x).exp(), [5.0, 0.5]).fit(X, y)
    >>> NonlinearFitDisplay.from_estimator(fit).ax_.get_ylabel()
    'y'
    """

    def __init__(self, x, y, grid, curve, band, wide_band, coverage):
        self.x, self.y, self.grid, self.curve = x, y, grid, curve
        self.band, self.wide_band, self.coverage = band, wide_band, coverage

    @classmethod
    def from_estimator(cls, estimator, *, coverage=0.95, grid=None, log=False, ax=None):
        """Draw the curve of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `NonlinearRegressor` of one column, or a pipeline or search with one (X is then as
            the regressor sees it).
        coverage : float in (0, 1), default=0.95
            The probability of both bands.
        grid : array-like of shape (n_points,), default=None
            Where the curve is drawn; None: 200 places between the smallest and the largest x.
        log : bool, default=False
            Whether the axis of x is logarithmic.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        NonlinearFitDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If there is no `NonlinearRegressor`.
        ValueError
            If X has several columns, or with `log` no place above 0.
        NotFittedError
            If it is not fitted.
        """
        fit = regression(estimator)
        X, y, _ = fit._rows
        if X.shape[1] != 1:
            raise ValueError(
                f"NonlinearFitDisplay draws a curve over one column; X had {X.shape[1]}. "
                "ResidualsDisplay and ProfileDisplay take any number."
            )
        x = X[:, 0]
        grid = _make_grid(x, log) if grid is None else np.asarray(grid, dtype=float)
        if log and not (grid > 0).any():
            raise ValueError("log=True draws what is above 0, and grid has nothing there.")
        names = getattr(fit, "feature_names_in_", None)
        points = grid[:, None]
        if names is not None:
            points = pd.DataFrame(points, columns=names)
        band = wide = None
        if fit._estimate.dof > 0:
            wide = fit.predict_interval(points, coverage)
            curve, std = fit.predict(points, return_std=True)
            half = student.ppf(0.5 + coverage / 2, fit._estimate.dof) * std
            band = np.stack([curve - half, curve + half], axis=1)
        else:
            curve = fit.predict(points)
        display = cls(x, y, grid, curve, band, wide, coverage)
        return display.plot(log=log, ax=ax, xlabel="x" if names is None else names[0])

    def plot(self, *, log=False, ax=None, xlabel="x"):
        """Draw the curve.

        Parameters
        ----------
        log : bool, default=False
            Whether the axis of x is logarithmic.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.
        xlabel : str, default='x'
            What stands below the axis of x.

        Returns
        -------
        NonlinearFitDisplay
        """
        ax = _axes(self, ax)
        share = f"{100 * self.coverage:g}%"
        self.bands_ = [
            ax.fill_between(
                self.grid, *ends.T, color=CURVE, alpha=alpha, linewidth=0, label=f"{share}, {what}"
            )
            for ends, alpha, what in (
                (self.wide_band, 0.12, "a new row"),
                (self.band, 0.3, "the curve"),
            )
            if ends is not None
        ]
        (self.line_,) = ax.plot(self.grid, self.curve, color=CURVE, linewidth=2)
        self.points_ = ax.scatter(
            self.x, self.y, s=26, color=INK, edgecolor="white", linewidth=0.6, zorder=3
        )
        if log:
            ax.set_xscale("log")
        ax.set(xlabel=xlabel, ylabel="y")
        if self.bands_:
            ax.legend(frameon=False, fontsize="small")
        return _framed(self, ax)


class ResidualsDisplay:
    """Residuals of a nonlinear regression: over the fitted values, and beside normal quantiles.

    A band without a trend, of one width, is what the standard errors rely on; a bend says that the model
    has another form than the data, a fan that weights are missing. On the right, points along the line
    are normal.

    Parameters
    ----------
    fitted : ndarray of shape (n_samples,)
        The fitted values.
    residuals : ndarray of shape (n_samples,)
        Residuals in units of their standard deviation (times the roots of the weights).

    Attributes
    ----------
    axes_ : ndarray of matplotlib.axes.Axes of shape (2,)
        The axes.
    figure_ : matplotlib.figure.Figure
        Their figure.
    points_ : list of matplotlib.collections.PathCollection
        The points in each.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets import NonlinearRegressor
    >>> from sknets.inspection import ResidualsDisplay
    >>> X = np.arange(8.0)[:, None]
    >>> y = [9.2, 6.9, 5.6, 4.1, 3.4, 2.5, 2.1, 1.4]
    >>> fit = NonlinearRegressor(lambda x, theta: theta[0] * (-theta[1] * x).exp(), [5.0, 0.5]).fit(X, y)
    >>> len(ResidualsDisplay.from_estimator(fit).points_)
    2
    """

    def __init__(self, fitted, residuals):
        self.fitted, self.residuals = fitted, residuals

    @classmethod
    def from_estimator(cls, estimator, *, axes=None):
        """Draw the residuals of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `NonlinearRegressor`, or a pipeline or search with one.
        axes : sequence of two matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ResidualsDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If there is no `NonlinearRegressor`.
        NotFittedError
            If it is not fitted.
        """
        fit = regression(estimator)
        _, y, weight = fit._rows
        fitted = fit._model_of_rows().values(fit._estimate.point)
        root = 1.0 if weight is None else np.sqrt(weight)
        std = fit.residual_std_ if fit.residual_std_ > 0 else 1.0  # of an exact fit there is none
        return cls(fitted, root * (y - fitted) / std).plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the residuals.

        Parameters
        ----------
        axes : sequence of two matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        ResidualsDisplay
        """
        if axes is None:
            pyplot = import_pyplot(type(self).__name__)
            _, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="constrained")
        left, right = axes
        n = len(self.residuals)
        quantiles = norm.ppf((np.arange(1, n + 1) - 0.375) / (n + 0.25))
        order = np.sort(self.residuals)
        dots = {"s": 22, "color": CURVE, "alpha": 0.8, "linewidth": 0, "zorder": 3}
        self.points_ = [left.scatter(self.fitted, self.residuals, **dots)]
        self.points_.append(right.scatter(quantiles, order, **dots))
        for height, style in ((0, "-"), (2, ":"), (-2, ":")):
            left.axhline(height, color=INK, linewidth=0.8, linestyle=style)
        right.axline((0, 0), slope=1, color=INK, linewidth=0.8)
        left.set(xlabel="fitted value", ylabel="residual / its standard deviation")
        right.set(xlabel="normal quantile")
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        self.axes_, self.figure_ = np.array(axes), left.figure
        return self


def _make_grid(x, log):
    """Return 200 places between the smallest and the largest x, above 0 on a logarithmic axis."""
    if not log:
        return np.linspace(x.min(), x.max(), 200)
    if not (x > 0).any():
        raise ValueError(f"log=True draws what is above 0, and the largest x is {x.max():g}.")
    return np.geomspace(x[x > 0].min(), x.max(), 200)


def _axes(display, ax):
    if ax is not None:
        return ax
    return import_pyplot(type(display).__name__).subplots(layout="constrained")[1]


def _framed(display, ax):
    ax.spines[["top", "right"]].set_visible(False)
    display.ax_, display.figure_ = ax, ax.figure
    return display


def regression(estimator):
    """Return the fitted nonlinear regression in an estimator."""
    found, _ = last_step(estimator)
    if not isinstance(found, NonlinearRegressor):
        raise TypeError(
            "estimator must be a fitted NonlinearRegressor, or a pipeline or search with one, got "
            f"{type(found).__name__}."
        )
    check_is_fitted(found)
    return found
