"""What a network makes of its validation data."""

from typing import Any, NamedTuple


class Trial(NamedTuple):
    """What a network makes of its validation data at the end of an epoch.

    Attributes
    ----------
    raw : torch.Tensor of shape (n_rows, n_outputs)
        Raw outputs.
    loss : float or None
        Their loss; None if it is not known yet.
    values : torch.Tensor of shape (P,) or None
        The parameters of then; None if the network has not gone on, or nobody will ask for them.
    score : float or None
        The score; None if it is not known yet.
    """

    raw: Any
    loss: float | None = None
    values: Any = None
    score: float | None = None
