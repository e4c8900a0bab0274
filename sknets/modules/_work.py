"""What a module consists of, and how much work a row makes."""

from typing import NamedTuple

import torch


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
    """

    multiply_adds: int
    n_values: int


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
        Layers without layers inside. Output shapes leave the row out.
    """
    layers, handles = [], []

    def listen(name, layer):
        def hook(layer, inputs, output):
            if not torch.is_tensor(output):
                return
            shape = tuple(output.shape[1:])
            # a weight is used once for each position of the output that it reaches
            weight = getattr(layer, "weight", None)
            is_product = weight is not None and weight.dim() >= 2
            positions = output[0].numel() // len(weight) if is_product else 0
            own = sum(p.numel() for p in layer.parameters())
            products = weight.numel() * positions if is_product else 0
            layers.append(Layer(name, type(layer).__name__, shape, own, products))

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
    return layers


def measure_work(module, row):
    """Return the `Work` of one row."""
    layers = describe_layers(module, row)
    widest = max(torch.Size(layer.output_shape).numel() for layer in layers)
    return Work(sum(layer.multiply_adds for layer in layers), max(widest, row.numel()))
