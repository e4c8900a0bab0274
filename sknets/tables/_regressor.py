"""Numbers from a table."""

import numpy as np
from scipy.special import xlogy
from sklearn.base import RegressorMixin
from sklearn.model_selection import KFold
from sklearn.utils.validation import check_is_fitted

from sknets.estimators import MLPRegressor
from sknets.estimators._sklearn import StrOptions
from sknets.tables._base import TableEstimator
from sknets.tables._judge import KnownNumbers
from sknets.uncertainty import Intervals, check_coverage


def _as_numbers(y):
    is_words = y.dtype.kind in "US" or any(isinstance(value, str) for value in y)
    try:
        if not is_words and y.dtype.kind not in "mM":
            return y.astype(np.float64)
    except (TypeError, ValueError):
        pass
    raise ValueError(
        f"y must be numbers in regression, got {y[:1].tolist()[0]!r} ({y.dtype}). Convert it, or use "
        "TabularClassifier for classes."
    )


def _squared_errors(y, predicted):
    return np.square(predicted - y)


def _absolute_errors(y, predicted):
    return np.abs(predicted - y)


def _poisson_deviances(y, predicted):
    predicted = np.maximum(predicted, np.finfo(float).tiny)
    return 2.0 * (xlogy(y, y / predicted) - y + predicted)


#: For each loss that of the rows, by the mean of which predictions are compared, and the power of y's
#: unit in it.
_LOSSES = {
    "squared_error": (_squared_errors, 2),
    "absolute_error": (_absolute_errors, 1),
    "poisson": (_poisson_deviances, 1),
}


