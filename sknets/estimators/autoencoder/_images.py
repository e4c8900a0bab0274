"""The convolutional autoencoder: what X is, and the plan of the network."""

from sknets import modules
from sknets.estimators._methods import without_class
from sknets.estimators._per_layer import read_activations, read_sizes
from sknets.estimators.autoencoder._architecture import MirroredConvolutions
from sknets.estimators.autoencoder._arrays import ArrayAutoencoder
from sknets.estimators.cnn._layers import read_conv_layers
from sknets.inputs import ImagesInput, read_image_shape


@without_class
class BaseCNNAutoencoder(ArrayAutoencoder):
    """Convolutions between images and a code, and back."""

    @property
    def input_shape_(self):
        """Shape of one image as the network takes it."""
        return self._learned.architecture.spec["input"]["shape"]

    def _make_input(self):
        return ImagesInput(self.input_shape, self.conv_dim)

    def _make_architecture(self, input, target):
        shape, n_spatial = read_image_shape(input.row_shape, self.input_shape, self.conv_dim)
        sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        layers = read_conv_layers(self, shape, n_spatial)
        names = read_activations(
            self.activation, len(layers) + len(sizes), "conv and hidden", modules.ACTIVATIONS
        )
        for layer, name in zip(layers, names, strict=False):
            layer["activation"] = name
        plan = {
            "input": {
                "shape": shape,
                "n_spatial": n_spatial,
                "channels_first": self.data_format == "channels_first",
            },
            "layers": layers,
            "head_sizes": [*sizes, int(self.n_components)],
            "head_activations": [*names[len(layers) :], self.code_activation],
            "dropout": float(self.dropout),
            "spatial_dropout": float(self.spatial_dropout),
            "weight_init": self.weight_init,
            **self._noise_plan,
        }
        return MirroredConvolutions(plan, target.scaling, is_dim_set=self.conv_dim != "auto")
