"""Random numbers that belong to one fit.

Every fit draws from a `torch.Generator` of its own: initial weights, shuffles, splits and dropout.
The global states of Torch, NumPy and Python are neither read nor changed, so fits in several threads
are as reproducible as fits one by one.
"""

import secrets
from functools import lru_cache
from numbers import Integral

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch.utils._python_dispatch import TorchDispatchMode


def make_generator(random_state):
    """Make the generator of a fit.

    Parameters
    ----------
    random_state : int, numpy.random.RandomState or None
        An int seeds; a RandomState is drawn from once; None takes entropy from the operating
        system (and not from NumPy's global state, which stays as it is).

    Returns
    -------
    torch.Generator
    """
    generator = torch.Generator()
    if random_state is None:
        return generator.manual_seed(secrets.randbits(31))
    draw = _draw_first if isinstance(random_state, Integral) else _draw
    return generator.manual_seed(draw(random_state))


def _draw(random_state):
    return int(check_random_state(random_state).randint(2**31 - 1))


#: What an int draws. Many fits have the same, and to make a RandomState takes as long as some epochs.
_draw_first = lru_cache(typed=True)(_draw)


def draw_seed(generator):
    """Draw a seed for somebody else's generator, such as a split's or another device's."""
    return int(torch.randint(2**31 - 1, (1,), generator=generator))


def generator_on(generator, device):
    """Return the generator itself on a CPU, or a new one that it seeds on an accelerator."""
    if torch.device(device).type == "cpu":
        return generator
    return torch.Generator(device).manual_seed(draw_seed(generator))


def generator_to_array(generator):
    """Return the state of a generator as a NumPy array."""
    return generator.get_state().cpu().numpy().copy()


def generator_from_array(state):
    """Make a generator that continues from a state."""
    generator = torch.Generator()
    generator.set_state(torch.from_numpy(np.array(state)))
    return generator


def seed_layers(module, generator):
    """Give the generator to every layer with a place for one: a `generator`, empty or filled."""
    for layer in module.modules():
        place = getattr(layer, "generator", module)
        if place is None or isinstance(place, torch.Generator):
            layer.generator = generator


class Seeded(TorchDispatchMode):
    """Context in which Torch's random operations draw from a given generator.

    For modules written by others, whose initialisers and dropout layers know no generator. It holds
    for the current thread alone and leaves Torch's global state untouched.

    Parameters
    ----------
    generator : torch.Generator
        Source of the random numbers, on the device of the module.

    Attributes
    ----------
    was_used : bool
        Whether anything random has been drawn.
    """

    def __init__(self, generator):
        super().__init__()
        self.generator = generator
        self.was_used = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded in func.tags and kwargs.get("generator") is None:
            self.was_used = True
            if func is torch.ops.aten.native_dropout.default:
                return self._dropout(*args, **kwargs)
            packet = func.overloadpacket
            takes_generator = any(a.name == "generator" for a in func._schema.arguments)
            if not takes_generator and "generator" in packet.overloads():
                func, takes_generator = packet.generator, True  # randn, rand, randperm
            if takes_generator:
                kwargs = {**kwargs, "generator": self.generator}
            elif func._can_decompose():  # in inference mode, dropout arrives as a whole
                with self:
                    return func.decompose(*args, **kwargs)
        return func(*args, **kwargs)

    def _dropout(self, x, p, train):
        # the fused kernel of accelerators takes no generator
        if not train or p == 0:
            return x.clone(), torch.ones_like(x, dtype=torch.bool)
        keep = torch.empty_like(x).bernoulli_(1 - p, generator=self.generator)
        return x * keep / (1 - p), keep.bool()
