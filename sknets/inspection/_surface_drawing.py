"""How losses over a plane, or along a line, are drawn."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_scalar

from sknets.inspection._pyplot import import_pyplot

_PATH, _FIT = "#d1603d", "white"
_COLORS, _N_LEVELS = "viridis", 20


def check_drawing(kind, log, levels, highest):
    """Raise ValueError or TypeError if one of these parameters is wrong."""
    if kind not in ("contour", "surface"):
        raise ValueError(f"kind={kind!r} is unknown; choose 'contour' or 'surface'.")
    if not isinstance(log, bool | np.bool_):
        raise TypeError(f"log must be True or False, got {log!r}.")
    if highest is not None:
        check_scalar(highest, "highest", Real)
        if isinstance(highest, bool | np.bool_) or not np.isfinite(highest):
            raise ValueError(f"highest={highest} must be a finite number.")
    if isinstance(levels, Integral):
        check_scalar(levels, "levels", Integral, min_val=2)
    elif levels is not None:
        given = np.asarray(levels)
        is_right = given.ndim == 1 and len(given) > 1 and given.dtype.kind in "iuf"
        if not is_right or not np.isfinite(given).all() or not (np.diff(given) > 0).all():
            raise ValueError(
                "levels must be a whole number of at least 2, or losses that increase."
            )
        if log and given[0] <= 0:
            raise ValueError(f"log=True needs levels above 0; the lowest is {given[0]:.3g}.")
        if highest is not None:
            raise ValueError(
                "highest is for levels that are a number; of given losses the last one is the highest."
            )
    if kind == "surface" and levels is not None:
        raise ValueError("levels are those of contours; leave them out with kind='surface'.")


def check_directions(n_directions, kind, levels):
    """Raise ValueError if these parameters are not for so many directions."""
    if n_directions == 1 and (kind != "contour" or levels is not None):
        raise ValueError("kind and levels are for two directions; this is one.")


def check_loss(loss, name, log, highest):
    """Raise ValueError if the scale has no place for a loss; it has for what overflows."""
    if log and loss <= 0:
        raise ValueError(f"log=True needs losses above 0; {name} is {loss:.3g}.")
    if highest is not None and np.isfinite(loss) and highest <= loss:
        raise ValueError(f"highest={highest} must be above {name}, {loss:.3g}.")


class Drawing:
    """The artists of one picture of a loss.

    Parameters
    ----------
    display : LossSurfaceDisplay
        The losses.
    log, levels, highest, kind
        As its `plot` takes them.

    Raises
    ------
    ValueError
        If a parameter does not fit the losses.
    """

    line = surface = colorbar = path_line = fits = None

    def __init__(self, display, log, levels, highest, kind):
        self.display = display
        self.log, self.kind = log, kind
        self.losses = np.ma.masked_invalid(np.asarray(display.losses, dtype=float))
        self.is_line = self.losses.ndim == 1
        self._check_shapes()
        if self.losses.mask.all():
            raise ValueError("losses: none is a finite number; look closer at the fit (extent).")
        check_directions(self.losses.ndim, kind, levels)
        low, high = float(self.losses.min()), float(self.losses.max())
        check_loss(low, "the lowest loss", log, highest)
        self.is_cut = highest is not None and highest < high
        self.low, self.high = low, highest if self.is_cut else high
        if self.high <= low:  # a constant loss
            self.high = low + 1e-6 * max(abs(low), 1e-6)
        self.levels = levels

    def _check_shapes(self):
        n_points = tuple(len(axis) for axis in self.display.coordinates)
        if len(n_points) not in (1, 2) or self.losses.shape != n_points[::-1]:
            raise ValueError(
                f"losses has the shape {self.losses.shape}, but coordinates of {n_points} points belong "
                "to a line, losses of shape (n_points,), or to a plane, with a row of losses for each "
                "coordinate in the second direction."
            )
        for name in ("fits", "path"):
            points = getattr(self.display, name)
            if points is not None and np.shape(points)[1:] != (len(n_points),):
                raise ValueError(
                    f"{name} has the shape {np.shape(points)}; give {len(n_points)} coordinates, one for "
                    "each direction, in each of its rows."
                )

    def draw(self, ax, label):
        """Draw into some axes."""
        if self.is_line:
            self._draw_line(ax, label)
        else:
            draw = self._draw_surface if self.kind == "surface" else self._draw_contours
            draw(ax)
            if label is not None:
                ax.set_title(label)
        names = self.display.names or ["direction 1", "direction 2"]
        ax.set_xlabel(names[0])
        if not self.is_line:
            ax.set_ylabel(names[1])

    def _draw_line(self, ax, label):
        (where,) = self.display.coordinates
        (self.line,) = ax.plot(where, self.losses, label=label)
        color = self.line.get_color()

        def heights_at(points):  # NaN, which is not drawn, where the line does not reach
            return np.interp(points, where, self.losses.filled(np.nan), left=np.nan, right=np.nan)

        at = self._fits()[:, 0]
        self.fits = ax.scatter(at, heights_at(at), color=color, zorder=3)
        if self.display.path is not None:
            along = np.asarray(self.display.path)[:, 0]
            (self.path_line,) = ax.plot(
                along, heights_at(along), ".", color=_PATH, label="path of training"
            )
        ax.set_ylabel("loss")
        if self.log:
            ax.set_yscale("log")
        if self.is_cut:
            ax.set_ylim(top=self.high)
        if ax.get_legend_handles_labels()[0]:
            ax.legend(frameon=False)
        ax.spines[["top", "right"]].set_visible(False)

    def _draw_contours(self, ax):
        xs, ys = self.display.coordinates
        levels = self._find_levels()
        extend = "both" if self.levels is not None else "max" if self.is_cut else "neither"
        options = {"levels": levels, "norm": self._norm(levels[0], levels[-1])}
        self.surface = ax.contourf(xs, ys, self.losses, cmap=_COLORS, extend=extend, **options)
        ax.contour(xs, ys, self.losses, colors="white", linewidths=0.4, alpha=0.6, levels=levels)
        self._add_colorbar(ax)
        self._mark(ax)
        ax.set(xlim=(xs[0], xs[-1]), ylim=(ys[0], ys[-1]))

    def _draw_surface(self, ax):
        xs, ys = np.meshgrid(*self.display.coordinates)
        heights = np.log10(self.losses) if self.log else self.losses
        top = np.log10(self.high) if self.log else self.high
        heights = np.minimum(heights, top).filled(np.nan)
        bottom = np.log10(self.low) if self.log else self.low
        self.surface = ax.plot_surface(
            xs, ys, heights, cmap=_COLORS, vmin=bottom, vmax=top, rcount=len(xs), ccount=xs.shape[1]
        )
        self._mark(ax, self._heights_at)
        ax.set_zlabel("log10 of the loss" if self.log else "loss")
        ax.computed_zorder = False  # else the surface hides what lies on it
        ax.set_box_aspect(None, zoom=0.8)  # else labels are cut off
        ax.locator_params(nbins=5)
        for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
            axis.labelpad = 10

    def _mark(self, ax, height=None):
        """Draw the path and the fits; in three dimensions at a height."""
        path, fits = self.display.path, self._fits()
        if path is not None:
            path = np.asarray(path)
            places = [*path.T] if height is None else [*path.T, height(path)]
            style = {"color": _PATH, "marker": "o", "markersize": 2.5, "linewidth": 1.2}
            (self.path_line,) = ax.plot(*places, label="path of training", zorder=5, **style)
        places = [*fits.T] if height is None else [*fits.T, height(fits)]
        style = {"marker": "*", "s": 90, "color": _FIT, "edgecolors": "black", "zorder": 6}
        self.fits = ax.scatter(*places, **style)

    def _heights_at(self, points):
        from scipy.interpolate import RegularGridInterpolator

        xs, ys = self.display.coordinates
        heights = np.minimum(self.losses, self.high).filled(np.nan)
        heights = np.log10(heights) if self.log else heights
        at = RegularGridInterpolator((ys, xs), heights, bounds_error=False)
        return at(points[:, ::-1])

    def _fits(self):
        fits = self.display.fits
        n = len(self.display.coordinates)
        return np.zeros((1, n)) if fits is None else np.asarray(fits)

    def _find_levels(self):
        if self.levels is not None and not isinstance(self.levels, Integral):
            return np.asarray(self.levels, dtype=float)
        n_levels = _N_LEVELS if self.levels is None else self.levels
        space = np.geomspace if self.log else np.linspace
        return space(self.low, self.high, n_levels)

    def _norm(self, low, high):
        colors = import_pyplot("LossSurfaceDisplay").matplotlib.colors
        return (colors.LogNorm if self.log else colors.Normalize)(low, high)

    def _add_colorbar(self, ax):
        self.colorbar = ax.figure.colorbar(self.surface, ax=ax, label="loss")
        ticks = self.surface.levels
        self.colorbar.set_ticks(ticks[:: max(1, len(ticks) // 6)])
        self.colorbar.ax.yaxis.set_major_formatter(_two_digits)
        self.colorbar.minorticks_off()


def _two_digits(loss, _place=None):
    """Return a loss as text: 1000 rather than 1e+03, unless it would be long."""
    if loss and not 1e-4 <= abs(loss) < 1e5:
        return f"{loss:.2g}"
    return np.format_float_positional(loss, precision=2, fractional=False, trim="-")
