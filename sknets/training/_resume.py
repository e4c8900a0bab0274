"""Going on from where an earlier net stopped, and going back there."""


def net_state(net):
    """Return all that a net knows beside its module: its history, NumPy arrays, plain values."""
    return {
        "solver": net.solver,
        "optimizer": net.optimizer_.extra_state(),
        "lr": net.optimizer_.lr / net.growth,
        "average": None if net.average is None else net.average.extra_state(),
        "stopping": (net.stopping.monitor, net.stopping.best, net.stopping.count),
        "history": net.history,
        "lowest": dict(net.lowest),
        "n_epochs": net.n_epochs,
        "n_seen": net.n_seen,
        "stop_reason": net.stop_reason,
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
    net.n_seen = state["n_seen"]
    net.lowest = dict(state["lowest"])
    if not is_same_fit:
        return
    net.n_epochs = state["n_epochs"]
    net.stop_reason = state["stop_reason"]
    monitor, best, count = state["stopping"]
    if monitor == net.stopping.monitor:  # a best score is no best loss
        net.stopping.best, net.stopping.count = best, count
    if state["solver"] == net.solver:
        net.optimizer_.load_extra_state(state["optimizer"])
        if net.schedule.name == "adaptive":
            net.optimizer_.lr = state["lr"]
    if net.average is not None and state["average"] is not None:
        net.average.load_extra_state(state["average"], like=net.flat.values)


def undo_for(net):
    """Return a function that puts a net, its module and its generators back to where they are now."""
    snapshot = net.snapshot()
    values, n_epochs = net.flat.values, len(net.history)
    generators = {g: g.get_state() for g in (net.generator, net.device_generator)}

    def undo():
        net.module_.to(dtype=values.dtype, device=values.device)
        net.flat.bind()
        net.restore(snapshot)
        del net.history[n_epochs:]
        for generator, state in generators.items():
            generator.set_state(state)

    return undo
