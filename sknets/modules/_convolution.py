"""Convolutions: direct, or through the Fourier transform where kernels are large.

A signal is an image of height 1, so there are convolutions over two and over three dimensions only.
"""

import math

import torch
import torch.nn.functional as F
from scipy.fft import next_fast_len
from torch import nn

from sknets.modules._initialization import Undrawn

METHODS = ("auto", "direct", "fft")

#: Cost of a butterfly of a transform, and of a complex product per pair of channels, in units of one
#: multiply-add of a direct convolution. Measured with benchmarks/bench_conv_method.py.
_TRANSFORM_COST = 11.0
_PRODUCT_COST = 36.0


class Conv2d(Undrawn, nn.Conv2d):
    """A convolution over height and width."""


class Conv3d(Undrawn, nn.Conv3d):
    """A convolution over depth, height and width."""


class _Fourier:
    """A convolution as a product of Fourier transforms."""

    def forward(self, x):
        return fft_convolve(x, self.weight, self.bias, self.stride, self.padding)


class FFTConv2d(_Fourier, Conv2d):
    """A convolution over height and width through the Fourier transform."""


class FFTConv3d(_Fourier, Conv3d):
    """A convolution over depth, height and width through the Fourier transform."""


def make_convolution(n_inputs, n_outputs, kernel, stride, padding, *, size, method="direct"):
    """Make a convolution layer without initial weights.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Channels.
    kernel, stride, padding, size : tuple of int
        Kernel, stride, padding on both sides, and the size of the input, per dimension.
    method : {"auto", "direct", "fft"}
        How it is computed; "auto" takes what `fft_is_cheaper` says.
    """
    if method == "auto":
        method = (
            "fft"
            if fft_is_cheaper(n_inputs, n_outputs, kernel, stride, padding, size)
            else "direct"
        )
    layers = {
        ("direct", 2): Conv2d,
        ("direct", 3): Conv3d,
        ("fft", 2): FFTConv2d,
        ("fft", 3): FFTConv3d,
    }
    return layers[method, len(kernel)](n_inputs, n_outputs, kernel, stride, padding)


def fft_is_cheaper(n_inputs, n_outputs, kernel, stride, padding, size):
    """Return whether the Fourier transform should need less time than the direct sum.

    A model of measured costs and no measurement on the spot, which would make results depend on how
    busy a machine is.
    """
    padded = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    positions = math.prod((n - k) // s + 1 for n, k, s in zip(padded, kernel, stride, strict=True))
    direct = n_inputs * n_outputs * math.prod(kernel) * positions
    fast = math.prod(next_fast_len(n, real=True) for n in padded)
    transforms = (n_inputs + n_outputs) * fast * math.log2(max(fast, 2))
    return _TRANSFORM_COST * transforms + _PRODUCT_COST * n_inputs * n_outputs * fast < direct


def fft_convolve(x, weight, bias, stride, padding):
    """Convolve as `torch.nn.functional.conv2d` and `conv3d` do, through the Fourier transform.

    Parameters
    ----------
    x : torch.Tensor of shape (n, n_inputs, *size)
    weight : torch.Tensor of shape (n_outputs, n_inputs, *kernel)
    bias : torch.Tensor of shape (n_outputs,)
    stride, padding : tuple of int

    Returns
    -------
    torch.Tensor of shape (n, n_outputs, *new_size)
    """
    kernel = weight.shape[2:]
    x = x.to(weight.dtype)  # there is no transform in bfloat16
    axes = tuple(range(2, x.ndim))
    padded = [n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True)]
    x = F.pad(x, [p for p in reversed(padding) for _ in (0, 1)])
    lengths = [next_fast_len(n, real=True) for n in padded]
    x_hat = torch.fft.rfftn(x, s=lengths, dim=axes)
    w_hat = torch.fft.rfftn(weight, s=lengths, dim=axes).conj()  # a layer correlates: no flip
    # one product of matrices per frequency: (f, n, c_in) @ (f, c_in, c_out)
    n, n_outputs, frequencies = len(x), len(weight), x_hat.shape[2:]
    product = x_hat.flatten(2).permute(2, 0, 1) @ w_hat.flatten(2).permute(2, 1, 0)
    product = product.permute(1, 2, 0).reshape(n, n_outputs, *frequencies)
    y = torch.fft.irfftn(product, s=lengths, dim=axes)
    kept = [slice(0, n - k + 1, s) for n, k, s in zip(padded, kernel, stride, strict=True)]
    return y[(..., *kept)] + bias.view(-1, *[1] * len(axes))
