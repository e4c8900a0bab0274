"""What errors call the methods of base classes."""

from types import FunctionType


def without_class(cls):
    """Let errors about arguments name a public method alone, not the private class that it stands in.

    Python says "BaseNet.fit() got an unexpected keyword argument" where a user has called the method of
    a public class below it.
    """
    for name, member in vars(cls).items():
        if name.startswith("_"):
            continue
        method = getattr(member, "fn", member)  # of `available_if`
        while isinstance(method, FunctionType):
            method.__qualname__ = name
            method = getattr(method, "__wrapped__", None)
    return cls
