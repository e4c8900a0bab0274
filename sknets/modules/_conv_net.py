"""The convolutional network: images → base of convolutions → dense head → raw outputs."""

import math
from collections import OrderedDict

import torch
from torch import nn

from sknets.modules._activations import make_activation
from sknets.modules._convolution import make_convolution
from sknets.modules._dense import DenseStack
from sknets.modules._dropout import Dropout, SpatialDropout
from sknets.modules._images import CHANNELS_LAST
from sknets.modules._initialization import initialize
from sknets.modules._normalization import make_map_normalization
from sknets.modules._pooling import FlattenMaps, GlobalPool, make_pooling, pooled_size

#: Activations that never fall: the largest value of a window stays the largest.
_INCREASING = {"identity", "logistic", "tanh", "relu", "leaky_relu", "elu"}


class ConvNet(nn.Module):
    """A convolutional network from rows of X to raw outputs.

    Parameters
    ----------
    input : ImageInput
        From rows to images.
    base : torch.nn.Module
        From images to feature maps (or vectors): a `make_base`, or a pretrained network.
    global_pooling : {"average", "max"} or None
        What becomes of each feature map; None hands all its values to the head.
    feature_dropout : float
        Dropout rate of what the head sees.
    head : dict
        Parameters of the `DenseStack` on top, but for its number of inputs: ``layer_sizes`` begins with
        the first hidden layer.
    is_pretrained : bool
        Whether the base has been trained before, and is not to change but for what `thaw` says.
    generator : torch.Generator
        Source of the initial weights of the head.
    """

    def __init__(
        self, input, base, *, global_pooling, feature_dropout, head, is_pretrained, generator=None
    ):
        super().__init__()
        self.input = input
        self.base = base.to(memory_format=CHANNELS_LAST[len(input.size)])
        self.pool = FlattenMaps() if global_pooling is None else GlobalPool(global_pooling)
        self.feature_dropout = Dropout(feature_dropout) if feature_dropout else nn.Identity()
        sizes = [self._count_features(), *head["layer_sizes"]]
        self.head = DenseStack(**head | {"layer_sizes": sizes}, generator=generator)
        self.is_pretrained = is_pretrained

    def forward(self, x):
        return self.from_images(self.input(x))

    def from_images(self, images):
        """Return the raw outputs of standardised images of shape (n, channels, *size)."""
        return self.head(self.feature_dropout(self.features(images)))

    def features(self, images):
        """Return what the head sees: shape (n, n_features)."""
        # no gradient is needed below a base that is frozen as a whole
        learns = images.requires_grad or any(p.requires_grad for p in self.base.parameters())
        with torch.set_grad_enabled(learns and torch.is_grad_enabled()):
            maps = self.base(images)
        return self.pool(maps) if maps.ndim > 2 else maps

    def penultimate(self, x):
        """Return what the last layer sees of rows of X."""
        x = self.feature_dropout(self.features(self.input(x)))
        for layer in list(self.head)[:-1]:
            x = layer(x)
        return x

    def augmented(self, x, augment):
        """Return the images of augmented rows, and how rows were mixed (or None)."""
        return augment(self.input(x))

    @torch.no_grad()
    def _count_features(self):
        was_training = self.base.training
        self.base.eval()
        image = torch.zeros(1, self.input.n_channels, *self.input.size)
        maps = self.base(image.to(next(self.base.parameters(), image).dtype))
        self.base.train(was_training)
        return maps.shape[1] if maps.ndim == 2 else self.pool(maps).shape[1]

    # --- a pretrained base ------------------------------------------------------------------------

    def thaw(self, n_layers):
        """Let the top `n_layers` layers of a pretrained base learn, and no other ones.

        A layer is a module with a weight of two or more dimensions and the modules with parameters that
        follow it, such as its normalisation, in the order in which the base names them. "all" thaws all.

        Raises
        ------
        ValueError
            If the base has fewer layers.
        """
        layers = []
        for module in self.base.modules():
            own = list(module.parameters(recurse=False))
            if not layers or any(p.dim() >= 2 for p in own):
                layers.append([])
            layers[-1] += own
        layers = [layer for layer in layers if layer]
        n_layers = len(layers) if n_layers == "all" else n_layers
        if n_layers > len(layers):
            raise ValueError(
                f"fine_tune_layers={n_layers}, but the backbone has {len(layers)} layers."
            )
        for number, layer in enumerate(reversed(layers)):
            for parameter in layer:
                parameter.requires_grad_(number < n_layers)

    def train(self, mode=True):
        """Set the mode; a pretrained base predicts, so that its statistics and units stay."""
        super().train(mode)
        if self.is_pretrained:
            self.base.eval()
        return self


