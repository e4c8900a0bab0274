"""What all estimators share: one way through `fit`, and one through `predict`."""

import inspect
from abc import ABC, abstractmethod

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from sknets import modules, training
from sknets._collector import put_aside_in_worker
from sknets._plain_torch import in_plain_torch
from sknets._version import VERSION_KEY, Versioned, elsewhere, own_state
from sknets.estimators import _fit as steps
from sknets.estimators._attributes import FittedAttributes
from sknets.estimators._calibration import check_partial
from sknets.estimators._callbacks import open_tasks
from sknets.estimators._checkpoint import check_checkpoint
from sknets.estimators._learned import check_layout, from_state, to_state
from sknets.estimators._members import check_n_members, fit_members
from sknets.estimators._methods import without_class
from sknets.estimators._overflow import check_outputs
from sknets.estimators._sklearn import (
    CallbackSupportMixin,
    constructor_names,
    validate_parameter_constraints,
)
from sknets.estimators._transaction import transaction
from sknets.estimators._words import Page
from sknets.inputs import prediction_dtype
from sknets.targets import SINGLE, Raw


@without_class
class BaseNet(FittedAttributes, CallbackSupportMixin, Versioned, BaseEstimator, ABC):
    """Base of all estimators: what X is, what y is and what the network is meet here.

    A family of networks answers two questions, `_make_input` and `_make_architecture`; a task
    (`ClassifierTask`, `RegressorTask`) answers the third, `_task`. A leaf class joins the two and has a
    `Page` of words, which makes its docstring, its signature and its constraints. All that a fit learns
    stands in `_learned`.

    Guarantees: a fit or partial fit that raises leaves the estimator as it was before; the
    global random states and the thread count of the caller are the same after any method.
    """

    @property
    @abstractmethod
    def _task(self):
        """The parameters that concern y, as a task of `targets`."""

    @abstractmethod
    def _make_input(self):
        """Make what reads X, from parameters that have not been checked."""

    @abstractmethod
    def _make_architecture(self, input, target):
        """Make the plan of the network for what X and y have turned out to be.

        Raises
        ------
        ValueError
            If a parameter does not fit, or would have no effect.
        """

    #: What is said of the parameters and attributes.
    _page: Page

    #: How many outputs y has for a row, and the phases of training after the first one.
    _outputs = SINGLE
    _further_phases = ()

    def __init_subclass__(cls, **options):
        """Read the signature of a constructor once: `get_params` and `clone` ask for it each time."""
        super().__init_subclass__(**options)
        if "__init__" in vars(cls):
            cls.__init__.__signature__ = inspect.signature(cls.__init__)

    @classmethod
    def _get_param_names(cls):
        """Return the names of the parameters, which scikit-learn reads from the signature once."""
        names = vars(cls).get("_own_param_names")
        if names is None:
            names = cls._own_param_names = super()._get_param_names()
        return names

    # --- fit ---------------------------------------------------------------------------------------

    @in_plain_torch
    def _fit(self, X, y, sample_weight, validation=(None,) * 3, *, is_partial=False, classes=None):
        """Go the way of every fit: learn X and y, build or go on, set aside, place, train."""
        put_aside_in_worker()
        if is_partial:
            check_partial(self)
        check_checkpoint(self, is_partial)
        if is_partial or self.warm_start:
            check_n_members(self)
        if self.n_members > 1:
            return self._fit_members(X, y, sample_weight, validation, is_partial, classes)
        earlier = getattr(self, "_learned", None) if is_partial or self.warm_start else None
        run = steps.Run(earlier, is_partial, open_tasks(self, X, y, sample_weight, is_partial))
        if earlier is not None:
            run.undo.append(training.undo_for(earlier.net))
        with transaction(self, run.put_back):
            vars(self).pop("_calibration", None)  # of an earlier fit
            data, learned = steps.learn(self, run, X, y, sample_weight, classes)
            train, valid = steps.set_aside(self, run, learned, data, validation)
            is_given = validation[0] is not None
            rows, make = steps.place(self, run, learned, train, valid, is_given=is_given)
            steps.train(self, run, learned, train, rows, make)
            if run.tasks is not None:
                run.tasks.close()
            if run.checkpoint is not None and self.stop_reason_ != "interrupt":
                run.checkpoint.close()
            vars(self).pop("members_", None)  # of an earlier fit
        return self

    def _fit_members(self, X, y, sample_weight, validation, is_partial, classes):
        """Fit several networks, the first of which is what this estimator has learned."""
        goes_on = is_partial or self.warm_start
        further = {"is_partial": is_partial, "classes": classes}
        with transaction(self):
            vars(self).pop("_calibration", None)
            self.members_ = fit_members(
                self,
                vars(self).get("members_") if goes_on else None,
                lambda member: member._fit(X, y, sample_weight, validation, **further),
            )
            first = vars(self.members_[0])
            self._learned = first["_learned"]
            for name in ("n_features_in_", "feature_names_in_"):
                vars(self).pop(name, None)
                if name in first:
                    setattr(self, name, first[name])
        return self

    # --- predict -----------------------------------------------------------------------------------

    def _read(self, X):
        """Read a further X."""
        learned = self._learned
        rows = learned.input.read(self, X, reset=False)
        learned.input.check_sizes(rows, learned.net.flat.values.dtype)
        return rows

    def _raw_predict(self, X, part=None):
        """Read X and return its raw outputs as a `Raw`, which the target decodes.

        `part` is a function of a batch that takes the module's place: what a part of it returns.
        """
        if not self.__sklearn_is_fitted__():  # to ask is ten times as fast as to check
            check_is_fitted(self)
        if part is None and "members_" in vars(self):
            return self._learned.target.pool(self._raws_of_members(X))
        return self._answer(self._read(X), part)

    def _raws_of_members(self, X):
        """Read X once and return a `Raw` of each member."""
        rows = self._read(X)
        return [member._answer(rows) for member in self.members_]

    def _raws_of_draws(self, rows, n_draws):
        """Return, of each network, a `Raw` for each of some draws of dropout: the same in each call."""
        raws = []
        for member in vars(self).get("members_", [self]):
            learned = member._learned
            module = modules.with_dropout(learned.net.module_, self)
            generator = torch.Generator(learned.net.device).manual_seed(learned.split_seed)
            training.seed_layers(module, generator)
            for _ in range(n_draws):
                raws.append(member._answer(rows, module, training.draw_seed(generator)))
        return raws

    def _answer(self, rows, part=None, seed=0):
        """Return the `Raw` of the one network here."""
        learned = self._learned
        order, size = learned.input.plan_prediction(rows, learned.net.rows_at_once)
        ordered = rows if order is None else rows[order]
        n_rows, values = rows.shape[0], learned.net.flat.values
        blocks = [ordered]
        if n_rows > size:
            blocks = (ordered[start : start + size] for start in range(0, n_rows, size))
        batches = (learned.input.batch(block, values.dtype, values.device) for block in blocks)
        with learned.threads_for(min(size, n_rows), is_all=n_rows <= size):
            raw = learned.net.raw_outputs(batches, n_rows, part, seed)
        if order is not None:
            raw = raw[torch.from_numpy(np.argsort(order))]
        check_outputs(learned, raw)
        return Raw(raw, rows, prediction_dtype(rows))

    # --- scikit-learn's view -------------------------------------------------------------------------

    def __sklearn_is_fitted__(self):
        return hasattr(self, "_learned")

    def _validate_params(self):
        """Check the parameters, and those that the constructor of a subclass sets by itself."""
        constraints = self._parameter_constraints
        own = constructor_names(type(self))
        names = (*own, *(name for name in self._page.names if name not in own))
        values = {name: getattr(self, name) for name in names}
        validate_parameter_constraints(
            constraints,
            self._page.without_defaults(values, constraints),
            caller_name=type(self).__name__,
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        input = self._make_input()
        tags.input_tags.sparse = input.takes_sparse
        tags.input_tags.three_d_array = input.takes_three_axes
        return tags

    def __copy__(self):
        if self.__sklearn_is_fitted__():
            self._learned.others = None  # of two that share a net, neither goes on with it
        copied = type(self).__new__(type(self))
        vars(copied).update(vars(self))
        return copied

    def __getstate__(self):
        state = super().__getstate__()
        if "members_" in state:
            del state["_learned"]  # that of the first one
        elif "_learned" in state:
            state["_learned"] = to_state(state["_learned"])
        return state

    @in_plain_torch
    def __setstate__(self, state):
        state = dict(own_state(self, state))
        learned = state.pop("_learned", None)
        if learned is not None:
            check_layout(self, learned, state.get(VERSION_KEY))
        with elsewhere(None):
            super().__setstate__(state)
        if learned is not None:
            self._learned = from_state(self, learned)
        elif "members_" in state:
            self._learned = self.members_[0]._learned
