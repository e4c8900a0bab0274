"""What a network makes of its validation data."""

from typing import Any, NamedTuple


class Trial(NamedTuple):
    """What a network makes of its validation data at the end of an epoch.

    Attributes
    ----------
    raw : torch.Tensor of shape (n_rows, n_outputs)
        Raw outputs.
    loss : float or None
        Their loss; None is not known yet, here and below.
    values : torch.Tensor of shape (P,) or None
        The parameters, of which nobody else has a copy where the network has gone on since.
    score : float or None
        The score.
    """

    raw: Any
    loss: float | None = None
    values: Any = None
    score: float | None = None
