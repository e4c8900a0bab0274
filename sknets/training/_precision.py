"""In which precision a module computes while it learns."""

import torch


def compute_fully(function, *args):
    """Return what a function of tensors returns, computed in the type of the parameters."""
    return function(*args)


class MixedPrecision:
    """Compute products in bfloat16 beside parameters of float32.

    Torch's autocast rounds what goes into matrix products, convolutions and recurrent layers, and leaves
    sums over many values, such as those of a normalisation, in float32. Raw outputs come back in float32:
    the loss, the gradient of the parameters, the penalties and the step know no bfloat16.

    Parameters
    ----------
    device : torch.device
        Where the module is.
    """

    def __init__(self, device):
        self.device_type = device.type

    def __call__(self, function, *args):
        """Return the raw outputs that a function of tensors returns."""
        with torch.autocast(self.device_type, dtype=torch.bfloat16):
            raw = function(*args)
        return raw.float()


#: What makes ``compute(function, *args)`` for a device, by the names of the parameter `precision`.
PRECISIONS = {"full": lambda device: compute_fully, "bf16": MixedPrecision}