class TabularRegressor(RegressorMixin, TableEstimator):
    """Regression on tables as they come, by a population of small networks.

    Columns may be numbers, booleans, categories and strings, with missing values; nothing need be
    scaled or encoded. Several configurations of networks, a linear model among them, are trained in
    several folds at once, as stacks. What each predicts for the rows that it has not seen decides on its
    best epoch and on its weight in the ensemble, and gives errors and intervals; no rows are lost for
    that.

    Parameters
    ----------
    loss : {'squared_error', 'absolute_error', 'poisson'}, default='squared_error'
        What the networks minimise, and by which they are compared: for the mean, the median, or the mean
        of counts and other y that are not negative.
    n_candidates : int or 'auto', default='auto'
        Number of configurations. The first ones are always the same, the best for most tables first, a
        linear model and the default network among them; those beyond are drawn. "auto" takes 6,
        or 8 from some 1,000 rows on.
    cv : int, splitter, iterable or None, default=5
        Folds. A number of them is reduced where there are fewer rows, and respects `groups`; None is 5.
        A splitter or iterable is about all rows, those of weight 0 too.
    scoring : str, callable or None, default=None
        Score by which configurations are compared and the ensemble is chosen, a name or a function as in
        scikit-learn. None: the mean `loss`. Networks learn by their loss in any
        case. A function is given zeros for X, and an estimator that only predicts.
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categories: those of words (strings, objects, categories), or by name,
        position or mask. None: there are none.
    max_iter : int or 'auto', default='auto'
        Largest number of epochs of each network, of which the best one counts; after 12 without a
        better one it stops. "auto" takes 100 for few rows, and 25 from 16,000 rows on.
    early_stopping : bool, default=False
        Whether all configurations are trained for a tenth of the epochs first, and only the best quarter
        of them for all: for many of them in less time. Both count in the ensemble, and have rows of
        their own in `leaderboard_`.
    time_limit : float, default=None
        Seconds after which no further configurations begin. The first one always does; with
        `early_stopping` there may be short trainings only.
    dtype : {'float32', 'float64'}, default='float32'
        Precision in which the networks learn. They predict in float64.
    random_state : int, RandomState instance or None, default=None
        Seed of folds, configurations and networks.
    verbose : int, default=0
        Whether to print, after every few configurations, how many are done and the time that is left.

    Attributes
    ----------
    leaderboard_ : pandas.DataFrame
        A row for each configuration, the best first: `score` (its mean loss on rows that it has not seen,
        negative, or its `scoring`), `weight` in the ensemble, best `epoch` (mean over folds), `seconds`
        (its share of the time) and its parameters.
    oof_prediction_ : ndarray of shape (n_samples,)
        What the ensemble predicts for the rows of the fit (those of a weight above 0), each by networks
        that have not seen it; NaN for rows that no fold holds out. The weights of the ensemble come from
        the same rows.
    members_ : list of list of MLPRegressor
        The networks of each configuration, by the index of `leaderboard_`; one for each fold.
    n_iter_ : int
        Epochs of the longest training.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where they had any.

    See Also
    --------
    TabularClassifier : Classes from a table.
    MLPRegressor : One network, on numbers.
    sklearn.ensemble.HistGradientBoostingRegressor : Boosted trees on tables as they come.

    Notes
    -----
    Weights are chosen by greedy selection [1]_, drawn towards equal ones where rows are few. Intervals
    are those of cross-conformal prediction [2]_, with errors in units of what they are expected to be.

    References
    ----------
    .. [1] Caruana, Niculescu-Mizil, Crew and Ksikes (2004). Ensemble selection from libraries of models.
       ICML.
    .. [2] Vovk (2015). Cross-conformal predictors. Annals of Mathematics and Artificial Intelligence 74.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sknets import TabularRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"size": rng.normal(size=200), "city": rng.choice(["Bonn", "Lyon"], size=200)})
    >>> y = X["size"] ** 2 + (X["city"] == "Lyon")
    >>> model = TabularRegressor(n_candidates=4, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    _parameter_constraints = TableEstimator._parameter_constraints | {
        "loss": [StrOptions(set(_LOSSES))]
    }

    def __init__(
        self,
        *,
        loss="squared_error",
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
        self.loss = loss
        super().__init__(
            n_candidates=n_candidates,
            cv=cv,
            scoring=scoring,
            categorical_features=categorical_features,
            max_iter=max_iter,
            early_stopping=early_stopping,
            time_limit=time_limit,
            dtype=dtype,
            random_state=random_state,
            verbose=verbose,
        )

    def _learn_target(self, y):
        y = _as_numbers(y)
        # losses are compared in units of half the range: squares of others may overflow, or vanish
        self._unit = y.max() / 2 - y.min() / 2 or 1.0
        return y

    def _make_network(self, **params):
        return MLPRegressor(**{"loss": self.loss} | params)

    def _outputs(self, network, X):
        return network.predict(X).astype(float)

    def _loss(self, predictions, y, weight):
        of_rows, _ = _LOSSES[self.loss]
        return float(np.average(of_rows(y / self._unit, predictions / self._unit), weights=weight))

    def _as_score(self, loss):
        _, power = _LOSSES[self.loss]
        with np.errstate(over="ignore", under="ignore"):
            return -float(loss * np.float64(self._unit) ** power)

    def _as_estimator(self, predictions):
        return KnownNumbers(predictions)

    def _guess(self, y):
        return np.linspace(y.mean(), y.max(), len(y))

    def _make_splitter(self, y, n_folds, seed):
        return KFold(min(n_folds, len(y)), shuffle=True, random_state=seed)

    def _settle(self, mean, oof, y, weight):
        errors = np.abs(y - mean) / self._unit
        spread = self._spread(oof, mean, self._weights)
        self._intervals = Intervals(mean / self._unit, spread, errors, weight)

    def predict(self, X, *, return_std=False, coverage=None):
        """Predict.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            The table, with the columns of the fit.
        return_std : bool, default=False
            Whether to return also by how much the configurations differ: what comes from not knowing
            which of them is right, which is less than the error.
        coverage : float in (0, 1), default=None
            If given, intervals are returned, too, as `predict_interval` makes them: for pipelines, which
            have no such method.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predictions.
        std : ndarray of shape (n_samples,)
            Weighted standard deviation of the configurations. Only if `return_std`.
        interval : ndarray of shape (n_samples, 2)
            Lower and upper ends. Only with `coverage`.
        """
        if not return_std and coverage is None:
            return self._predict_mean(X)
        if coverage is not None:
            check_coverage(coverage)
        mean, spread = self._mean_and_spread(X)
        answer = [mean]
        if return_std:
            answer.append(self._unit * spread)
        if coverage is not None:
            answer.append(self._interval(mean, spread, coverage))
        return tuple(answer)

    def predict_interval(self, X, coverage=0.9):
        """Return intervals in which y lies with a given probability.

        The errors on rows that were held out are laid around the predictions: larger ones where the
        configurations differ more, or where rows with such predictions had larger errors, if that makes
        the intervals narrower.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            The table, with the columns of the fit.
        coverage : float in (0, 1), default=0.9
            The probability, of rows as they are weighted in the fit.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper ends.

        Raises
        ------
        ValueError
            If the fit had fewer than coverage / (1 - coverage) rows.
        """
        check_is_fitted(self)
        check_coverage(coverage)
        return self._interval(*self._mean_and_spread(X), coverage)

    def _interval(self, mean, spread, coverage):
        half = self._unit * self._intervals.half_widths(mean / self._unit, spread, coverage)
        low = mean - half
        if self.loss == "poisson":
            low = np.maximum(low, 0.0)  # as y is
        return np.stack([low, mean + half], axis=1)

    def _mean_and_spread(self, X):
        check_is_fitted(self)
        encoded = self._encode(X)
        used = np.flatnonzero(self._weights > 0)
        outputs = np.stack(
            [
                [self._outputs(member, encoded) for member in self._candidates[k].members]
                for k in used
            ]
        )  # candidates, folds, rows
        weights = self._weights[used]
        mean = np.tensordot(weights, outputs.mean(axis=1), 1)
        # fold by fold, as for the rows of the fit: the mean over folds would differ less
        squares = [
            np.square(self._spread(of_fold, np.tensordot(weights, of_fold, 1), weights))
            for of_fold in outputs.swapaxes(0, 1)
        ]
        return mean, np.sqrt(np.mean(squares, axis=0))

    def _spread(self, outputs, mean, weights):
        """Return by how much candidates differ, in units of y's half range."""
        return np.sqrt(np.tensordot(weights, np.square((outputs - mean) / self._unit), 1))

    def _teach(self, network, encoded, X):
        network.fit(encoded, self.predict(X))
