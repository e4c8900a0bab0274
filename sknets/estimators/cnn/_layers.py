"""The convolutional layers of a plan, read off the parameters of an estimator."""

from sknets import modules
from sknets.estimators._per_layer import per_axis, read_names, read_sizes

# conv_channels="auto"; chosen with benchmarks/bench_cnn_defaults.py
_FIRST_CHANNELS, _MOST_CHANNELS = 32, 128
_FEWEST_LAYERS, _MOST_LAYERS = 2, 5
_FINAL_SIDE = 4


def read_conv_layers(estimator, shape, n_spatial):
    """Return the parameters of each convolutional layer in plain values.

    Parameters
    ----------
    estimator : BaseNet
        What has the parameters, `conv_channels` to `normalization`.
    shape : tuple of int
        Shape of one image.
    n_spatial : {1, 2, 3}
        Number of spatial dimensions.

    Raises
    ------
    ValueError
        If one of them does not fit.
    """
    n_dims = max(n_spatial, 2)  # a signal is an image of height 1
    if isinstance(estimator.conv_channels, str):
        has_channels = len(shape) > n_spatial and estimator.data_format == "channels_first"
        channels = _auto_channels(max(shape[has_channels:][:n_spatial]))
    else:
        channels = read_sizes("conv_channels", estimator.conv_channels, "channels")
    if not channels:
        raise ValueError(
            f"conv_channels={estimator.conv_channels!r} has no layer; give at least one number of "
            "channels, or use a network of dense layers."
        )
    n = len(channels)

    def sizes(name, value, flat=1, least=1):
        values = per_axis(name, value, n, n_spatial, least=least)
        return [(flat,) * (n_dims - n_spatial) + size for size in values]

    names = read_names("pooling", estimator.pooling, n, "conv", [*modules.POOLINGS, None])
    paddings = [estimator.padding] * n
    if not isinstance(estimator.padding, str):
        paddings = sizes("padding", estimator.padding, flat=0, least=0)
    windows = sizes("pool_size", estimator.pool_size)
    strides = windows
    if estimator.pool_stride is not None:
        strides = sizes("pool_stride", estimator.pool_stride)
    columns = {
        "channels": channels,
        "kernel": sizes("kernel_size", estimator.kernel_size),
        "stride": sizes("stride", estimator.stride),
        "padding": paddings,
        "pooling": names,
        "window": windows,
        "pool_stride": strides,
    }
    return [
        dict(zip(columns, row, strict=True)) | {"normalization": estimator.normalization}
        for row in zip(*columns.values(), strict=True)
    ]


def _auto_channels(longest_side):
    """Return channels that double, in as many layers as halve the longest side down to a few values."""
    n_layers = _FEWEST_LAYERS
    while n_layers < _MOST_LAYERS and longest_side > _FINAL_SIDE * 2**n_layers:
        n_layers += 1
    return [min(_FIRST_CHANNELS * 2**layer, _MOST_CHANNELS) for layer in range(n_layers)]
