"""Pictures of the loss around the parameters of a fitted network."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_scalar

from sknets._plain_torch import in_plain_torch
from sknets.inspection._pyplot import check_axes, import_pyplot
from sknets.inspection._surface_drawing import (
    Drawing,
    check_directions,
    check_drawing,
    check_loss,
)
from sknets.inspection._surface_loss import SurfaceLoss
from sknets.inspection._surface_plane import find_plane


class LossSurfaceDisplay:
    """The loss of a network over a plane, or along a line, through its fitted parameters.

    Make it with `from_estimator`; the constructor takes the numbers themselves.

    Parameters
    ----------
    losses : ndarray of shape (n_points,) or (n_points, n_points)
        The loss along a line; or over a plane, a row for each coordinate in the second direction.
    coordinates : ndarray of shape (n_directions, n_points)
        Coordinates in each direction, in units of the direction; the fit lies at zero.
    names : list of str, default=None
        What the directions are, for the axes.
    fits : ndarray of shape (n_fits, n_directions), default=None
        Coordinates of the fits that are marked, the one in the centre first; None marks the centre.
    path : ndarray of shape (n_steps, n_directions), default=None
        Coordinates of the steps of training.
    directions : ndarray of shape (n_directions, n_parameters), default=None
        The directions, in the order of ``net_.module_.parameters()``.

    Attributes
    ----------
    ax_ : matplotlib.axes.Axes
        The axes with the picture.
    figure_ : matplotlib.figure.Figure
        Its figure.
    line_ : matplotlib.lines.Line2D or None
        The loss along a line.
    surface_ : matplotlib artist or None
        Filled contours, or the surface in three dimensions.
    colorbar_ : matplotlib.colorbar.Colorbar or None
        What the colours mean.
    path_line_ : matplotlib.lines.Line2D or None
        The path of training.
    fits_ : matplotlib artist
        The marks of the fits.

    See Also
    --------
    ParameterPath : Records the path of training.
    TrainingCurveDisplay : The loss by epochs.

    Notes
    -----
    The loss is that of `fit` in its own units (a y of numbers has been scaled to mean 0 and spread 1),
    weighted by rows and classes, but without the penalties `alpha` and `l1_alpha`: a bowl around
    zero that would hide the rest. Dropout, noise and augmentation are off. Batch normalisation is as in a
    prediction, with the moments of the fit, on the way to another fit with those between both. It is
    computed with a copy in float64 (a module of your own: in its own precision); the estimator stays.

    A random direction is normal, and changes the weights into each unit (or each kernel, row of an
    embedding) by as much as their own length, at coordinate 1. Biases, normalisations and frozen
    parameters stay [1]_. So surfaces of networks whose weights have different sizes can be compared.
    What is seen is two directions of many thousands: a surface may have walls that no such plane meets.

    A fit as a direction is the way to it [2]_; coordinates of a plane through three fits are those along
    both ways, at whatever angle. A path is projected to the nearest points of the plane, whose loss
    is not that of the path.

    References
    ----------
    .. [1] Li, Xu, Taylor, Studer and Goldstein (2018). Visualizing the loss landscape of neural nets.
       NeurIPS.
    .. [2] Goodfellow, Vinyals and Saxe (2015). Qualitatively characterizing neural network optimization
       problems. ICLR.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from sknets import MLPRegressor
    >>> from sknets.inspection import LossSurfaceDisplay, ParameterPath
    >>> X, y = load_diabetes(return_X_y=True)
    >>> path = ParameterPath()
    >>> options = {"hidden_layer_sizes": 8, "learning_rate": "cosine", "max_iter": 50}
    >>> network = MLPRegressor(callbacks=[path], random_state=0, **options).fit(scale(X), y)
    >>> display = LossSurfaceDisplay.from_estimator(network, scale(X), y, random_state=0)
    >>> display.losses.shape
    (25, 25)

    The path of training in its two principal directions, and the line to another fit:

    >>> display = LossSurfaceDisplay.from_estimator(
    ...     network, scale(X), y, directions="principal", path=path, n_points=15
    ... )
    >>> other = MLPRegressor(random_state=1, **options).fit(scale(X), y)
    >>> display = LossSurfaceDisplay.from_estimator(network, scale(X), y, directions=other)
    >>> display.ax_.get_xlabel()
    'way to the other fit'
    """

    def __init__(self, losses, coordinates, *, names=None, fits=None, path=None, directions=None):
        self.losses = losses
        self.coordinates = coordinates
        self.names = names
        self.fits = fits
        self.path = path
        self.directions = directions

    @classmethod
    @in_plain_torch
    def from_estimator(
        cls,
        estimator,
        X,
        y=None,
        *,
        directions="random",
        n_points=25,
        extent=None,
        path=None,
        sample_weight=None,
        random_state=None,
        kind="contour",
        log=False,
        levels=None,
        highest=None,
        label=None,
        ax=None,
    ):
        """Compute the loss of a fitted network over a plane or along a line, and draw it.

        Parameters
        ----------
        estimator : estimator
            A fitted network, or a pipeline, search or FrozenEstimator with one; not a CNNAutoencoder or
            an RNNAutoencoder.
        X : array-like of shape (n_samples, ...) or list of sequences
            Rows, as the estimator takes them: training data, or others.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Their target; None for an Autoencoder only, whose target is X.
        directions : "random", "principal", estimator, array or list of these, default="random"
            Two random directions; those of `path`; or one or two of: "random", another fit of
            the network, a vector of shape (n_parameters,) that is the change over one unit.
        n_points : int, default=25
            Points in each direction; an odd number has the fit among them.
        extent : float, (low, high) or a pair of such pairs, default=None
            Coordinates that are shown, of -extent to extent or low to high, in both directions or each.
            None: -1 to 1, -0.5 to 1.5 on the way to another fit, wider if the path is.
        path : ParameterPath, array of shape (n_steps, n_parameters) or list, default=None
            Where training came along, also as a list of fitted estimators; drawn in the plane.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        random_state : int, RandomState instance or None, default=None
            Determines random directions.
        kind : {"contour", "surface"}, default="contour"
            Contours of a plane, or a surface in three dimensions.
        log : bool, default=False
            Whether the loss is on a logarithmic scale.
        levels : int or array-like, default=None
            Number of the contours of a plane, or the losses where they lie; None is 20.
        highest : float, default=None
            Highest loss of the scale, above that of the fit; what is above is cut off. Not for levels
            that are losses.
        label : str, default=None
            Name in the legend of a line, title of a plane.
        ax : matplotlib.axes.Axes, default=None
            Where to draw; None makes a figure.

        Returns
        -------
        LossSurfaceDisplay

        Raises
        ------
        ImportError
            If matplotlib is missing.
        TypeError
            If there is no network in the estimator, or it holds several; if directions, path or ax are
            something else.
        ValueError
            If data or parameters are wrong, directions are parallel, or another fit is one of another
            network or another y.
        NotFittedError
            If an estimator or the path has not been fitted.
        """
        import_pyplot("LossSurfaceDisplay")
        check_drawing(kind, log, levels, highest)
        check_axes(ax, "3d" if kind == "surface" else None)
        check_scalar(n_points, "n_points", Integral, min_val=3)
        extents = _read_extent(extent)
        loss = SurfaceLoss(estimator, X, y, sample_weight)
        plane = find_plane(loss, directions, path, random_state)
        spans = _spans(extents, plane.directions)
        coordinates = np.array([np.linspace(*span, n_points) for span in spans])
        check_directions(len(coordinates), kind, levels)
        # one loss tells what would be refused after all of them
        next_to_fit = [axis[np.abs(axis).argmin()] for axis in coordinates]
        check_loss(plane.loss_at(loss, next_to_fit), "that of the fit", log, highest)
        display = cls(
            plane.evaluate(loss, coordinates),
            coordinates,
            names=[direction.name for direction in plane.directions],
            fits=plane.fits,
            path=plane.path,
            directions=np.array([d.values[: loss.state.n_parameters] for d in plane.directions]),
        )
        return display.plot(ax=ax, kind=kind, log=log, levels=levels, highest=highest, label=label)

    def plot(self, *, ax=None, kind="contour", log=False, levels=None, highest=None, label=None):
        """Draw the losses.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, default=None
            Where to draw, beside what it has; None makes a figure. For a surface, axes with
            ``projection="3d"``.
        kind : {"contour", "surface"}, default="contour"
            Contours of a plane, or a surface in three dimensions.
        log : bool, default=False
            Whether the loss is on a logarithmic scale.
        levels : int or array-like, default=None
            Number of the contours of a plane, or the losses where they lie; None is 20.
        highest : float, default=None
            Highest loss of the scale; what is above is cut off. Not for levels that are losses.
        label : str, default=None
            Name in the legend of a line, title of a plane.

        Returns
        -------
        LossSurfaceDisplay

        Raises
        ------
        TypeError
            If ax is something else.
        ValueError
            If a parameter is wrong, or has no meaning for this picture.
        """
        plt = import_pyplot("LossSurfaceDisplay")
        projection = "3d" if kind == "surface" else None
        check_drawing(kind, log, levels, highest)
        check_axes(ax, projection)
        drawing = Drawing(self, log, levels, highest, kind)
        if ax is None:
            figure = plt.figure(layout="constrained")
            ax = figure.add_subplot(projection=projection)
        drawing.draw(ax, label)
        for name in ("line", "surface", "colorbar", "path_line", "fits"):
            setattr(self, f"{name}_", getattr(drawing, name))
        self.ax_ = ax
        self.figure_ = ax.figure
        return self


def _read_extent(extent):
    """Return None, one pair of limits or two of them, as a list.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if extent is None:
        return None
    given = extent
    if isinstance(extent, Real) and not isinstance(extent, bool):
        extent = (-extent, extent)
    try:
        pairs = np.array(extent, dtype=float)
    except (TypeError, ValueError):
        pairs = np.empty(0)
    pairs = pairs[None] if pairs.ndim == 1 else pairs
    is_right = pairs.shape in ((1, 2), (2, 2)) and np.isfinite(pairs).all()
    if not is_right or not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError(
            f"extent={given!r} must be a number above 0, (low, high) with low < high, or two such "
            "pairs."
        )
    return [tuple(pair) for pair in pairs.tolist()]


def _spans(extents, directions):
    """Return the limits of each direction."""
    if extents is None:
        return [direction.span for direction in directions]
    if len(extents) == 1:
        return extents * len(directions)
    if len(directions) == 1:
        raise ValueError("extent has two pairs of limits for one direction; give one pair.")
    return extents
