"""The dense stack: layers of units, each fed by all units below."""

from typing import NamedTuple

import torch
from torch import nn

from sknets.modules._activations import ACTIVATIONS, make_activation
from sknets.modules._dropout import Dropout
from sknets.modules._embedding import EMBEDDINGS, Periodic, PiecewiseLinear
from sknets.modules._initialization import Undrawn, initialize
from sknets.modules._normalization import make_normalization
from sknets.modules._radial import RadialBasis
from sknets.modules._standardized import Standardized

#: What may stand before the first layer; one of them is no choice of a user.
_FRONTS = EMBEDDINGS | {"standardized": Standardized}

_N_STEPS = 3  # of the sequences with which an activation is tried

_NAMES = {kind: name for name, kind in ACTIVATIONS.items()}


class PlainLayer(NamedTuple):
    """A layer of units as equations see it.

    Attributes
    ----------
    units : Linear, RadialBasis or Periodic
        What has a `weight` of shape (n_units, n_inputs) and a `bias`, or, if it is periodic, others.
    activation : str
        A key of `ACTIVATIONS`.
    activation_layer : torch.nn.Module or None
        The layer of the activation, which may have parameters.
    dropout : Dropout or None
        What drops units.
    """

    units: nn.Module
    activation: str = "identity"
    activation_layer: nn.Module | None = None
    dropout: nn.Module | None = None

    @property
    def kind(self):
        """Which equation it has: "linear", "radial" or "periodic"."""
        if isinstance(self.units, Periodic):
            return "periodic"
        return "radial" if isinstance(self.units, RadialBasis) else "linear"

    @property
    def n_inputs(self):
        """Number of inputs."""
        return self.units.n_columns if self.kind == "periodic" else self.units.weight.shape[1]

    @property
    def n_units(self):
        """Number of outputs."""
        return self.units.n_units if self.kind == "periodic" else self.units.weight.shape[0]

    @property
    def n_values(self):
        """Number of values that are computed for a row."""
        return self.units.n_values if self.kind == "periodic" else self.n_units


class DenseStack(nn.Sequential):
    """A multi-layer perceptron from inputs to raw outputs.

    Each hidden layer is linear → activation → normalisation → dropout; the last layer is linear.

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, units of each hidden layer, number of outputs.
    activations : sequence of str, callable or torch.nn.Module
        Activation of each hidden layer, as `make_activation` takes it, or "rbf" for radial basis units.
    dropout : sequence of float
        Dropout rate after each hidden layer.
    normalization : {"batch", "layer"} or None
        Normalisation of each hidden layer.
    weight_init : str
        One of `INITIALIZERS`.
    generator : torch.Generator, default=None
        Source of the initial weights.
    has_steps : bool, default=False
        Whether a row has timesteps, each of which goes through by itself.
    embedding : dict, default=None
        The layer before the first one: its `kind`, one of `EMBEDDINGS` or "standardized", and its
        parameters.
    """

    def __init__(
        self,
        layer_sizes,
        activations,
        dropout,
        normalization,
        weight_init,
        generator=None,
        *,
        has_steps=False,
        embedding=None,
    ):
        layers = []
        *hidden_sizes, n_outputs = layer_sizes[1:]
        n_inputs = layer_sizes[0]
        if embedding is not None:
            layers.append(make_embedding(generator, **embedding))
            n_inputs = layers[0].n_units
        for size, activation, rate in zip(hidden_sizes, activations, dropout, strict=True):
            if activation == "rbf":
                layers.append(RadialBasis(n_inputs, size, generator))
            else:
                layers.append(make_linear(n_inputs, size, weight_init, activation, generator))
                if activation != "identity":
                    shape, time_axis = ((_N_STEPS, size), 1) if has_steps else ((size,), None)
                    layers.append(make_activation(activation, shape, time_axis=time_axis))
            if normalization is not None:
                layers.append(make_normalization(normalization, size))
            if rate > 0:
                layers.append(Dropout(rate))
            n_inputs = size
        layers.append(make_linear(n_inputs, n_outputs, weight_init, "identity", generator))
        super().__init__(*layers)

    def plain_layers(self):
        """Return the layers as `PlainLayer`, or None if there are others among them.

        A recursion needs no more, where it is written out for all activations. It takes what the
        `encoder` makes of rows.
        """
        layers = []
        for layer in self:
            if layer is self.encoder:
                continue
            if isinstance(layer, Linear | RadialBasis | Periodic):
                layers.append(PlainLayer(layer))
            elif isinstance(layer, Dropout):
                layers[-1] = layers[-1]._replace(dropout=layer)
            elif type(layer) in _NAMES and not getattr(layer, "is_activation", False):
                layers[-1] = layers[-1]._replace(
                    activation=_NAMES[type(layer)], activation_layer=layer
                )
            else:
                return None
        return layers

    @property
    def embedding(self):
        """The layer before the first one, if there is one; else None."""
        return self[0] if isinstance(self[0], PiecewiseLinear | Periodic) else None

    @property
    def encoder(self):
        """The embedding, if it has no parameters; else None."""
        return self[0] if isinstance(self[0], PiecewiseLinear) else None

    @torch.no_grad()
    def start_at_zero(self):
        """Let the raw outputs be zero, whatever the inputs are, until they are trained."""
        self[-1].weight.zero_()
        self[-1].bias.zero_()

    @property
    def weighted_layers(self):
        """The layers with a weight matrix, from the inputs to the outputs."""
        layers = [layer for layer in self if isinstance(layer, nn.Linear | RadialBasis)]
        return [layer for layer in layers if not getattr(layer, "is_activation", False)]


class Linear(Undrawn, nn.Linear):
    """A linear layer."""


def make_embedding(generator, kind, **params):
    """Make an embedding of numbers from its plan."""
    return _FRONTS[kind](**params, generator=generator)


def make_linear(n_inputs, n_outputs, weight_init, activation, generator):
    """Make a linear layer with initial weights that suit the activation behind it."""
    layer = Linear(n_inputs, n_outputs)
    initialize(layer, weight_init, activation, generator)
    return layer
