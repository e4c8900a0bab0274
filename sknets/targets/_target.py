"""What y is: the base of all targets."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, NamedTuple

import torch
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import column_or_1d

from sknets._changes import check_unchanged
from sknets._plain_torch import in_plain_torch
from sknets._warn import warn_user
from sknets.inputs import as_list, names_of_y
from sknets.targets._outputs import SINGLE


class Raw(NamedTuple):
    """What a network answered.

    Attributes
    ----------
    values : torch.Tensor of shape (n_rows, n_outputs) or (n_rows, n_steps, n_outputs)
        Raw outputs, on the CPU.
    rows : rows
        The rows of X that they belong to.
    dtype : dtype
        Type that predictions should have.
    """

    values: torch.Tensor
    rows: Any
    dtype: Any


class Task(ABC):
    """What an estimator says of y before it has seen one: the parameters that concern it.

    Attributes
    ----------
    outputs : Outputs
        How many outputs y has for a row.
    given : dict
        What must not change where a fit goes on, by name.
    returns_rows : bool
        Whether y is X itself.
    """

    outputs = SINGLE
    returns_rows = False

    @property
    @abstractmethod
    def given(self):
        """What must not change where a fit goes on, by name."""

    @abstractmethod
    def read(self, estimator, input, X, y, *, reset):
        """Read X and y side by side.

        Parameters
        ----------
        estimator : estimator
            Whose names of features, and words in errors, they are.
        input : Input
            What X is.
        X, y : object
            As the user gave them.
        reset : bool
            Whether this is the first call.
        """

    @abstractmethod
    def names(self, y):
        """Return the names of the columns of a y as the user gave it, or None."""

    @abstractmethod
    def learn(self, y, sample_weight, classes):
        """Return the `Target` of a first y; `classes` are all that any call will see, or None."""


class RowTask(Task):
    """Base of the tasks with one output, or one set of outputs, for each row."""

    def names(self, y):
        return names_of_y(y)

    def read(self, estimator, input, X, y, *, reset):
        try:
            rows, y = input.read(estimator, X, y, reset=reset)
        except ValueError as error:
            if as_list(y) is None and getattr(y, "ndim", 0) < 3:
                raise
            who, ways = type(estimator).__name__, ""
            if hasattr(estimator, "output"):
                ways = (
                    " Set output='timesteps' if y has a value for each timestep of X, output='sequence' "
                    "if its sequences have a length of their own."
                )
            raise ValueError(
                f"y has a sequence for each row, but {who} predicts one output, or one set of outputs, "
                f"for each.{ways}"
            ) from error
        if y.ndim == 2 and y.shape[1] == 1:
            warn_user(
                "A column-vector y was passed when a 1d array was expected. Please change the shape of y "
                "to (n_samples, ), for example using ravel().",
                DataConversionWarning,
            )
            y = column_or_1d(y)
        return rows, y


class Target(ABC):
    """What y is, once it has been learned: between labels or numbers and the tensors of training.

    A task (`Classification`, `Regression`) holds the parameters of an estimator that concern y; its
    `learn` makes a target of the y of a first call. A target does not change: a fit that goes on has a
    copy of its own (`for_fit`).

    Attributes
    ----------
    task : Task
        The task that has learned it, with the options of this fit.
    n_outputs : int
        Number of raw outputs.
    output : torch.nn.Module
        The output activation, from raw outputs to predictions.
    is_constant : bool
        Whether no y has had a spread in which it could be learned.
    is_ordered : bool
        Whether raw outputs are distances between quantiles.
    watches_loss : bool
        Whether early stopping by the default score watches the validation loss.
    can_be_pooled : bool
        Whether predictions of several networks have a mean (`pool`).
    has_std : bool
        Whether the second half of the raw outputs tells standard deviations (`deviations`).
    excludes : bool
        Whether a raw output of -inf among finite ones has a meaning: a class that cannot be.
    """

    is_constant = False
    is_ordered = False
    watches_loss = False
    has_std = False
    excludes = False
    can_be_pooled = True

    @property
    @abstractmethod
    def output(self):
        """The output activation."""

    def pool(self, raws):
        """Return a `Raw` whose predictions, or probabilities, are the mean of those of several.

        Parameters
        ----------
        raws : list of Raw
            What several networks answered for the same rows.
        """
        values = torch.stack([raw.values for raw in raws])
        flat = values.reshape(len(raws), -1, values.shape[-1])
        return raws[0]._replace(values=self.output.pool(flat).reshape(values.shape[1:]))

    @abstractmethod
    def check(self, y, *, as_before=False, is_validation=False):
        """Raise ValueError if y does not go with what the first call has learned.

        Parameters
        ----------
        y : ndarray, sparse matrix or Sequences
            A further y.
        as_before : bool, default=False
            Whether it must have all classes that the first y had (for a warm start).
        is_validation : bool, default=False
            Whether it is only compared with predictions.
        """

    @abstractmethod
    def check_goes_on(self, task):
        """Raise ValueError if a task with the parameters of now would learn another y."""

    @abstractmethod
    def for_fit(self, task, y, sample_weight):
        """Return a copy with the options of a task, and with what the y of this fit adds."""

    @abstractmethod
    def weigh(self, y, sample_weight):
        """Return the weights of the rows with all that y adds to them, or None."""

    @abstractmethod
    def strata(self, y):
        """Return what a validation split is stratified by, or None."""

    @abstractmethod
    def encode(self, y):
        """Return the target of the loss as an array: whole numbers for the classes of a softmax."""

    @abstractmethod
    def make_loss(self):
        """Make the loss."""

    @abstractmethod
    def predictions(self, raw):
        """Return the labels or numbers of a `Raw`, as `predict` does."""

    @abstractmethod
    def score(self, predictions, y, sample_weight, get_rows):
        """Return how good predictions are: accuracy, or R².

        Parameters
        ----------
        predictions : ndarray or sparse matrix
            What `predict` returned.
        y, sample_weight : array-like
            As the user gave them.
        get_rows : callable
            ``get_rows()`` reads the X that they belong to.
        """

    @abstractmethod
    def as_rows(self, raw, y, sample_weight):
        """Return a target, raw outputs, y and weights with one output per row, as a scorer takes them."""


class RowTarget(Target):
    """Base of the targets that have one output, or one set of outputs, for each row.

    Parameters
    ----------
    task : RowTask
        The options.

    Attributes
    ----------
    has_end : bool
        Whether the last class ends a sequence that is written.
    """

    has_end = False

    def __init__(self, task):
        self.task = task

    @abstractmethod
    def with_end(self):
        """Return the target of the steps of a sequence that is written."""

    @abstractmethod
    def step_weights(self):
        """Return the weight of a step of a sequence by its class, or None.

        Raises
        ------
        ValueError
            If there are weights that a step cannot have.
        """

    @abstractmethod
    def _make_output(self):
        """Make the output activation."""

    @abstractmethod
    def metric_of(self, y, sample_weight):
        """Return the `Metric` that says how good predictions of y are."""

    def metric(self, y, predictions, sample_weight):
        """Return how good predictions are."""
        return self.metric_of(y, sample_weight)(predictions)

    @cached_property
    @in_plain_torch
    def output(self):
        """The output activation, which is made of what has been learned."""
        return self._make_output()

    def check_goes_on(self, task):
        check_unchanged(self.task.given, task.given)

    def for_fit(self, task, y, sample_weight):
        target = object.__new__(type(self))
        vars(target).update(self.__getstate__(), task=task)  # the output belongs to the copy
        target._learn_further(y, sample_weight)
        return target

    @abstractmethod
    def _learn_further(self, y, sample_weight):
        """Learn what the y of this fit adds: to the weights of the rows, or to a scale."""

    def score(self, predictions, y, sample_weight, get_rows):
        return self.metric(y, predictions, sample_weight)

    def as_rows(self, raw, y, sample_weight):
        return self, raw, y, sample_weight

    def __getstate__(self):
        """Leave out the output: a state holds no tensors."""
        return {name: value for name, value in vars(self).items() if name != "output"}
