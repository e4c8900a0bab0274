"""The multi-layer perceptron: what its classifier and its regressor share."""

import numpy as np

from sknets import modules
from sknets.estimators._base import BaseNet
from sknets.estimators._layers import per_layer, read_names, read_sizes


class BaseMLP(BaseNet):
    """A dense stack between X and the raw outputs."""

    def _module_spec(self, row_shape, n_outputs):
        sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        allowed = [*modules.ACTIVATIONS, "rbf"]
        names = read_names("activation", self.activation, len(sizes), "hidden", allowed)
        rates = per_layer("dropout", self.dropout, len(sizes), "hidden")
        if any(not 0 <= rate < 1 for rate in rates):
            raise ValueError(f"dropout={self.dropout!r} must be rates in [0, 1).")
        if not sizes and (self.normalization is not None or np.any(self.dropout)):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} makes no hidden layer, in which "
                f"dropout={self.dropout!r} and normalization={self.normalization!r} could act."
            )
        return {
            "layer_sizes": [*row_shape, *sizes, int(n_outputs)],
            "activations": names,
            "dropout": [float(rate) for rate in rates],
            "normalization": self.normalization,
            "weight_init": self.weight_init,
        }

    @staticmethod
    def _build_module(spec, generator):
        return modules.DenseStack(**spec, generator=generator)

    @property
    def n_layers_(self):
        """Number of layers, inputs and outputs among them."""
        return len(self._layers()) + 1

    @property
    def coefs_(self):
        """Weight matrices of the layers, of shape (n_inputs, n_units); the last one in units of y.

        They are read-only copies: what is written into an array would not reach the network.
        """
        *hidden, last = (layer.weight.detach().cpu().T for layer in self._layers())
        if self.out_activation_ == "identity":
            last = (last * self._output.scale).to(last.dtype)
        return [_frozen(weight) for weight in (*hidden, last)]

    @property
    def intercepts_(self):
        """Intercepts of the layers, of shape (n_units,); the last one in units of y."""
        *hidden, last = (layer.bias.detach().cpu() for layer in self._layers())
        if self.out_activation_ == "identity":
            last = (last * self._output.scale + self._output.shift).to(last.dtype)
        elif self.out_activation_ == "exp":
            last = (last + self._output.scale.log()).to(last.dtype)
        return [_frozen(bias) for bias in (*hidden, last)]

    def _layers(self):
        return self.net_.module_.weighted_layers


def _frozen(tensor):
    array = tensor.numpy().copy()
    array.flags.writeable = False
    return array
