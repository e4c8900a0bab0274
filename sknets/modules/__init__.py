"""Torch modules from tensors to raw outputs; they know Torch and nothing else."""

from sknets.modules._activations import ACTIVATIONS, activation_name
from sknets.modules._autoencoder import NOISES, DenseAutoencoder, Noise
from sknets.modules._conv_autoencoder import ConvAutoencoder
from sknets.modules._conv_net import ConvNet, OnSignals, ResidualBlock, make_base
from sknets.modules._convolution import METHODS
from sknets.modules._decoder import EncoderDecoder
from sknets.modules._dense import DenseStack
from sknets.modules._dropout import Dropout, has_dropout, with_dropout
from sknets.modules._embedding import EMBEDDINGS, Periodic, PiecewiseLinear, count_bins
from sknets.modules._images import ImageInput
from sknets.modules._initialization import INITIALIZERS
from sknets.modules._normalization import (
    MAP_NORMALIZATIONS,
    NORMALIZATIONS,
    BatchNorm,
    guard_group_norms,
)
from sknets.modules._outputs import (
    ExpOutput,
    GaussianOutput,
    IdentityOutput,
    LogisticOutput,
    OrderedQuantiles,
    QuantilesOutput,
    SoftmaxOutput,
    make_number_output,
)
from sknets.modules._pooling import GLOBAL_POOLINGS, POOLINGS, Downsample, GlobalPool, WeightedPool
from sknets.modules._radial import RadialBasis
from sknets.modules._raw_outputs import WHOLE_PADDING, RawOutputs
from sknets.modules._recurrent import CELLS, Bidirectional
from sknets.modules._recurrent_autoencoder import RecurrentAutoencoder
from sknets.modules._recurrent_net import RecurrentNet, RecurrentStack
from sknets.modules._sequences import (
    SEQUENCE_POOLINGS,
    AttentionPool,
    MaxState,
    MeanState,
    SequenceInput,
    valid_steps,
)
from sknets.modules._standardized import Standardized
from sknets.modules._work import (
    Layer,
    Work,
    dense_work,
    describe_layers,
    has_embedding,
    is_lazy,
    measure_work,
)

__all__ = [
    "ACTIVATIONS",
    "CELLS",
    "EMBEDDINGS",
    "GLOBAL_POOLINGS",
    "INITIALIZERS",
    "MAP_NORMALIZATIONS",
    "METHODS",
    "NOISES",
    "NORMALIZATIONS",
    "POOLINGS",
    "SEQUENCE_POOLINGS",
    "WHOLE_PADDING",
    "AttentionPool",
    "BatchNorm",
    "Bidirectional",
    "ConvAutoencoder",
    "ConvNet",
    "DenseAutoencoder",
    "DenseStack",
    "Downsample",
    "Dropout",
    "EncoderDecoder",
    "ExpOutput",
    "GaussianOutput",
    "GlobalPool",
    "IdentityOutput",
    "ImageInput",
    "Layer",
    "LogisticOutput",
    "MaxState",
    "MeanState",
    "Noise",
    "OnSignals",
    "OrderedQuantiles",
    "Periodic",
    "PiecewiseLinear",
    "QuantilesOutput",
    "RadialBasis",
    "RawOutputs",
    "RecurrentAutoencoder",
    "RecurrentNet",
    "RecurrentStack",
    "ResidualBlock",
    "SequenceInput",
    "SoftmaxOutput",
    "Standardized",
    "WeightedPool",
    "Work",
    "activation_name",
    "count_bins",
    "dense_work",
    "describe_layers",
    "guard_group_norms",
    "has_dropout",
    "has_embedding",
    "is_lazy",
    "make_base",
    "make_number_output",
    "measure_work",
    "valid_steps",
    "with_dropout",
]
