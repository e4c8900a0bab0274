"""Profiles of the likelihood, as a picture."""

import numbers

import numpy as np
from scipy.stats import t as student

from sknets.inspection._nonlinear_displays import CURVE, INK, regression
from sknets.inspection._pyplot import import_pyplot

_STRAIGHT = "#d1603d"


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
        parameters : list of str or int, or one of them, default=None
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
        ValueError
            If `parameters` has one that there is not, or none, if a level is not between 0 and 1, or if
            there were no more rows than parameters.
        NotFittedError
            If it is not fitted.
        """
        fit = regression(estimator)
        names = fit._parameters.names
        if parameters is None:
            parameters = range(len(names))
        elif isinstance(parameters, str | numbers.Integral):
            parameters = [parameters]
        if not len(parameters):
            raise ValueError(f"parameters={parameters!r} names none of {', '.join(names)}.")
        if not len(levels) or not all(0 < level < 1 for level in levels):
            raise ValueError(f"levels must be numbers between 0 and 1, got {levels!r}.")
        places = [fit._parameters.find(parameter) for parameter in parameters]
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
            axes = self._make_axes()
        axes = np.atleast_1d(axes)
        self.lines_ = []
        for ax, name in zip(axes, self.tables, strict=True):
            self.lines_.append(self._draw(ax, name))
        axes[0].set_ylabel("τ")
        self.axes_, self.figure_ = axes, axes[0].figure
        return self

    def _make_axes(self):
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
        return axes.flat[:n]

    def _draw(self, ax, name):
        """Draw the profile of a parameter; return its line."""
        table = self.tables[name]
        values, tau = table[name].to_numpy(), table["tau"].to_numpy()
        for level, height in self.heights.items():
            inside = np.interp([-height, height], tau, values, left=np.nan, right=np.nan)
            for sign, end in zip((-1, 1), inside, strict=True):
                ax.axhline(sign * height, color=INK, linewidth=0.7, linestyle=":")
                ax.plot([end, end], [sign * height, tau.min()], color=CURVE, linewidth=0.7)
            ax.annotate(
                f"{100 * level:g}%",
                (0.01, height),
                xycoords=("axes fraction", "data"),
                ha="left",
                va="bottom",
                fontsize="x-small",
                color=INK,
            )
        if np.isfinite(self.std[name]) and self.std[name] > 0:
            straight = (values - self.best[name]) / self.std[name]
            ax.plot(values, straight, color=_STRAIGHT, linewidth=1.1, linestyle="--")
        (line,) = ax.plot(values, tau, color=CURVE, linewidth=2)
        ax.plot(self.best[name], 0, "o", color=CURVE, markersize=5)
        ax.set_xlabel(name)
        ax.set_ylim(1.04 * tau.min(), 1.04 * tau.max())
        ax.locator_params(axis="x", nbins=5)
        ax.spines[["top", "right"]].set_visible(False)
        return line
