"""The convolutional network: what its classifier and its regressor share."""

import copy
import math

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted, validate_data

from sknets import modules, training
from sknets.estimators._base import BaseNet
from sknets.estimators._checks import NO_Y, check_rows
from sknets.estimators._images import channel_moments, resolve_shape, stack_images
from sknets.estimators._layers import per_axis, read_names, read_sizes
from sknets.estimators._parameters import Phase
from sknets.estimators._scaling import read_scaling
from sknets.estimators.cnn._backbone import make_backbone, read_backbone

# conv_channels="auto"; chosen with benchmarks/bench_cnn_defaults.py
_FIRST_CHANNELS, _MOST_CHANNELS = 32, 128
_FEWEST_LAYERS, _MOST_LAYERS = 2, 5
_FINAL_SIDE = 4

_BATCH_SIZE = 32  # batch_size="auto"; so few rows that all of them fit in two batches make one


class BaseCNN(BaseNet):
    """Convolutions between images and a dense head."""

    _kept_dtypes = (np.float64, np.float32, np.uint8)
    _sparse_formats = False
    _small_step = training.SMALL_CONV_STEP
    _scaling_advice = "Lower"  # images are scaled inside

    # --- X ---------------------------------------------------------------------------------------

    def _read_X(self, X, y=NO_Y, *, reset):
        X = stack_images(X)
        n_axes = getattr(X, "ndim", 0)  # unknown of lists, which scikit-learn reads
        if not reset and n_axes >= 2:
            self._check_row_shape(X)
        if n_axes <= 2:
            return super()._read_X(X, y, reset=reset)
        X, y = check_rows(self, X, y, allow_nd=True, dtype=self._kept_dtypes)
        # a stand-in with as many features: scikit-learn looks at nothing else
        n_values = math.prod(X.shape[1:])
        values = np.broadcast_to(X[:1].reshape(1, n_values), (len(X), n_values))
        validate_data(self, values, skip_check_array=True, reset=reset)
        return X if y is NO_Y else (X, y)

    def _check_row_shape(self, X):
        seen, shape = self._row_shape, tuple(X.shape)
        if shape[1:] == seen or len(shape) == 1 + len(seen) == 2:
            return  # scikit-learn has its own words about features
        hint = " A single image needs a first axis: X[np.newaxis]." if shape == seen else ""
        raise ValueError(
            f"X has images of shape {shape[1:]}, but {type(self).__name__} was fitted to images "
            f"of shape {seen}.{hint}"
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        return tags

    @property
    def input_shape_(self):
        """Shape of one image as the network takes it."""
        return self._spec["input"]["shape"]

    # --- the module ------------------------------------------------------------------------------

    def _module_spec(self, row_shape, n_outputs):
        shape, n_spatial = resolve_shape(row_shape, self.input_shape, self.conv_dim)
        sizes = read_sizes("hidden_layer_sizes", self.hidden_layer_sizes, "units")
        backbone = None if self.backbone is None else read_backbone(self)
        if backbone is None and self.fine_tune_layers != 0:
            raise ValueError(
                f"fine_tune_layers={self.fine_tune_layers!r} needs a backbone, which is None."
            )
        layers = [] if backbone is not None else self._conv_layers(shape, n_spatial)
        names = self._activations(len(layers) + len(sizes))
        for layer, name in zip(layers, names, strict=False):
            layer["activation"] = name
        return {
            "input": {
                "shape": shape,
                "n_spatial": n_spatial,
                "channels_first": self.data_format == "channels_first",
            },
            "layers": layers,
            "backbone": backbone,
            "conv_method": self.conv_method,
            "residual": self.residual,
            "spatial_dropout": float(self.spatial_dropout),
            "global_pooling": self.global_pooling,
            "head_sizes": [*sizes, int(n_outputs)],
            "head_activations": names[len(layers) :],
            "dropout": float(self.dropout),
            "weight_init": self.weight_init,
        }

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

    def _activations(self, n_layers):
        """Return the activation of each convolutional and then of each hidden layer."""
        return read_names(
            "activation", self.activation, n_layers, "conv and hidden", modules.ACTIVATIONS
        )

    @staticmethod
    def _build_module(spec, generator, base=None):
        """Build the module of a spec, around a copy of `base` where there is one already."""
        images = modules.ImageInput(**spec["input"])
        if base is not None:
            base = copy.deepcopy(base)
        elif spec["backbone"] is not None:
            base = make_backbone(spec["backbone"], images, generator)
        else:
            base = modules.make_base(
                images,
                spec["layers"],
                method=spec["conv_method"],
                residual=spec["residual"],
                weight_init=spec["weight_init"],
                spatial_dropout=spec["spatial_dropout"],
                generator=generator,
            )
        n_hidden = len(spec["head_sizes"]) - 1
        with training.Seeded(generator):  # somebody else's backbone may draw when it is tried out
            network = modules.ConvNet(
                images,
                base,
                global_pooling=spec["global_pooling"],
                feature_dropout=spec["dropout"],
                is_pretrained=spec["backbone"] is not None,
                head={
                    "layer_sizes": spec["head_sizes"],
                    "activations": spec["head_activations"],
                    "dropout": [spec["dropout"]] * n_hidden,
                    "normalization": None,
                    "weight_init": spec["weight_init"],
                },
                generator=generator,
            )
        return network.to(next(network.base.parameters(), images.scale).dtype)

    def _prepare_module(self, module, X, sample_weight):
        # a copy of its own: what the user does to the backbone later is no matter of this fit
        self._base = copy.deepcopy(module.base) if module.is_pretrained else None
        if module.is_pretrained:
            module.thaw(self.fine_tune_layers)  # there must be so many
        images, scaling = module.input, self.input_scaling
        if not isinstance(scaling, str):
            images.standardize_by(*read_scaling(scaling, images.n_channels, "channels"))
        elif not isinstance(self._spec["backbone"], BaseCNN):  # whose scaling came with it
            images.standardize_by(*channel_moments(X, images, sample_weight))

    def _measure_work(self, module, X):
        row = torch.zeros(1, *X.shape[1:])
        with training.Seeded(torch.Generator()):
            return modules.measure_work(module, row)

    def _auto_batch_size(self, n_rows):
        return n_rows if n_rows <= 2 * _BATCH_SIZE else _BATCH_SIZE

    def _make_augment(self):
        if self.augment is None:
            return None
        geometry = self._spec["input"]
        return self.augment.make(geometry["n_spatial"], modules.ImageInput(**geometry).size)

    def _penultimate(self, X):
        """Return the activations below the output layer, shape (n, n_features)."""
        check_is_fitted(self)
        features, dtype = self._raw_predict(X, self.net_.module_.penultimate)
        return features.numpy().astype(dtype, copy=False)

    # --- transfer ----------------------------------------------------------------------------------

    def _phases(self, is_partial):
        phases = [Phase(self.max_iter, self.learning_rate_init)]
        if self.backbone is not None and self.fine_tune_layers != 0:
            if is_partial:
                raise ValueError(
                    "partial_fit trains the head of a backbone and has no second phase; set "
                    f"fine_tune_layers=0, it is {self.fine_tune_layers!r}."
                )
            tuned = Phase(self.fine_tune_iter, self.fine_tune_learning_rate, self.fine_tune_layers)
            phases.append(tuned)
        return phases

    def _begin_phase(self, module, phase):
        if module.is_pretrained:
            module.thaw(phase.n_tuned)

    def _rebuild_module(self, generator):
        if self._base is None:
            return super()._rebuild_module(generator)
        return self._build_module(self._spec, generator, self._base)

    @property
    def _draws_unseeded(self):
        return not isinstance(self._spec["backbone"], BaseCNN | None)


def _auto_channels(longest_side):
    """Return channels that double, in as many layers as halve the longest side down to a few values."""
    n_layers = _FEWEST_LAYERS
    while n_layers < _MOST_LAYERS and longest_side > _FINAL_SIDE * 2**n_layers:
        n_layers += 1
    return [min(_FIRST_CHANNELS * 2**layer, _MOST_CHANNELS) for layer in range(n_layers)]
