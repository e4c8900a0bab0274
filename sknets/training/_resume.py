"""Going on from where an earlier net stopped, and going back there."""

import copy

import torch


def net_state(net):
    """Return all that a net knows beside its module: its history, NumPy arrays, plain values."""
    learner = net.learner
    return {
        "solver": type(learner.solver).__name__,
        "optimizer": learner.solver.extra_state(),
        "lr": learner.solver.lr / learner.growth,
        "average": None if learner.average is None else learner.average.extra_state(),
        "monitor": learner.stopping.monitor,
        "stopping": learner.stopping.place,
        "history": net.history,
        "lowest": dict(learner.lowest),
        "n_epochs": learner.n_epochs,
        "n_seen": learner.n_seen,
        "stop_reason": learner.stop_reason,
    }


def resume(net, state, *, is_same_fit):
    """Let an initialised net go on from the `net_state` of an earlier one around the same module.

    Parameters
    ----------
    net : Net
        The net that goes on.
    state : dict
        What `net_state` returned.
    is_same_fit : bool
        Whether the earlier fit goes on (`partial_fit`) or a new one starts from its weights
        (`warm_start`). A new one has a fresh solver and starts its schedule again.
    """
    net.history = state["history"]  # not a copy: many partial fits would copy for ever
    learner = net.learner
    learner.n_seen = state["n_seen"]
    learner.lowest = dict(state["lowest"])
    if not is_same_fit:
        return
    learner.n_epochs = state["n_epochs"]
    learner.stop_reason = state["stop_reason"]
    if state["monitor"] == learner.stopping.monitor:  # a best score is no best loss
        learner.stopping.place = state["stopping"]
    if state["solver"] == type(learner.solver).__name__:
        learner.solver.load_extra_state(state["optimizer"])
        if learner.schedule.is_adaptive:
            learner.solver.lr = state["lr"]
    if learner.average is not None and state["average"] is not None:
        learner.average.load_extra_state(state["average"], like=learner.flat.values)


def go_on(net, batch_size):
    """Let a net that is as it was made go on: as a new one around its module would after `resume`.

    Parameters
    ----------
    net : Net
        The net, whose earlier fit goes on.
    batch_size : int
        Rows in a batch.

    Returns
    -------
    callable
        Puts back what `undo_for` does not, since it counts on another net to go on.
    """
    learner, undo = net.learner, _undo_place(net)
    rate = learner.solver.lr / learner.growth
    learner.solver.lr = rate if learner.schedule.is_adaptive else learner.schedule.initial
    learner.growth = 1.0
    net.batch_size = batch_size
    return undo


def _undo_place(net):
    """Return a function that lets a net stand where it stands now, but for its module and history."""
    learner, solver, batch_size = net.learner, net.learner.solver, net.batch_size
    names = ("n_epochs", "n_seen", "growth", "stop_reason")
    before = {name: getattr(learner, name) for name in names}
    before |= {"lowest": dict(learner.lowest), "average": copy.deepcopy(learner.average)}
    lr, stopping = solver.lr, learner.stopping.place
    place = {
        name: value.clone() if torch.is_tensor(value) else value
        for name, value in solver.place.items()
    }

    def undo():
        vars(learner).update(before)
        learner.stopping.place = stopping
        solver.lr, net.batch_size = lr, batch_size
        solver.place.clear()
        solver.place.update(place)

    return undo


def undo_for(net):
    """Return a function that puts a net, its module and its generators back to where they are now."""
    learner = net.learner
    snapshot, n_epochs = learner.snapshot(), len(net.history)
    generators = {g: g.get_state() for g in (learner.generator, learner.device_generator)}

    def undo():
        values = learner.flat.values
        learner.module.to(dtype=values.dtype, device=values.device)
        learner.flat.bind()
        learner.restore(snapshot)
        del net.history[n_epochs:]
        for generator, state in generators.items():
            generator.set_state(state)

    return undo
