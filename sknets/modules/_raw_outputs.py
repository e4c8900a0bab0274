"""The place of a user's own module."""

import inspect
import re

import torch
from torch import nn

#: What stands for padding in whole numbers: no number of a user's.
WHOLE_PADDING = torch.iinfo(torch.int64).min

_ON_DEVICE = (
    "It may make tensors on another device inside: make them with device=x.device or register them as "
    'buffers, or set device="cpu".'
)

_IN_BF16 = (
    "With precision='bf16', layers return bfloat16 in training: give what meets it the same type, or set "
    "precision='full'."
)

#: What to do, by words in Torch's errors.
_ADVICE = {
    "dtype|scalar type .* but|datatype|type .* should be the same": (
        'It may make tensors of another type inside: set dtype="float32", the type of Torch\'s own '
        "tensors, or make them with dtype=x.dtype."
    ),
    "same device|expected device|is on cpu|is on cuda": _ON_DEVICE,
    "scalar types: Long, Int": (
        "An nn.Embedding takes whole numbers. X arrives as such if all its numbers are whole; otherwise "
        "turn columns into such: x[:, k].long()."
    ),
    "index out of range": "An nn.Embedding needs one more row than the largest whole number in X.",
}


class RawOutputs(nn.Module):
    """A user's module, with what it is given and what it returns brought into shape and checked.

    Parameters
    ----------
    module : torch.nn.Module
        From rows to (n_rows, n_outputs), or (n_rows,) for one output. One whose forward has an argument
        `lengths` is told the length of each row, and its padding is zero.
    n_outputs : int
        Number of outputs that are needed.
    takes_whole : bool, default=False
        Whether whole numbers go to the module as such; else they become floats.
    """

    def __init__(self, module, n_outputs, *, takes_whole=False):
        super().__init__()
        self.module = module
        self.n_outputs = n_outputs
        self.takes_whole = takes_whole
        self.takes_lengths = "lengths" in inspect.signature(module.forward).parameters

    def forward(self, x):
        args = self._arguments(x)
        try:
            raw = self.module(*args)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, TypeError, ValueError, IndexError) as error:
            raise ValueError(self._explain(error, args)) from error
        return self._checked(raw, x)

    def _arguments(self, x):
        """Return what the module is called with."""
        if x.is_sparse:
            x = x.to_dense()
        elif self.takes_whole and x.dtype != torch.int64:
            x = x.long()
        elif self.takes_whole or x.is_floating_point():
            x = (
                x.clone()
            )  # it may share memory with the user's X, and a first layer may work in place
        else:
            x = x.to(self._dtype)
        if not self.takes_lengths:
            return (x,)
        is_padding = x.isnan() if x.is_floating_point() else x == WHOLE_PADDING
        of_step = is_padding.flatten(2).all(2) if x.ndim > 2 else is_padding
        return x.masked_fill(is_padding, 0), (~of_step).sum(1)

    @property
    def _dtype(self):
        return next((p.dtype for p in self.module.parameters()), torch.get_default_dtype())

    def _checked(self, raw, x):
        if not torch.is_tensor(raw):
            raise ValueError(
                f"module must return a tensor of raw outputs, {type(self.module).__name__} returned "
                f"{type(raw).__name__}."
            )
        if raw.ndim == 1:
            raw = raw[:, None]
        expected = (len(x), self.n_outputs)
        if raw.shape != expected:
            raise ValueError(
                f"module must return raw outputs of shape {expected} for {len(x)} rows, "
                f"{type(self.module).__name__} returned {tuple(raw.shape)}."
            )
        if raw.device != x.device:
            raise ValueError(
                f"module must return raw outputs on {x.device}, where x is, {type(self.module).__name__} "
                f"returned them on {raw.device}. {_ON_DEVICE}"
            )
        if torch.is_grad_enabled() and not raw.requires_grad:
            raise ValueError(
                f"module must return raw outputs that depend on its parameters, those of "
                f"{type(self.module).__name__} have no gradient: argmax, detach and NumPy cut it."
            )
        dtype = x.dtype if x.is_floating_point() else self._dtype
        return raw if raw.dtype == dtype else raw.to(dtype)

    def _explain(self, error, args):
        given = ", ".join(f"{tuple(a.shape)} of {a.dtype} on {a.device}" for a in args)
        advice = [text for words, text in _ADVICE.items() if re.search(words, str(error))]
        if torch.is_autocast_enabled(args[0].device.type):
            advice = [_IN_BF16]
        return (
            f"module: {type(self.module).__name__} failed when called with x of shape {given}: "
            f"{str(error).rstrip('. ')}. {' '.join(advice)}".rstrip()
        )
