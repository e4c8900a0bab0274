"""What both estimators of tables share: one way from a frame to a population, and back."""

import copy
import numbers
from abc import abstractmethod

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.model_selection import GroupKFold, check_cv
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sknets._interrupts import interrupts_end_all
from sknets._version import Versioned
from sknets.estimators._sklearn import (
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
)
from sknets.tables._candidates import budget, draw_candidates
from sknets.tables._encoder import TableEncoder
from sknets.tables._ensemble import choose_weights
from sknets.tables._population import Folds, train_population


class TableEstimator(Versioned, BaseEstimator):
    """Base of `TabularRegressor` and `TabularClassifier`: all but what y is.

    Guarantees: a fit that raises leaves the estimator as it was before; X and y are not changed.
    """

    _parameter_constraints = {
        "n_candidates": [Interval(numbers.Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "max_iter": [StrOptions({"auto"}), Interval(numbers.Integral, 1, None, closed="left")],
        "time_limit": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "dtype": [StrOptions({"float32", "float64"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        *,
        n_candidates=12,
        cv=5,
        categorical_features="from_dtype",
        max_iter="auto",
        time_limit=None,
        dtype="float32",
        random_state=None,
    ):
        self.n_candidates = n_candidates
        self.cv = cv
        self.categorical_features = categorical_features
        self.max_iter = max_iter
        self.time_limit = time_limit
        self.dtype = dtype
        self.random_state = random_state

    # --- what y is --------------------------------------------------------------------------------

    @abstractmethod
    def _learn_target(self, y):
        """Return y as the networks take it; learn what it is."""

    @abstractmethod
    def _make_network(self, **params):
        """Return an unfitted network."""

    @abstractmethod
    def _outputs(self, network, X):
        """Return what a network predicts, as it is averaged."""

    @abstractmethod
    def _loss(self, predictions, y, weight):
        """Return the mean loss of predictions."""

    @abstractmethod
    def _default_cv(self, y, n_rows):
        """Return the number of folds for `cv` as a number, or raise if there cannot be any."""

    # --- fit --------------------------------------------------------------------------------------

    @fit_context
    def fit(self, X, y, sample_weight=None, *, groups=None):
        """Learn from a table.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            Numbers, booleans, categories and strings, with missing values.
        y : array-like of shape (n_samples,)
            What is to be predicted.
        sample_weight : array-like of shape (n_samples,), default=None
            Weight of each row; a row of weight 0 is as if it was not there.
        groups : array-like of shape (n_samples,), default=None
            Rows of one group are held out together, so that errors are those for new groups.

        Returns
        -------
        self : TableEstimator

        Raises
        ------
        ValueError, TypeError
            If X, y or a parameter cannot be used; the message says which, and what to do.
        """
        before = dict(vars(self))
        try:
            with interrupts_end_all():
                self._fit(X, y, sample_weight, groups)
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
        return self

    def _fit(self, X, y, sample_weight, groups):
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        encoder = TableEncoder(self.categorical_features)
        encoder.fit(X)  # which says what is wrong with X
        y = self._learn_target(y)
        check_consistent_length(X, y, groups)
        weight = None if sample_weight is None else check_sample_weight(sample_weight, X)
        if weight is not None and (weight == 0).any():
            kept = np.flatnonzero(weight > 0)
            X, y, weight = _rows(X, kept), y[kept], weight[kept]
            groups = None if groups is None else np.asarray(groups)[kept]
            encoder.fit(X)
        if len(y) < 2:
            raise ValueError(
                f"n_samples=1: {type(self).__name__} holds rows out, so it needs at least 2 samples "
                "(of a weight above 0)."
            )
        self._encoder = encoder
        self.n_features_in_ = encoder.n_features_in_
        if hasattr(encoder, "feature_names_in_"):
            self.feature_names_in_ = encoder.feature_names_in_
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        encoded = encoder.transform(X).astype(self.dtype)
        self._learn(encoded, X, y, weight, groups)

    def _learn(self, encoded, X, y, weight, groups):
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        folds = Folds(self._split(X, y, groups, int(rng.integers(2**31 - 1))), len(y))
        n_rows = len(folds.pairs[0][0])
        epochs, batch_size = budget(n_rows)
        seeds = [int(seed) for seed in rng.integers(2**31 - 1, size=len(folds.pairs))]
        shared = {
            "solver": "adamw",
            "learning_rate": "cosine",
            "max_iter": epochs if self.max_iter == "auto" else self.max_iter,
            "early_stopping": True,
            "scoring": "loss",
            "n_iter_no_change": np.inf,
            "dtype": self.dtype,
        }

        def fit(params, fold):
            train, held = folds.pairs[fold]
            size = {"batch_size": min(batch_size, len(train)), "random_state": seeds[fold]}
            network = self._make_network(**shared | size | params)
            weights = [None, None] if weight is None else [weight[train], weight[held]]
            valid = self._known(y[train], y[held])
            parts = (encoded[held][valid], y[held][valid])
            further = {} if weight is None else {"sample_weight_val": weights[1][valid]}
            network.fit(
                encoded[train], y[train], weights[0], X_val=parts[0], y_val=parts[1], **further
            )
            return network, self._outputs(network, encoded[held])

        configurations = draw_candidates(self.n_candidates, n_rows, rng)
        candidates = train_population(configurations, folds, fit, self.time_limit)
        seen = folds.n_held > 0
        y_seen, weight_seen = y[seen], None if weight is None else weight[seen]

        def loss(predictions):
            return self._loss(predictions, y_seen, weight_seen)

        oof = np.stack([candidate.oof[seen] for candidate in candidates])
        self._weights = choose_weights(oof, loss)
        self._candidates = candidates
        self.n_iter_ = max(m.n_iter_ for candidate in candidates for m in candidate.members)
        self._settle(np.tensordot(self._weights, oof, 1), oof, y_seen, weight_seen)
        mean = np.tensordot(self._weights, np.stack([c.oof for c in candidates]), 1)
        self.oof_prediction_ = self._finish(mean)
        self.leaderboard_ = self._describe([loss(prediction) for prediction in oof])

    def _known(self, y_train, y_held):
        """Return which held-out rows a network can be validated on."""
        return np.ones(len(y_held), dtype=bool)

    @abstractmethod
    def _settle(self, mean, oof, y, weight):
        """Learn what follows from out-of-fold predictions."""

    def _finish(self, mean):
        """Return the predictions of the ensemble from the mean of its members."""
        return mean

    def _split(self, X, y, groups, seed):
        cv = self.cv
        if isinstance(cv, numbers.Integral):
            n_folds = self._default_cv(y, cv)
            if groups is not None:
                n_groups = len(np.unique(np.asarray(groups)))
                if n_groups < 2:
                    raise ValueError(
                        "groups has one group only; at least 2 are needed to hold one out."
                    )
                splitter = GroupKFold(min(cv, n_groups), shuffle=True, random_state=seed)
            else:
                splitter = self._make_splitter(n_folds, seed)
        else:
            splitter = check_cv(cv, y)
        places = np.zeros((len(y), 1))
        pairs = list(splitter.split(places, y, groups))
        for train, held in pairs:
            if not len(train) or not len(held):
                raise ValueError(f"cv={cv!r} leaves a fold without rows; choose fewer folds.")
        return pairs

    @abstractmethod
    def _make_splitter(self, n_folds, seed):
        """Return the splitter for a number of folds."""

    def _describe(self, losses):
        """Return the leaderboard."""
        rows = [
            {
                "score": -loss,
                "weight": weight,
                "epoch": float(np.mean([_best_epoch(member) for member in candidate.members])),
                "seconds": candidate.seconds,
                **candidate.params,
            }
            for candidate, loss, weight in zip(self._candidates, losses, self._weights, strict=True)
        ]
        board = pd.DataFrame(rows).rename_axis("candidate")
        return board.sort_values("score", ascending=False, kind="stable")

    # --- afterwards -------------------------------------------------------------------------------

    @property
    def members_(self):
        """The fitted networks of each candidate, a list for each; one network for each fold."""
        check_is_fitted(self)
        return [list(candidate.members) for candidate in self._candidates]

    def _predict_mean(self, X):
        """Return the mean of the members, and what each candidate predicts, fold by fold."""
        check_is_fitted(self)
        encoded = self._encode(X)
        mean = 0.0
        for weight, candidate in zip(self._weights, self._candidates, strict=True):
            if weight > 0:
                outputs = [self._outputs(member, encoded) for member in candidate.members]
                mean = mean + weight * np.mean(outputs, axis=0)
        return mean

    def _encode(self, X):
        # names and number of the columns are those of the fit, and errors are this estimator's
        return self._encoder.transform(X).astype(self._candidates[0].members[0].dtype)

    def distill(self, X, **params):
        """Return one small network that predicts nearly the same, where milliseconds count.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            Rows on which it learns what this estimator predicts; more than those of the fit may help, and
            they need no y.
        **params : dict
            Parameters of the network.

        Returns
        -------
        sklearn.pipeline.Pipeline
            The encoder of this table, and the fitted network.
        """
        check_is_fitted(self)
        encoded = self._encode(X)
        defaults = {"learning_rate": "cosine", "random_state": 0, "dtype": self.dtype}
        network = self._make_network(**defaults | params)
        self._teach(network, encoded, X)
        return make_pipeline(copy.deepcopy(self._encoder), network)

    @abstractmethod
    def _teach(self, network, encoded, X):
        """Let a network learn what this estimator predicts."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "leaderboard_")


def _rows(X, kept):
    if hasattr(X, "iloc"):
        return X.iloc[kept]
    return X[kept] if hasattr(X, "shape") else np.asarray(X)[kept]


def _best_epoch(network):
    return int(np.argmin(network.history_["validation_loss"])) + 1
