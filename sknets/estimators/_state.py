"""State without tensors: what a pickle of a fitted estimator holds.

NumPy arrays, plain values and the names of classes, from which the network is built again. A model
trained on a GPU loads on a machine without one, and formats that know no Torch can carry it.
"""

import numpy as np
import skorch
import torch

from sknets import training
from sknets.estimators._parameters import Phase, make_net


def to_arrays(state):
    """Replace the net, its output and the generator in an estimator's state by arrays."""
    if "net_" not in state:
        return state
    state = dict(state)
    net = state.pop("net_")
    output = state.pop("_output")
    generator = state.pop("_generator")
    state["_net_state"] = {
        "module": _arrays_of(net.module_),
        "dtype": str(net.flat.values.dtype).removeprefix("torch."),
        "device": str(net.device),
        "generator": training.generator_to_array(generator),
        "device_generator": training.generator_to_array(net.learner.device_generator),
        "output": (type(output), _arrays_of(output)),
        "batch_size": net.batch_size,
        "phase": tuple(state["_phase"]),
        **training.net_state(net),
        "history": [dict(row) for row in net.history],
    }
    return state


def load_net(estimator, state):
    """Build the net of `to_arrays` again; return the estimator's state."""
    if "_net_state" not in state:
        return state
    state = dict(state)
    saved = state.pop("_net_state")
    state["_generator"] = training.generator_from_array(saved["generator"])
    output_class, buffers = saved["output"]
    state["_output"] = output_class(**{name: np.array(a) for name, a in buffers.items()})
    vars(estimator).update(state)

    # drawn as in the fit: a user's module may hold draws that are no part of its state dict
    build_generator = training.generator_from_array(state["_build_state"])
    module = estimator._rebuild_module(build_generator)
    module = module.to(getattr(torch, saved["dtype"]))
    module.load_state_dict(
        {name: torch.from_numpy(a.copy()) for name, a in saved["module"].items()}
    )
    phase = Phase(*saved["phase"])
    estimator._begin_phase(module, phase)
    net = make_net(estimator, module, _available(saved["device"]), saved["batch_size"], phase)
    net.stopping.monitor = saved["stopping"][0]  # of the fit; parameters may have changed since
    net.callbacks = list(estimator.callbacks or [])
    net.initialize()
    saved["history"] = skorch.history.History(saved["history"])
    training.resume(net, saved, is_same_fit=True)
    device_generator = net.learner.device_generator
    if device_generator is not state["_generator"]:
        # an accelerator's generator was seeded from the fit's just now: put both back
        state["_generator"].set_state(torch.from_numpy(np.array(saved["generator"])))
        if str(net.device) == saved["device"]:
            device_generator.set_state(torch.from_numpy(np.array(saved["device_generator"])))
    net.module_.eval()
    state["net_"] = net
    return state


def _arrays_of(module):
    return {name: value.cpu().numpy().copy() for name, value in module.state_dict().items()}


def _available(device):
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        return torch.device("cpu")
    return torch.device(device)