class OnSignals(nn.Module):
    """A module that takes signals (n, channels, length) in the place of images of height 1."""

    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x.squeeze(2))


def make_base(input, layers, *, method, residual, weight_init, spatial_dropout, generator):
    """Make the base of a network: convolution → activation → pooling → normalisation, layer by layer.

    Where the maximum of a window is pooled and the activation never falls, pooling comes first, with the
    same result at a fraction of the work.

    Parameters
    ----------
    input : ImageInput
        What comes before.
    layers : sequence of dict
        For each layer: ``channels``, ``kernel``, ``stride`` (tuples), ``padding`` ("same", "valid" or a
        tuple), ``pooling`` (a name or None), ``window``, ``pool_stride``, ``activation`` and
        ``normalization``.
    method : {"auto", "direct", "fft"}
        How convolutions are computed.
    residual : bool
        Whether each layer is a block of two convolutions around which its input is led (He et al., 2016).
    weight_init : str
        One of `INITIALIZERS`.
    spatial_dropout : float
        Rate at which whole maps are dropped after each layer.
    generator : torch.Generator
        Source of the initial weights.

    Returns
    -------
    torch.nn.Sequential
        Its children are named "conv1", "activation1", "pooling1", "normalization1", "dropout1", ...

    Raises
    ------
    ValueError
        If a kernel or a window does not fit into the map that comes in.
    """
    parts = OrderedDict()
    n_channels, size = input.n_channels, input.size
    for number, layer in enumerate(layers, start=1):
        layer = layer | {"is_signal": input.is_signal}
        if residual:
            conv = ResidualBlock(n_channels, size, layer, number, method, weight_init, generator)
            size = conv.size
            parts[f"block{number}"] = conv
        else:
            convs, size = _convolve(n_channels, size, layer, number, method, weight_init, generator)
            parts |= {f"{name}{number}": part for name, part in convs}
        n_channels = layer["channels"]
        after = []
        if layer["activation"] != "identity":
            shape = (n_channels, *size)
            after.append(("activation", make_activation(layer["activation"], shape)))
        if layer["pooling"] is not None:
            pooling, size = _pool(n_channels, size, layer, number)
            is_first = layer["pooling"] == "max" and _never_falls(layer["activation"])
            after.insert(0 if is_first else len(after), ("pooling", pooling))
        if layer["normalization"] is not None:
            _check_group(layer, size, number)
            after.append(
                (
                    "normalization",
                    make_map_normalization(layer["normalization"], n_channels, len(size)),
                )
            )
        if spatial_dropout > 0:
            after.append(("dropout", SpatialDropout(spatial_dropout)))
        parts |= {f"{name}{number}": part for name, part in after}
    return nn.Sequential(parts)


def _never_falls(activation):
    """Whether an activation never falls; of a user's own that is not known."""
    return isinstance(activation, str) and activation in _INCREASING


class ResidualBlock(nn.Module):
    """x + F(x), where F is convolution → activation → normalisation → convolution.

    Where F changes the channels or the size, x goes through a convolution of size 1.
    """

    def __init__(self, n_channels, size, layer, number, method, weight_init, generator):
        super().__init__()
        first, middle = _convolve(n_channels, size, layer, number, method, weight_init, generator)
        unit = {"stride": (1,) * len(size), "padding": "same"}
        channels = layer["channels"]
        second, self.size = _convolve(
            channels, middle, layer | unit, number, method, weight_init, generator
        )
        parts = [*first]
        if layer["activation"] != "identity":
            shape = (channels, *middle)
            parts.append(("activation", make_activation(layer["activation"], shape)))
        if layer["normalization"] is not None:
            parts.append(
                (
                    "normalization",
                    make_map_normalization(layer["normalization"], channels, len(size)),
                )
            )
        parts += [(f"{name}_again", part) for name, part in second]
        self.body = nn.Sequential(OrderedDict(parts))
        self.shortcut = nn.Identity()
        if channels != n_channels or self.size != size:
            point = layer | {
                "kernel": (1,) * len(size),
                "padding": "valid",
                "activation": "identity",
            }
            parts, _ = _convolve(n_channels, size, point, number, method, weight_init, generator)
            self.shortcut = nn.Sequential(OrderedDict(parts))

    def forward(self, x):
        return self.shortcut(x) + self.body(x)


