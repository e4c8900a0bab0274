"""What a fit has learned, in one record, and that record without tensors.

A state holds NumPy arrays, plain values and the names of classes, from which the network is built again.
A model trained on a GPU loads on a machine without one, and formats that know no Torch can carry it. (One
exception: the pretrained start of a backbone, which nothing but itself can describe.)
"""

from dataclasses import dataclass, field, fields, replace
from numbers import Number
from types import SimpleNamespace
from typing import Any

import numpy as np
import skorch
import torch

from sknets import training
from sknets._plain import from_plain, to_plain
from sknets._version import __version__
from sknets.estimators._architecture import Architecture, load_arrays
from sknets.estimators._net import Phase, make_net
from sknets.inputs import Input
from sknets.modules import Work
from sknets.targets import Target

#: Of the layout of a state; one of another number is refused.
STATE_VERSION = 5


@dataclass
class Learned:
    """All that a fitted estimator knows, beside scikit-learn's own attributes.

    A record is made by one fit and belongs to it: a fit that goes on makes its own (`replace`), so that
    the one before can be put back.

    Attributes
    ----------
    input, target, architecture : Input, Target, Architecture
        What X is, what y is, and what the network is.
    generator : torch.Generator
        The source of random numbers of all calls.
    split_seed : int
        Seed of the validation split.
    build_state : ndarray
        State of the generator before the module was drawn.
    work : Work
        Work of a row.
    phase : Phase or None
        The phase of training that came last.
    net : Net or None
        The net that trained.
    n_iter : int
        Epochs of the last call.
    parameters : dict
        Those of the last call that are plain values; those of the estimator may have changed since.
    others : dict or None
        All others, as they can be compared. None if the net is not to go on by itself: another estimator
        shares it, or it has been built again.
    y_names : list of str or None
        Names of the columns of the first y that had some.
    """

    input: Input
    target: Target
    architecture: Architecture
    generator: torch.Generator
    split_seed: int
    build_state: np.ndarray
    work: Work
    phase: Phase | None = None
    net: Any = None
    n_iter: int = 0
    parameters: dict = field(default_factory=dict)
    others: dict | None = None
    y_names: list | None = None

    def threads_for(self, n_rows, *, is_all=False):
        """Return a context with as many threads as the work of some rows is worth, which may be all."""
        is_known = is_all and not self.architecture.draws_unseeded  # a user's own may do anything
        return training.threads_for(
            n_rows * self.work.at_once,
            self.architecture.small_step,
            n_in_all=n_rows * self.work.multiply_adds if is_known else None,
        )

    def is_made_with(self, parameters, others):
        """Whether parameters, as `read_parameters` returns them, are known to be those of this fit."""
        return (parameters, others) == (self.parameters, self.others)

    def check_network(self):
        """Raise ValueError if the network is not one for the rows of the input."""
        if self.architecture.draws_unseeded:  # a module of a user's own is not looked into
            return
        values = self.net.flat.values
        row = torch.zeros(1, *self.input.row_shape, dtype=values.dtype, device=values.device)
        with torch.no_grad():
            self.net.module_(row)  # which raises if it takes no such rows
        if self.architecture.measure_work(self.net.module_, row) != self.work:
            raise ValueError(f"its network is none for rows of shape {self.input.row_shape}")

    def replace(self, **changes):
        """Return another record with some changes."""
        return replace(self, **changes)


#: What is nearly always plain, and all that is: to ask for Number takes long.
_USUAL = {str, bool, int, float, type(None)}
_PLAIN = (*_USUAL, Number, np.generic)


def read_parameters(estimator):
    """Return the parameters of a fit.

    Returns
    -------
    plain : dict
        Those that are numbers, strings or None.
    others : dict
        Of all others, what is equal only as long as nothing can have changed inside.
    """
    plain, others = {}, {}
    for name in estimator._page.names:
        value = getattr(estimator, name)
        if type(value) in _USUAL or isinstance(value, _PLAIN):
            plain[name] = value
        else:
            others[name] = _as_it_is(value)
    return plain, others


def _as_it_is(value):
    """Return what is equal for values that are and stay equal; functions are used as they are."""
    if isinstance(value, list | tuple):
        return tuple(map(_as_it_is, value))
    if isinstance(value, dict):
        return tuple((key, _as_it_is(part)) for key, part in value.items())
    return value if isinstance(value, _PLAIN) or callable(value) else object()


