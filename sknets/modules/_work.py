"""What a module consists of, and how much work a row makes."""

from typing import NamedTuple

import torch
from torch import nn


class Layer(NamedTuple):
    """One layer as a row went through it."""

    name: str
    kind: str
    output_shape: tuple
    n_parameters: int
    multiply_adds: int


class Work(NamedTuple):
    """The work of one row.

    Attributes
    ----------
    multiply_adds : int
        Products in all layers with weights.
    n_values : int
        Values of the widest layer.
    n_steps : int, default=1
        Timesteps that wait for each other.
    """

    multiply_adds: int
    n_values: int
    n_steps: int = 1

    @property
    def at_once(self):
        """Multiply-adds that wait for no others."""
        return self.multiply_adds // self.n_steps


@torch.no_grad()
def describe_layers(module, row):
    """Send one row through a module and describe its layers, in the order in which it met them.

    Parameters
    ----------
    module : torch.nn.Module
        The module; its mode and its state stay.
    row : torch.Tensor of shape (1, ...)
        What it takes.

    Returns
    -------
    list of Layer
        Layers without layers inside. Output shapes leave the row out; of a layer that is passed several
        times, they are those of the first time.
    """
    layers, handles = {}, []

    def listen(name, layer):
        def hook(layer, inputs, output):
            if isinstance(output, tuple):  # of a recurrent layer, the state behind it
                output = output[0]
            if not torch.is_tensor(output):
                return
            shape = tuple(output.shape[1:])
            own = sum(p.numel() for p in layer.parameters())
            products = _count_products(layer, output)
            if name in layers:  # once more: a decoder's layers see one step after the other
                layers[name] = layers[name]._replace(
                    multiply_adds=layers[name].multiply_adds + products
                )
            else:
                layers[name] = Layer(name, type(layer).__name__, shape, own, products)

        return layer.register_forward_hook(hook)

    modes = {layer: layer.training for layer in module.modules()}
    module.eval()
    try:
        handles = [
            listen(name, layer)
            for name, layer in module.named_modules()
            if next(layer.children(), None) is None
        ]
        module(row)
    finally:
        for handle in handles:
            handle.remove()
        for layer, is_training in modes.items():
            layer.training = is_training
    return list(layers.values())


def _count_products(layer, output):
    """Return the multiply-adds of one row in a layer, which may know them itself."""
    if hasattr(layer, "count_products"):
        return layer.count_products(output)
    weight = getattr(layer, "weight", None)
    if weight is None or weight.dim() < 2:
        return 0
    # a weight is used once for each position of the output that it reaches
    return weight.numel() * (output[0].numel() // len(weight))


def measure_work(module, row, n_steps=1):
    """Return the `Work` of one row, of which `n_steps` timesteps wait for each other."""
    layers = describe_layers(module, row)
    widest = max(torch.Size(layer.output_shape).numel() for layer in layers)
    return Work(sum(layer.multiply_adds for layer in layers), max(widest, row.numel()), n_steps)


def dense_work(module, row):
    """Return the `Work` of one row in a module whose weights all meet it once.

    Nothing is computed: a module of a user's own may not take a row alone.
    """
    n_parameters = sum(p.numel() for p in module.parameters())
    return Work(n_parameters, max(row.numel(), 1024))


def is_lazy(module):
    """Whether a module has parameters that wait for a first batch to find their sizes."""
    tensors = [*module.parameters(), *module.buffers()]
    return any(nn.parameter.is_lazy(tensor) for tensor in tensors)


def has_embedding(module):
    """Whether a module looks whole numbers up in a table."""
    return any(isinstance(layer, nn.Embedding | nn.EmbeddingBag) for layer in module.modules())
