"""What all estimators share: one fit, one raw prediction, all checks of X."""

import copy
import warnings
from abc import ABC, abstractmethod

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import column_or_1d
from sklearn.utils.validation import check_is_fitted, validate_data

from sknets import modules, training
from sknets.estimators._callbacks import EpochTasks
from sknets.estimators._checks import NO_Y, without_zeros
from sknets.estimators._outcome import TrainingRecord, check_outcome
from sknets.estimators._parameters import Phase, check_options, make_net
from sknets.estimators._placement import (
    SMALL_DATA,
    choose_device,
    choose_dtype,
    prediction_dtype,
    to_inputs,
    to_tensor,
)
from sknets.estimators._sequences import Sequences
from sknets.estimators._sklearn import (
    CallbackSupportMixin,
    check_sample_weight,
    fit_context,
)
from sknets.estimators._state import load_net, to_arrays
from sknets.estimators._validation_data import make_valid_score, split_rows
from sknets.estimators._words import Page


class BaseNet(TrainingRecord, CallbackSupportMixin, BaseEstimator, ABC):
    """Base of all estimators: a task (what y is) meets an architecture (what the network is).

    A task (`ClassifierTask`, `RegressorTask`) fills `_learn_target`, `_check_target`,
    `_encode_target`, `_weigh`, `_strata` and `_make_loss`; an architecture fills `_module_spec` and
    `_build_module`. It may replace what suits tables and dense layers: `_read_X`, `_prepare_module`,
    `_measure_work`, `_phases`, `_make_augment` and what stands beside them. A leaf class joins the
    two and has a `Page` of words, which makes its docstring, its signature and its constraints.

    Guarantees: a fit or partial fit that raises leaves the estimator as it was before; the
    global random states and the thread count of the caller are the same after any method.
    """

    #: What is said of the parameters and attributes; a leaf class has one, and its constraints from it.
    _page: Page

    # --- what a task and an architecture fill in ---------------------------------------------------

    @abstractmethod
    def _learn_target(self, y, sample_weight, classes):
        """Learn the classes or the scale of y; set `n_outputs_` and `_output`."""

    @abstractmethod
    def _check_target(self, y):
        """Check that y fits to what a first call has learned."""

    @abstractmethod
    def _encode_target(self, y):
        """Return the target of the loss as an array: whole numbers for the classes of a softmax."""

    @abstractmethod
    def _learn_weights(self, y, sample_weight):
        """Learn what y adds to the weights of the rows."""

    @abstractmethod
    def _weigh(self, y, sample_weight):
        """Return the weights of the rows with all that y adds to them, or None."""

    @abstractmethod
    def _strata(self, y):
        """Return what a validation split is stratified by, or None."""

    @abstractmethod
    def _make_loss(self):
        """Make the loss."""

    @abstractmethod
    def _module_spec(self, row_shape, n_outputs):
        """Return the architecture in plain values, after all checks of its parameters."""

    @staticmethod
    @abstractmethod
    def _build_module(spec, generator):
        """Build the module of a spec, from inputs to raw outputs."""

    # --- fit ---------------------------------------------------------------------------------------

    @fit_context
    def fit(self, X, y, sample_weight=None, *, X_val=None, y_val=None, sample_weight_val=None):
        """Fit the network to data.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features) or (n_samples, ...)
            Training data: a table, or what else the network takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Target: class labels or label indicators in classification, numbers in regression.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. A weight of 0 is removal, a weight of 2 is repetition.
        X_val : {array-like, sparse matrix} of shape (n_val_samples, ...), default=None
            Validation data of your own. With `early_stopping` they decide when to stop and
            nothing is set aside; without it they are recorded in `history_`.
        y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_outputs), default=None
            Target of the validation data.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation data.

        Returns
        -------
        self : object
            The fitted estimator.

        Raises
        ------
        ValueError
            If data or parameters are invalid, or if training diverges. The estimator is
            then as it was before the call.
        """
        validation = (X_val, y_val, sample_weight_val)
        return self._fit(X, y, sample_weight, validation)

    def _fit(self, X, y, sample_weight, validation=(None,) * 3, *, is_partial=False, classes=None):
        tasks = self._open_tasks(X, y, sample_weight, is_partial)
        before = dict(vars(self))
        previous = getattr(self, "net_", None) if is_partial or self.warm_start else None
        undo = None if previous is None else training.undo_for(previous)
        try:
            self._train(X, y, sample_weight, validation, tasks, previous, is_partial, classes)
            if tasks is not None:
                tasks.close()
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            if undo is not None:
                undo()
            raise
        return self

    def _train(self, X, y, sample_weight, validation, tasks, previous, is_partial, classes):
        is_first = previous is None
        X, y, sample_weight = self._check_data(X, y, sample_weight, reset=is_first)
        if is_first:
            self._learn_target(y, sample_weight, classes)
            self._generator = training.make_generator(self.random_state)
            self._split_seed = training.draw_seed(self._generator)
        else:
            self._check_target(y)
        self._learn_weights(y, sample_weight)
        X, y, sample_weight = without_zeros(X, y, self._weigh(y, sample_weight))
        self._row_shape = X.shape[1:]
        if is_first:
            self._learn_input(X)
        spec = self._module_spec(X.shape[1:], self.n_outputs_)
        check_options(self)
        if is_first:
            self._spec = spec
            self._build_state = training.generator_to_array(self._generator)
            module = self._build_module(spec, self._generator)
        elif spec != self._spec:
            changes = [
                f"{name} from {self._spec[name]} to {value}"
                for name, value in spec.items()
                if value != self._spec[name]
            ]
            raise ValueError(
                "warm_start and partial_fit go on with the network that is there, but its "
                f"architecture has changed: {', '.join(changes)}. Set the parameters back, or call fit "
                "with warm_start=False."
            )
        else:
            module = previous.module_

        (X, y, sample_weight), valid = self._set_aside(X, y, sample_weight, validation, is_partial)
        batch_size = self._batch_size(X.shape[0])
        if is_first:
            self._work = self._measure_work(module, X)
        step_size = batch_size * self._work.at_once
        device = choose_device(self.device, step_size, self.dtype)
        dtype = choose_dtype(self.dtype, X, device, self._small_data)
        module.to(dtype)
        if is_first:
            self._prepare_module(module, X, sample_weight)
        rows = self._make_rows(X, y, sample_weight, dtype, device)
        valid_rows = None if valid is None else self._make_rows(*valid, dtype, device)
        self.n_iter_ = 0
        is_resumed, best = previous is not None, None
        for number, phase in enumerate(self._phases(is_partial)):
            self._phase = phase
            self._begin_phase(module, phase)
            net = make_net(self, module, device, batch_size, phase, self._make_augment())
            net.callbacks = [*(self.callbacks or []), *([] if tasks is None else [tasks])]
            net.valid_rows = valid_rows
            if valid is not None and self.scoring != "loss":
                net.valid_score = make_valid_score(self, self.scoring, *valid)
            net.initialize()
            if is_resumed or number:
                training.resume(net, training.net_state(previous), is_same_fit=is_partial)
            if number and net.stopping.restores:  # the best of all phases is kept
                net.stopping.best, net.stopping.best_state = best, net.snapshot()
            self.net_ = previous = net
            n_before = len(net.history)
            with training.threads_for(step_size, self._small_step):
                net.partial_fit(rows, epochs=1 if is_partial else phase.max_iter)
                self.n_iter_ += len(net.history) - n_before
                check_outcome(self, net, rows, is_partial=is_partial)
            net.callbacks_ = [(name, cb) for name, cb in net.callbacks_ if cb is not tasks]
            net.callbacks = list(self.callbacks or [])
            best = net.stopping.best
            net.release_data()
            if net.stop_reason in ("interrupt", "callback"):
                break

    def _check_data(self, X, y, sample_weight, *, reset):
        """Check X, y and weights; remove the rows whose weight is zero."""
        X, y = self._read_X(X, y, reset=reset)
        if not isinstance(y, Sequences) and y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is None:
            return X, y, None
        sample_weight = check_sample_weight(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        return without_zeros(X, y, sample_weight)

    #: What X may be: types that are kept as they are (others become the first), sparse formats, and
    #: scikit-learn's ``ensure_all_finite``.
    _kept_dtypes = (np.float64, np.float32)
    _sparse_formats = "csr"
    _finite = True

    #: Values in X up to which dtype="auto" keeps float64.
    _small_data = SMALL_DATA

    def _read_X(self, X, y=NO_Y, *, reset):
        """Check X, and y where there is one, against each other and against what a fit has seen."""
        options = {
            "accept_sparse": self._sparse_formats,
            "dtype": self._kept_dtypes,
            "ensure_all_finite": self._finite,
            "reset": reset,
        }
        if y is NO_Y:
            return validate_data(self, X, **options)
        return validate_data(self, X, y, multi_output=True, **options)

    def _learn_input(self, X):
        """Learn what the network's architecture depends on, of all rows of a first call."""

    def _prepare_module(self, module, X, sample_weight):
        """Let a new module learn what it needs of the training data before training."""

    def _measure_work(self, module, X):
        """Return the work of a row of X in the module."""
        n_parameters = sum(p.numel() for p in module.parameters())
        return modules.Work(n_parameters, max(X.shape[1], 1024))

    def _phases(self, is_partial):
        """Return the phases of training; a partial fit has one, of which it takes one epoch."""
        return [Phase(self.max_iter, self.learning_rate_init)]

    def _begin_phase(self, module, phase):
        """Do what a phase needs of the module."""

    def _rebuild_module(self, generator):
        """Build the module of the fit again, for its state to be loaded into it."""
        return self._build_module(self._spec, generator)

    def _as_rows(self, X, y, sample_weight, raw):
        """Return a copy of this estimator, X, y, weights and raw outputs as a scorer takes them."""
        return copy.copy(self), X, y, sample_weight, raw

    def _set_aside(self, X, y, sample_weight, validation, is_partial):
        """Return the training rows and the validation rows, or None for the latter."""
        X_val, y_val, weight_val = validation
        if is_partial and self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        train = (X, y, sample_weight)
        if X_val is None:
            if y_val is not None or weight_val is not None:
                raise ValueError("y_val and sample_weight_val need X_val, which is None.")
            if not self.early_stopping:
                return train, None
            kept, held = split_rows(
                X.shape[0], self.validation_fraction, self._split_seed, self._strata(y), y
            )
            return tuple(
                tuple(None if part is None else part[rows] for part in train)
                for rows in (kept, held)
            )
        if y_val is None:
            raise ValueError("X_val needs y_val, which is None.")
        try:
            X_val, y_val, weight_val = self._check_data(X_val, y_val, weight_val, reset=False)
            self._check_target(y_val, is_validation=True)
        except ValueError as error:
            raise ValueError(f"The validation data (X_val, y_val): {error}") from error
        return train, without_zeros(X_val, y_val, self._weigh(y_val, weight_val))

    def _batch_size(self, n_rows):
        if self.solver in ("gd", "lbfgs"):
            return n_rows
        if self.batch_size == "auto":
            return self._auto_batch_size(n_rows)
        if self.batch_size > n_rows:
            warnings.warn(
                "Got `batch_size` less than 1 or larger than sample size. "
                f"It is going to be clipped: batch_size={self.batch_size}, {n_rows} rows.",
                stacklevel=6,  # the caller of fit
            )
        return min(self.batch_size, n_rows)

    def _auto_batch_size(self, n_rows):
        return min(200, n_rows)

    def _make_rows(self, X, y, sample_weight, dtype, device):
        weight, mean_weight = None, 1.0
        if sample_weight is not None:
            mean_weight = float(np.mean(sample_weight))
            weight = to_tensor(sample_weight / mean_weight, dtype, device)
        encoded = self._encode_target(y)
        is_class = encoded.dtype.kind in "iu"
        target = to_tensor(encoded, torch.int64 if is_class else dtype, device)
        return training.Rows(
            to_inputs(X, dtype, device),
            target,
            weight,
            mean_weight=mean_weight,
            dtype=dtype,
            device=device,
        )

    # --- the net -----------------------------------------------------------------------------------

    def _make_augment(self):
        """Return what changes the rows of a batch in training, or None."""
        return

    @property
    def _max_norm(self):
        """The norm to which longer gradients are shortened, or None."""
        return self.max_grad_norm

    #: How advice begins about training that went wrong.
    _scaling_advice = "Scale X (StandardScaler), lower"

    #: Whether the module may draw from Torch's global generator (a user's own may).
    _draws_unseeded = False

    def _open_tasks(self, X, y, sample_weight, is_partial):
        """Tell scikit-learn's callbacks that a fit begins; None if nobody listens."""
        if not hasattr(self, "_init_callback_context"):
            return None
        per_phase = self.solver == "lbfgs"  # whose last iteration has begun another task
        n_tasks = 1 if is_partial else sum(p.max_iter + per_phase for p in self._phases(False))
        context = self._init_callback_context(max_subtasks=n_tasks)
        if not getattr(self, "_skl_callbacks", None):
            return None
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        return EpochTasks(self, context, {"X": X, "y": y, "metadata": metadata})

    # --- predict -----------------------------------------------------------------------------------

    def _decode(self, X, from_raw):
        """Return what ``from_raw(raw, dtype)`` makes of the raw outputs of X."""
        return from_raw(*self._raw_predict(X))

    def _raw_predict(self, X, part=None):
        """Check X and return its raw outputs on the CPU, with the dtype predictions should have.

        `part` is a function of a batch that takes the module's place: what a part of it returns.
        """
        check_is_fitted(self)
        X = self._read_X(X, reset=False)
        values = self.net_.flat.values
        size = self._rows_at_once(X)
        blocks = [slice(start, start + size) for start in range(0, X.shape[0], size)]
        n_rows = min(size, X.shape[0])
        with self._threads_for(n_rows):
            raw = self.net_.raw_outputs(
                (self._to_batch(X[block], values.dtype, values.device) for block in blocks),
                X.shape[0],
                part,
            )
        return raw, prediction_dtype(X)

    def _rows_at_once(self, X):
        """Return the number of rows in a block that is predicted at once."""
        return self.net_.rows_at_once

    #: Multiply-adds below which a step is small; None is what suits dense layers.
    _small_step = None

    def _threads_for(self, n_rows):
        """Return a context with as many threads as the work of some rows is worth."""
        return training.threads_for(n_rows * self._work.at_once, self._small_step)

    @staticmethod
    def _to_batch(X, dtype, device):
        inputs = to_inputs(X, dtype, device)
        if torch.is_tensor(inputs):
            return inputs
        if isinstance(inputs, training.Ragged):
            return inputs[:]
        return training.sparse_tensor(inputs, dtype, device)

    # --- scikit-learn's view -------------------------------------------------------------------------

    def __sklearn_is_fitted__(self):
        return hasattr(self, "net_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self._sparse_formats is not False
        return tags

    def __copy__(self):
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __getstate__(self):
        return to_arrays(super().__getstate__())

    def __setstate__(self, state):
        super().__setstate__(load_net(self, state))
