"""The gradient of a batch as one launch, on a CUDA device.

A step of a small network is some forty kernels, each of which takes Python longer to launch than the
device to compute. A CUDA graph records them once, with the addresses of all tensors, and launches them
together. What changes from step to step in Python alone (the learning rate, the corrections of Adam's
moments) cannot stand in it; so it holds forward and backward pass, and the penalties and the step, a few
operations on one vector, stay outside.
"""

import threading
from collections import Counter
from typing import Any, NamedTuple

import torch

from sknets.training._cross_entropies import BinaryCrossEntropy, SoftmaxCrossEntropy
from sknets.training._gradients import Gradient, PlainAutograd
from sknets.training._losses import LOSSES

#: Batches of one kind that are computed as usual before a graph of them: recording waits for the device
#: and empties its cache, which takes as long as some dozens of steps. An estimate, not measured.
_WORTH_IT = 50

#: Kinds of batches that have a graph: the usual one, and the last of an epoch.
_MOST_GRAPHS = 2

#: Of the batches before a recording, those that are computed beside the usual stream.
_N_BESIDE = 3

#: Losses that launch the same kernels each time and make no tensor of Python's numbers.
_STILL = (*LOSSES.values(), BinaryCrossEntropy, SoftmaxCrossEntropy)

_recording = threading.Lock()  # Torch allows one at a time in a process


class _Recorded(NamedTuple):
    """A graph with the tensors that it reads, and those that it writes."""

    replay: Any
    batch: tuple
    outputs: tuple


class GraphedGradient(Gradient):
    """The gradient that another one fills, recorded for the kinds of batches that come again and again.

    The first batches of a kind are computed as usual, by which Torch prepares what it needs; they are
    steps like others, so nothing is done twice. Batches of other sizes go on as usual.

    Parameters
    ----------
    usual : Gradient
        Whoever computes the gradient.
    """

    def __init__(self, usual):
        super().__init__(usual.learner, usual.criterion)
        self.usual = usual
        self._n_seen = Counter()
        self._recorded = {}
        self._n_free = _MOST_GRAPHS

    def _fill_rows(self, x, y, weight):
        batch = x, y, weight
        kind = self._kind(batch)
        if kind not in self._recorded and not self._may_record(kind, batch):
            is_near = 0 <= _WORTH_IT - self._n_seen[kind] < _N_BESIDE
            compute = beside if is_near else at_once
            return compute(lambda: self.usual._fill_rows(*batch), x.device)
        recorded = self._recorded[kind]
        for place, values in zip(recorded.batch, batch, strict=True):
            if place is not None:
                place.copy_(values)
        recorded.replay()
        loss, raw = recorded.outputs
        return loss.clone(), raw  # the next batch is written over it

    def _may_record(self, kind, batch):
        """Record a kind of batches if it has come often enough; return whether it is recorded now."""
        self._n_seen[kind] += 1
        if self._n_seen[kind] <= _WORTH_IT or not self._n_free or batch[0].layout != torch.strided:
            return False
        places = tuple(None if part is None else part.clone() for part in batch)
        generator = self.learner.device_generator
        try:
            replay, outputs = record(lambda: self._filled(places), generator)
        except RuntimeError:  # something in the module cannot be recorded
            self._n_free = 0
            return False
        self._recorded[kind] = _Recorded(replay, places, outputs)
        self._n_free -= 1
        return True

    def _filled(self, batch):
        loss, raw = self.usual._fill_rows(*batch)
        return loss, raw.detach()  # what autograd keeps of it would live as long as the recording

    def _kind(self, batch):
        """Return all that Python decides by in forward and backward pass."""
        shapes = tuple(None if part is None else (part.shape, part.dtype) for part in batch)
        frozen = tuple((part.start, part.stop) for part in self.learner.frozen)
        return shapes, frozen, self.learner.is_padded, self.learner.module.training


def record(function, generator):
    """Record what a function launches, without computing it.

    Parameters
    ----------
    function : callable
        It reads and writes tensors that stay where they are.
    generator : torch.Generator
        What it draws from, on the device: each replay draws on.

    Returns
    -------
    replay : callable
        Computes it, on the tensors as they are then.
    outputs : object
        What the function returned: tensors that each replay fills.
    """
    graph = torch.cuda.CUDAGraph()
    graph.register_generator_state(generator)
    # on the stream of this very device, and other threads may go on with work of their own meanwhile
    options = {
        "stream": torch.cuda.Stream(generator.device),
        "capture_error_mode": "thread_local",
    }
    with _recording, torch.cuda.device(generator.device), torch.cuda.graph(graph, **options):
        outputs = function()
    return graph.replay, outputs


def at_once(function, device):
    """Compute as usual."""
    return function()


def beside(function, device):
    """Compute on a stream beside the usual one, as Torch asks for what is recorded after it."""
    usual, stream = torch.cuda.current_stream(device), torch.cuda.Stream(device)
    stream.wait_stream(usual)
    with torch.cuda.stream(stream):
        result = function()
    usual.wait_stream(stream)
    return result


def with_graphs(gradient, *, is_watched):
    """Return a gradient that is recorded where that is possible and pays, else the one given.

    Not where callbacks look at batches, whose tensors would be written over; nor where Python may read
    a value or draw for itself, as in a module or loss of the user's own, or in output sequences.
    """
    learner = gradient.learner
    is_ours = type(gradient) is PlainAutograd and not learner.draws_unseeded
    is_still = type(gradient.criterion) in _STILL
    is_plain = is_ours and is_still and not is_watched and not torch.is_anomaly_enabled()
    if is_plain and learner.flat.values.device.type == "cuda":
        return GraphedGradient(gradient)
    return gradient


def without_graphs(gradient):
    """Return the usual gradient, so that the memory of graphs is free again."""
    return gradient.usual if isinstance(gradient, GraphedGradient) else gradient
