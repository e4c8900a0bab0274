"""How networks learn: learners, who computes their gradient, the ways down, and a net around it all."""

from sknets.training._averaging import AVERAGES, Average
from sknets.training._batches import Batches, Rows
from sknets.training._copies import stand, standing
from sknets.training._cross_entropies import BinaryCrossEntropy, SoftmaxCrossEntropy
from sknets.training._declared import declared
from sknets.training._descent import Descent
from sknets.training._flat import FlatParameters
from sknets.training._gathering import Gathering, Job, Task, current_task, taking_part, train
from sknets.training._gradients import Gradient, make_gradient
from sknets.training._history import History
from sknets.training._learner import Learner
from sknets.training._local_models import LeastSquares, LocalModel
from sknets.training._losses import (
    LEAST_DEVIATION,
    LOSSES,
    AbsoluteError,
    CallableLoss,
    GaussianNLL,
    HalfPoissonDeviance,
    HalfSquaredError,
    Huber,
    Loss,
    OrderedPinball,
    Pinball,
)
from sknets.training._method import Method
from sknets.training._minimizers import LBFGS, Minimizer
from sknets.training._net import Net
from sknets.training._penalties import Penalty
from sknets.training._pieces_store import PiecesStore
from sknets.training._precision import PRECISIONS
from sknets.training._ragged import Ragged
from sknets.training._rbm import RBM
from sknets.training._registry import SOLVERS, make_method
from sknets.training._resume import go_on, net_state, resume, undo_for
from sknets.training._schedules import SCHEDULES, Schedule
from sknets.training._second_order import (
    Box,
    Ending,
    Problem,
    minimize_along,
    minimize_damped,
)
from sknets.training._seeding import (
    Seeded,
    draw_seed,
    generator_from_array,
    generator_to_array,
    make_generator,
    seed_layers,
)
from sknets.training._sequence_loss import SequenceLoss
from sknets.training._sharing import present_team, train_in_team, trained_by
from sknets.training._solvers import Solver
from sknets.training._stopping import Stopping
from sknets.training._stores import (
    SparseStore,
    Store,
    TensorStore,
    batch_by_batch,
    sparse_tensor,
)
from sknets.training._team import Team, TeamError
from sknets.training._threads import (
    SMALL_CONV_STEP,
    SMALL_RECURRENT_STEP,
    SMALL_STEP,
    one_of_many,
    threads_for,
)

__all__ = [
    "AVERAGES",
    "LBFGS",
    "LEAST_DEVIATION",
    "LOSSES",
    "PRECISIONS",
    "RBM",
    "SCHEDULES",
    "SMALL_CONV_STEP",
    "SMALL_RECURRENT_STEP",
    "SMALL_STEP",
    "SOLVERS",
    "AbsoluteError",
    "Average",
    "Batches",
    "BinaryCrossEntropy",
    "Box",
    "CallableLoss",
    "Descent",
    "Ending",
    "FlatParameters",
    "Gathering",
    "GaussianNLL",
    "Gradient",
    "HalfPoissonDeviance",
    "HalfSquaredError",
    "History",
    "Huber",
    "Job",
    "Learner",
    "LeastSquares",
    "LocalModel",
    "Loss",
    "Method",
    "Minimizer",
    "Net",
    "OrderedPinball",
    "Penalty",
    "PiecesStore",
    "Pinball",
    "Problem",
    "Ragged",
    "Rows",
    "Schedule",
    "Seeded",
    "SequenceLoss",
    "SoftmaxCrossEntropy",
    "Solver",
    "SparseStore",
    "Stopping",
    "Store",
    "Task",
    "Team",
    "TeamError",
    "TensorStore",
    "batch_by_batch",
    "current_task",
    "declared",
    "draw_seed",
    "generator_from_array",
    "generator_to_array",
    "go_on",
    "make_generator",
    "make_gradient",
    "make_method",
    "minimize_along",
    "minimize_damped",
    "net_state",
    "one_of_many",
    "present_team",
    "resume",
    "seed_layers",
    "sparse_tensor",
    "stand",
    "standing",
    "taking_part",
    "threads_for",
    "train",
    "train_in_team",
    "trained_by",
    "undo_for",
]