def to_state(learned):
    """Return a `Learned` as a dict without tensors."""
    net = learned.net
    state = {entry.name: getattr(learned, entry.name) for entry in fields(learned)}
    del state["net"], state["others"]
    state["generator"] = training.generator_to_array(learned.generator)
    state["phase"] = tuple(learned.phase)
    state["work"] = tuple(learned.work)
    state["version"] = STATE_VERSION
    state["net_state"] = {
        "module": {name: _array(value) for name, value in net.module_.state_dict().items()},
        "dtype": str(net.flat.values.dtype).removeprefix("torch."),
        "device": str(net.device),
        "device_generator": training.generator_to_array(net.learner.device_generator),
        "batch_size": net.batch_size,
        **training.net_state(net),
        "history": [dict(row) for row in net.history],
    }
    return to_plain(state)


def check_layout(estimator, state, version):
    """Raise ValueError if a state is laid out as in another version of the package.

    Parameters
    ----------
    estimator : BaseNet
        The estimator.
    state : object
        What `to_state` of that version returned.
    version : str or None
        The version, if the pickle knows it.
    """
    if not isinstance(state, dict) or state.get("version") != STATE_VERSION:
        raise ValueError(
            f"This {type(estimator).__name__} was pickled by another version of sknets "
            f"({version or 'one that recorded none'}; this is {__version__}), which laid out fitted "
            "networks otherwise. Fit it again with this version, or read it with the other one."
        )


def from_state(estimator, state):
    """Return the `Learned` of a state, with the net built again.

    Parameters
    ----------
    estimator : BaseNet
        The estimator, with its parameters.
    state : dict
        What `to_state` returned, of the present layout.
    """
    state = from_plain({name: value for name, value in state.items() if name != "version"})
    saved, generator_state = state.pop("net_state"), state["generator"]
    state["generator"] = training.generator_from_array(generator_state)
    state["phase"], state["work"] = Phase(*state["phase"]), Work(*state["work"])
    learned = Learned(**state)

    # drawn as in the fit: a user's module may hold draws that are no part of its state dict
    module = learned.architecture.build(training.generator_from_array(learned.build_state))
    device = _available(saved["device"])
    module = module.to(device, getattr(torch, saved["dtype"]))
    _load(module, saved["module"], type(estimator).__name__)
    if learned.architecture.is_pretrained:
        module.thaw(learned.phase.n_tuned)
    fitted = _as_fitted(estimator, learned.parameters)
    net = make_net(fitted, learned, module, saved["batch_size"], callbacks=fitted.callbacks)
    net.stopping.monitor = saved["monitor"]
    saved["history"] = training.History(saved["history"])
    training.resume(net, saved, is_same_fit=True)
    if net.learner.device_generator is not learned.generator:
        # an accelerator's generator was seeded from the fit's just now: put both back
        learned.generator.set_state(torch.from_numpy(np.array(generator_state)))
        if str(net.device) == saved["device"]:
            net.learner.device_generator.set_state(
                torch.from_numpy(np.array(saved["device_generator"]))
            )
    net.module_.eval()
    learned.net = net
    return learned


def as_double(estimator):
    """Let a fitted estimator compute in float64 from now on, with the parameters that it has."""
    state = to_state(estimator._learned)
    state["net_state"]["dtype"] = estimator.dtype = "float64"
    state["parameters"] = state["parameters"] | {"dtype": "float64"}
    estimator._learned = from_state(estimator, state)


def _load(module, arrays, name):
    """Put the parameters and buffers of a fit into a module that was built again."""
    try:
        load_arrays(module, arrays)
    except RuntimeError as error:
        raise ValueError(
            f"The network of this {name} cannot be built again as it was: a class or function that makes "
            f"it (module, backbone, activation) has changed since. {error}"
        ) from error


def _as_fitted(estimator, parameters):
    """Return the estimator's parameters as they were in the fit.

    They may have changed since, and be wrong now. What was no plain value then is as it is now, if it can
    be used, or the default.
    """
    values = {}
    for entry in estimator._page.parameters:
        now = getattr(estimator, entry.name)
        values[entry.name] = parameters.get(
            entry.name, now if callable(now) else entry.default_value
        )
    given = estimator.callbacks if isinstance(estimator.callbacks, list | tuple) else []
    values["callbacks"] = [cb for cb in given if isinstance(cb, skorch.callbacks.Callback)]
    return SimpleNamespace(**values)


def _array(tensor):
    return tensor.cpu().numpy().copy()


def _available(device):
    try:
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):
        return torch.device("cpu")
    return torch.device(device)
