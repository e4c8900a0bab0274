"""What both estimators of tables share: one way from a frame to a population, and back."""

import copy
import numbers
from abc import abstractmethod

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import get_scorer_names
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_consistent_length, check_is_fitted, column_or_1d

from sknets._collector import put_aside_in_worker
from sknets._interrupts import interrupts_end_all
from sknets._version import Versioned
from sknets._warn import unsaid
from sknets.estimators._learned import as_double
from sknets.estimators._sklearn import (
    Interval,
    StrOptions,
    check_sample_weight,
    fit_context,
    take_rows,
)
from sknets.estimators._transaction import transaction
from sknets.tables._candidates import PATIENCE, budget, distilled, draw_candidates
from sknets.tables._columns import check_table
from sknets.tables._encoder import TableEncoder
from sknets.tables._ensemble import choose_weights
from sknets.tables._folds import make_folds, read_groups
from sknets.tables._judge import Judge, make_scored_loss
from sknets.tables._population import Population
from sknets.training import one_of_many

#: With `early_stopping`, the share of the epochs after which candidates are compared, and the share of
#: those that go on: one in so many.
_SHORTER = 10
_SURVIVORS = 4


class TableEstimator(Versioned, BaseEstimator):
    """Base of `TabularRegressor` and `TabularClassifier`: all but what y is.

    Guarantees: a fit that raises leaves the estimator as it was before; X and y are not changed.
    """

    _parameter_constraints = {
        "n_candidates": [StrOptions({"auto"}), Interval(numbers.Integral, 1, None, closed="left")],
        "cv": ["cv_object"],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "categorical_features": [StrOptions({"from_dtype"}), "array-like", None],
        "max_iter": [StrOptions({"auto"}), Interval(numbers.Integral, 1, None, closed="left")],
        "early_stopping": ["boolean"],
        "time_limit": [Interval(numbers.Real, 0, None, closed="neither"), None],
        "dtype": [StrOptions({"float32", "float64"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        n_candidates="auto",
        cv=5,
        scoring=None,
        categorical_features="from_dtype",
        max_iter="auto",
        early_stopping=False,
        time_limit=None,
        dtype="float32",
        random_state=None,
        verbose=0,
    ):
        self.n_candidates = n_candidates
        self.cv = cv
        self.scoring = scoring
        self.categorical_features = categorical_features
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.time_limit = time_limit
        self.dtype = dtype
        self.random_state = random_state
        self.verbose = verbose

    # --- what y is --------------------------------------------------------------------------------

    @abstractmethod
    def _learn_target(self, y):
        """Return y as the networks take it; learn what it is. None of its values is missing."""

    @abstractmethod
    def _make_network(self, **params):
        """Return an unfitted network."""

    @abstractmethod
    def _outputs(self, network, X):
        """Return what a network predicts, as it is averaged."""

    @abstractmethod
    def _loss(self, predictions, y, weight):
        """Return the mean loss of predictions, by which they are compared if there is no `scoring`."""

    @abstractmethod
    def _as_score(self, loss):
        """Return the negative of such a loss in units of y."""

    @abstractmethod
    def _as_estimator(self, predictions):
        """Return a fitted estimator that predicts this for any X."""

    @abstractmethod
    def _guess(self, y):
        """Return predictions that anybody could make, to try a score."""

    def _labels(self, y):
        """Return y as the user knows it."""
        return y

    @abstractmethod
    def _make_splitter(self, y, n_folds, seed):
        """Return a splitter into a number of folds, or fewer if y does not allow so many."""

    def _known(self, y_train, y_held):
        """Return which held-out rows a network can be validated on."""
        return np.ones(len(y_held), dtype=bool)

    @abstractmethod
    def _settle(self, mean, oof, y, weight):
        """Learn what follows from out-of-fold predictions."""

    def _finish(self, mean):
        """Return the predictions of the ensemble from the mean of its members."""
        return mean

    @abstractmethod
    def _teach(self, network, encoded, X):
        """Let a network learn what this estimator predicts."""

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
        put_aside_in_worker()
        with transaction(self), interrupts_end_all():
            self._fit(X, y, sample_weight, groups)
        return self

    def _fit(self, X, y, sample_weight, groups):
        check_table(self, X, reset=True)
        y = _read_y(self, y)
        check_consistent_length(X, y, groups)
        weight = sample_weight
        if weight is not None:
            weight = check_sample_weight(weight, X, ensure_non_negative=True)
        kept = np.arange(len(y)) if weight is None else np.flatnonzero(weight > 0)
        if len(kept) < 2:
            raise ValueError(
                f"n_samples={len(kept)}: {type(self).__name__} holds rows out, so it needs at least 2 "
                "samples (of a weight above 0)."
            )
        rng = np.random.default_rng(check_random_state(self.random_state).randint(2**31 - 1))
        if len(kept) < len(y):
            weight = weight[kept]
            X = take_rows(X, kept)
        target = self._learn_target(y[kept])
        seed = int(rng.integers(2**31 - 1))
        folds = make_folds(self.cv, self._make_splitter, y, target, read_groups(groups), kept, seed)
        self._encoder = TableEncoder(self.categorical_features).fit(X)
        encoded = self._encoder.transform(X)
        n_rows = len(folds.pairs[0][0])
        epochs, batch_size = budget(n_rows)
        if self.max_iter != "auto":
            epochs = self.max_iter
        judge = self._make_judge(folds.n_held > 0, target, weight)
        n_numbers = self._encoder.n_numbers_
        configurations = draw_candidates(self.n_candidates, n_rows, n_numbers, rng)
        fit = self._make_fit(encoded, target, weight, folds, batch_size, rng)
        population = Population(folds, fit, self.time_limit, self.verbose)
        self._train(population, configurations, epochs, judge)
        self._candidates = population.candidates
        self.n_iter_ = max(m.n_iter_ for members in self._members for m in members)
        self._choose(judge, target, weight)

    def _train(self, population, configurations, epochs, judge):
        """Train a population: all for all epochs, or all for a part of them and the best for all."""
        if self.early_stopping and len(configurations) > 1:
            short = {"max_iter": max(1, epochs // _SHORTER)}
            tried = population.train([params | short for params in configurations])
            losses = [judge.loss(candidate.oof[judge.seen]) for candidate in tried]
            best = np.argsort(losses, kind="stable")[: max(1, len(tried) // _SURVIVORS)]
            configurations = [configurations[k] for k in best]
        population.train([params | {"max_iter": epochs} for params in configurations])

    def _make_judge(self, seen, y, weight):
        y, weight = y[seen], None if weight is None else weight[seen]
        if self.scoring is not None:
            loss = make_scored_loss(self, self._as_estimator, self._labels(y), weight)
            loss(self._guess(y))  # before anything is trained
            return Judge(seen, loss, lambda loss: -loss)
        return Judge(seen, lambda outputs: self._loss(outputs, y, weight), self._as_score)

    def _make_fit(self, encoded, y, weight, folds, batch_size, rng):
        """Return ``fit(params, fold)``, as a `Population` takes it."""
        learned_from = encoded.astype(self.dtype)
        seeds = [int(seed) for seed in rng.integers(2**31 - 1, size=len(folds.pairs))]
        shared = {
            "solver": "adamw",
            "learning_rate": "cosine",
            "early_stopping": True,
            "scoring": "loss",
            "n_iter_no_change": PATIENCE,
            "dtype": self.dtype,
        }

        def fit(params, fold):
            train, held = folds.pairs[fold]
            known = held[self._known(y[train], y[held])]
            if not len(known):
                raise ValueError(
                    f"Fold {fold} holds out classes that no other row has. Choose other folds (cv, "
                    "groups), or join rare classes."
                )
            size = {"batch_size": min(batch_size, len(train)), "random_state": seeds[fold]}
            network = self._make_network(**shared | size | params)
            further = {"X_val": learned_from[known], "y_val": y[known]}
            if weight is not None:
                further |= {"sample_weight": weight[train], "sample_weight_val": weight[known]}
            # the warning names parameters that are not the user's
            with one_of_many(), unsaid(ConvergenceWarning):
                network.fit(learned_from[train], y[train], **further)
            as_double(network)  # else the last digits depend on the rows beside
            return network, self._outputs(network, encoded[held])

        return fit

    def _choose(self, judge, y, weight):
        """Choose weights of candidates, and learn what follows, on rows that some fold holds out."""
        seen = judge.seen
        every = np.stack([candidate.oof for candidate in self._candidates])
        oof, y, weight = every[:, seen], y[seen], None if weight is None else weight[seen]
        self._weights = choose_weights(oof, judge.loss)
        self._settle(np.tensordot(self._weights, oof, 1), oof, y, weight)
        self.oof_prediction_ = self._finish(np.tensordot(self._weights, every, 1))
        self.leaderboard_ = self._describe(list(map(judge.loss, oof)), judge.as_score)

    def _describe(self, losses, as_score):
        """Return the leaderboard."""
        rows = [
            {
                "score": as_score(loss),
                "weight": weight,
                "epoch": float(np.mean([_best_epoch(member) for member in candidate.members])),
                "seconds": candidate.seconds,
                **candidate.params,
            }
            for candidate, loss, weight in zip(self._candidates, losses, self._weights, strict=True)
        ]
        return pd.DataFrame(rows).rename_axis("candidate").iloc[np.argsort(losses, kind="stable")]

    # --- afterwards -------------------------------------------------------------------------------

    @property
    def members_(self):
        """The fitted networks of each candidate, a list for each; one network for each fold."""
        check_is_fitted(self)
        return self._members

    @property
    def _members(self):
        return [list(candidate.members) for candidate in self._candidates]

    def _predict_mean(self, X):
        """Return the mean of the members."""
        check_is_fitted(self)
        encoded = self._encode(X)
        mean = 0.0
        for weight, candidate in zip(self._weights, self._candidates, strict=True):
            if weight > 0:
                outputs = [self._outputs(member, encoded) for member in candidate.members]
                mean = mean + weight * np.mean(outputs, axis=0)
        return mean

    def _encode(self, X):
        check_table(self, X, reset=False)  # whose errors speak of this estimator
        return self._encoder.transform(X)

    def distill(self, X, **params):
        """Return one small network that predicts nearly the same, where milliseconds count.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            Rows on which it learns what this estimator predicts; more than those of the fit may help, and
            they need no y.
        **params : dict
            Parameters of the network: of `MLPRegressor` or `MLPClassifier`. Its seed is 0 else.

        Returns
        -------
        sklearn.pipeline.Pipeline
            The encoder of this table, and the fitted network.
        """
        check_is_fitted(self)
        encoded = self._encode(X)
        defaults = distilled(len(encoded), self._encoder.n_numbers_) | {"dtype": self.dtype}
        network = self._make_network(**defaults | params)
        self._teach(network, encoded, X)
        return make_pipeline(copy.deepcopy(self._encoder), network)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = tags.input_tags.string = True
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "leaderboard_")


def _read_y(estimator, y):
    """Return y as an array of one axis."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is None."
        )
    y = column_or_1d(y, warn=True)
    is_odd = pd.isna(y)
    if y.dtype.kind == "f":
        is_odd |= np.isinf(y)
    if is_odd.any():
        raise ValueError(
            f"Input y contains NaN, infinity or None (row {np.flatnonzero(is_odd)[0]}); leave these rows "
            "out."
        )
    return y


def _best_epoch(network):
    return int(np.argmin(network.history_["validation_loss"])) + 1
