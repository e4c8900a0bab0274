"""Torch modules from tensors to raw outputs; they know Torch and nothing else."""

from sknets.modules._activations import ACTIVATIONS
from sknets.modules._dense import DenseStack
from sknets.modules._dropout import Dropout
from sknets.modules._initialization import INITIALIZERS
from sknets.modules._normalization import NORMALIZATIONS, BatchNorm
from sknets.modules._outputs import ExpOutput, IdentityOutput, LogisticOutput, SoftmaxOutput
from sknets.modules._radial import RadialBasis
from sknets.modules._raw_outputs import RawOutputs

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "NORMALIZATIONS",
    "BatchNorm",
    "DenseStack",
    "Dropout",
    "ExpOutput",
    "IdentityOutput",
    "LogisticOutput",
    "RadialBasis",
    "RawOutputs",
    "SoftmaxOutput",
]
