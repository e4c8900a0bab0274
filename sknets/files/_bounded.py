"""Networks are made of what a file says, but only as large as the arrays that come with them."""

import math

import torch
from torch.utils._python_dispatch import TorchDispatchMode

#: How many times as large a tensor may be as all arrays together, and what is allowed beside.
_SHARE, _VALUES_BESIDE = 4, 2**22

#: Operations of Torch for each array, and beside.
_PER_ARRAY, _OPERATIONS_BESIDE = 2000, 100_000


class Bounded(TorchDispatchMode):
    """A context in which Torch makes no tensor that is much larger than some arrays are together.

    Parameters
    ----------
    arrays : dict of ndarray
        The arrays.
    """

    def __init__(self, arrays):
        super().__init__()
        self._most = _SHARE * sum(array.size for array in arrays.values()) + _VALUES_BESIDE
        self._left = _PER_ARRAY * len(arrays) + _OPERATIONS_BESIDE

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self._left -= 1
        names = [argument.name for argument in func._schema.arguments]
        of_tensor = (arg for arg in args if not isinstance(arg, torch.Tensor))
        given = dict(zip(names, args, strict=False))
        sizes = given["size"] if "size" in given else next(of_tensor, None)
        sizes = sizes if isinstance(sizes, list | tuple) else [sizes]
        is_size = all(type(size) is int for size in sizes)
        if self._left < 0 or (is_size and math.prod(sizes) > self._most):
            raise ValueError(
                "the network that it describes is larger than the arrays that it holds"
            )
        return func(*args, **(kwargs or {}))
