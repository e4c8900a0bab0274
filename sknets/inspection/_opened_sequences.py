"""A fitted network that remembers, opened: its layers, and X in blocks of sequences."""

from functools import partial

import numpy as np
import torch
from torch import nn

from sknets.inspection._opened import OpenedNetwork, find_layer, hidden_layers, outputs_of
from sknets.inspection._unwrap import REMEMBERS


class _Given(nn.Module):
    """Stands in the place of an input layer, and is given what that has made."""

    def forward(self, given):
        return given


class OpenedSequences(OpenedNetwork):
    """A copy of a module whose input layer makes sequences: standardised series, or embedded tokens.

    It computes on the CPU, since not all kernels of recurrent layers have gradients elsewhere.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    X : array-like or list of sequences
        Data as the estimator takes them.

    Attributes
    ----------
    input : torch.nn.Module
        From padded rows to sequences and their lengths.
    """

    def __init__(self, estimator, X):
        super().__init__(estimator, REMEMBERS, X, device="cpu")
        self.input = self.module.input
        self.module.input = _Given()
        self._step = None

    @property
    def writes(self):
        """Whether the network writes its outputs one after the other."""
        return hasattr(self.module, "max_output_length")

    @property
    def widest(self):
        """Values of the widest layer for the longest sequence."""
        learned = self.network._learned
        longest = learned.input.longest
        return max(1, learned.work.n_values * max(self.rows.shape[1], longest) // longest)

    def blocks(self):
        """Yield slices of the rows of X, with their sequences, and lengths (None if all are equal)."""
        for rows in self.slices():
            yield rows, *self.input(self.batch(self.rows[rows]))

    def raw(self, values, lengths):
        """Return the raw outputs of sequences, at the step that is explained."""
        raw = self.module((values, lengths))
        if raw.ndim == 2:
            return raw
        step = self._step
        if step >= 0 or lengths is None or self.writes:
            return raw[:, step]
        return raw[torch.arange(len(raw)), lengths + step]

    def explain_step(self, step):
        """Explain a step of the outputs where there are several, the last one for -1.

        Raises
        ------
        ValueError
            If the step (None where there is one output) does not go with the network, or no gradient
            leads to it.
        """
        kind = self.network._learned.target.task.outputs.kind
        if kind == "single":
            if step is not None:
                raise ValueError(
                    f"output_step={step!r}, but the network has one output for a sequence; leave it "
                    "at None."
                )
            return
        most = self.module.max_output_length if self.writes else int(self.rows.lengths.min())
        is_whole = isinstance(step, int | np.integer) and not isinstance(step, bool)
        if not is_whole or not -most <= step < most:
            raise ValueError(
                f"output_step={step!r}: with output={kind!r}, give the number of the step to explain, "
                f"from 0 to {most - 1}, or from {-most} to -1, counted from the end."
            )
        if self.writes and self.module.n_classes is not None:
            raise ValueError(
                f"estimator has output={kind!r} and writes classes, each of which depends on the one "
                "before; no gradient leads through that choice. attention_weights shows where it looks."
            )
        self._step = int(step)

    def as_attributions(self, parts):
        """Return attributions of all blocks as the network returns what there is for each timestep."""
        per_row = [row for part in parts for row in part]
        flat = [row[:n].numpy() for row, n in zip(per_row, self.rows.lengths, strict=True)]
        values = np.concatenate(flat)
        if self.input.is_tokens:
            values = values.sum(axis=1)
        elif values.shape[1] == 1:
            values = values[:, 0]
        return self.rows.split(values)

    def read_baseline(self, X):
        """Return sequences as the values where paths start: one for all rows, or one for each."""
        return self.input(self.batch(self.read(X)))[0]

    def origin(self, start, rows, values, lengths):
        """Return the start of the paths to the sequences of a block: zero in their padding."""
        start = start[rows] if len(start) > 1 else start
        n_timesteps = values.shape[1]
        start = start[:, :n_timesteps].expand(len(values), n_timesteps, -1)
        if lengths is None:
            return start
        return start * (torch.arange(n_timesteps) < lengths[:, None])[:, :, None]

    # --- layers --------------------------------------------------------------------------------------

    def layers(self):
        """Return the layers by name."""
        stack = self.module.stack
        layers = {f"convolution{n}": layer for n, layer in enumerate(stack.convolutions, start=1)}
        layers |= {f"recurrent{n}": layer for n, layer in enumerate(stack.layers, start=1)}
        if self.module.pool is not None:
            layers["pool"] = self.module.pool
        if not self.writes:  # a decoder's head is passed once for each step
            layers |= hidden_layers(self.module.head)
        return layers

    def activations(self, layer=None):
        """Return the outputs of a layer, or of all, by name."""
        layers = self.layers()
        layers["output"] = self.module
        if self.input.is_tokens:
            layers = {"embedding": self.module.input, **layers}
        if layer is not None:
            layers = {layer: find_layer(layers, layer)}
        parts, steps = {}, {}
        for rows, *inputs in self.blocks():
            lengths = self._lengths_by_layer(self.rows.lengths[rows])
            run = partial(self.module, tuple(inputs))
            for name, values in outputs_of(layers, run, len(inputs[0])).items():
                is_cut = values.ndim == 3 and not (self.writes and name == "output")
                ends = lengths.get(name, lengths[None]) if is_cut else [None] * len(values)
                parts.setdefault(name, []).extend(
                    row[:end].numpy() for row, end in zip(values, ends, strict=True)
                )
                steps[name] = is_cut
        return {name: self._together(rows, steps[name]) for name, rows in parts.items()}

    def _lengths_by_layer(self, lengths):
        """Return the timesteps of sequences behind each convolution, and at the end (None)."""
        by_layer = {"embedding": lengths}
        for number, convolution in enumerate(self.module.stack.convolutions, start=1):
            lengths = -(-lengths // convolution.pool_size)
            by_layer[f"convolution{number}"] = lengths
        return by_layer | {None: lengths}

    def _together(self, rows, has_steps):
        """Return arrays as one, or as an object array where predictions of timesteps are one."""
        width = self.rows.width
        if not has_steps or (width is not None and (self.rows.lengths == width).all()):
            return np.stack(rows)
        ragged = np.empty(len(rows), dtype=object)
        for number, row in enumerate(rows):
            ragged[number] = row
        return ragged
