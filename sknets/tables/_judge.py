"""How good predictions are for rows that were held out."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import check_scoring


@dataclass
class Judge:
    """What compares predictions.

    Attributes
    ----------
    seen : ndarray of bool
        Which rows some fold holds out, by which it judges.
    loss : callable
        ``loss(predictions)``, of these rows.
    as_score : callable
        Makes a score of a loss, of which the highest is best.
    """

    seen: np.ndarray
    loss: Callable
    as_score: Callable


def make_scored_loss(estimator, as_estimator, y, weight):
    """Return the negative score of predictions, by the `scoring` of an estimator.

    Parameters
    ----------
    estimator : TableEstimator
        Whose `scoring` it is.
    as_estimator : callable
        ``as_estimator(predictions)`` is fitted, and predicts them whatever X is.
    y : ndarray of shape (n_rows,)
        What is true, as the user knows it.
    weight : ndarray of shape (n_rows,) or None
        Weights of the rows.
    """
    scorer = check_scoring(estimator, estimator.scoring)
    X, weights = np.zeros((len(y), 1)), {} if weight is None else {"sample_weight": weight}

    def loss(predictions):
        try:
            score = float(scorer(as_estimator(predictions), X, y, **weights))
        except Exception as error:
            raise ValueError(
                f"scoring={estimator.scoring!r} cannot score predictions for rows that are held out: "
                f"{type(error).__name__}: {str(error)[:200]}{_advise(error, weights)}"
            ) from error
        if not math.isfinite(score):
            raise ValueError(
                f"scoring={estimator.scoring!r} is {score} for rows that are held out; choose another "
                "one."
            )
        return -score

    return loss


def _advise(error, weights):
    """Return what to do, where it is known."""
    if weights and "sample_weight" in str(error):
        return ". Use a scorer that takes sample_weight, or fit without weights."
    if "pos_label" in str(error):
        return ". Name the class, as in make_scorer(f1_score, pos_label='yes')."
    return ""


class KnownNumbers(RegressorMixin, BaseEstimator):
    """A regressor that predicts what it is given."""

    def __init__(self, numbers):
        self.numbers = numbers

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        """Return the numbers."""
        return self.numbers


class KnownShares(ClassifierMixin, BaseEstimator):
    """A classifier of which the probabilities are given."""

    def __init__(self, shares, classes):
        self.shares = shares
        self.classes_ = classes

    def __sklearn_is_fitted__(self):
        return True

    def predict_proba(self, X):
        """Return the probabilities."""
        return self.shares

    def predict(self, X):
        """Return the most probable classes."""
        return self.classes_[self.shares.argmax(axis=1)]
