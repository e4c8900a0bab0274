"""What is computed again and again, as one launch of a CUDA device.

A step of a small network is some sixty kernels, each of which takes Python longer to launch than the
device to compute. A CUDA graph records them once, with the addresses of all tensors, and launches them
together. Whatever changes from one time to the next must lie in tensors: Python's own numbers are
recorded as they are.
"""

import gc
import threading
from contextlib import contextmanager

import torch

#: Times that something is computed as usual before it is recorded, which takes as long as a few steps
#: (1.3 to 3.3 ms beside 0.4 to 1 ms each, measured on an H100). Torch asks for one time at least.
WORTH_IT = 3

_recording = threading.Lock()  # Torch allows one at a time in a process
_here = threading.local()


class Replayed:
    """A function that is recorded when it has been called some times, and replayed from then on.

    What cannot be recorded goes on as usual.

    Parameters
    ----------
    function : callable
        It takes and returns nothing, and reads and writes tensors that stay where they are.
    generators : list of torch.Generator
        What it draws from, on the device.
    on_failure : callable
        ``on_failure(states)`` is called if it cannot be recorded, with the states of the generators
        before: they may be of no use any more.
    """

    def __init__(self, function, generators, on_failure):
        self._function, self._generators, self._on_failure = function, generators, on_failure
        self._call, self._n_left = function, WORTH_IT

    def __call__(self):
        if self._n_left == 0:
            self._record()
        elif self._n_left > 0:
            self._n_left -= 1
            beside(self._function, self._generators[0].device)
            return
        self._call()

    def stop(self):
        """Compute as usual from now on."""
        self._call, self._n_left = self._function, -1

    def _record(self):
        self._n_left = -1
        states = [generator.get_state() for generator in self._generators]
        try:
            self._call = record(self._function, self._generators)
        except RuntimeError:  # something in it waits for the device
            self._on_failure(states)


def record(function, generators):
    """Record what a function launches, without computing it.

    Parameters
    ----------
    function, generators
        As `Replayed` takes them. Each replay draws on.

    Returns
    -------
    replay : callable
        Computes it, on the tensors as they are then.
    """
    graph, device = torch.cuda.CUDAGraph(), generators[0].device
    for generator in generators:
        graph.register_generator_state(generator)
    usual, stream = torch.cuda.current_stream(device), _own_stream(device)
    options = {"stream": stream, "capture_error_mode": "thread_local"}  # others may go on meanwhile
    with _recording, _nothing_collected(), torch.cuda.device(device):
        try:
            # the outer context gives the usual stream back, which the inner one does not if it fails
            with torch.cuda.stream(stream), torch.cuda.graph(graph, **options):
                function()
        finally:
            usual.wait_stream(stream)  # where generators were set to their start
    return graph.replay


@contextmanager
def _nothing_collected():
    """Return a context in which Python's collector rests: what it frees there spoils a recording."""
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()


def beside(function, device):
    """Compute on a stream beside the usual one, as Torch asks for what is recorded after it."""
    usual, stream = torch.cuda.current_stream(device), _own_stream(device)
    stream.wait_stream(usual)
    with torch.cuda.stream(stream):
        function()
    usual.wait_stream(stream)


def _own_stream(device):
    """Return the stream of this thread for warming up and recording: each has memory of its own."""
    streams = _here.__dict__.setdefault("streams", {})
    if device not in streams:
        streams[device] = torch.cuda.Stream(device)
    return streams[device]
