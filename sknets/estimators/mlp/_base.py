"""The multi-layer perceptron: what its classifier and its regressor share."""

from numbers import Real

import numpy as np

from sknets import modules
from sknets._plain_torch import in_plain_torch
from sknets.estimators._base import BaseNet
from sknets.estimators._per_layer import per_layer, read_activations, read_sizes
from sknets.estimators.mlp._architecture import Dense
from sknets.estimators.mlp._pretraining import read_pretraining
from sknets.inputs import TableInput


class BaseMLP(BaseNet):
    """A dense stack between X and the raw outputs."""

    def _make_input(self):
        has_bins = self.numeric_embedding == "piecewise_linear"
        return TableInput(
            self.numeric_embedding,
            self.embedding_bins if has_bins else None,
            pretrain=self.pretrain if isinstance(self.pretrain, str) else None,
        )

    def _make_architecture(self, input, target):
        sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        allowed = [*modules.ACTIVATIONS, "rbf"]
        names = read_activations(self.activation, len(sizes), "hidden", allowed)
        rates = per_layer("dropout", self.dropout, len(sizes), "hidden")
        if any(not isinstance(rate, Real) or not 0 <= rate < 1 for rate in rates):
            raise ValueError(f"dropout={self.dropout!r} must be rates in [0, 1).")
        if not sizes and (self.normalization is not None or np.any(self.dropout)):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} makes no hidden layer, in which "
                f"dropout={self.dropout!r} and normalization={self.normalization!r} could act."
            )
        plan = {
            "layer_sizes": [*input.row_shape, *sizes, target.n_outputs],
            "activations": names,
            "dropout": [float(rate) for rate in rates],
            "normalization": self.normalization,
            "weight_init": self.weight_init,
        }
        if self.numeric_embedding is not None:
            plan["embedding"] = {"kind": self.numeric_embedding} | self._embedding_plan(input)
        return Dense(plan, read_pretraining(self, names, sizes))

    def _embedding_plan(self, input):
        """Return the parameters of the embedding."""
        if self.numeric_embedding == "piecewise_linear":
            return {"n_bins": input.n_bins}
        return {
            "n_columns": input.row_shape[0],
            "n_values": int(self.embedding_size),
            "scale": float(self.frequency_scale),
            "waved": input.waved,
        }

    @property
    def n_layers_(self):
        """Number of layers, inputs and outputs among them."""
        return len(self._layers()) + 1

    @property
    def coefs_(self):
        """Weight matrices of the layers, of shape (n_inputs, n_units); the last one in units of y.

        They are read-only copies: what is written into an array would not reach the network.
        """
        return [_frozen(weight) for weight, _ in self._folded_layers()]

    @property
    def intercepts_(self):
        """Intercepts of the layers, of shape (n_units,); the last one in units of y."""
        return [_frozen(bias) for _, bias in self._folded_layers()]

    @in_plain_torch
    def _folded_layers(self):
        """Return weights and intercepts of the layers, the last ones in units of y."""
        layers = [
            (layer.weight.detach().cpu().T, layer.bias.detach().cpu()) for layer in self._layers()
        ]
        return [*layers[:-1], self._learned.target.output.fold(*layers[-1])]

    def _layers(self):
        return self.net_.module_.weighted_layers


def _frozen(tensor):
    array = tensor.numpy().copy()
    array.flags.writeable = False
    return array
