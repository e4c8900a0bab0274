"""X as images, signals or volumes."""

import math

import numpy as np

from sknets._plain import kept
from sknets._warn import warn_user
from sknets.inputs._columns import describe_values, thinned
from sknets.inputs._input import (
    FLOATS,
    NO_Y,
    Input,
    read_beside,
    read_pieces,
    read_unnamed,
    remember_features,
)
from sknets.inputs._kind import Kind
from sknets.inputs._names import ListedNames
from sknets.inputs._pieces import Survey, in_pieces, looked_at, opened, store_of
from sknets.inputs._scaling import doubt_scaling, mean_and_deviation, read_scaling, standardize

_AXES = {1: "length", 2: "height, width", 3: "depth, height, width"}
_AUTO_DIM = {1: 1, 2: 2, 3: 2, 4: 3}
_BLOCK_VALUES = 2**22  # of the images whose moments are computed at once
_KEPT = (*FLOATS, np.uint8)


@kept
class ImagesInput(Input):
    """Images of one size: rows are an array in the user's own shape and type, uint8 among them.

    Signals are images with one axis, volumes with three; a table holds images that were flattened.

    Parameters
    ----------
    input_shape : tuple of int or None
        The parameter, as `read_image_shape` takes it.
    conv_dim : {"auto", 1, 2, 3}
        The parameter.

    Attributes
    ----------
    kind : Kind
        What values the images of the first call had.
    """

    takes_three_axes = True

    def __init__(self, input_shape=None, conv_dim="auto"):
        self._names = ListedNames()  # where images or signals are frames
        self.input_shape = input_shape
        self.conv_dim = conv_dim

    def read(self, estimator, X, y=NO_Y, *, reset):
        read = self._read_any(estimator, X, y, reset=reset)
        if not reset:
            self.kind.check(read if y is NO_Y else read[0], type(estimator).__name__)
        return read

    def _read_any(self, estimator, X, y, *, reset):
        """Return images of the fit's shape, and y where there is one."""
        X = opened(X)
        if in_pieces(X):
            if not reset:
                self._check_shape(estimator, X.shape)
            return read_pieces(estimator, X, y, reset=reset, kept=_KEPT)
        are_single = are_single_images(X)
        names = self._names.read(list(X) if are_single else None, reset=reset)
        X = stack_images(X) if are_single else X
        if getattr(X, "ndim", 0) > 2 and not reset:
            self._names.compare(names, type(estimator).__name__)
        n_axes = getattr(X, "ndim", 0)  # unknown of lists, which scikit-learn reads
        if not reset and n_axes >= 2:
            self._check_shape(estimator, tuple(X.shape))
        if n_axes <= 2:
            read = read_beside(estimator, X, y, reset=reset, dtype=_KEPT)
            if not reset and not n_axes:
                self._check_shape(estimator, (read if y is NO_Y else read[0]).shape)
            return read
        X, y = read_unnamed(estimator, X, y, allow_nd=True, dtype=_KEPT)
        remember_features(estimator, len(X), math.prod(X.shape[1:]), reset=reset)
        return X if y is NO_Y else (X, y)

    def _check_shape(self, estimator, shape):
        seen = self.row_shape
        if shape[1:] == seen or len(shape) == 1 + len(seen) == 2:
            return  # scikit-learn has its own words about features
        hint = ""
        if shape == seen:
            hint = " A single image needs a first axis: X[np.newaxis]."
        elif sorted(shape[1:]) == sorted(seen):
            hint = " Its axes stand in another order: np.moveaxis brings them back."
        elif math.prod(shape[1:]) == math.prod(seen):
            hint = f" X.reshape(-1, {', '.join(map(str, seen))}) has that shape."
        raise ValueError(
            f"X has images of shape {shape[1:]}, but {type(estimator).__name__} was fitted to images "
            f"of shape {seen}.{hint}"
        )

    def check_goes_on(self, fresh):
        """Accept any: there are no parameters."""

    def _learn(self, rows):
        _, n_spatial = read_image_shape(self.row_shape, self.input_shape, self.conv_dim)
        self.kind = Kind.of(rows, is_series=n_spatial == 1)

    def store(self, rows, dtype, device):
        return store_of(rows, dtype, device)

    def plan_prediction(self, rows, n_at_once):
        return None, n_at_once


def are_single_images(X):
    """Whether X is a list or object array of single images."""
    is_list = isinstance(X, list | tuple) and len(X) and len(_shape_of(X, 0)) >= 2
    return is_list or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1)


def stack_images(X):
    """Return single images as one array.

    Raises
    ------
    ValueError
        If the images differ in size.
    """
    shapes = sorted({_shape_of(X, position) for position in range(len(X))})
    if len(shapes) > 1:
        raise ValueError(
            f"X holds images of different sizes, {shapes[0]} and {shapes[1]} among them; bring them "
            "to one size first."
        )
    return np.stack([np.asarray(image) for image in X])


def _shape_of(images, position):
    try:
        return np.shape(images[position])
    except ValueError as error:
        raise ValueError(f"X[{position}] is no image: its rows differ in length.") from error


