"""How many outputs y has for a row of X."""

from dataclasses import dataclass

import numpy as np

from sknets._plain import kept
from sknets.inputs import Sequences, as_list, join, regular, without_padding


@kept
@dataclass(frozen=True)
class Outputs:
    """What y has for each row: one output, one for each timestep, or a sequence of another length.

    Parameters
    ----------
    kind : {"single", "timesteps", "sequence"}, default="single"
        The parameter `output` of networks that read sequences.
    max_length : int or None, default=None
        Outputs after which a decoder stops writing a sequence; None is the longest y of the first call.
        The parameter `max_output_length`.
    """

    kind: str = "single"
    max_length: int | None = None


#: One output, or one set of outputs, for each row.
SINGLE = Outputs()


def read_sequences(y, rows, *, who, per_timestep):
    """Return a y with one sequence of labels or numbers per sequence of X.

    Parameters
    ----------
    y : array-like of shape (n, n_steps), (n, n_steps, n_outputs), or a list of sequences
        As the user gave it. NaN at the end of numbers is padding.
    rows : Sequences
        The sequences of X that y belongs to.
    who : str
        Name of the estimator.
    per_timestep : bool
        Whether there must be one entry for each timestep of X. An array may then reach over the ends
        of sequences that are padded in X.

    Raises
    ------
    ValueError
        If something does not fit.
    """
    if isinstance(y, Sequences):
        return y
    if y is None:
        raise ValueError(f"{who} requires y to be passed, but the target y is None.")
    entries = as_list(y)
    if entries is not None:
        n_axes = np.ndim(entries[0]) if len(entries) else 1
        targets = join(entries, "y", dtype=None, n_axes=n_axes)
    else:
        array = np.asarray(y)
        if array.ndim not in (2, 3) or not array.shape[1]:
            raise ValueError(
                f"y has shape {array.shape}, but output='timesteps' and output='sequence' need a "
                "sequence of outputs for each row: shape (n_samples, n_steps) or a list of sequences. "
                "For one output per row, set output='single'."
            )
        targets = regular(array)
    if len(targets) != len(rows):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"[{len(rows)}, {len(targets)}]"
        )
    if targets.values.ndim == 2 and targets.values.shape[1] == 1:
        targets.values = targets.values[:, 0]
    if per_timestep and entries is None and targets.width == rows.width:
        kept = np.arange(rows.width) < rows.lengths[:, None]
        targets = Sequences(targets.values[kept.ravel()], rows.lengths)
    if targets.values.dtype.kind == "f":
        targets = without_padding(targets, "y")
    if per_timestep and not np.array_equal(targets.lengths, rows.lengths):
        row = int(np.argmax(targets.lengths != rows.lengths))
        raise ValueError(
            f"y[{row}] has {targets.lengths[row]} entries for {rows.lengths[row]} timesteps in "
            f"X[{row}]; output='timesteps' needs one for each. For outputs of another length, set "
            "output='sequence'."
        )
    return targets
