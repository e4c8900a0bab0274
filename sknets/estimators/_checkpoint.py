"""How far a fit has come, kept in a file from which the same fit goes on after it was killed.

A fit that goes on goes the whole way again up to training: X is read, the network is built and prepared
as it was the first time, since the seed is the same. Then the net is put where it stood
(`training.stand`).
The file is named after all that decides on the fit: its parameters and its data. So fits of a search have
a file each, and what is another fit begins anew.
"""

import contextlib
import os
import time
from numbers import Integral
from pathlib import Path

import skorch
import torch

from sknets import storage, training
from sknets._warn import warn_user
from sknets.estimators._fingerprint import fingerprint_of

#: Seconds between two states at least; and at most one part in so many of the time is spent on them.
LEAST_SECONDS = 2.0
_PART_OF_TIME = 20

_FIRST = "checkpoint.json"
_ARRAYS = "arrays.safetensors"


def check_checkpoint(estimator, is_partial):
    """Raise ValueError if a fit could not go on from a checkpoint as it would have gone on by itself."""
    given = estimator.checkpoint
    if given is None:
        return
    if is_partial:
        raise ValueError(
            f"partial_fit does not support checkpoint={os.fspath(given)!r}: what it has learned is the "
            "estimator itself, which sknets.save keeps. Set checkpoint=None."
        )
    why = None
    if not isinstance(estimator.random_state, Integral):
        why = (
            f"random_state is {estimator.random_state!r}; set it to an int, so that it begins alike"
        )
    elif estimator.warm_start:
        why = "warm_start=True begins with what an earlier fit has left; set one of them to its default"
    elif estimator.callbacks:
        why = "callbacks may know what no file does; set one of them to None"
    elif training.present_team() is not None:
        why = "several processes train it, each of which would write the file; set checkpoint=None"
    if why is not None:
        raise ValueError(
            f"checkpoint={os.fspath(given)!r} goes on where the same fit stood, but {why}."
        )


def open_checkpoint(estimator, net_device, dtype, train, valid):
    """Return the checkpoint of a fit, or None if there is to be none.

    Parameters
    ----------
    estimator : BaseNet
        The estimator.
    net_device, dtype : torch.device, torch.dtype
        Where it trains, and in which precision.
    train, valid : tuple
        Rows, encoded targets and weights; None for validation data that are not there.

    Raises
    ------
    ValueError
        If there can be no such folder.
    """
    if estimator.checkpoint is None:
        return None
    storage.import_safetensors()  # before anything is trained
    if not os.fspath(estimator.checkpoint):
        raise ValueError("checkpoint='' names no folder; the current one is '.'.")
    folder = Path(estimator.checkpoint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # a null character, say
        raise ValueError(f"checkpoint={str(folder)!r} cannot be a folder: {error}") from error
    fingerprint = fingerprint_of(estimator, (net_device, dtype), (*train, *(valid or ())))
    name = f"{type(estimator).__name__}-{fingerprint[:20]}.checkpoint"
    return Checkpoint(folder / name, bool(estimator.verbose))


class Checkpoint(skorch.callbacks.Callback):
    """The state of a fit in a file, written at the beginning of an epoch now and then.

    Parameters
    ----------
    path : Path
        The file.
    is_verbose : bool
        Whether to print where a fit goes on.
    """

    watches_steps = False

    def __init__(self, path, is_verbose):
        self.path = path
        self.is_verbose = is_verbose
        self.phase = 0
        self.n_before = 0  # epochs of earlier phases
        self._written, self._took = time.monotonic(), 0.0
        self._has_failed = False
        self._state = self._read()

    @property
    def first_phase(self):
        """The phase in which the fit goes on."""
        return 0 if self._state is None else self._state["phase"]

    def begin_phase(self, net, phase):
        """Let a net stand where it stood in this phase; return the epochs of the phase that are done."""
        self.phase, self.n_before = phase, len(net.history)
        state, self._state = self._state, None
        if state is None:
            return 0
        try:
            training.stand(net, _with_tensors(state["there"], net))
            self.n_before = state["n_before"]
        except Exception as error:  # whatever another module or another hand has left
            raise self._refused(f"holds another network ({error})") from error
        n_done = len(net.history) - self.n_before
        if self.is_verbose:
            print(f"Goes on after epoch {len(net.history)}, from {self.path}")
        return n_done

    def on_epoch_begin(self, net, **kwargs):
        """Write where the net stands, if it is time."""
        started = time.monotonic()
        if started - self._written < max(LEAST_SECONDS, _PART_OF_TIME * self._took):
            return
        there = training.standing(net)
        there["state"]["history"] = [
            row for row in there["state"]["history"] if "train_loss" in row
        ]
        self._write(
            {
                "phase": self.phase,
                "n_before": self.n_before,
                "there": _without_tensors(there),
            }
        )
        self._written = time.monotonic()
        self._took = self._written - started

    def _write(self, state):
        arrays = storage.Arrays()
        tree = storage.TreeWriter(arrays).write(state, "checkpoint")
        data = storage.pack({_FIRST: storage.dump_json(tree), _ARRAYS: arrays.to_bytes()})
        try:
            storage.write_whole(self.path, data)
        except OSError as error:  # the fit itself can go on
            if not self._has_failed:
                warn_user(f"The checkpoint {self.path} cannot be written: {error}")
            self._has_failed = True

    def _read(self):
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._refused(f"cannot be read ({error})") from error
        try:
            parts = storage.unpack(data, _FIRST)
            arrays = storage.arrays_from_bytes(parts[_ARRAYS])
            state = storage.TreeReader(arrays).read(storage.parse_json(parts[_FIRST]))
        except storage.ContentError as error:
            raise self._refused(error) from error
        except Exception as error:  # of a file by another hand, whose checksum is right
            raise self._refused(f"holds no state ({type(error).__name__}: {error})") from error
        numbers = [state.get(name) for name in ("phase", "n_before")] if type(state) is dict else []
        if not numbers or any(type(number) is not int or number < 0 for number in numbers):
            raise self._refused("holds no state")
        return state

    def _refused(self, why):
        return ValueError(f"The checkpoint {self.path} {why}; delete it, and the fit begins anew.")

    def close(self):
        """Remove the file: the fit has come to its end."""
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)
            for left in self.path.parent.glob(
                f".{self.path.name}.*.tmp"
            ):  # of a process that was killed
                left.unlink(missing_ok=True)


def _without_tensors(value):
    """Return what `training.standing` returned with arrays in the place of tensors."""
    if torch.is_tensor(value):
        return value.detach().cpu().numpy().copy()
    if isinstance(value, dict):
        return {key: _without_tensors(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_without_tensors, value))
    return value


def _with_tensors(there, net):
    """Return what `training.stand` takes, for the device of a net."""
    values = net.flat.values

    def snapshot(saved):
        if saved is None:
            return None
        flat, buffers = saved
        like = list(net.learner.module.buffers())
        return _tensor(flat, values), [_tensor(*pair) for pair in zip(buffers, like, strict=True)]

    return there | {
        "learned": snapshot(there["learned"]),
        "best": snapshot(there["best"]),
        "generators": list(map(torch.from_numpy, there["generators"])),
    }


def _tensor(array, like):
    tensor = torch.from_numpy(array).to(like)
    if tensor.shape != like.shape:
        raise ValueError(f"{tuple(tensor.shape)} numbers in the place of {tuple(like.shape)}")
    return tensor