def read_image_shape(row_shape, input_shape, conv_dim):
    """Return the shape of one image and its number of spatial dimensions.

    Parameters
    ----------
    row_shape : tuple of int
        Shape of one row of X.
    input_shape : tuple of int or None
        The parameter: the shape into which the features of a 2-D X are arranged.
    conv_dim : {"auto", 1, 2, 3}
        The parameter.

    Raises
    ------
    ValueError
        If these contradict each other.
    """
    shape = tuple(row_shape)
    if input_shape is not None:
        wanted = tuple(input_shape)
        if any(not isinstance(n, (int, np.integer)) or n < 1 for n in wanted):
            raise ValueError(f"input_shape={input_shape!r} must hold whole numbers of at least 1.")
        if len(shape) == 1 and math.prod(wanted) != shape[0]:
            raise ValueError(
                f"input_shape={wanted} needs {math.prod(wanted)} features, X has {shape[0]}."
            )
        if len(shape) > 1 and shape != wanted:
            raise ValueError(
                f"input_shape={wanted}, but the images in X have shape {shape}; leave input_shape at "
                "None."
            )
        shape = tuple(int(n) for n in wanted)
    if min(shape) < 1:
        raise ValueError(
            f"X has images of shape {shape}: each side, and the number of channels, must be at least 1."
        )
    if conv_dim == "auto":
        if len(shape) not in _AUTO_DIM:
            raise ValueError(
                f"X has images with {len(shape)} axes of shape {shape}; there may be up to three spatial "
                "axes and one of channels."
            )
        return shape, _AUTO_DIM[len(shape)]
    if len(shape) not in (conv_dim, conv_dim + 1):
        name = "X" if input_shape is None else "input_shape"
        raise ValueError(
            f"conv_dim={conv_dim} needs images of shape ({_AXES[conv_dim]}[, channels]), {name} has "
            f"{shape}."
        )
    return shape, int(conv_dim)


def channel_moments(X, images, weight):
    """Return mean and standard deviation of each channel over all rows and positions.

    Computed block by block in float64, so that a large uint8 array stays one. A channel that does not
    vary has the standard deviation 1.

    Parameters
    ----------
    X : ndarray of shape (n, ...)
        Images, of any type.
    images : ImageInput
        What knows where the channels stand.
    weight : ndarray of shape (n,) or None
        Weights of the rows.

    Returns
    -------
    mean, deviation : ndarray of shape (n_channels,)
    """
    n_channels = images.n_channels
    weight = np.ones(len(X)) if weight is None else weight
    size = max(1, _BLOCK_VALUES // images.n_values)

    def blocks():
        for start in range(0, len(X), size):
            # sums must not depend on how the user's memory lies
            rows = slice(start, start + size)
            block = np.ascontiguousarray(looked_at(X, rows), dtype=np.float64)
            yield rows, _by_channel(block, images)

    def average(function):
        total = np.zeros(n_channels)
        for rows, block in blocks():
            total += weight[rows] @ function(block).mean(axis=1)
        return total / weight.sum()

    def reach():
        return np.max([np.abs(block).max(axis=(0, 1)) for _, block in blocks()], axis=0)

    return mean_and_deviation(average, reach)


def scale_images(layer, scaling, rows, weight):
    """Let the first layer of a network scale images as the parameter `input_scaling` says.

    Parameters
    ----------
    layer : modules.ImageInput
        The layer.
    scaling : "standardize", (mean, std) or None
        The parameter.
    rows : ndarray of shape (n_rows, ...)
        Training data.
    weight : ndarray of shape (n_rows,) or None
        Their weights.
    """
    if isinstance(scaling, str):
        standardize(layer, *channel_moments(rows, layer, weight), "X")
    else:
        given = read_scaling(scaling, layer.n_channels, "channels")
        standardize(layer, *given, f"input_scaling={scaling!r}")
        doubt = doubt_scaling(scaling, *given, *_range(rows))
        if doubt is not None:
            warn_user(doubt)


def _range(rows):
    if in_pieces(rows):
        survey = Survey.of(rows)
        return survey.lowest, survey.highest
    return float(rows.min()), float(rows.max())


def describe_channels(rows, weight, layer):
    """Return the `Columns` of the channels of images as the first layer hands them on.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, ...)
        Images, of any type.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows.
    layer : modules.ImageInput
        The first layer, which knows where the channels stand and how they are scaled.
    """
    rows, weight = thinned(rows, weight)
    weight = np.ones(len(rows)) if weight is None else weight
    shift, scale = (b.cpu().numpy().ravel().astype(float) for b in (layer.shift, layer.scale))
    with np.errstate(over="ignore", invalid="ignore"):
        return describe_values(_by_channel(rows, layer), weight, shift, scale)


def _by_channel(rows, images):
    """Return images as (n_rows, n_positions, n_channels), a view where their memory allows it."""
    if images.channels_first:
        return rows.reshape(len(rows), images.n_channels, -1).swapaxes(1, 2)
    return rows.reshape(len(rows), -1, images.n_channels)
