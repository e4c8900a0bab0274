"""Recurrent layers: one state per timestep, made of the input and the state before.

A layer computes all timesteps in one of Torch's fused kernels where there is one for its cell, and
step by step otherwise. Both follow the equations in the docstring of its class; x is the input, h the
state, σ the logistic function, ⊙ the product of elements.
"""

import re
import warnings
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from torch import nn

from sknets.modules._initialization import initialize
from sknets.modules._parts import draw_rows

#: A filter of warnings, as `warnings` keeps it: cuDNN's advice about where parameters lie.
_ADVICE = (
    "ignore",
    re.compile("RNN module weights are not part of single", re.I),
    UserWarning,
    None,
    0,
)


class Recurrent(nn.Module):
    """Base of the recurrent layers.

    ``forward(x, state=None)`` takes inputs of shape (n, n_timesteps, n_inputs) and a tuple of states of
    shape (n, n_units), zeros where there is none. It returns the outputs, of shape
    (n, n_timesteps, n_units), and the tuple of last states, from which another call goes on.

    Parameters
    ----------
    n_inputs, n_units : int
        Number of inputs and of units.
    recurrent_dropout : float, default=0.0
        Rate at which units of the state are dropped on their way to the next step, with one mask for all
        timesteps of a sequence (Gal and Ghahramani, 2016).
    weight_init : str, default="glorot_uniform"
        Scheme of the input weights; recurrent weights are orthogonal, intercepts zero.
    generator : torch.Generator, default=None
        Source of the initial weights.

    Attributes
    ----------
    weight, recurrent_weight : torch.nn.Parameter
        Weights of inputs and states, shape (n_gates * n_units, n_inputs or n_units), gate by gate.
    bias : torch.nn.Parameter of shape (n_gates * n_units,)
        Intercepts.
    n_states : int
        Number of tensors in a state; the first of them is the output.
    """

    part = None  # which rows of a batch are at hand, as `draw_rows` takes it
    n_gates = 1
    n_states = 1
    kernel = None  # Torch's fused kernel, where there is one
    #: Largest slope of the activation of the state.
    largest_slope = 1.0

    def __init__(
        self,
        n_inputs,
        n_units,
        recurrent_dropout=0.0,
        weight_init="glorot_uniform",
        generator=None,
    ):
        super().__init__()
        self.n_units = n_units
        self.recurrent_dropout = recurrent_dropout
        self.generator = None
        self.weight = nn.Parameter(torch.empty(self.n_gates * n_units, n_inputs))
        self.recurrent_weight = nn.Parameter(torch.empty(self.n_gates * n_units, n_units))
        self.bias = nn.Parameter(torch.empty(self.n_gates * n_units))
        for gate in range(self.n_gates):
            rows = slice(gate * n_units, (gate + 1) * n_units)
            part = SimpleNamespace(weight=self.weight.data[rows], bias=self.bias.data[rows])
            initialize(part, weight_init, "tanh", generator)
            nn.init.orthogonal_(self.recurrent_weight.data[rows], generator=generator)
        self.bias.data.zero_()

    def forward(self, x, state=None):
        if state is None:
            zeros = self.weight.new_zeros(len(x), self.n_units)  # x may come in mixed precision
            state = (zeros,) * self.n_states
        drops = self.training and self.recurrent_dropout > 0
        if self.kernel is not None and not drops:
            return self._fused(x, state)
        keep = 1.0 - self.recurrent_dropout if drops else 1.0
        mask = None
        if drops:
            mask = draw_rows(
                lambda shape: x.new_empty(shape).bernoulli_(keep, generator=self.generator),
                (len(x), self.n_units),
                self.part,
            ).div_(keep)
        projected = F.linear(x, self.weight, self.bias)
        outputs = []
        for inputs in projected.unbind(1):
            state = self.step(inputs, state, mask)
            outputs.append(state[0])
        return torch.stack(outputs, 1), state

    def step(self, inputs, state, mask=None):
        """Return the state after one step.

        Parameters
        ----------
        inputs : torch.Tensor of shape (n, n_gates * n_units)
            ``weight @ x + bias``.
        state : tuple of torch.Tensor of shape (n, n_units)
            The state before.
        mask : torch.Tensor of shape (n, n_units), default=None
            What the output before is multiplied by.
        """
        raise NotImplementedError

    def _fused(self, x, state):
        hidden = tuple(part.unsqueeze(0).contiguous() for part in state)  # cuDNN asks for it
        parameters = [self.weight, self.recurrent_weight, self.bias, self._second_bias()]
        _ignore_advice(x.device)
        outputs, *last = type(self).kernel(
            x,
            hidden if self.n_states > 1 else hidden[0],
            parameters,
            True,  # has biases
            1,  # layers
            0.0,  # dropout
            self.training,
            False,  # bidirectional
            True,  # batch first
        )
        return outputs, tuple(part.squeeze(0) for part in last)

    def _second_bias(self):
        """Return the intercepts of the recurrent product, of which Torch's kernels know a second set."""
        return torch.zeros_like(self.bias)

    def count_products(self, output):
        """Return the multiply-adds of one row of an output."""
        n_weights = self.weight.numel() + self.recurrent_weight.numel()
        return n_weights * output.shape[1]

    def extra_repr(self):
        return f"n_inputs={self.weight.shape[1]}, n_units={self.n_units}"


