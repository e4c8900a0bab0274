"""From padded rows to sequences as a recurrent layer takes them, and from its outputs to features."""

import torch
import torch.nn.functional as F
from torch import nn

from sknets.modules._activations import make_activation
from sknets.modules._dense import make_linear
from sknets.modules._initialization import Undrawn, initialize

_N_STEPS = 3  # of the sequences with which an activation is tried


def valid_steps(x, lengths):
    """Return which timesteps of a padded tensor belong to a sequence, shape (n, n_timesteps)."""
    return torch.arange(x.shape[1], device=x.device) < lengths[:, None]


class SequenceInput(nn.Module):
    """Padded rows as standardised sequences and their lengths.

    Padding stands at the end of a row: NaN in series, -1 in tokens. Inside the network it is
    zero.

    Parameters
    ----------
    n_features : int
        Number of features of a timestep.
    vocabulary_size : int or None
        Number of tokens, where rows hold tokens.
    embedding_dim : int
        Number of values that a token becomes.
    generator : torch.Generator
        Source of the initial embedding.

    Attributes
    ----------
    n_outputs : int
        Number of values of a timestep.
    is_padded : bool or None
        Whether rows may be padded in training; None looks, as in prediction. On an accelerator, to look
        is to wait for all that is under way.
    shift, scale : torch.Tensor of shape (n_features,)
        What is subtracted from each feature of a series, and what it is then divided by.
    """

    def __init__(self, n_features, vocabulary_size, embedding_dim, generator=None):
        super().__init__()
        self.is_padded = None
        self.is_tokens = vocabulary_size is not None
        if self.is_tokens:
            self.embedding = Embedding(vocabulary_size, embedding_dim, generator)
            self.n_outputs = embedding_dim
        else:
            self.n_outputs = n_features
            self.register_buffer("shift", torch.zeros(n_features))
            self.register_buffer("scale", torch.ones(n_features))

    @torch.no_grad()
    def standardize_by(self, shift, scale):
        """Set what is subtracted from and what divides each feature."""
        self.shift.copy_(torch.as_tensor(shift))
        self.scale.copy_(torch.as_tensor(scale))

    def forward(self, x):
        """Return sequences of shape (n, n_timesteps, n_outputs) and their lengths.

        The lengths are None where no row is padded.
        """
        if self.is_tokens:
            is_padding = x < 0
            lengths = self._lengths(is_padding)
            values = self.embedding(x.long().clamp(min=0))
        else:
            is_padding = x[:, :, 0].isnan()
            lengths = self._lengths(is_padding)
            values = (x - self.shift) / self.scale
        if lengths is not None:
            values = values.masked_fill(is_padding[:, :, None], 0.0)
        return values, lengths

    def _lengths(self, is_padding):
        is_padded = self.is_padded if self.training else None
        if is_padded is False:
            return None
        is_quick = is_padding.device.type == "cpu"
        if (is_quick or is_padded is None) and not is_padding[:, -1].any():
            return None
        return (~is_padding).sum(1)


class Embedding(nn.Module):
    """A vector for each token, learned; normal with standard deviation 1 at the start.

    Looked up by a gather whose gradient is one sum, so that it is the same in each run.
    """

    def __init__(self, n_tokens, n_outputs, generator=None):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_tokens, n_outputs).normal_(generator=generator))

    def forward(self, tokens):
        return F.embedding(tokens, self.weight)

    def count_products(self, output):
        """Return the multiply-adds of one row: a lookup has none."""
        return 0

    def extra_repr(self):
        return f"n_tokens={len(self.weight)}, n_outputs={self.weight.shape[1]}"


