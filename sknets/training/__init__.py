"""How a module learns: solvers, losses, penalties, schedules, and the loop around them."""

from sknets.training._averaging import AVERAGES, Average
from sknets.training._batches import Batches, Rows, sparse_tensor
from sknets.training._declared import declared
from sknets.training._flat import FlatParameters
from sknets.training._losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    HalfPoissonDeviance,
    HalfSquaredError,
    Huber,
    Loss,
    Pinball,
    SoftmaxCrossEntropy,
)
from sknets.training._net import Net
from sknets.training._penalties import Penalty
from sknets.training._ragged import Ragged
from sknets.training._resume import net_state, resume, undo_for
from sknets.training._schedules import SCHEDULES, Schedule
from sknets.training._seeding import (
    Seeded,
    draw_seed,
    generator_from_array,
    generator_to_array,
    make_generator,
)
from sknets.training._sequence_loss import SequenceLoss
from sknets.training._solvers import SOLVERS, Solver
from sknets.training._stopping import Stopping
from sknets.training._threads import SMALL_CONV_STEP, SMALL_RECURRENT_STEP, threads_for

__all__ = [
    "AVERAGES",
    "LOSSES",
    "SCHEDULES",
    "SMALL_CONV_STEP",
    "SMALL_RECURRENT_STEP",
    "SOLVERS",
    "AbsoluteError",
    "Average",
    "Batches",
    "BinaryCrossEntropy",
    "FlatParameters",
    "HalfPoissonDeviance",
    "HalfSquaredError",
    "Huber",
    "Loss",
    "Net",
    "Penalty",
    "Pinball",
    "Ragged",
    "Rows",
    "Schedule",
    "Seeded",
    "SequenceLoss",
    "SoftmaxCrossEntropy",
    "Solver",
    "Stopping",
    "declared",
    "draw_seed",
    "generator_from_array",
    "generator_to_array",
    "make_generator",
    "net_state",
    "resume",
    "sparse_tensor",
    "threads_for",
    "undo_for",
]
