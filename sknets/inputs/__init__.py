"""What X is: tables, images, sequences; how they are read, and what batches are taken from."""

from sknets.inputs._any import AnyInput, check_told, is_whole
from sknets.inputs._axes import doubt_channels, doubt_times
from sknets.inputs._columns import Columns, describe_columns
from sknets.inputs._images import (
    ImagesInput,
    channel_moments,
    describe_channels,
    read_image_shape,
    scale_images,
)
from sknets.inputs._input import NO_Y, Input, within_float64
from sknets.inputs._kind import any_kind
from sknets.inputs._names import common_names, compare_names_of_y, names_of_y
from sknets.inputs._pieces import in_pieces, lazily
from sknets.inputs._placement import choose_device, choose_dtype, lacks_bf16_units
from sknets.inputs._reading import as_list, join, without_padding
from sknets.inputs._scaling import plain_scaling
from sknets.inputs._sequences import Sequences, order_by_length, regular, split
from sknets.inputs._sequences_input import SequencesInput, moments, scale_sequences
from sknets.inputs._sizes import name_rows
from sknets.inputs._table import TableInput
from sknets.inputs._tensors import prediction_dtype, to_tensor

__all__ = [
    "NO_Y",
    "AnyInput",
    "Columns",
    "ImagesInput",
    "Input",
    "Sequences",
    "SequencesInput",
    "TableInput",
    "any_kind",
    "as_list",
    "channel_moments",
    "check_told",
    "choose_device",
    "choose_dtype",
    "common_names",
    "compare_names_of_y",
    "describe_channels",
    "describe_columns",
    "doubt_channels",
    "doubt_times",
    "in_pieces",
    "is_whole",
    "join",
    "lacks_bf16_units",
    "lazily",
    "moments",
    "name_rows",
    "names_of_y",
    "order_by_length",
    "plain_scaling",
    "prediction_dtype",
    "read_image_shape",
    "regular",
    "scale_images",
    "scale_sequences",
    "split",
    "to_tensor",
    "within_float64",
    "without_padding",
]
