"""The convolutional network: what its classifier and its regressor share."""

from sknets import modules
from sknets.estimators._base import BaseNet
from sknets.estimators._net import Phase
from sknets.estimators._per_layer import read_activations, read_sizes
from sknets.estimators.cnn._architecture import Convolutional
from sknets.estimators.cnn._backbone import read_backbone
from sknets.estimators.cnn._layers import read_conv_layers
from sknets.inputs import ImagesInput, plain_scaling, read_image_shape


class BaseCNN(BaseNet):
    """Convolutions between images and a dense head."""

    @property
    def input_shape_(self):
        """Shape of one image as the network takes it."""
        return self._learned.architecture.spec["input"]["shape"]

    # --- what a fit asks ---------------------------------------------------------------------------

    def _make_input(self):
        return ImagesInput(self.input_shape, self.conv_dim)

    def _make_architecture(self, input, target):
        shape, n_spatial = read_image_shape(input.row_shape, self.input_shape, self.conv_dim)
        sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        backbone = None if self.backbone is None else read_backbone(self)
        if backbone is None and self.fine_tune_layers != 0:
            raise ValueError(
                f"fine_tune_layers={self.fine_tune_layers!r} needs a backbone, which is None."
            )
        layers = [] if backbone is not None else read_conv_layers(self, shape, n_spatial)
        if layers and self.residual and self.padding != "same":
            raise ValueError(
                f"residual=True needs padding='same', so that sizes agree; it is {self.padding!r}."
            )
        names = read_activations(
            self.activation, len(layers) + len(sizes), "conv and hidden", modules.ACTIVATIONS
        )
        for layer, name in zip(layers, names, strict=False):
            layer["activation"] = name
        return Convolutional(
            {
                "input": {
                    "shape": shape,
                    "n_spatial": n_spatial,
                    "channels_first": self.data_format == "channels_first",
                },
                "input_scaling": plain_scaling(self.input_scaling),
                "layers": layers,
                "backbone": backbone,
                "conv_method": self.conv_method,
                "residual": self.residual,
                "spatial_dropout": float(self.spatial_dropout),
                "global_pooling": self.global_pooling,
                "head_sizes": [*sizes, target.n_outputs],
                "head_activations": names[len(layers) :],
                "dropout": float(self.dropout),
                "weight_init": self.weight_init,
            },
            augmentation=self.augment,
            fine_tune_layers=self.fine_tune_layers,
            is_dim_set=self.conv_dim != "auto",
        )

    @property
    def _further_phases(self):
        if self.backbone is None or self.fine_tune_layers == 0:
            return []
        return [Phase(self.fine_tune_iter, self.fine_tune_learning_rate, self.fine_tune_layers)]
