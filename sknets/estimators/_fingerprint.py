"""What decides on a fit, as one text that is the same in another process."""

import hashlib
import pickle
from numbers import Integral

import numpy as np
import scipy.sparse as sp
import torch

from sknets._version import __version__
from sknets.estimators._learned import STATE_VERSION
from sknets.inputs import Sequences, in_pieces

#: Parameters that change nothing about what is learned.
_NO_MATTER = ("checkpoint", "verbose")


def fingerprint_of(estimator, place, data):
    """Return a text that two fits share if they are the same: parameters, data, place and versions.

    Parameters
    ----------
    estimator : BaseNet
        The estimator.
    place : tuple
        Device and precision.
    data : sequence
        Rows, targets and weights; None for those that are not there.

    Raises
    ------
    ValueError
        If a parameter cannot be compared.
    """
    digest = hashlib.sha256(f"{__version__} {STATE_VERSION} {torch.__version__} {place}".encode())
    _digest_parameters(digest, estimator)
    for part in data:
        _digest_rows(digest, part)
    return digest.hexdigest()


def _digest_parameters(digest, estimator):
    digest.update(type(estimator).__qualname__.encode())
    for name in sorted(estimator._page.names):
        if name not in _NO_MATTER:
            digest.update(f"\n{name}=".encode())
            _digest_value(digest, getattr(estimator, name), name)


def _digest_value(digest, value, name):
    """Take in the value of a parameter, as far as it is the same in another process."""
    learned = getattr(getattr(value, "estimator", value), "_learned", None)
    if learned is not None:  # a fitted network, maybe frozen
        value = learned.net.module_
    if isinstance(value, torch.nn.Module):
        digest.update(type(value).__qualname__.encode())
        for key, tensor in value.state_dict().items():
            digest.update(key.encode())
            _digest_rows(digest, tensor.detach().cpu().numpy())
    elif isinstance(value, np.ndarray):
        _digest_rows(digest, value)
    elif isinstance(value, list | tuple):
        digest.update(f"{len(value)}".encode())
        for part in value:
            _digest_value(digest, part, name)
    elif isinstance(value, dict):
        for key, part in value.items():
            digest.update(repr(key).encode())
            _digest_value(digest, part, name)
    elif value is None or isinstance(value, str | bool | Integral | float | np.generic):
        digest.update(repr(value).encode())
    elif hasattr(value, "__qualname__"):
        digest.update(f"{value.__module__}.{value.__qualname__}".encode())
    else:
        _digest_object(digest, value, name)


def _digest_object(digest, value, name):
    try:
        digest.update(pickle.dumps(value, protocol=4))
    except Exception as error:  # of whatever it is
        raise ValueError(
            f"checkpoint cannot tell whether {name}={value!r} is the same in another process ({error}); "
            "set checkpoint=None."
        ) from error


def _digest_rows(digest, rows):
    """Take in rows, targets or weights."""
    if rows is None:
        digest.update(b"none")
    elif isinstance(rows, Sequences):
        _digest_rows(digest, rows.values)
        _digest_rows(digest, rows.lengths)
    elif sp.issparse(rows):
        digest.update(f"{rows.shape}".encode())
        for part in (rows.data, rows.indices, rows.indptr):
            _digest_rows(digest, part)
    elif in_pieces(rows):
        digest.update(f"{rows.shape} {rows.dtype}".encode())
        for block in rows.blocks():
            digest.update(np.ascontiguousarray(block).data)
    else:
        array = np.ascontiguousarray(rows)
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(array.data if array.size else b"")
