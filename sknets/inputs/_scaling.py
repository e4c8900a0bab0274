"""What is done to X inside a network: the parameter `input_scaling`."""

import numpy as np


def read_scaling(scaling, n_columns, what):
    """Return the mean and the standard deviation of each column that the user gives, or 0 and 1.

    Parameters
    ----------
    scaling : (float or sequence, float or sequence) or None
        The parameter `input_scaling`, in units of X.
    n_columns : int
        Number of channels or features.
    what : str
        What a column is called.

    Raises
    ------
    ValueError
        If there are other numbers than one, or one for each column, or a deviation is not positive.
    """
    if scaling is None:
        scaling = (0.0, 1.0)
    if len(scaling) != 2:
        raise ValueError(
            f"input_scaling={scaling!r} must be 'standardize', None or a pair (mean, std)."
        )
    try:
        mean, deviation = (np.array(np.broadcast_to(v, n_columns), dtype=float) for v in scaling)
    except ValueError as error:
        raise ValueError(
            f"input_scaling={scaling!r} must have one mean and std, or one for each of the "
            f"{n_columns} {what}."
        ) from error
    if not (np.isfinite(mean).all() and np.isfinite(deviation).all() and (deviation > 0).all()):
        raise ValueError(f"input_scaling={scaling!r} needs finite means and std > 0.")
    return mean, deviation


def mean_and_deviation(average):
    """Return the mean and standard deviation of each column; 1 for one that does not vary.

    Parameters
    ----------
    average : callable
        ``average(function)`` is the mean of a function of X over the training data, by column.
    """
    mean = average(lambda block: block)
    deviation = np.sqrt(average(lambda block: (block - mean) ** 2))
    is_constant = deviation <= 10 * np.finfo(np.float64).eps * np.abs(mean)
    return mean, np.where(is_constant, 1.0, deviation)
