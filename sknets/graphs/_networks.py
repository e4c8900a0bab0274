"""The raw outputs of a fitted estimator's networks, as nodes."""

import numpy as np
import torch
from torch import nn

from sknets.graphs._dense import form_of, write_dense
from sknets.graphs._foreign import write_foreign
from sknets.graphs._images import write_conv_code, write_conv_net
from sknets.graphs._sequences import write_recurrent_code, write_recurrent_net
from sknets.modules import (
    ConvAutoencoder,
    ConvNet,
    DenseStack,
    EncoderDecoder,
    RecurrentAutoencoder,
    RecurrentNet,
)


def networks_of(estimator):
    """Return the networks of a fitted estimator, as Torch modules."""
    members = vars(estimator).get("members_", [estimator])
    return [member._learned.net.module_ for member in members]


def check_networks(estimator):
    """Raise ValueError if networks of this kind are not written."""
    if any(isinstance(module, EncoderDecoder) for module in networks_of(estimator)):
        raise ValueError(
            f"{type(estimator).__name__} with output='sequence' writes a sequence step by step, each of "
            "what it wrote before, and has no graph. output='timesteps' and output='single' have one; "
            "else serve it with joblib."
        )


def write_raws(graph, estimator, x, n_axes):
    """Write the raw outputs of all networks.

    Parameters
    ----------
    graph : Graph
        Where to.
    estimator : BaseNet
        A fitted estimator.
    x : str
        Rows as they come.
    n_axes : int
        Axes of x.

    Returns
    -------
    raw : str
        Raw outputs in the type of the graph, with an axis in front where there are several networks.
    is_several : bool
    """
    networks = networks_of(estimator)
    if isinstance(networks[0], DenseStack):
        return write_stacks(graph, networks, x), len(networks) > 1
    raws = [graph.cast(_write_one(graph, estimator, module, x, n_axes)) for module in networks]
    return join_networks(graph, raws), len(raws) > 1


def join_networks(graph, raws):
    """Return values of several networks with an axis in front; those of one as they are."""
    if len(raws) == 1:
        return raws[0]
    return graph.concat([graph.unsqueeze(raw, 0) for raw in raws], 0)


def write_stacks(graph, stacks, x):
    """Write dense networks, those of one form at once."""
    stacks = [list(stack) for stack in stacks]
    dtype = next(value for layer in stacks[0] for value in layer.parameters()).dtype
    is_double = graph.dtype == np.float64 and dtype == torch.float64
    inner = graph.at(np.float64 if is_double else np.float32)
    x = inner.cast(x)
    forms = {form_of(stack) for stack in stacks}
    if len(stacks) == 1 or (len(forms) == 1 and None not in forms):
        return graph.cast(write_dense(inner, stacks, x))
    raws = [write_dense(inner, [stack], x) for stack in stacks]
    return graph.cast(join_networks(inner, raws))


def _write_one(graph, estimator, module, x, n_axes):
    if isinstance(module, ConvNet):
        return write_conv_net(graph, module, x)
    if isinstance(module, RecurrentNet):
        return write_recurrent_net(graph, module, x, n_axes)
    return _write_user_module(graph, estimator, module, x)


def write_features(graph, estimator, x, n_axes):
    """Write what the last layer of a convolutional or a recurrent network sees."""
    (module,) = networks_of(estimator)
    if isinstance(module, ConvNet):
        return write_conv_net(graph, module, x, below_last=True)
    return write_recurrent_net(graph, module, x, n_axes, below_last=True)


def write_code(graph, estimator, x, n_axes):
    """Write the code of an autoencoder."""
    (module,) = networks_of(estimator)
    if isinstance(module, ConvAutoencoder):
        return write_conv_code(graph, module, x)
    if isinstance(module, RecurrentAutoencoder):
        return write_recurrent_code(graph, module, x, n_axes)
    return write_stacks(graph, [list(module)[: module.n_below]], x)


# --- a user's module ------------------------------------------------------------------------------


def _write_user_module(graph, estimator, module, x):
    """Write a user's module, which is given what `RawOutputs` gives it."""
    input = estimator._learned.input
    shape = tuple(input.row_shape)
    inputs, shapes, whole = [x], [shape], []
    if module.takes_lengths:
        x, lengths = _without_padding(graph, x, len(shape), module.takes_whole)
        inputs, shapes, whole = [x, lengths], [(None, *shape[1:]), ()], [1]
    if module.takes_whole:
        inputs[0], whole = graph.cast(x, np.int64), [0, *whole]
    call = (_CallWithLengths if module.takes_lengths else _Call)(module.module)
    return write_foreign(graph, module, inputs, shapes, "module", whole=whole, call=call)


class _Call(nn.Module):
    """A user's module without the checks around it."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return _as_column(self.module(x))


class _CallWithLengths(_Call):
    """The same of one that is told lengths."""

    def forward(self, x, lengths):
        return _as_column(self.module(x, lengths))


def _as_column(raw):
    return raw[:, None] if raw.ndim == 1 else raw


def _without_padding(graph, x, n_axes, takes_whole):
    """Return sequences with zeros in the padding, and their lengths.

    Parameters
    ----------
    graph : Graph
        Where to.
    x : str
        Padded sequences.
    n_axes : int
        Axes of a row.
    takes_whole : bool
        Whether they hold whole numbers.
    """
    if takes_whole:
        x = graph.cast(x, np.int64)
        is_padding, zero = graph.add("Equal", x, -1), 0
    else:
        x = graph.cast(x, np.float32)
        graph, zero = graph.at(np.float32), 0.0
        is_padding = graph.add("IsNaN", x)
    of_step = graph.cast(is_padding, np.int64)
    if n_axes > 1:
        of_step = graph.reduce("Min", of_step, *range(2, n_axes + 1))
    lengths = graph.reduce("Sum", graph.add("Sub", 1, of_step), 1)
    return graph.add("Where", is_padding, zero, x), lengths
