"""What a solver or a loss declares: parameters of its own, under the names that estimators give them."""

import functools
import inspect
from types import MappingProxyType


@functools.cache
def declared(kind):
    """Return the parameters that a class declares.

    Parameters
    ----------
    kind : type
        A solver or a loss. What it declares are the keyword-only arguments of its constructor.

    Returns
    -------
    mapping of str to object
        Names and defaults, in the order of the constructor.
    """
    arguments = inspect.signature(kind).parameters.values()
    return MappingProxyType(
        {
            argument.name: argument.default
            for argument in arguments
            if argument.kind is argument.KEYWORD_ONLY
        }
    )
