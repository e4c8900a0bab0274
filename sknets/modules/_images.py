"""From X as a user holds it to images as a convolution takes them."""

import math

import torch
from torch import nn

#: Memory formats by the number of spatial dimensions in which Torch convolves.
CHANNELS_LAST = {2: torch.channels_last, 3: torch.channels_last_3d}


class ImageInput(nn.Module):
    """Rows of X as standardised images with channels, in channels-last memory.

    Signals are images of height one: (n, channels, 1, length). Whole numbers become floats here, batch by
    batch, so a large uint8 X stays small.

    Parameters
    ----------
    shape : sequence of int
        Shape of one image in X: the spatial sizes and, unless `n_spatial` says otherwise, the channels.
    n_spatial : {1, 2, 3}
        Number of spatial dimensions. One more value in `shape` is the number of channels.
    channels_first : bool, default=False
        Whether the channels stand before the spatial sizes in `shape`.

    Attributes
    ----------
    n_channels : int
        Number of channels.
    size : tuple of int
        Spatial sizes as the layers see them; a signal's begin with a height of 1.
    shift, scale : torch.Tensor of shape (n_channels, 1, ...)
        What is subtracted from each channel, and what it is then divided by.
    """

    def __init__(self, shape, n_spatial, *, channels_first=False):
        super().__init__()
        self.shape = tuple(shape)
        self.channels_first = channels_first
        self.is_signal = n_spatial == 1
        has_channels = len(shape) > n_spatial
        if not has_channels:
            self.n_channels, spatial = 1, self.shape
        elif channels_first:
            self.n_channels, *spatial = self.shape
        else:
            *spatial, self.n_channels = self.shape
        self.size = (1, *spatial) if n_spatial == 1 else tuple(spatial)
        self.register_buffer("shift", torch.zeros(self.n_channels, *[1] * len(self.size)))
        self.register_buffer("scale", torch.ones_like(self.shift))

    @property
    def n_values(self):
        """Number of values in an image."""
        return math.prod(self.shape)

    @torch.no_grad()
    def standardize_by(self, shift, scale):
        """Set what is subtracted from and what divides each channel."""
        for buffer, values in ((self.shift, shift), (self.scale, scale)):
            buffer.copy_(torch.as_tensor(values).reshape(self.shift.shape))

    def forward(self, x):
        x = self.as_images(x).to(self.scale.dtype)
        return ((x - self.shift) / self.scale).contiguous(
            memory_format=CHANNELS_LAST[len(self.size)]
        )

    def as_images(self, x):
        """Return x as (n, channels, *size) with the values it has."""
        if self.channels_first:
            return x.reshape(len(x), self.n_channels, *self.size)
        return x.reshape(len(x), *self.size, self.n_channels).movedim(-1, 1)

    def as_rows(self, images):
        """Return (n, channels, *size) as rows of values, in the order in which X has them."""
        return (images if self.channels_first else images.movedim(1, -1)).flatten(1)

    def extra_repr(self):
        return f"shape={self.shape}, n_channels={self.n_channels}, size={self.size}"
