"""The recurrent network: sequences → convolutions → recurrent layers → features → dense head."""

import torch
from torch import nn

from sknets.modules._dense import DenseStack
from sknets.modules._dropout import Dropout
from sknets.modules._recurrent import CELLS, Bidirectional
from sknets.modules._sequences import SEQUENCE_POOLINGS, AttentionPool, SequenceConvolution
from sknets.modules._shortcut import LinearShortcut


class RecurrentStack(nn.Module):
    """Convolutions that shorten a sequence, then recurrent layers with dropout between them.

    Parameters
    ----------
    n_inputs : int
        Values of a timestep.
    convolutions : sequence of dict
        Parameters of each `SequenceConvolution`, but for its inputs.
    layer_sizes : sequence of int
        Units of each recurrent layer, in each direction.
    cell : str
        A key of `CELLS`.
    bidirectional : bool
        Whether sequences are read in both directions.
    dropout, recurrent_dropout : float
        Rates between the layers and between the timesteps.
    bptt_steps : int or None
        Timesteps after which the gradient is cut on its way back.
    weight_init : str
        One of `INITIALIZERS`.
    generator : torch.Generator
        Source of the initial weights.

    Attributes
    ----------
    n_outputs : int
        Values of a timestep of the output.
    n_ahead : int
        Those of them that were read from the beginning.
    """

    def __init__(
        self,
        n_inputs,
        *,
        convolutions,
        layer_sizes,
        cell,
        bidirectional,
        dropout,
        recurrent_dropout,
        bptt_steps,
        weight_init,
        generator,
    ):
        super().__init__()
        self.convolutions = nn.ModuleList()
        for convolution in convolutions:
            self.convolutions.append(
                SequenceConvolution(
                    n_inputs, **convolution, weight_init=weight_init, generator=generator
                )
            )
            n_inputs = convolution["n_channels"]
        self.bptt_steps = bptt_steps
        self.dropout = Dropout(dropout) if dropout else None
        self.layers = nn.ModuleList()
        for n_units in layer_sizes:

            def make(n_inputs=n_inputs, n_units=n_units):
                return CELLS[cell](n_inputs, n_units, recurrent_dropout, weight_init, generator)

            self.layers.append(Bidirectional(make) if bidirectional else make())
            n_inputs = n_units * (2 if bidirectional else 1)
        self.is_bidirectional = bidirectional
        self.n_ahead = layer_sizes[-1]
        self.n_outputs = n_inputs

    @property
    def shortening(self):
        """Timesteps of the input that become one of the output."""
        factor = 1
        for convolution in self.convolutions:
            factor *= convolution.pool_size
        return factor

    def forward(self, x, lengths, only_last=False):
        """Return outputs of shape (n, n_timesteps, n_outputs) and their lengths.

        Parameters
        ----------
        x : torch.Tensor of shape (n, n_timesteps, n_inputs)
        lengths : torch.Tensor of shape (n,) or None
        only_last : bool, default=False
            Whether the caller looks at nothing but the end of sequences that all have one length: where
            the gradient is cut, what lies before keeps nothing for it.
        """
        for convolution in self.convolutions:
            x, lengths = convolution(x, lengths)
        if self.bptt_steps is None or x.shape[1] <= self.bptt_steps or not self.training:
            return self._whole(x, lengths), lengths
        only_last = only_last and lengths is None
        return self._in_parts(x, only_last), lengths

    def _whole(self, x, lengths):
        for number, layer in enumerate(self.layers):
            if number and self.dropout is not None:
                x = self.dropout(x)
            x = layer(x, lengths) if self.is_bidirectional else layer(x)[0]
        return x

    def _in_parts(self, x, only_last):
        states, outputs = [None] * len(self.layers), []
        # the last part is a whole one, and the first takes the rest
        first = x.shape[1] % self.bptt_steps or self.bptt_steps
        parts = [first] + [self.bptt_steps] * ((x.shape[1] - first) // self.bptt_steps)
        for number, part in enumerate(x.split(parts, 1)):
            is_needed = not only_last or number == len(parts) - 1
            with torch.set_grad_enabled(is_needed and torch.is_grad_enabled()):
                for depth, layer in enumerate(self.layers):
                    if depth and self.dropout is not None:
                        part = self.dropout(part)
                    part, state = layer(part, states[depth])
                    states[depth] = tuple(tensor.detach() for tensor in state)
            if is_needed:
                outputs.append(part)
        return torch.cat(outputs, 1)


class RecurrentNet(nn.Module):
    """A recurrent network from padded rows to raw outputs, one per sequence or one per timestep.

    Parameters
    ----------
    input : SequenceInput
        From rows to sequences.
    stack : RecurrentStack
        From sequences to outputs of all timesteps.
    pool : str or None
        A key of `SEQUENCE_POOLINGS`; None leaves a raw output for each timestep.
    feature_dropout : float
        Dropout rate of what the head sees.
    head : dict
        Parameters of the `DenseStack` on top, but for its number of inputs.
    n_shortcut : int, default=0
        Timesteps of each sequence where a `LinearShortcut` leads past all layers; 0 has none.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, input, stack, *, pool, feature_dropout, head, n_shortcut=0, generator=None):
        super().__init__()
        self.input = input
        self.stack = stack
        self.pool = None
        if pool is not None:
            self.pool = SEQUENCE_POOLINGS[pool](stack.n_outputs, stack.n_ahead, generator)
        self.only_last = pool == "last"
        self.feature_dropout = Dropout(feature_dropout) if feature_dropout else nn.Identity()
        sizes = [stack.n_outputs, *head["layer_sizes"]]
        self.head = DenseStack(
            **head | {"layer_sizes": sizes}, generator=generator, has_steps=pool is None
        )
        self.shortcut = None
        if n_shortcut:
            self.shortcut = LinearShortcut(n_shortcut, input.n_outputs, sizes[-1])
            self.head.start_at_zero()

    def forward(self, x):
        values, lengths = self.input(x)
        raw = self._raw(values, lengths)
        return raw if self.shortcut is None else self.shortcut(values, raw)

    def beside_shortcut(self, x):
        """Return what the layers add to the shortcut."""
        return self.shortcut.spread * self._raw(*self.input(x))

    def penultimate(self, x):
        """Return what the last layer sees of each sequence; a shortcut leads past it."""
        features = self._features(*self.input(x))
        for layer in list(self.head)[:-1]:
            features = layer(features)
        return features

    def _raw(self, values, lengths):
        return self.head(self._features(values, lengths))

    def _features(self, values, lengths):
        outputs, lengths = self.stack(values, lengths, only_last=self.only_last)
        return self.feature_dropout(outputs if self.pool is None else self.pool(outputs, lengths))

    def attention(self, x):
        """Return the weight of each timestep of the input, shape (n, n_timesteps).

        Where convolutions have made one timestep of several, these share its weight.
        """
        values, lengths = self.input(x)
        outputs, shorter = self.stack(values, lengths)
        if not isinstance(self.pool, AttentionPool):
            raise TypeError("The network has no attention.")
        return share_out(
            self.pool.weights(outputs, shorter), values, lengths, self.stack.shortening
        )


def share_out(weights, values, lengths, shortening):
    """Return weights of shortened timesteps as weights of the timesteps that they were made of."""
    n_timesteps = values.shape[1]
    if shortening == 1:
        return weights
    weights = weights.repeat_interleave(shortening, -1)[..., :n_timesteps]
    time = torch.arange(n_timesteps, device=values.device)
    ends = values.new_full((len(values), 1), n_timesteps) if lengths is None else lengths[:, None]
    starts = time - time % shortening
    shared = (ends - starts).clamp(1, shortening)
    shared = shared.reshape(len(values), *[1] * (weights.ndim - 2), n_timesteps)
    inside = (time < ends).reshape(shared.shape)
    return torch.where(inside, weights / shared, 0.0)
