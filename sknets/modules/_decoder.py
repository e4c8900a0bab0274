"""The encoder-decoder: a sequence in, a sequence of another length out."""

from functools import partial

import torch
from torch import nn

from sknets.modules._dense import DenseStack, make_linear
from sknets.modules._dropout import Dropout
from sknets.modules._parts import draw_rows
from sknets.modules._recurrent import CELLS
from sknets.modules._recurrent_net import share_out
from sknets.modules._sequences import SEQUENCE_POOLINGS, Embedding, masked_softmax


class EncoderDecoder(nn.Module):
    """A recurrent encoder, and a recurrent decoder that writes one output after the other.

    The decoder starts from features of the whole input and sees at each step what it wrote before. With
    attention it also looks back at the input (Luong et al., 2015): weights
    a = softmax(h · W e_t) over the encoder's outputs e_t, output from tanh(V [h, Σ a_t e_t]).

    In training, ``module(x, y)`` gives raw outputs for the true targets: with `teacher_forcing` = 1
    the step before is the true one, otherwise it is so with that probability, and the network's own
    output else. In prediction, ``module(x)`` writes on its own.

    Parameters
    ----------
    input : SequenceInput
        From rows to sequences.
    stack : RecurrentStack
        The encoder.
    pool : str
        A key of `SEQUENCE_POOLINGS`: what the decoder starts from. "attention" starts from the last state
        and looks back at each step.
    cell : str
        A key of `CELLS`.
    layer_sizes : sequence of int
        Units of the decoder's layers.
    n_classes : int or None
        Number of classes; one more raw output marks the end. None for numbers.
    max_output_length : int
        Outputs after which writing ends; of numbers, there are always as many.
    teacher_forcing : float
        Rate at which the decoder sees the true output before.
    dropout, recurrent_dropout : float
        Rates between the layers and between the timesteps.
    head : dict
        Parameters of the `DenseStack` on top, but for its number of inputs.
    generator : torch.Generator
        Source of the initial weights.
    """

    takes_targets = True

    part = None  # which rows of a batch are at hand, as `draw_rows` takes it

    def __init__(
        self,
        input,
        stack,
        *,
        pool,
        cell,
        layer_sizes,
        n_classes,
        max_output_length,
        teacher_forcing,
        dropout,
        recurrent_dropout,
        head,
        generator=None,
    ):
        super().__init__()
        self.input = input
        self.stack = stack
        self.attends = pool == "attention"
        name = "last" if self.attends else pool
        self.pool = SEQUENCE_POOLINGS[name](stack.n_outputs, stack.n_ahead, generator)
        self.max_output_length = max_output_length
        self.teacher_forcing = teacher_forcing
        self.n_classes = n_classes
        self.n_outputs = head["layer_sizes"][-1]
        self.generator = None
        scheme = head["weight_init"]

        n_units = layer_sizes[-1]
        n_inputs = self.n_outputs
        if n_classes is not None:  # one more token stands before the first output
            n_inputs = n_units
            self.embedding = Embedding(n_classes + 2, n_units, generator)
        self.bridges = nn.ModuleList(
            make_linear(stack.n_outputs, CELLS[cell].n_states * size, scheme, "tanh", generator)
            for size in layer_sizes
        )
        self.layers = nn.ModuleList()
        for size in layer_sizes:
            self.layers.append(CELLS[cell](n_inputs, size, recurrent_dropout, scheme, generator))
            n_inputs = size
        self.dropout = Dropout(dropout) if dropout else nn.Identity()
        if self.attends:
            self.keys = make_linear(stack.n_outputs, n_units, scheme, "tanh", generator)
            self.mix = make_linear(stack.n_outputs + n_units, n_units, scheme, "tanh", generator)
        sizes = [n_units, *head["layer_sizes"]]
        self.head = DenseStack(**head | {"layer_sizes": sizes}, generator=generator, has_steps=True)

    def forward(self, x, y=None):
        """Return raw outputs of shape (n, n_steps, n_outputs).

        Parameters
        ----------
        x : torch.Tensor of shape (n, n_timesteps[, n_features])
            Padded rows.
        y : torch.Tensor of shape (n, n_steps[, n_outputs]), default=None
            Targets: classes, after them the number of classes as the end and -1 as padding; or numbers.
        """
        memory = self._read(x)
        if y is not None and self.teacher_forcing == 1.0:
            return self._advance(self._shifted(y), memory["state"], memory)[0]
        return self._write(memory, y)[0]

    def attention(self, x):
        """Return the weights of timesteps for each output, shape (n, n_steps, n_timesteps)."""
        memory = self._read(x)
        weights = self._write(memory)[1]
        return share_out(weights, memory["values"], memory["lengths"], self.stack.shortening)

    def _read(self, x):
        values, lengths = self.input(x)
        outputs, shorter = self.stack(values, lengths)
        features = self.pool(outputs, shorter)
        states = [torch.tanh(bridge(features)) for bridge in self.bridges]
        n_states = type(self.layers[0]).n_states
        return {
            "values": values,
            "lengths": lengths,
            "outputs": outputs,
            "shorter": shorter,
            "state": [state.chunk(n_states, 1) for state in states],
            "keys": self.keys(outputs) if self.attends else None,
        }

    def _shifted(self, y):
        """Return what the decoder sees at each step if it is told the true output before."""
        if self.n_classes is None:
            return torch.cat([y.new_zeros(len(y), 1, self.n_outputs), y[:, :-1]], 1)
        first = y.new_full((len(y), 1), self.n_classes + 1)
        return self.embedding(torch.cat([first, y[:, :-1].clamp(min=0)], 1))

    def _tell(self, like, shape):
        """Draw which rows are told the true output."""
        rate = like.new_empty(shape)
        return rate.bernoulli_(self.teacher_forcing, generator=self.generator).bool()

    def _advance(self, inputs, state, memory):
        """Take several steps; return raw outputs, the state, and the attention weights or None."""
        state = list(state)
        x = inputs
        for depth, layer in enumerate(self.layers):
            x, state[depth] = layer(self.dropout(x) if depth else x, state[depth])
        weights = None
        if self.attends:
            scores = torch.bmm(x, memory["keys"].transpose(1, 2))
            weights = masked_softmax(scores, memory["outputs"], memory["shorter"])
            context = torch.bmm(weights, memory["outputs"])
            x = torch.tanh(self.mix(torch.cat([context, x], 2)))
        return self.head(self.dropout(x)), state, weights

    def _write(self, memory, y=None):
        """Write step by step; with targets, mix the true outputs in."""
        n = len(memory["values"])
        n_steps = self.max_output_length if y is None else y.shape[1]
        truth = None if y is None else self._shifted(y)
        state, raws, weights = memory["state"], [], []
        if self.n_classes is None:
            before = memory["values"].new_zeros(n, 1, self.n_outputs)
        else:
            first = torch.full((n, 1), self.n_classes + 1, device=memory["values"].device)
            before = self.embedding(first)
            has_ended = torch.zeros(n, dtype=torch.bool, device=first.device)
        for step in range(n_steps):
            if truth is not None and step:
                told = draw_rows(partial(self._tell, before), (n, 1, 1), self.part)
                before = torch.where(told, truth[:, step : step + 1], before)
            raw, state, weight = self._advance(before, state, memory)
            raws.append(raw)
            weights.append(weight)
            if self.n_classes is None:
                before = raw.detach() if y is not None else raw
                continue
            written = raw.detach().argmax(2)
            has_ended |= written[:, 0] == self.n_classes
            if y is None and has_ended.all():
                break
            before = self.embedding(written)
        return torch.cat(raws, 1), torch.cat(weights, 1) if self.attends else None
