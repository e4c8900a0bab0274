"""A stand-in for a device that records: what is computed later is what Torch was told to compute once.

Numbers of Python's are in it as they were, as in a CUDA graph; tensors are read and written where they
lie.
"""

import torch
from torch.utils import _pytree
from torch.utils._python_dispatch import TorchDispatchMode

from sknets.modules._dropout import Dropout
from sknets.training import _cuda_graph, _gradients, _learner, _motion, _on_device, _solvers, _stack


class _Tape(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        results = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, results))
        return results

    def play(self):
        made = {}

        def now(value):
            return made.get(id(value), value) if torch.is_tensor(value) else value

        for func, args, kwargs, results in self.calls:
            args, kwargs = _pytree.tree_map(now, (args, kwargs))
            with torch.no_grad():
                again = func(*args, **kwargs)
            for old, new in zip(*map(_pytree.tree_leaves, (results, again)), strict=True):
                if torch.is_tensor(old):
                    made[id(old)] = new


def record(function, generators):
    """Record; the first replay has happened in the recording."""
    tape = _Tape()
    with tape:
        function()
    left = [1]

    def replay():
        if left:
            left.pop()
        else:
            tape.play()

    return replay


def install(monkeypatch):
    """Let the CPU be a device that records; return a list of what it does."""
    done = []

    def noted(name, function):
        def wrapper(*args):
            done.append(name)
            return function(*args)

        return wrapper

    def generator_on(generator, device):
        return torch.Generator().manual_seed(int(torch.randint(2**31, (1,), generator=generator)))

    def mask(layer, x):
        return layer.draw_kept(torch.empty_like(x)) / layer.keep

    monkeypatch.setattr(Dropout, "mask", mask)  # on a CPU, NumPy has a part in it
    monkeypatch.setattr(_cuda_graph, "record", noted("record", record))
    monkeypatch.setattr(_cuda_graph, "beside", noted("beside", lambda function, device: function()))
    monkeypatch.setattr(_on_device, "computes_there", lambda values: True)
    monkeypatch.setattr(_gradients.ClosedForm, "serves", lambda learner, criterion: False)
    monkeypatch.setattr(_learner, "generator_on", generator_on)
    for module in (_learner, _motion, _solvers, _stack):
        monkeypatch.setattr(module, "as_arrays", lambda *vectors: vectors)
    return done