class PlainRNN(Recurrent):
    """h_t = tanh(W x_t + U h_{t-1} + b) (Elman, 1990)."""

    kernel = torch.rnn_tanh

    def step(self, inputs, state, mask=None):
        (h,) = state
        return (torch.tanh(inputs + F.linear(_masked(h, mask), self.recurrent_weight)),)


class ReluRNN(PlainRNN):
    """h_t = relu(W x_t + U h_{t-1} + b); U starts as the identity (Le, Jaitly and Hinton, 2015)."""

    kernel = torch.rnn_relu

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        nn.init.eye_(self.recurrent_weight.data)

    def step(self, inputs, state, mask=None):
        (h,) = state
        return (torch.relu(inputs + F.linear(_masked(h, mask), self.recurrent_weight)),)


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).

    With the gates i, f, o = σ(W x_t + U h_{t-1} + b) and g = tanh(W x_t + U h_{t-1} + b), each with
    weights of its own: c_t = f ⊙ c_{t-1} + i ⊙ g, h_t = o ⊙ tanh(c_t). Rows of the weights hold
    i, f, g, o. The intercepts of f start at 1, so that memory lasts at first (Jozefowicz et al., 2015).
    """

    n_gates = 4
    n_states = 2
    kernel = torch.lstm

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bias.data[self.n_units : 2 * self.n_units] = 1.0

    def step(self, inputs, state, mask=None):
        h, c = state
        gates = inputs + F.linear(_masked(h, mask), self.recurrent_weight)
        i, f, g, o = gates.chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c


class GRU(Recurrent):
    """Gated recurrent unit, reset after the product (Cho et al., 2014, as cuDNN and Torch have it).

    r, z = σ(W x_t + U h_{t-1} + b), each with weights of its own,
    n = tanh(W x_t + b + r ⊙ (U h_{t-1} + b')), h_t = (1 - z) ⊙ n + z ⊙ h_{t-1}. Rows of the weights
    hold r, z, n. The intercepts of z start at 1, so that memory lasts at first, as in `LSTM`.

    Attributes
    ----------
    recurrent_bias : torch.nn.Parameter of shape (n_units,)
        b'.
    """

    n_gates = 3
    kernel = torch.gru

    def __init__(self, n_inputs, n_units, *args, **kwargs):
        super().__init__(n_inputs, n_units, *args, **kwargs)
        self.bias.data[n_units : 2 * n_units] = 1.0
        self.recurrent_bias = nn.Parameter(torch.zeros(n_units))

    def _second_bias(self):
        gates = self.recurrent_bias.new_zeros(2 * self.n_units)
        return torch.cat([gates, self.recurrent_bias])

    def step(self, inputs, state, mask=None):
        (h,) = state
        product = F.linear(_masked(h, mask), self.recurrent_weight, self._second_bias())
        x_r, x_z, x_n = inputs.chunk(3, 1)
        h_r, h_z, h_n = product.chunk(3, 1)
        z = torch.sigmoid(x_z + h_z)
        n = torch.tanh(x_n + torch.sigmoid(x_r + h_r) * h_n)
        return (_weigh(n, h, z),)


class ResetBeforeGRU(Recurrent):
    """Gated recurrent unit, reset before the product (Cho et al., 2014).

    As `GRU`, but for n = tanh(W x_t + U (r ⊙ h_{t-1}) + b).
    """

    n_gates = 3

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.bias.data[self.n_units : 2 * self.n_units] = 1.0

    def step(self, inputs, state, mask=None):
        (h,) = state
        return (self._update(inputs, h, _masked(h, mask)),)

    def _update(self, inputs, h, h_in):
        n_gates = 2 * self.n_units
        gates = inputs[:, :n_gates] + F.linear(h_in, self.recurrent_weight[:n_gates])
        r, z = torch.sigmoid(gates).chunk(2, 1)
        product = F.linear(r * h_in, self.recurrent_weight[n_gates : n_gates + self.n_units])
        n = torch.tanh(inputs[:, n_gates : n_gates + self.n_units] + product)
        return _weigh(n, h, z)


class RAU(ResetBeforeGRU):
    """Recurrent attention unit (Zhong, Yue and Ling, 2018): a GRU with an attention gate.

    The gate weighs units against each other, a = softmax(W x_t + U h_{t-1} + b), and adds what
    it attends to: h_t = (1 - z) ⊙ n + z ⊙ h_{t-1} + a ⊙ relu(W x_t + U h_{t-1} + b), with r, z and n
    as in `ResetBeforeGRU`. Rows of the weights hold r, z, n, then the softmax's and the relu's.
    """

    n_gates = 5

    def step(self, inputs, state, mask=None):
        (h,) = state
        h_in = _masked(h, mask)
        start = 3 * self.n_units
        product = F.linear(h_in, self.recurrent_weight[start:])
        scores, values = (inputs[:, start:] + product).chunk(2, 1)
        attended = torch.softmax(scores, 1) * torch.relu(values)
        return (self._update(inputs, h, h_in) + attended,)


#: The cells by the names of the parameter `cell`.
CELLS = {
    "rnn": PlainRNN,
    "rnn_relu": ReluRNN,
    "lstm": LSTM,
    "gru": GRU,
    "gru_reset_before": ResetBeforeGRU,
    "rau": RAU,
}


def _weigh(n, h, z):
    """Return (1 - z) ⊙ n + z ⊙ h in the type of the state h, in which small changes add up."""
    return torch.lerp(n.to(h.dtype), h, z.to(h.dtype))


def _masked(h, mask):
    return h if mask is None else h * mask


class Bidirectional(nn.Module):
    """A layer that reads sequences from the beginning and one that reads them from their end.

    Parameters
    ----------
    make : callable
        Makes a `Recurrent` layer; called once for each direction.
    """

    def __init__(self, make):
        super().__init__()
        self.ahead = make()
        self.back = make()

    def forward(self, x, lengths):
        """Return outputs of shape (n, n_timesteps, 2 * n_units), the backward ones last."""
        ahead, _ = self.ahead(x)
        back, _ = self.back(reverse(x, lengths))
        return torch.cat([ahead, reverse(back, lengths)], 2)


def _ignore_advice(device):
    """Leave out what cuDNN advises: parameters lie in the order of `FlatParameters`, not in its own.

    Once, since a context that does so in each step would not be safe among threads.
    """
    if device.type == "cuda" and _ADVICE not in warnings.filters:
        warnings.filterwarnings("ignore", message=_ADVICE[1].pattern, category=UserWarning)


def reverse(x, lengths):
    """Reverse each sequence of a padded tensor; its padding stays at the end.

    Parameters
    ----------
    x : torch.Tensor of shape (n, n_timesteps, ...)
    lengths : torch.Tensor of shape (n,) or None
        Lengths of the sequences; None where no sequence is padded.
    """
    if lengths is None:
        return x.flip(1)
    time = torch.arange(x.shape[1], device=x.device)
    index = lengths[:, None] - 1 - time
    index = torch.where(index < 0, time, index)
    return x.gather(1, index[:, :, None].expand_as(x))
