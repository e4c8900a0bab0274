"""The convolutional autoencoder: images → maps → code, and back."""

import math

from torch import nn

from sknets.modules._activations import make_activation
from sknets.modules._autoencoder import Noise
from sknets.modules._conv_net import make_base, map_sizes
from sknets.modules._dense import DenseStack
from sknets.modules._dropout import Dropout
from sknets.modules._images import CHANNELS_LAST, ImageInput
from sknets.modules._mirrored_convolution import make_mirror
from sknets.modules._pooling import FlattenMaps
from sknets.modules._standardized import Standardized


class ConvAutoencoder(nn.Module):
    """Convolutions and dense layers from images to a code, and their mirror image back, standardised.

    Parameters
    ----------
    input : dict
        Parameters of the `ImageInput`.
    layers : sequence of dict
        As of `make_base`.
    head_sizes : sequence of int
        Units of the hidden dense layers of the encoder, and numbers of the code.
    head_activations : sequence
        Activations of these hidden layers, and of the code.
    dropout, spatial_dropout : float
        Rates of what the dense layers see and of their hidden units; of whole maps.
    weight_init : str
        One of `INITIALIZERS`.
    noise : str
        One of `NOISES`.
    noise_level : float
        How much of it there is; 0 is none.
    generator : torch.Generator, default=None
        Source of the initial weights.
    """

    def __init__(
        self,
        input,
        layers,
        *,
        head_sizes,
        head_activations,
        dropout,
        spatial_dropout,
        weight_init,
        noise,
        noise_level,
        generator=None,
    ):
        super().__init__()
        self.input = ImageInput(**input)
        self.encoder = Standardized(self.input.n_values)
        self.noise = Noise(noise, noise_level) if noise_level > 0 else nn.Identity()
        common = {
            "weight_init": weight_init,
            "spatial_dropout": spatial_dropout,
            "generator": generator,
        }
        memory = CHANNELS_LAST[len(self.input.size)]
        self.base = make_base(self.input, layers, method="auto", residual=False, **common).to(
            memory_format=memory
        )
        self.flatten = nn.Sequential(FlattenMaps(), _dropout(dropout))
        size = tuple(self.input.size)
        for layer in layers:
            size = map_sizes(size, layer)[2]
        n_values = layers[-1]["channels"] * math.prod(size)
        *hidden, n_components = head_sizes
        *activations, code_activation = head_activations
        options = ([dropout] * len(hidden), None, weight_init, generator)
        self.narrowing = DenseStack([n_values, *head_sizes], activations, *options)
        self.code = _activation(code_activation, n_components)
        self.widening = DenseStack([*head_sizes[::-1], n_values], activations[::-1], *options)
        self.mirror = make_mirror(self.input, layers, **common).to(memory_format=memory)

    def forward(self, x):
        return self.decode(self.encode(x))

    def encode(self, x):
        """Return the codes of rows of X."""
        x = self.noise(self.encoder(x.flatten(1)))
        images = self.input.as_images(x)
        images = images.contiguous(memory_format=CHANNELS_LAST[len(self.input.size)])
        return self.code(self.narrowing(self.flatten(self.base(images))))

    def decode(self, code):
        """Return the raw outputs of codes, the values of images in a row."""
        return self.input.as_rows(self.mirror(self.widening(code)))


def _activation(activation, n_units):
    return nn.Identity() if activation == "identity" else make_activation(activation, (n_units,))


def _dropout(rate):
    return Dropout(rate) if rate else nn.Identity()