def _convolve(n_channels, size, layer, number, method, weight_init, generator):
    """Return the named parts of a convolution and the size of its maps."""
    kernel, stride = layer["kernel"], layer["stride"]
    pads = _pads(size, kernel, stride, layer["padding"])
    if any(n + sum(pad) < k for n, pad, k in zip(size, pads, kernel, strict=True)):
        raise ValueError(
            f"kernel_size={_shown(kernel, layer)} of conv layer {number} is larger than the maps of "
            f"{_shown(size, layer)} that reach it. Use padding='same', a smaller kernel_size, less "
            "pooling before (pool_size, stride), or fewer conv_channels."
        )
    parts = []
    if all(low == high for low, high in pads):
        padding = tuple(low for low, _ in pads)
    else:
        padding = (0,) * len(size)
        flat = [n for pad in reversed(pads) for n in pad]
        parts.append(("pad", {2: nn.ZeroPad2d, 3: nn.ZeroPad3d}[len(size)](tuple(flat))))
        size = tuple(n + sum(pad) for n, pad in zip(size, pads, strict=True))
    conv = make_convolution(
        n_channels, layer["channels"], kernel, stride, padding, size=size, method=method
    )
    initialize(conv, weight_init, layer["activation"], generator)
    parts.append(("conv", conv))
    size = tuple(
        (n + 2 * p - k) // s + 1 for n, p, k, s in zip(size, padding, kernel, stride, strict=True)
    )
    return parts, size


def _check_group(layer, size, number):
    if layer["normalization"] != "batch" and layer["channels"] == math.prod(size) == 1:
        raise ValueError(
            f"normalization={layer['normalization']!r} has one value to normalise in conv layer "
            f"{number}, of 1 channel and size {_shown(size, layer)}. Use more conv_channels, less "
            "pooling or normalization=None."
        )


def _pads(size, kernel, stride, padding):
    """Return the padding before and after, per dimension."""
    if padding == "valid":
        return [(0, 0)] * len(size)
    if padding != "same":
        return [(p, p) for p in padding]
    # ceil(n / s) positions, the odd one of the padding at the end
    totals = [
        max((-(-n // s) - 1) * s + k - n, 0) for n, k, s in zip(size, kernel, stride, strict=True)
    ]
    return [(total // 2, total - total // 2) for total in totals]


def _pool(n_channels, size, layer, number):
    """Return a pooling layer and the size of its maps."""
    is_partial = layer["padding"] == "same"
    window, stride = layer["window"], layer["pool_stride"]
    if is_partial:
        window = tuple(min(w, n) for w, n in zip(window, size, strict=True))
    new_size = pooled_size(layer["pooling"], size, window, stride, is_partial=is_partial)
    if min(new_size) < 1:
        raise ValueError(
            f"pool_size={_shown(window, layer)} of conv layer {number} is larger than the maps of "
            f"{_shown(size, layer)} that reach it. Use a smaller pool_size, pooling=None, "
            "padding='same', or fewer conv_channels."
        )
    return make_pooling(
        layer["pooling"], window, stride, n_channels, is_partial=is_partial
    ), new_size


def map_sizes(size, layer):
    """Return what becomes of the size of maps in a layer of `make_base` that is no residual block.

    Parameters
    ----------
    size : tuple of int
        Size of the maps that come in.
    layer : dict
        The layer.

    Returns
    -------
    pads : list of (int, int)
        The padding before and after, per dimension.
    convolved, pooled : tuple of int
        The size behind the convolution, and behind the pooling.
    """
    kernel, stride = layer["kernel"], layer["stride"]
    pads = _pads(size, kernel, stride, layer["padding"])
    convolved = tuple(
        (n + sum(pad) - k) // s + 1 for n, pad, k, s in zip(size, pads, kernel, stride, strict=True)
    )
    if layer["pooling"] is None:
        return pads, convolved, convolved
    is_partial, window = layer["padding"] == "same", layer["window"]
    if is_partial:
        window = tuple(min(w, n) for w, n in zip(window, convolved, strict=True))
    pooled = pooled_size(
        layer["pooling"], convolved, window, layer["pool_stride"], is_partial=is_partial
    )
    return pads, convolved, pooled


def _shown(sizes, layer):
    """Return sizes as the user knows them: a signal has no height."""
    sizes = tuple(sizes)
    return str(sizes[1]) if layer["is_signal"] else str(sizes)
