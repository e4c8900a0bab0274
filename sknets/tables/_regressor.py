"""Numbers from a table."""

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.model_selection import KFold
from sklearn.utils.validation import check_is_fitted

from sknets.estimators import MLPRegressor
from sknets.tables._base import TableEstimator

#: Shares of the spread of the members in the width of an interval, of which the narrowest is taken.
_SHARES = (0.0, 0.5, 1.0, 2.0)


class TabularRegressor(RegressorMixin, TableEstimator):
    """Regression on tables as they come, by a population of small networks.

    Columns may be numbers, booleans, categories and strings, with missing values; nothing need be
    scaled or encoded. Several configurations of networks, a linear model among them, are trained in
    several folds at once, as stacks. What each predicts for the rows that it has not seen decides on its
    best epoch and on its weight in the ensemble, and gives errors and intervals; no rows are lost for
    that.

    Parameters
    ----------
    n_candidates : int, default=12
        Number of configurations. The first three are always the same: a linear model, the default
        network, and one of two layers with dropout.
    cv : int, splitter, iterable or None, default=5
        Folds. A number of them is reduced where there are fewer rows, and respects `groups`; None is 5.
        A splitter or iterable is about all rows, those of weight 0 too.
    categorical_features : 'from_dtype', array-like or None, default='from_dtype'
        Which columns are categories: those of words (strings, objects, categories), or by name,
        position or mask. None: there are none.
    max_iter : int or 'auto', default='auto'
        Epochs of each network, of which the best one counts. "auto" takes 80 for few rows, and 20 from
        10,000 rows on.
    time_limit : float, default=None
        Seconds after which no further configurations begin. The first one always does.
    dtype : {'float32', 'float64'}, default='float32'
        Precision in which the networks learn. They predict in float64.
    random_state : int, RandomState instance or None, default=None
        Seed of folds, configurations and networks.

    Attributes
    ----------
    leaderboard_ : pandas.DataFrame
        A row for each configuration, the best first: `score` (its mean loss on rows that it has not seen,
        negative), `weight` in the ensemble, best `epoch` (mean over folds), `seconds` (its share of the
        time) and its parameters.
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
    are those of cross-conformal prediction [2]_, with errors in units of the spread of the networks.

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

    def _learn_target(self, y):
        y = y.astype(np.float64)
        # losses are compared in units of half the range: squares of others may overflow, or vanish
        self._unit = y.max() / 2 - y.min() / 2 or 1.0
        return y

    def _make_network(self, **params):
        return MLPRegressor(**params)

    def _outputs(self, network, X):
        return network.predict(X).astype(float)

    def _loss(self, predictions, y, weight):
        return float(np.average(np.square((predictions - y) / self._unit), weights=weight))

    def _as_score(self, loss):
        with np.errstate(over="ignore", under="ignore"):
            return -float(loss * np.square(self._unit))

    def _make_splitter(self, y, n_folds, seed):
        return KFold(min(n_folds, len(y)), shuffle=True, random_state=seed)

    def _settle(self, mean, oof, y, weight):
        self._residuals = np.abs(y - mean) / self._unit
        self._scale = float(np.sqrt(np.mean(np.square(self._residuals))))
        self._spreads = self._spread(oof, mean, self._weights)

    def predict(self, X, *, return_std=False):
        """Predict.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            The table, with the columns of the fit.
        return_std : bool, default=False
            Whether to return also by how much the configurations differ: what comes from not knowing
            which of them is right, which is less than the error.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Predictions.
        std : ndarray of shape (n_samples,)
            Weighted standard deviation of the configurations. Only if `return_std`.
        """
        if not return_std:
            return self._predict_mean(X)
        mean, spread = self._mean_and_spread(X)
        return mean, self._unit * spread

    def predict_interval(self, X, coverage=0.9):
        """Return intervals in which y lies with a given probability.

        The errors on rows that were held out, in units of what the configurations differ by there, are
        laid around the predictions.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            The table, with the columns of the fit.
        coverage : float in (0, 1), default=0.9
            The probability.

        Returns
        -------
        ndarray of shape (n_samples, 2)
            Lower and upper ends.
        """
        check_is_fitted(self)
        if not 0.0 < coverage < 1.0:
            raise ValueError(f"coverage must be between 0 and 1, got {coverage}.")
        mean, spread = self._mean_and_spread(X)
        unit, quantile = self._narrowest(coverage)
        width = self._unit * quantile * np.hypot(self._scale, unit * spread)
        return np.stack([mean - width, mean + width], axis=1)

    def _narrowest(self, coverage):
        """Return the share of the spread, and the quantile of errors in units with it."""
        n = len(self._residuals)
        level = min(1.0, np.ceil((n + 1) * coverage) / n)
        found = []
        for unit in _SHARES:
            units = np.hypot(self._scale, unit * self._spreads)
            units = np.where(units > 0, units, 1.0)
            quantile = np.quantile(self._residuals / units, level, method="higher")
            found.append((quantile * units.mean(), unit, quantile))
        _, unit, quantile = min(found)
        return unit, quantile if self._scale > 0 else 0.0

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
