"""The autoencoder: a dense stack that is narrow in the middle, and learns to return what it was given."""

from torch import nn

from sknets.modules._dense import DenseStack
from sknets.modules._parts import draw_rows


class Noise(nn.Module):
    """What corrupts standardised rows in training, so that an autoencoder learns to repair them.

    Parameters
    ----------
    kind : str
        One of `NOISES`: "gaussian" adds normal numbers, "masking" sets values to 0, the mean.
    level : float
        Their standard deviation, or the probability that a value is masked.

    Attributes
    ----------
    generator : torch.Generator or None
        Source of the draws; None draws from Torch's global generator.
    part : tuple of int or None
        Which rows of a batch are at hand, as `draw_rows` takes it.
    """

    part = None

    def __init__(self, kind, level):
        super().__init__()
        self.kind = kind
        self.level = level
        self.generator = None

    def forward(self, x):
        if not self.training:
            return x
        if self.kind == "gaussian":
            return x + self.level * self._draw(x, lambda room, g: room.normal_(generator=g))
        keep = 1.0 - self.level
        return x * self._draw(x, lambda room, g: room.bernoulli_(keep, generator=g))

    def _draw(self, x, fill):
        return draw_rows(lambda shape: fill(x.new_empty(shape), self.generator), x.shape, self.part)

    def extra_repr(self):
        return f"{self.kind}, level={self.level}"


#: By name.
NOISES = ("gaussian", "masking")


class DenseAutoencoder(DenseStack):
    """Dense layers from rows to a code and back to the rows, standardised.

    Parameters
    ----------
    layer_sizes, activations, dropout, weight_init, generator
        As of a `DenseStack`.
    n_encoder : int
        Number of layers up to the code.
    noise : str
        One of `NOISES`.
    noise_level : float
        How much of it there is; 0 is none.
    """

    def __init__(
        self,
        layer_sizes,
        activations,
        dropout,
        weight_init,
        *,
        n_encoder,
        noise,
        noise_level,
        generator=None,
    ):
        front = {"kind": "standardized", "n_columns": layer_sizes[0]}
        super().__init__(
            layer_sizes, activations, dropout, None, weight_init, generator, embedding=front
        )
        if noise_level > 0:
            self.insert(1, Noise(noise, noise_level))
        next_layer = self.weighted_layers[n_encoder]
        self.n_below = next(place for place, layer in enumerate(self) if layer is next_layer)

    @property
    def encoder(self):
        """What stands before the first layer, without parameters."""
        return self[0]

    def encode(self, x):
        """Return the codes of rows."""
        for layer in list(self)[: self.n_below]:
            x = layer(x)
        return x

    def decode(self, code):
        """Return the raw outputs of codes."""
        for layer in list(self)[self.n_below :]:
            code = layer(code)
        return code
