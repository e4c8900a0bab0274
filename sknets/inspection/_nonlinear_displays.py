"""Pictures of a nonlinear regression: the curve with its bands, residuals, and profiles."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student
from sklearn.utils.validation import check_is_fitted

from sknets.inspection._pyplot import import_pyplot
from sknets.inspection._unwrap import last_step
from sknets.nonlinear import NonlinearRegressor

_INK, _CURVE, _OTHER = "#3b4754", "#1f5f8b", "#d1603d"


class NonlinearFitDisplay:
    """A fitted curve over one column, with a band for the curve and one for new rows.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    x, y : ndarray of shape (n_samples,)
        The rows of the fit.
    grid, curve : ndarray of shape (n_points,)
        The curve.
    band, wide_band : ndarray of shape (n_points, 2)
        Where the curve lies with a given confidence, and a new y with the same probability, each at one
        place.
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
        The band for new rows and that of the curve.

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
            If X has several columns.
        NotFittedError
            If it is not fitted.
        """
        fit = _regression(estimator)
        X, y, _ = fit._rows
        if X.shape[1] != 1:
            raise ValueError(
                f"NonlinearFitDisplay draws a curve over one column; X had {X.shape[1]}. "
                "ResidualsDisplay and ProfileDisplay take any number."
            )
        x = X[:, 0]
        if grid is None:
            ends = x.min(), x.max()
            if log:
                ends = x[x > 0].min(), x.max()
            grid = np.geomspace(*ends, 200) if log else np.linspace(*ends, 200)
        grid = np.asarray(grid, dtype=float)
        names = getattr(fit, "feature_names_in_", None)
        points = grid[:, None]
        if names is not None:
            points = pd.DataFrame(points, columns=names)
        curve, std = fit.predict(points, return_std=True)
        half = student.ppf(0.5 + coverage / 2, fit._estimate.dof) * std
        band = np.stack([curve - half, curve + half], axis=1)
        wide = fit.predict_interval(points, coverage)
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
                self.grid, *ends.T, color=_CURVE, alpha=alpha, linewidth=0, label=f"{share}, {what}"
            )
            for ends, alpha, what in (
                (self.wide_band, 0.12, "a new row"),
                (self.band, 0.3, "the curve"),
            )
        ]
        (self.line_,) = ax.plot(self.grid, self.curve, color=_CURVE, linewidth=2)
        self.points_ = ax.scatter(
            self.x, self.y, s=26, color=_INK, edgecolor="white", linewidth=0.6, zorder=3
        )
        if log:
            ax.set_xscale("log")
        ax.set(xlabel=xlabel, ylabel="y")
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
        fit = _regression(estimator)
        _, y, weight = fit._rows
        fitted = fit._model_of_rows().values(fit._estimate.point)
        root = 1.0 if weight is None else np.sqrt(weight)
        return cls(fitted, root * (y - fitted) / (fit.residual_std_ or 1.0)).plot(axes=axes)

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
        dots = {"s": 22, "color": _CURVE, "alpha": 0.8, "linewidth": 0, "zorder": 3}
        self.points_ = [left.scatter(self.fitted, self.residuals, **dots)]
        self.points_.append(right.scatter(quantiles, order, **dots))
        for height, style in ((0, "-"), (2, ":"), (-2, ":")):
            left.axhline(height, color=_INK, linewidth=0.8, linestyle=style)
        right.axline((0, 0), slope=1, color=_INK, linewidth=0.8)
        left.set(xlabel="fitted value", ylabel="residual / its standard deviation")
        right.set(xlabel="normal quantile")
        for ax in axes:
            ax.spines[["top", "right"]].set_visible(False)
        self.axes_, self.figure_ = np.array(axes), left.figure
        return self


class ProfileDisplay:
    """How far parameters are determined: profiles of the likelihood beside straight lines.

    For each value of a parameter, all others at their best, tau is the signed root of the rise of the sum
    of squares, in residual variances. If the model was straight, tau would be the distance from the
    estimate in standard errors (dashed). The profile interval ends where the curve crosses the dotted
    heights, the Wald interval where the dashed line does.

    Parameters
    ----------
    tables : dict of str to DataFrame
        By parameter what `NonlinearRegressor.profile` returns.
    best, std : dict of str to float
        Estimates and standard errors.
    heights : dict of float to float
        For each level of confidence the quantile of Student's t.

    Attributes
    ----------
    axes_ : ndarray of matplotlib.axes.Axes of shape (n_parameters,)
        The axes.
    figure_ : matplotlib.figure.Figure
        Their figure.
    lines_ : list of matplotlib.lines.Line2D
        The profiles.

    Examples
    --------
    >>> import numpy as np
    >>> from sknets import NonlinearRegressor
    >>> from sknets.inspection import ProfileDisplay
    >>> X = np.arange(8.0)[:, None]
    >>> y = [9.2, 6.9, 5.6, 4.1, 3.4, 2.5, 2.1, 1.4]
    >>> fit = NonlinearRegressor(lambda x, theta: theta[0] * (-theta[1] * x).exp(), [5.0, 0.5]).fit(X, y)
    >>> len(ProfileDisplay.from_estimator(fit).lines_)
    2
    """

    def __init__(self, tables, best, std, heights):
        self.tables, self.best, self.std, self.heights = tables, best, std, heights

    @classmethod
    def from_estimator(cls, estimator, *, parameters=None, levels=(0.5, 0.95), axes=None):
        """Draw the profiles of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            A fitted `NonlinearRegressor`, or a pipeline or search with one.
        parameters : list of str or int, default=None
            Names or numbers of the parameters that are drawn; None: all.
        levels : tuple of float, default=(0.5, 0.95)
            Levels of confidence whose heights are drawn; the curves reach a little beyond the largest.
        axes : sequence of matplotlib.axes.Axes, default=None
            Where to draw, one for each parameter; None makes a figure.

        Returns
        -------
        ProfileDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If there is no `NonlinearRegressor`.
        NotFittedError
            If it is not fitted.
        """
        fit = _regression(estimator)
        names = fit._parameters.names
        places = [fit._parameters.find(p) for p in (parameters or range(len(names)))]
        reach = 1 - (1 - max(levels)) / 4
        tables = {names[place]: fit.profile(place, level=reach) for place in places}
        best = {names[place]: fit._estimate.point[place] for place in places}
        std = {names[place]: fit._estimate.std[place] for place in places}
        heights = {level: student.ppf(0.5 + level / 2, fit._estimate.dof) for level in levels}
        return cls(tables, best, std, heights).plot(axes=axes)

    def plot(self, *, axes=None):
        """Draw the profiles.

        Parameters
        ----------
        axes : sequence of matplotlib.axes.Axes, default=None
            Where to draw, one for each parameter; None makes a figure.

        Returns
        -------
        ProfileDisplay
        """
        if axes is None:
            n = len(self.tables)
            n_columns = min(n, 4)
            n_rows = -(-n // n_columns)
            _, axes = import_pyplot(type(self).__name__).subplots(
                n_rows,
                n_columns,
                figsize=(3.1 * n_columns, 3.0 * n_rows),
                layout="constrained",
                squeeze=False,
                sharey=True,
            )
            for spare in axes.flat[n:]:
                spare.set_axis_off()
            axes = axes.flat[:n]
        axes = np.atleast_1d(axes)
        self.lines_ = []
        for ax, (name, table) in zip(axes, self.tables.items(), strict=True):
            values, tau = table[name].to_numpy(), table["tau"].to_numpy()
            for level, height in self.heights.items():
                inside = np.interp([-height, height], tau, values, left=np.nan, right=np.nan)
                for sign, end in zip((-1, 1), inside, strict=True):
                    ax.axhline(sign * height, color=_INK, linewidth=0.7, linestyle=":")
                    ax.plot([end, end], [sign * height, tau.min()], color=_CURVE, linewidth=0.7)
                ax.annotate(
                    f"{100 * level:g}%",
                    (0.01, height),
                    xycoords=("axes fraction", "data"),
                    ha="left",
                    va="bottom",
                    fontsize="x-small",
                    color=_INK,
                )
            if np.isfinite(self.std[name]) and self.std[name] > 0:
                straight = (values - self.best[name]) / self.std[name]
                ax.plot(values, straight, color=_OTHER, linewidth=1.1, linestyle="--")
            (line,) = ax.plot(values, tau, color=_CURVE, linewidth=2)
            self.lines_.append(line)
            ax.plot(self.best[name], 0, "o", color=_CURVE, markersize=5)
            ax.set_xlabel(name)
            ax.set_ylim(1.04 * tau.min(), 1.04 * tau.max())
            ax.locator_params(axis="x", nbins=5)
            ax.spines[["top", "right"]].set_visible(False)
        axes[0].set_ylabel("τ")
        self.axes_, self.figure_ = axes, axes[0].figure
        return self


def _axes(display, ax):
    if ax is not None:
        return ax
    return import_pyplot(type(display).__name__).subplots(layout="constrained")[1]


def _framed(display, ax):
    ax.spines[["top", "right"]].set_visible(False)
    display.ax_, display.figure_ = ax, ax.figure
    return display


def _regression(estimator):
    """Return the fitted nonlinear regression in an estimator."""
    found, _ = last_step(estimator)
    if not isinstance(found, NonlinearRegressor):
        raise TypeError(
            "estimator must be a fitted NonlinearRegressor, or a pipeline or search with one, got "
            f"{type(found).__name__}."
        )
    check_is_fitted(found)
    return found
