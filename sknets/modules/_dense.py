"""The dense stack: layers of units, each fed by all units below."""

from torch import nn

from sknets.modules._activations import ACTIVATIONS
from sknets.modules._dropout import Dropout
from sknets.modules._initialization import Undrawn, initialize
from sknets.modules._normalization import make_normalization
from sknets.modules._radial import RadialBasis


class DenseStack(nn.Sequential):
    """A multi-layer perceptron from inputs to raw outputs.

    Each hidden layer is linear → activation → normalisation → dropout; the last layer is linear.

    Parameters
    ----------
    layer_sizes : sequence of int
        Number of inputs, units of each hidden layer, number of outputs.
    activations : sequence of str
        Activation of each hidden layer: a key of `ACTIVATIONS`, or "rbf" for radial basis units.
    dropout : sequence of float
        Dropout rate after each hidden layer.
    normalization : {"batch", "layer"} or None
        Normalisation of each hidden layer.
    weight_init : str
        One of `INITIALIZERS`.
    generator : torch.Generator, default=None
        Source of the initial weights.
    """

    def __init__(
        self, layer_sizes, activations, dropout, normalization, weight_init, generator=None
    ):
        layers = []
        *hidden_sizes, n_outputs = layer_sizes[1:]
        n_inputs = layer_sizes[0]
        for size, activation, rate in zip(hidden_sizes, activations, dropout, strict=True):
            if activation == "rbf":
                layers.append(RadialBasis(n_inputs, size, generator))
            else:
                layers.append(make_linear(n_inputs, size, weight_init, activation, generator))
                if activation != "identity":
                    layers.append(ACTIVATIONS[activation]())
            if normalization is not None:
                layers.append(make_normalization(normalization, size))
            if rate > 0:
                layers.append(Dropout(rate))
            n_inputs = size
        layers.append(make_linear(n_inputs, n_outputs, weight_init, "identity", generator))
        super().__init__(*layers)

    @property
    def weighted_layers(self):
        """The layers with a weight matrix, from the inputs to the outputs."""
        return [layer for layer in self if isinstance(layer, nn.Linear | RadialBasis)]


class Linear(Undrawn, nn.Linear):
    """A linear layer."""


def make_linear(n_inputs, n_outputs, weight_init, activation, generator):
    """Make a linear layer with initial weights that suit the activation behind it."""
    layer = Linear(n_inputs, n_outputs)
    initialize(layer, weight_init, activation, generator)
    return layer
