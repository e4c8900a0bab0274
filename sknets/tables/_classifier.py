"""Classes from a table."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from sknets._plain import kept
from sknets.estimators import MLPClassifier
from sknets.estimators._calibration import deal
from sknets.tables._base import TableEstimator
from sknets.tables._judge import KnownShares
from sknets.tables._soft_labels import as_weighted_rows
from sknets.uncertainty import HeldClasses, at_temperature, check_coverage, choose_temperature

_SMALLEST = 1e-6


class TabularClassifier(ClassifierMixin, TableEstimator):
    """Classification of tables as they come, by a population of small networks.

    Columns may be numbers, booleans, categories and strings, with missing values; nothing need be
    scaled or encoded. Several configurations of networks, a linear model among them, are trained in
    several folds at once, as stacks. What each predicts for the rows that it has not seen decides on its
    best epoch, on its weight in the ensemble and on the temperature of the probabilities; no rows are
    lost for that.

    Parameters
    ----------
    n_candidates : int or 'auto', default='auto'
        Number of configurations. The first ones are always the same, the best for most tables first, a
        linear model and the default network among them; those beyond are drawn. "auto" takes 6,
        or 8 from some 1,000 rows on.
    cv : int, splitter, iterable or None, default=5
        Folds, stratified if it is a number. A number of them is reduced where there are fewer rows, and
        respects `groups`; None is 5. A splitter or iterable is about all rows, those of weight 0 too.
    scoring : str, callable or None, default=None
        Score by which configurations are compared and the ensemble is chosen, a name or a function as in
        scikit-learn. None: the log-loss. Networks learn by their loss in any
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
    classes_ : ndarray of shape (n_classes,)
        The classes.
    leaderboard_ : pandas.DataFrame
        A row for each configuration, the best first: `score` (its log-loss on rows that it has not seen,
        negative, with probabilities of at least 1e-6; or its `scoring`), `weight` in the ensemble, best
        `epoch` (mean over folds), `seconds` (its share of the time) and its parameters.
    oof_prediction_ : ndarray of shape (n_samples, n_classes)
        Probabilities for the rows of the fit (those of a weight above 0), each by networks that have not
        seen it; NaN for rows that no fold holds out. The weights of the ensemble and its temperature come
        from the same rows.
    n_iter_ : int
        Epochs of the longest training.
    temperature_ : float
        Probabilities of the members are raised to the power ``1 / temperature_``.
    members_ : list of list of MLPClassifier
        The networks of each configuration, by the index of `leaderboard_`; one for each fold. Their
        classes are positions in `classes_`.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the columns, where they had any.

    See Also
    --------
    TabularRegressor : Numbers from a table.
    MLPClassifier : One network, on numbers.
    sklearn.ensemble.HistGradientBoostingClassifier : Boosted trees on tables as they come.

    Notes
    -----
    Weights are chosen by greedy selection [1]_, drawn towards equal ones where rows are few. A class that
    a network has not seen, because all rows of it were held out, has the probability 0 there.

    References
    ----------
    .. [1] Caruana, Niculescu-Mizil, Crew and Ksikes (2004). Ensemble selection from libraries of models.
       ICML.
    .. [2] Guo, Pleiss, Sun and Weinberger (2017). On calibration of modern neural networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from sknets import TabularClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = pd.DataFrame({"size": rng.normal(size=200), "city": rng.choice(["Bonn", "Lyon"], size=200)})
    >>> y = np.where((X["size"] > 0) == (X["city"] == "Lyon"), "yes", "no")
    >>> model = TabularClassifier(n_candidates=4, random_state=0).fit(X, y)
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    def _learn_target(self, y):
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"y has 1 class only ({self.classes_.tolist()[0]!r}); TabularClassifier needs at least 2 "
                "classes."
            )
        return codes

    def _make_network(self, **params):
        return MLPClassifier(**params)

    def _known(self, y_train, y_held):
        return np.isin(y_held, y_train)

    def _outputs(self, network, X):
        shares = network.predict_proba(X).astype(float)
        if len(network.classes_) == len(self.classes_):
            return shares
        wide = np.zeros((len(shares), len(self.classes_)))
        wide[:, network.classes_] = shares
        return wide

    def _loss(self, predictions, y, weight):
        shares = np.clip(predictions[np.arange(len(y)), y], _SMALLEST, None)
        return float(np.average(-np.log(shares), weights=weight))

    def _as_score(self, loss):
        return -loss

    def _as_estimator(self, predictions):
        return KnownShares(predictions, self.classes_)

    def _guess(self, y):
        counts = np.bincount(y, minlength=len(self.classes_))
        return np.tile(counts / len(y), (len(y), 1))

    def _labels(self, y):
        return self.classes_[y]

    def _make_splitter(self, y, n_folds, seed):
        counts = np.bincount(y)
        n_folds = min(n_folds, max(2, counts.max()))
        kind = StratifiedKFold if counts.min() >= n_folds else _Dealt
        return kind(n_folds, shuffle=True, random_state=seed)

    def _settle(self, mean, oof, y, weight):
        self.temperature_ = choose_temperature(
            lambda temperature: self._loss(at_temperature(mean, temperature), y, weight), len(y)
        )
        self._held = _HeldRows(y, weight, _logs(mean))

    def _finish(self, mean):
        seen = ~np.isnan(mean).any(axis=1)
        shares = np.full_like(mean, np.nan)
        shares[seen] = at_temperature(mean[seen], self.temperature_)
        return shares

    def predict_proba(self, X):
        """Return probabilities of the classes.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            The table, with the columns of the fit.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        return at_temperature(self._predict_mean(X), self.temperature_)

    def predict(self, X, *, coverage=None):
        """Return the most probable classes.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            The table, with the columns of the fit.
        coverage : float in (0, 1), default=None
            If given, sets of classes are returned, too, as `predict_set` makes them: for pipelines, which
            have no such method.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Classes.
        sets : ndarray of bool, shape (n_samples, n_classes)
            Whether a class is in the set of a row. Only with `coverage`.
        """
        if coverage is not None:
            check_coverage(coverage)
        shares = self._predict_mean(X)
        labels = self.classes_[at_temperature(shares, self.temperature_).argmax(axis=1)]
        return labels if coverage is None else (labels, self._set(shares, coverage))

    def predict_set(self, X, coverage=0.9):
        """Return sets of classes that contain the true one with a given probability.

        A class is in the set if its probability is as large as that of the true class was for so many of
        the held-out rows [3]_. A set may have one class, several, or none.

        Parameters
        ----------
        X : frame or array of shape (n_samples, n_features)
            The table, with the columns of the fit.
        coverage : float in (0, 1), default=0.9
            The probability, of rows as they are weighted in the fit.

        Returns
        -------
        ndarray of bool, shape (n_samples, n_classes)
            Whether a class is in the set of a row.

        Raises
        ------
        ValueError
            If the fit had fewer than coverage / (1 - coverage) rows.

        References
        ----------
        .. [3] Sadinle, Lei and Wasserman (2019). Least ambiguous set-valued classifiers with bounded
           error levels. Journal of the American Statistical Association 114.
        """
        check_is_fitted(self)
        check_coverage(coverage)
        return self._set(self._predict_mean(X), coverage)

    def _set(self, shares, coverage):
        return self._held.sets(_logs(shares), self.temperature_, coverage)

    def _teach(self, network, encoded, X):
        rows, places, weights = as_weighted_rows(self.predict_proba(X))
        network.fit(encoded[rows], self.classes_[places], weights)


def _logs(shares):
    return np.log(np.clip(shares, 1e-12, None))


@kept
class _HeldRows(HeldClasses):
    remedy = "fit with more rows"


class _Dealt(KFold):
    """Rows of each class are dealt out to the folds in turn, however few a class has."""

    def split(self, X, y, groups=None):
        fold = deal(len(y), self.n_splits, y, np.random.default_rng(self.random_state))
        for number in range(self.n_splits):
            yield np.flatnonzero(fold != number), np.flatnonzero(fold == number)
