"""The convolutional network: what its classifier and its regressor share."""

from sknets import modules
from sknets.estimators._base import BaseNet
from sknets.estimators._net import Phase
from sknets.estimators._per_layer import per_axis, read_activations, read_names, read_sizes
from sknets.estimators.cnn._architecture import Convolutional
from sknets.estimators.cnn._backbone import read_backbone
from sknets.inputs import ImagesInput, plain_scaling, read_image_shape

# conv_channels="auto"; chosen with benchmarks/bench_cnn_defaults.py
_FIRST_CHANNELS, _MOST_CHANNELS = 32, 128
_FEWEST_LAYERS, _MOST_LAYERS = 2, 5
_FINAL_SIDE = 4


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
        layers = [] if backbone is not None else self._conv_layers(shape, n_spatial)
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

    def _conv_layers(self, shape, n_spatial):
        """Return the parameters of each convolutional layer in plain values."""
        n_dims = max(n_spatial, 2)  # a signal is an image of height 1
        if isinstance(self.conv_channels, str):
            has_channels = len(shape) > n_spatial and self.data_format == "channels_first"
            channels = _auto_channels(max(shape[has_channels:][:n_spatial]))
        else:
            channels = read_sizes("conv_channels", self.conv_channels, "channels")
        if not channels:
            raise ValueError(
                f"conv_channels={self.conv_channels!r} has no layer; give at least one number of "
                "channels, or use an MLP."
            )
        n = len(channels)

        def sizes(name, value, flat=1, least=1):
            values = per_axis(name, value, n, n_spatial, least=least)
            return [(flat,) * (n_dims - n_spatial) + size for size in values]

        names = read_names("pooling", self.pooling, n, "conv", [*modules.POOLINGS, None])
        padding = self.padding
        if isinstance(padding, str):
            paddings = [padding] * n
        else:
            paddings = sizes("padding", padding, flat=0, least=0)
        windows = sizes("pool_size", self.pool_size)
        strides = windows
        if self.pool_stride is not None:
            strides = sizes("pool_stride", self.pool_stride)
        if self.residual and padding != "same":
            raise ValueError(
                f"residual=True needs padding='same', so that sizes agree; it is {padding!r}."
            )
        columns = {
            "channels": channels,
            "kernel": sizes("kernel_size", self.kernel_size),
            "stride": sizes("stride", self.stride),
            "padding": paddings,
            "pooling": names,
            "window": windows,
            "pool_stride": strides,
        }
        return [
            dict(zip(columns, row, strict=True)) | {"normalization": self.normalization}
            for row in zip(*columns.values(), strict=True)
        ]


def _auto_channels(longest_side):
    """Return channels that double, in as many layers as halve the longest side down to a few values."""
    n_layers = _FEWEST_LAYERS
    while n_layers < _MOST_LAYERS and longest_side > _FINAL_SIDE * 2**n_layers:
        n_layers += 1
    return [min(_FIRST_CHANNELS * 2**layer, _MOST_CHANNELS) for layer in range(n_layers)]
