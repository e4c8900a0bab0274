"""Trainings that begin alike are one training, as far as the shortest of them goes.

A search over `max_iter`, or over a parameter that only counts after training, asks for the same steps
again and again. The longest training takes them; the others take over where it stands when they end.
"""

import hashlib

import numpy as np
import torch

from sknets.training._declared import declared
from sknets.training._resume import net_state, resume
from sknets.training._stack import plan_of

#: Schedules that do not know `max_iter`.
_ENDLESS = ("constant", "invscaling", "adaptive")

_UNKNOWN = object()


def beginning(net, rows):
    """Return what decides on every step of a training from its beginning, or None if it is not known.

    Parameters
    ----------
    net : Net
        A net in whose place another one may be trained, if what is returned is equal.
    rows : Rows
        Its training data.
    """
    learner, solver, schedule = net.learner, net.learner.solver, net.learner.schedule
    is_fresh = learner.n_epochs == solver.place["step"] == len(net.history) == 0
    if not is_fresh or net.callbacks_ or net.prints_epochs or callable(schedule.name):
        return None
    validation = None if net.valid_rows is None else _validation(net)
    if validation is _UNKNOWN:
        return None
    average, stopping = learner.average, learner.stopping
    return (
        _digest(
            learner.flat.values,
            *(generator.get_state() for generator in _generators(learner)),
            *learner.module.buffers(),
        ),
        _data(rows),
        validation,
        tuple(getattr(solver, name) for name in declared(type(solver))),
        (schedule.name, schedule.initial, schedule.power_t, schedule.decay_rate),
        (schedule.decay_epochs, None if schedule.name in _ENDLESS else schedule.max_iter),
        learner.penalty,
        (learner.max_grad_norm, learner.scale_learning_rate),
        None if average is None else (average.kind, average.decay),
        (stopping.tol, stopping.patience, stopping.monitor),
        tuple(layer.dropout and layer.dropout.p for layer in plan_of(net)),
        net.batch_size,
    )


def _validation(net):
    """Return what decides on the scores of validation data, or `_UNKNOWN`."""
    score = net.valid_score
    if score is None:
        return _data(net.valid_rows)
    y = score.valid.y
    if not (net.scores_outputs_alone and isinstance(y, np.ndarray)):
        return _UNKNOWN
    if y.dtype.kind not in "biuf":
        y = np.unique(y, return_inverse=True)[1]
    kind, scoring = type(score.estimator), score.estimator.scoring
    return _data(net.valid_rows), kind, scoring, _digest(torch.from_numpy(np.ascontiguousarray(y)))


def _data(rows):
    return _digest(rows.x.data, rows.y, rows.weight), rows.mean_weight


def _digest(*tensors):
    """Return what two lists of tensors have in common if they are equal."""
    digest = hashlib.blake2b(digest_size=16)
    for tensor in tensors:
        if tensor is None:
            digest.update(b"none")
            continue
        digest.update(f"{tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().contiguous().cpu().numpy())
    return digest.digest()


def take_over(net, other):
    """Let a fresh net stand where another one stands, as if it had been trained itself.

    Parameters
    ----------
    net : Net
        The net, of the same `beginning`.
    other : Net
        The one that has been trained.
    """
    stand(net, standing(other))


def standing(net):
    """Return where a net stands in its training: all that `stand` needs, and nothing that changes."""
    learner = net.learner
    return {
        "learned": net.snapshot(),
        "state": net_state(net) | {"history": [dict(row) for row in net.history]},
        "lr": learner.solver.lr,
        "growth": learner.growth,
        "stop_reason": learner.stop_reason,
        "best": _copy(learner.stopping.best_state),
        "generators": [generator.get_state() for generator in _generators(learner)],
    }


def stand(net, there):
    """Let a net stand where another one stood when `standing` was asked; both began alike."""
    learner, state, history = net.learner, there["state"], net.history
    net.restore(there["learned"])
    history[:] = state["history"]
    resume(net, state | {"history": history}, is_same_fit=True)
    learner.solver.lr = there["lr"]
    learner.growth, learner.stop_reason = there["growth"], there["stop_reason"]
    learner.stopping.best_state = _copy(there["best"])
    for generator, state in zip(_generators(learner), there["generators"], strict=True):
        generator.set_state(state)


def _generators(learner):
    own, of_layers = learner.generator, learner.device_generator
    return (own,) if own is of_layers else (own, of_layers)


def _copy(snapshot):
    if snapshot is None:
        return None
    values, buffers = snapshot
    return values.clone(), [torch.clone(buffer) for buffer in buffers]
