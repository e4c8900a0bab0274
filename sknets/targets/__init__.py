"""What y is: classes, labels, numbers, and sequences of them."""

from sknets.targets._classes import Classification, ClassTarget, LabelTarget
from sknets.targets._numbers import NumberTarget, Regression
from sknets.targets._outputs import SINGLE, Outputs
from sknets.targets._reconstruction import Reconstruction
from sknets.targets._sequences import SequenceTarget, SequenceTask, lift
from sknets.targets._target import Raw, RowTarget, Target, Task

__all__ = [
    "SINGLE",
    "ClassTarget",
    "Classification",
    "LabelTarget",
    "NumberTarget",
    "Outputs",
    "Raw",
    "Reconstruction",
    "Regression",
    "RowTarget",
    "SequenceTarget",
    "SequenceTask",
    "Target",
    "Task",
    "lift",
]
