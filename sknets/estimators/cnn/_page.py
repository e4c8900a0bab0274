"""The pages of the convolutional networks: all that is said of their parameters and attributes."""

from numbers import Integral, Real

from torch import nn

from sknets import modules
from sknets.estimators._base import BaseNet
from sknets.estimators._layer_words import ACTIVATION, DROPOUT, HIDDEN_LAYER_SIZES, WEIGHT_INIT
from sknets.estimators._sklearn import HasMethods, Interval, Options, StrOptions
from sknets.estimators._task_words import CLASSES, NUMBERS
from sknets.estimators._training_words import (
    ALL_ROWS,
    FURTHER,
    N_PARAMETERS,
    NETWORK,
    OUTPUTS,
    RECORD,
    SCIKIT_LEARNS,
)
from sknets.estimators._words import Page, attribute, one_of, parameter
from sknets.preprocessing import Augmentation

_SIZES = [Interval(Integral, 1, None, closed="left"), tuple, list]

CHANNELS = (
    parameter(
        """conv_channels : array-like of shape (n_conv_layers,), int or 'auto', default='auto'
        Channels (feature maps) of each convolutional layer; "auto" is 32, 64, 128, 128, 128, of
        which it takes as many layers, at least 2, as halve the longest side down to 4.""",
        [
            StrOptions({"auto"}),
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        annotation="Sequence[int] | int | str",
    ),
    parameter(
        """kernel_size : int, tuple or list, default=3
        Size of the kernels: a number, a tuple with one number per spatial dimension, or a list
        with one of these per layer.""",
        _SIZES,
        annotation="int | Sequence",
    ),
)

LAYERS = (
    parameter(
        """stride : int, tuple or list, default=1
        Distance between the positions of a kernel; given like `kernel_size`.""",
        _SIZES,
        annotation="int | Sequence",
    ),
    parameter(
        """padding : 'same', 'valid', int, tuple or list, default='same'
        Zeros around each map: "same" as many as keep its size (divided by `stride`), "valid"
        none, or a number, given like `kernel_size`. With "same", windows of pooling may reach
        over the border.""",
        [
            StrOptions({"same", "valid"}),
            Interval(Integral, 0, None, closed="left"),
            tuple,
            list,
        ],
        annotation="str | int | Sequence",
    ),
    parameter(
        """pooling : str, list or None, default='max'
        What becomes of a window: 'max', 'average', 'weighted' (an average with learned
        weights), 'downsample' (its first value) or None, for all layers or a list per layer.""",
        [StrOptions(set(modules.POOLINGS)), tuple, list, None],
        annotation="str | Sequence[str | None] | None",
    ),
    parameter(
        """pool_size : int, tuple or list, default=2
        Size of the windows of pooling; given like `kernel_size`.""",
        _SIZES,
        annotation="int | Sequence",
    ),
    parameter(
        """pool_stride : int, tuple, list or None, default=None
        Distance between windows, given like `kernel_size`; None is `pool_size`.""",
        [*_SIZES, None],
        annotation="int | Sequence | None",
    ),
    parameter(
        f"""normalization : {one_of(modules.MAP_NORMALIZATIONS)} or None, default='group'
        Normalisation of the maps after activation and pooling: over the batch, or in each image
        over groups of up to 8 of its channels ("group") or all channels ("layer").""",
        [StrOptions(set(modules.MAP_NORMALIZATIONS)), None],
    ),
    parameter(
        f"""global_pooling : {one_of(modules.GLOBAL_POOLINGS)} or None, default='average'
        What the head sees of each final map: its mean, its largest value, or (None) all its
        values, which gives the head most of the parameters.""",
        [StrOptions(set(modules.GLOBAL_POOLINGS)), None],
    ),
    parameter(
        """residual : bool, default=False
        Whether each convolutional layer is a block of two convolutions to whose output its
        input is added.""",
        ["boolean"],
    ),
    parameter(
        f"""conv_method : {one_of(modules.METHODS)}, default='auto'
        How convolutions are computed: as a sum, through the Fourier transform, or ("auto") by
        the one that should be faster: for kernels of about 11 by 11 and more, the latter. Both
        give the same up to rounding.""",
        [StrOptions(set(modules.METHODS))],
    ),
    HIDDEN_LAYER_SIZES,
    ACTIVATION,
    DROPOUT,
    parameter(
        """spatial_dropout : float, default=0.0
        Rate in [0, 1) at which whole feature maps are dropped after each convolutional layer.""",
        [Interval(Real, 0, 1, closed="left")],
        neutral=(0,),
    ),
    WEIGHT_INIT,
    parameter(
        """input_shape : tuple of int or None, default=None
        Shape of one image, in the order of `data_format`, into which the features of a 2-D X
        are arranged; None makes a row of a 2-D X a signal of one channel.""",
        [tuple, list, None],
        annotation="Sequence[int] | None",
    ),
    parameter(
        """conv_dim : {'auto', 1, 2, 3}, default='auto'
        Spatial dimensions: 1 for signals, 2 for images, 3 for volumes. "auto" takes X of 2, 3,
        4, 5 dimensions as signals, images, images with channels, volumes with channels.""",
        [StrOptions({"auto"}), Options(Integral, {1, 2, 3})],
        annotation="int | str",
    ),
    parameter(
        """data_format : {'channels_last', 'channels_first'}, default='channels_last'
        Where the channels stand in X: (n, height, width, channels) or (n, channels, height,
        width).""",
        [StrOptions({"channels_last", "channels_first"})],
    ),
    parameter(
        """input_scaling : 'standardize', (mean, std) or None, default='standardize'
        What is done to X inside the network: each channel gets mean 0 and standard deviation 1
        over the training data (a fitted backbone brings its own), or (X - mean) / std (in units
        of X, for all channels or each). None leaves X as it is.""",
        [StrOptions({"standardize"}), tuple, list, None],
        annotation="str | Sequence | None",
    ),
    parameter(
        """augment : Augmentation or None, default=None
        Random changes of the images in training.""",
        [Augmentation, None],
        neutral=(None,),
    ),
    parameter(
        """backbone : torch.nn.Module, callable, fitted CNN or None, default=None
        Pretrained base in the place of the convolutions: a module (copied), a function without
        arguments that makes one, or a fitted CNN (in a FrozenEstimator where scikit-learn
        clones).""",
        [BaseNet, nn.Module, callable, HasMethods("get_params"), None],
        annotation="object",
    ),
    parameter(
        """fine_tune_layers : int or 'all', default=0
        Top layers of the backbone (each with the normalisation that follows) that learn after
        the head has been trained for `max_iter` epochs; 0 keeps it as it is (feature
        extraction).""",
        [Interval(Integral, 0, None, closed="left"), StrOptions({"all"})],
        annotation="int | str",
    ),
    parameter(
        """fine_tune_iter : int, default=50
        Largest number of epochs with those layers unfrozen.""",
        [Interval(Integral, 1, None, closed="left")],
    ),
    parameter(
        """fine_tune_learning_rate : float, default=1e-3
        Learning rate at the start of these epochs.""",
        [Interval(Real, 0, None, closed="neither")],
    ),
)

INPUT_SHAPE = attribute(
    """input_shape_ : tuple of int
    Shape of one image as the network takes it."""
)


def _page(task):
    page = Page(
        positional=(*task.first, *CHANNELS),
        keyword_only=(*LAYERS, *SCIKIT_LEARNS, *task.further, *FURTHER),
        attributes=(*task.attributes, *RECORD, *OUTPUTS, INPUT_SHAPE, N_PARAMETERS, *NETWORK),
    )
    page = page.but(
        batch_size={
            "text": f"""Rows in a mini-batch; "auto" is all rows up to 64, and 32 of more rows. Not used
            by {ALL_ROWS}."""
        },
        learning_rate={"default": "'one_cycle'"},
        learning_rate_init={"default": "0.005"},
        max_iter={"default": "50"},
        n_features_in_={"text": "Number of features seen in `fit`: the values of an image."},
    )
    return page.fill(
        layers="convolutional",
        features="maps",
        where="of the dense head: of what it sees and of its hidden layers",
        **task.words,
    )


CLASSIFIER, REGRESSOR = _page(CLASSES), _page(NUMBERS)
