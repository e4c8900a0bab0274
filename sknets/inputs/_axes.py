"""Whether the axes of X stand as the network reads them: doubts about channels, features and times.

A shape alone proves nothing, so these are words for a warning, None where a shape is usual. Signals and
series are doubted where neighbours are alike along the axis that is not read as time, as they are among
times and not in an embedding; `conv_dim` never where the user has set it.
"""

import warnings

import numpy as np

from sknets.inputs._pieces import looked_at

#: Channels of usual images: grey, colours, colours and opacity.
_CHANNELS = (1, 3, 4)

#: The shortest side of an image whose channels may stand at the other end.
_LEAST_SIDE = 8
_MOST_UNEQUAL = 4

#: A side of so few values beside one of so many is rather channels beside times.
_FEW, _MANY = 4, 100

#: How alike neighbours are along an axis of times, and how little among features.
_ALIKE, _UNLIKE = 0.7, 0.4
_FEWEST_ALIKE = 32
_N_LOOKED_AT = 64


def doubt_channels(rows, shape, n_spatial, *, channels_first, is_dim_set=False):
    """Return words about images whose channels seem to stand at the other end, or None.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, ...)
        The images of a fit.
    shape : tuple of int
        Shape of one of them.
    n_spatial : {1, 2, 3}
        Number of spatial dimensions; there are channels where `shape` has one more.
    channels_first : bool
        Whether the channels are read from the first axis.
    is_dim_set : bool, default=False
        Whether the user has said how many spatial dimensions there are.
    """
    if len(shape) == n_spatial:
        is_thin = n_spatial == 2 and min(shape) <= _FEW and max(shape) >= _MANY
        if not is_thin or is_dim_set:
            return None
        at_first = shape[0] < shape[1]
        sides = looked_at(rows, slice(_N_LOOKED_AT)).reshape(-1, *shape).astype(np.float64)
        if _likeness(sides if at_first else sides.swapaxes(1, 2)) <= _ALIKE:
            return None
        fitting = ", data_format='channels_first'" if at_first else ""
        return (
            f"X is read as images of {shape[0]} x {shape[1]} pixels. If it holds signals of {max(shape)} "
            f"times and {min(shape)} channels, set conv_dim=1{fitting}."
        )
    declared, other, beside = (
        (shape[0], shape[-1], shape[-2]) if channels_first else (shape[-1], shape[0], shape[1])
    )
    if n_spatial == 1:
        steps = looked_at(rows, slice(_N_LOOKED_AT)).reshape(-1, *shape)
        is_doubtful = _seem_swapped(steps.swapaxes(1, 2) if channels_first else steps)
    else:
        sides = sorted((declared, beside))
        is_doubtful = (
            other in _CHANNELS
            and declared not in _CHANNELS
            and sides[0] >= _LEAST_SIDE
            and sides[1] <= _MOST_UNEQUAL * sides[0]
        )
    if not is_doubtful:
        return None
    now, then = ("first", "last") if channels_first else ("last", "first")
    size = " x ".join(map(str, shape[1:] if channels_first else shape[:-1]))
    what = f"signals of {size} times" if n_spatial == 1 else f"images of {size} pixels"
    return (
        f"X is read as {what} with {declared} channels, since data_format='channels_{now}'. If there "
        f"{'is 1 channel' if other == 1 else f'are {other} channels'}, set data_format='channels_{then}'."
    )


def doubt_times(sequences):
    """Return words about series whose features seem to stand before the times, or None.

    Parameters
    ----------
    sequences : Sequences
        The series of a fit.
    """
    n_times, n_features = sequences.shape[1:]
    if n_features < _FEWEST_ALIKE:
        return None
    first = sequences[:_N_LOOKED_AT]
    if not _seem_swapped(first.padded(first.values, np.nan)):
        return None
    return (
        f"X is read as series of {n_times} times with {n_features} features. If there are {n_features} "
        f"times with {n_times} features, the times must come first: X.transpose(0, 2, 1) for an array, "
        "x.T for each in a list."
    )


def _seem_swapped(steps):
    """Whether times seem to stand last in an array (n, n_times, n_features), NaN where there is none.

    Neighbours are alike among the features, which are many, and not in time, or there are few times.
    """
    n_times, n_features = steps.shape[1:]
    if n_features < max(_FEWEST_ALIKE, 2 * n_times):
        return False
    steps = steps.astype(np.float64)
    if _likeness(steps) <= _ALIKE:
        return False
    are_few = n_times <= _FEW and n_features >= _MANY  # too few to be alike or not
    return are_few or _likeness(steps.swapaxes(1, 2)) < _UNLIKE


def _likeness(values):
    """Return the mean correlation of neighbours along the last axis."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of axes without a number
        values = values / np.nanmax(
            np.abs(values), axis=-1, keepdims=True
        )  # squares of a usual size
        values = values - np.nanmean(values, axis=-1, keepdims=True)
        pairs = np.nansum(values[..., 1:] * values[..., :-1], axis=-1)
        likeness = pairs / np.nansum(values**2, axis=-1)
    return float(likeness[np.isfinite(likeness)].mean()) if np.isfinite(likeness).any() else 0.0