class SequenceConvolution(nn.Module):
    """Convolution over time → activation → maximum of windows → normalisation over the channels.

    What stands behind the end of a sequence counts as zero, so that padding changes nothing.

    Parameters
    ----------
    n_inputs, n_channels : int
        Values of a timestep before and after.
    kernel_size, pool_size : int
        Timesteps that a kernel sees, and of which one remains.
    activation : str, callable or torch.nn.Module
        As `make_activation` takes it.
    weight_init : str
        One of `INITIALIZERS`.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(
        self, n_inputs, n_channels, kernel_size, pool_size, activation, weight_init, generator
    ):
        super().__init__()
        self.convolution = _Conv1d(n_inputs, n_channels, kernel_size)
        initialize(self.convolution, weight_init, activation, generator)
        self.activation = make_activation(activation, (n_channels, _N_STEPS), time_axis=2)
        self.normalization = nn.LayerNorm(n_channels)
        self.pool_size = pool_size

    def forward(self, x, lengths):
        """Return shorter sequences and their lengths."""
        n_beside = self.convolution.kernel_size[0] - 1
        x = F.pad(x.transpose(1, 2), (n_beside // 2, n_beside - n_beside // 2))
        x = self.activation(self.convolution(x))
        if lengths is not None:
            x = x.masked_fill(~valid_steps(x.transpose(1, 2), lengths)[:, None], -torch.inf)
            lengths = (lengths + self.pool_size - 1) // self.pool_size
        if self.pool_size > 1:
            x = F.max_pool1d(x, self.pool_size, ceil_mode=True)
        x = x.transpose(1, 2)
        if lengths is None:
            return self.normalization(x), None
        is_padding = ~valid_steps(x, lengths)[:, :, None]
        x = self.normalization(x.masked_fill(is_padding, 0.0))
        return x.masked_fill(is_padding, 0.0), lengths


class _Conv1d(Undrawn, nn.Conv1d):
    """A convolution over time."""


class LastState(nn.Module):
    """What a layer knows at the end of a sequence.

    Parameters
    ----------
    n_ahead : int
        Outputs that read from the beginning; the others read from the end and know all at the first
        timestep.
    """

    def __init__(self, n_ahead):
        super().__init__()
        self.n_ahead = n_ahead

    def forward(self, x, lengths):
        if lengths is None:
            last = x[:, -1, : self.n_ahead]
        else:
            index = (lengths - 1)[:, None, None].expand(-1, 1, self.n_ahead)
            last = x[:, :, : self.n_ahead].gather(1, index).squeeze(1)
        return torch.cat([last, x[:, 0, self.n_ahead :]], 1)


class MeanState(nn.Module):
    """The mean over the timesteps of a sequence."""

    def forward(self, x, lengths):
        if lengths is None:
            return x.mean(1)
        steps = valid_steps(x, lengths)[:, :, None]
        return x.masked_fill(~steps, 0.0).sum(1) / lengths[:, None]


class MaxState(nn.Module):
    """The largest value of each unit over the timesteps of a sequence."""

    def forward(self, x, lengths):
        if lengths is not None:
            x = x.masked_fill(~valid_steps(x, lengths)[:, :, None], -torch.inf)
        return x.amax(1)


class AttentionPool(nn.Module):
    """Mean over the timesteps with weights that depend on what stands there.

    a_t = softmax_t(v · tanh(W h_t + b)), features Σ a_t h_t (Bahdanau et al., 2015).

    Parameters
    ----------
    n_outputs : int
        Values of a timestep.
    generator : torch.Generator
        Source of the initial weights.
    """

    def __init__(self, n_outputs, generator=None):
        super().__init__()
        self.hidden = make_linear(n_outputs, n_outputs, "glorot_normal", "tanh", generator)
        self.scores = make_linear(n_outputs, 1, "glorot_normal", "identity", generator)

    def weights(self, x, lengths):
        """Return the weight of each timestep, shape (n, n_timesteps), 0 in the padding."""
        scores = self.scores(torch.tanh(self.hidden(x))).squeeze(2)
        return masked_softmax(scores, x, lengths)

    def forward(self, x, lengths):
        return torch.bmm(self.weights(x, lengths)[:, None], x).squeeze(1)


def masked_softmax(scores, x, lengths):
    """Return the softmax over the timesteps of sequences x, the last axis of the scores."""
    if lengths is not None:
        steps = valid_steps(x, lengths)
        steps = steps.reshape(len(steps), *[1] * (scores.ndim - 2), -1)
        scores = scores.masked_fill(~steps, -torch.inf)
    return torch.softmax(scores, -1)


#: How timesteps become features, by the names of the parameter `pool`.
SEQUENCE_POOLINGS = {
    "last": lambda n_outputs, n_ahead, generator: LastState(n_ahead),
    "mean": lambda n_outputs, n_ahead, generator: MeanState(),
    "max": lambda n_outputs, n_ahead, generator: MaxState(),
    "attention": lambda n_outputs, n_ahead, generator: AttentionPool(n_outputs, generator),
}
