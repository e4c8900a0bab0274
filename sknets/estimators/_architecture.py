"""What a network is, in plain values, and what can be made of them."""

from abc import ABC, abstractmethod
from contextlib import nullcontext

import torch

from sknets import training
from sknets._changes import check_unchanged

#: Rows of a table in a batch for batch_size="auto", as in scikit-learn.
_BATCH_SIZE = 200


class Architecture(ABC):
    """The network of one fit: its plan, and how it is built, measured and prepared.

    Parameters
    ----------
    spec : dict
        The plan in plain values, after all checks of the parameters that it is made of. It is what a
        pickle keeps, and what must not change where a fit goes on.

    Attributes
    ----------
    start : torch.nn.Module or None
        What `prepare` has kept of the module where it cannot be built from the plan alone.
    augment : callable or None
        What changes the rows of a batch in training.
    is_pretrained : bool
        Whether the module has layers that learn only where a phase says so (``module.thaw``).
    activations : list
        The activations of all layers: names, or a user's own.
    starts_fitted : bool
        Whether the network predicts already after `prepare`, so that no epoch may turn out better.
    loss_left : float
        Share of the squared spread of the target that is left to learn then; penalties count in it.
    draws_unseeded : bool
        Whether the module may draw from Torch's global generator, as a user's own may, or a user's own
        activation.
    must_be_tried : bool
        Whether a new module first meets rows of the training data, in its `try_out`.
    no_partial_fit : str or None
        What keeps `partial_fit` from going on with the network.
    auto_max_norm : float or None
        What ``max_grad_norm="auto"`` means.
    small_step : int
        Multiply-adds that wait for no others, below which a step runs on one thread.
    column : str
        What a column of X is called.
    scale_remedy : str
        What to do about columns out of scale; `scaler` and `name` stand in braces for a transformer and
        the estimator.
    """

    start = None
    _holds_foreign_module = False
    must_be_tried = False
    augment = None
    is_pretrained = False
    activations = ()
    starts_fitted = False
    loss_left = 1.0
    no_partial_fit = None
    auto_max_norm = None
    small_step = training.SMALL_STEP
    column = "column"
    scale_remedy = "Scale X: make_pipeline({scaler}(), {name}(...))."

    def __init__(self, spec):
        self.spec = spec

    @property
    def draws_unseeded(self):
        """Whether the module may draw from Torch's global generator."""
        return self._holds_foreign_module or self._has_own_activations

    @property
    def _has_own_activations(self):
        return any(not isinstance(activation, str) for activation in self.activations)

    def _seeded_activations(self, generator):
        """Return a context in which a user's activations draw from a generator."""
        return training.Seeded(generator) if self._has_own_activations else nullcontext()

    @abstractmethod
    def build(self, generator):
        """Build the module, from a batch to raw outputs."""

    @abstractmethod
    def prepare(self, module, rows, target, sample_weight):
        """Let a new module learn what it needs of the training data before training.

        Parameters
        ----------
        module : torch.nn.Module
            The module, where it is trained.
        rows : object
            The rows, as the input reads them.
        target : ndarray
            The encoded targets.
        sample_weight : ndarray of shape (n_rows,) or None
            Weights of the rows.
        """

    @abstractmethod
    def describe_columns(self, module, rows, sample_weight):
        """Return the `inputs.Columns` of X as they reach the layers, or None where scale is no matter."""

    @abstractmethod
    def measure_work(self, module, row):
        """Return the `modules.Work` of a row, given as zeros of shape (1, ...)."""

    @abstractmethod
    def auto_batch_size(self, n_rows):
        """Return what ``batch_size="auto"`` means for so many rows."""

    def go_on_from(self, earlier):
        """Take over what an earlier fit kept.

        Raises
        ------
        ValueError
            If its network had another plan.
        """
        check_unchanged(earlier.spec, self.spec)
        self.start, self.loss_left = earlier.start, earlier.loss_left


class TableArchitecture(Architecture):
    """Base of the networks whose X is scaled outside."""

    def auto_batch_size(self, n_rows):
        return min(_BATCH_SIZE, n_rows)


def load_arrays(module, arrays):
    """Put parameters and buffers into a module, from arrays by name."""
    module.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in arrays.items()})
