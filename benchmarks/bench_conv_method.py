"""Direct convolution or Fourier transform: behind `_TRANSFORM_COST` and `_PRODUCT_COST`."""

import math
from statistics import median

import torch
from _measure import alternate, median_ratio, write_result

from sknets.modules._convolution import fft_is_cheaper, make_convolution

BATCH = 16
GRID = {  # by the number of spatial dimensions: lengths or sides, kernels
    1: ((256, 2048), (5, 15, 31, 63, 127, 255)),
    2: ((32, 64, 128), (3, 7, 11, 15, 21, 31, 41)),
}
CHANNELS = ((1, 16), (16, 32))
MOST_PRODUCTS = 2**34  # of a direct convolution; above, it takes seconds and the answer is known
CLEAR = (0.8, 1.25)  # between these ratios either choice is right


def cases():
    """Yield channels, kernel and size of each case; a signal is an image of height 1."""
    for n_spatial, (sides, kernels) in GRID.items():
        for side in sides:
            for k in kernels:
                for channels in CHANNELS:
                    size = (1, side) if n_spatial == 1 else (side, side)
                    kernel = (1, k) if n_spatial == 1 else (k, k)
                    products = BATCH * math.prod((*channels, *kernel, *size))
                    if k <= side and products <= MOST_PRODUCTS:
                        yield channels, kernel, size, products


def step(method, channels, kernel, size, padding):
    """Return a function that computes maps and gradients; a first layer's input has no gradient."""
    n_inputs, n_outputs = channels
    layer = make_convolution(
        n_inputs, n_outputs, kernel, (1, 1), padding, size=size, method=method
    ).to(memory_format=torch.channels_last)
    generator = torch.Generator().manual_seed(0)
    torch.nn.init.normal_(layer.weight, generator=generator)
    torch.nn.init.zeros_(layer.bias)
    x = torch.randn(BATCH, n_inputs, *size, generator=generator)
    x = x.to(memory_format=torch.channels_last).requires_grad_(n_inputs > 1)
    output_gradient = torch.ones_like(layer(x))

    def run():
        layer.zero_grad()
        x.grad = None
        layer(x).backward(output_gradient)

    return run


def measure(channels, kernel, size, products):
    """Return the median seconds of both methods, and the median ratio fft / direct."""
    padding = tuple(k // 2 for k in kernel)
    sides = {m: step(m, channels, kernel, size, padding) for m in ("fft", "direct")}
    seconds = alternate(sides, 3 if products > 2**31 else 9)
    times = [median(seconds[m]) for m in ("fft", "direct")]
    return *times, median_ratio(seconds["fft"], seconds["direct"])


def main():
    """Print and keep the table."""
    torch.set_num_threads(1)
    lines = [
        f"Forward and backward of one layer of {BATCH} signals or images, stride 1, padding kernel // 2,",
        "float32, channels-last, one thread. The ratio is the median of fft / direct; `auto` is what",
        'method="auto" takes, with a mark where that is wrong and the ratio is not between '
        f"{CLEAR[0]} and {CLEAR[1]}.",
        "",
        "| size | kernel | channels | direct ms | fft ms | ratio | auto |",
        "|---|---|---|---|---|---|---|",
    ]
    n_wrong = n_cases = 0
    for channels, kernel, size, products in cases():
        fast, direct, ratio = measure(channels, kernel, size, products)
        padding = tuple(k // 2 for k in kernel)
        is_fft = fft_is_cheaper(*channels, kernel, (1, 1), padding, size)
        is_wrong = ratio > CLEAR[1] if is_fft else ratio < CLEAR[0]
        n_cases += 1
        n_wrong += is_wrong
        lines.append(
            f"| {'×'.join(map(str, size))} | {'×'.join(map(str, kernel))} "
            f"| {channels[0]} → {channels[1]} | {1e3 * direct:.1f} | {1e3 * fast:.1f} | {ratio:.2f} "
            f"| {'fft' if is_fft else 'direct'}{' (wrong)' if is_wrong else ''} |"
        )
        print(lines[-1], flush=True)
    lines += ["", f"Wrong in {n_wrong} of {n_cases} cases."]
    write_result("conv_method", "Direct convolution or Fourier transform", lines)


if __name__ == "__main__":
    main()
