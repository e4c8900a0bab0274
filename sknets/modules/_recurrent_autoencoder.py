"""The recurrent autoencoder: series → last state → code, and unrolled again from the code."""

import torch
from torch import nn

from sknets.modules._activations import make_activation
from sknets.modules._autoencoder import Noise
from sknets.modules._dense import DenseStack, make_linear
from sknets.modules._dropout import Dropout
from sknets.modules._recurrent import CELLS, reverse
from sknets.modules._recurrent_net import RecurrentStack
from sknets.modules._sequences import LastState, SequenceInput


class Unrolled(nn.Module):
    """Recurrent layers that make a series of what is known of it as a whole.

    Each layer starts from the state tanh(W d + b) of the features d; the first one sees d again at every
    step, a further one the outputs of the layer below.

    Parameters
    ----------
    n_inputs : int
        Number of features.
    layer_sizes : sequence of int
        Units of each layer, in each direction.
    cell : str
        A key of `CELLS`.
    bidirectional : bool
        Whether a layer is one that goes from the beginning and one that goes from the end.
    dropout, recurrent_dropout : float
        Rates between the layers and between the timesteps.
    weight_init : str
        One of `INITIALIZERS`.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(
        self,
        n_inputs,
        layer_sizes,
        *,
        cell,
        bidirectional,
        dropout,
        recurrent_dropout,
        weight_init,
        generator=None,
    ):
        super().__init__()
        kind, n_features = CELLS[cell], n_inputs
        self.n_directions = 2 if bidirectional else 1
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        self.starts, self.layers = nn.ModuleList(), nn.ModuleList()
        for n_units in layer_sizes:
            for _ in range(self.n_directions):
                n_values = kind.n_states * n_units
                start = make_linear(n_features, n_values, weight_init, "tanh", generator)
                self.starts.append(start)
                layer = kind(n_inputs, n_units, recurrent_dropout, weight_init, generator)
                self.layers.append(layer)
            n_inputs = n_units * self.n_directions
        self.n_outputs = n_inputs
        self.n_states = kind.n_states

    def forward(self, features, n_steps, lengths):
        """Return outputs of shape (n, n_steps, n_outputs).

        Parameters
        ----------
        features : torch.Tensor of shape (n, n_features)
        n_steps : int
            Timesteps of the longest series.
        lengths : torch.Tensor of shape (n,) or None
            Those of each; None where all have `n_steps`.
        """
        x = features[:, None].expand(-1, n_steps, -1)
        for first in range(0, len(self.layers), self.n_directions):
            if first:
                x = self.dropout(x)
            parts = [self._run(first, features, x)]
            if self.n_directions == 2:
                back = self._run(first + 1, features, reverse(x, lengths))
                parts.append(reverse(back, lengths))
            x = torch.cat(parts, 2) if len(parts) > 1 else parts[0]
        return x

    def _run(self, place, features, x):
        states = torch.tanh(self.starts[place](features)).chunk(self.n_states, 1)
        return self.layers[place](x, tuple(state.contiguous() for state in states))[0]


class RecurrentAutoencoder(nn.Module):
    """Recurrent layers from padded series to a code, and others that unroll it, standardised.

    Parameters
    ----------
    n_features : int
        Values of a timestep.
    layer_sizes : sequence of int
        Units of each recurrent layer of the encoder, in each direction; the decoder's are mirrored.
    cell, bidirectional, recurrent_dropout, weight_init
        As of `Unrolled`.
    head_sizes : sequence of int
        Units of the dense layers between the last state and the code, and numbers of the code.
    head_activations : sequence
        Activations of these layers, and of the code.
    dropout : float
        Rate between the layers: of recurrent outputs, of the last state and of hidden layers.
    noise : str
        One of `NOISES`.
    noise_level : float
        How much of it there is; 0 is none.
    generator : torch.Generator, default=None
        Source of the initial weights.
    """

    def __init__(
        self,
        n_features,
        layer_sizes,
        *,
        cell,
        bidirectional,
        dropout,
        recurrent_dropout,
        weight_init,
        head_sizes,
        head_activations,
        noise,
        noise_level,
        generator=None,
    ):
        super().__init__()
        common = {
            "layer_sizes": layer_sizes,
            "cell": cell,
            "bidirectional": bidirectional,
            "dropout": dropout,
            "recurrent_dropout": recurrent_dropout,
            "weight_init": weight_init,
            "generator": generator,
        }
        self.input = SequenceInput(n_features, None, None)
        self.noise = Noise(noise, noise_level) if noise_level > 0 else nn.Identity()
        self.reading = RecurrentStack(n_features, convolutions=[], bptt_steps=None, **common)
        self.pool = LastState(self.reading.n_ahead)
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        *hidden, n_components = head_sizes
        *activations, code_activation = head_activations
        rates = [dropout] * len(hidden)
        sizes = [self.reading.n_outputs, *head_sizes]
        self.narrowing = DenseStack(sizes, activations, rates, None, weight_init, generator)
        self.code = _activation(code_activation, n_components)
        self.widening = nn.Identity()
        if hidden:
            *inner, outer = activations[::-1]
            options = (rates[1:], None, weight_init, generator)
            self.widening = nn.Sequential(
                DenseStack(head_sizes[::-1], inner, *options), _activation(outer, hidden[0])
            )
        self.unrolled = Unrolled(head_sizes[0], **common | {"layer_sizes": layer_sizes[::-1]})
        self.head = make_linear(
            self.unrolled.n_outputs, n_features, weight_init, "identity", generator
        )

    def forward(self, x):
        values, lengths = self.input(x)
        return self._unroll(self._code(values, lengths), x.shape[1], lengths)

    def encode(self, x):
        """Return the codes of padded series."""
        return self._code(*self.input(x))

    def decode(self, code, n_steps, lengths=None):
        """Return the raw outputs of codes, of shape (n, n_steps, n_features).

        Parameters
        ----------
        code : torch.Tensor of shape (n, n_components)
        n_steps : int
            Timesteps of the longest series.
        lengths : torch.Tensor of shape (n,), default=None
            Those of each, behind which outputs mean nothing.
        """
        return self._unroll(code, n_steps, lengths)

    def _code(self, values, lengths):
        outputs, lengths = self.reading(self.noise(values), lengths, only_last=True)
        return self.code(self.narrowing(self.dropout(self.pool(outputs, lengths))))

    def _unroll(self, code, n_steps, lengths):
        outputs = self.unrolled(self.widening(code), n_steps, lengths)
        return self.head(self.dropout(outputs))


def _activation(activation, n_units):
    return nn.Identity() if activation == "identity" else make_activation(activation, (n_units,))
