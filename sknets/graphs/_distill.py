"""A small network in the place of a large model."""

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted

from sknets.estimators import MLPClassifier, MLPRegressor
from sknets.estimators._sklearn import take_rows
from sknets.tables import TableEncoder, as_weighted_rows, distilled


def distill(estimator, X, student=None):
    """Return one small network that predicts nearly what a model does.

    A population of networks or a forest becomes one network: a smaller file, and an answer in a fraction
    of the time. It learns from predictions, of classes from probabilities [1]_, and needs no y.

    Parameters
    ----------
    estimator : estimator
        A fitted classifier with `predict_proba`, or a regressor: of this package or any other.
    X : frame or array of shape (n_samples, n_features)
        Rows on which it learns what the model predicts; more than those of the fit may help.
    student : estimator, default=None
        An unfitted network, or a pipeline that ends in one, of which a copy is fitted. None: a
        `TableEncoder` and a network of two layers of 64 units with embedded numbers.

    Returns
    -------
    estimator
        The fitted student.

    Raises
    ------
    ValueError
        If X is no table and there is no student, or if the model predicts several labels for each row.
    TypeError
        If the model or the student predicts nothing, or the model is a classifier without probabilities.

    See Also
    --------
    to_onnx : A pipeline as a graph to serve.
    TabularRegressor.distill : The same of a population, with parameters of the network.

    References
    ----------
    .. [1] Hinton, Vinyals and Dean (2015). Distilling the knowledge in a neural network. NeurIPS deep
       learning workshop.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sknets import MLPClassifier, distill
    >>> X, y = load_iris(return_X_y=True)
    >>> forest = RandomForestClassifier(random_state=0).fit(X, y)
    >>> student = MLPClassifier(
    ...     learning_rate="one_cycle", learning_rate_init=0.02, max_iter=60, random_state=0
    ... )
    >>> network = distill(forest, X, student)
    >>> bool((network.predict(X) == forest.predict(X)).mean() > 0.95)
    True
    """
    check_is_fitted(estimator)
    for name, given in (("estimator", estimator), ("student", student)):
        if given is not None and not (hasattr(given, "fit") and hasattr(given, "predict")):
            raise TypeError(f"{name} must be a classifier or a regressor, got {given!r}.")
    student = _default(estimator, X) if student is None else clone(student)
    if not is_classifier(estimator):
        return student.fit(X, estimator.predict(X))
    if not hasattr(estimator, "predict_proba"):
        raise TypeError(
            f"{type(estimator).__name__} has no predict_proba, from which a student learns; calibrate it "
            "(sklearn.calibration.CalibratedClassifierCV)."
        )
    shares = estimator.predict_proba(X)
    if isinstance(shares, list) or np.ndim(estimator.predict(X)) > 1:
        raise ValueError(
            f"{type(estimator).__name__} predicts several labels for each row; distill one model for "
            "each of them."
        )
    rows, places, weights = as_weighted_rows(shares)
    name = (
        f"{student.steps[-1][0]}__sample_weight"
        if isinstance(student, Pipeline)
        else "sample_weight"
    )
    labels = np.asarray(estimator.classes_)[places]
    return student.fit(_taken(X, rows), labels, **{name: weights})


def _default(estimator, X):
    """Return the student of a table."""
    if not hasattr(X, "columns") and np.ndim(X) != 2:
        raise ValueError(
            f"X has {np.ndim(X)} axes and is no table: say which student is to learn from it, such as "
            "CNNClassifier() or RNNRegressor()."
        )
    encoder = TableEncoder()
    n_numbers = encoder.fit(X).n_numbers_
    network = MLPClassifier if is_classifier(estimator) else MLPRegressor
    return make_pipeline(encoder, network(**distilled(len(X), n_numbers)))


def _taken(X, rows):
    return [X[row] for row in rows] if isinstance(X, list) else take_rows(X, rows)
