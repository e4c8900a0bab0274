"""Validation data: set aside by early stopping, or the user's own."""

import numpy as np
import torch
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from sknets.estimators._placement import prediction_dtype


def split_rows(n_rows, fraction, seed, strata, labels):
    """Set rows aside for early stopping.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    fraction : float
        `validation_fraction`.
    seed : int
        Seed of the split.
    strata : ndarray of shape (n_rows,) or None
        What to stratify by.
    labels : ndarray of shape (n_rows,) or None
        The labels as the user knows them, for the error.

    Returns
    -------
    train, valid : ndarray of int
        Positions of the rows.
    """
    try:
        train, valid = train_test_split(
            np.arange(n_rows), test_size=fraction, random_state=seed, stratify=strata
        )
    except ValueError as error:
        hint = ""
        if strata is not None:
            values, counts = np.unique(labels, return_counts=True)
            if counts.min() < 2:
                rare = values[counts < 2].tolist()
                hint = f" (in your labels: {rare}; every class needs at least 2 rows)"
        raise ValueError(
            f"early_stopping=True cannot set validation_fraction={fraction} of {n_rows} rows "
            f"aside: {error}{hint}"
        ) from error
    if len(valid) < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of "
            f"your dataset. Now validation_fraction={fraction} of {n_rows} rows is {len(valid)}."
        )
    return train, valid


def make_valid_score(estimator, scoring, X, y, sample_weight):
    """Make the function from raw outputs of the validation data to their score.

    The scorer sees the estimator as it is at that moment; what it predicts is decoded from raw
    outputs that have been computed already. Outputs that are not finite score NaN.

    Parameters
    ----------
    estimator : BaseNet
        The estimator being fitted.
    scoring : str, callable or None
        As in `sklearn.metrics.check_scoring`.
    X, y, sample_weight : array-like
        The validation data, with y in the user's labels or units.
    """
    scorer = check_scoring(estimator, scoring)

    def valid_score(raw):
        if not torch.isfinite(raw).all():
            return float("nan")
        view, rows, target, weight, raw_rows = estimator._as_rows(X, y, sample_weight, raw)
        view._raw_predict = lambda Z: (
            (raw_rows, prediction_dtype(X)) if Z is rows else estimator._raw_predict(Z)
        )
        weights = {} if weight is None else {"sample_weight": weight}
        try:
            return float(scorer(view, rows, target, **weights))
        except TypeError as error:
            if weights and "sample_weight" in str(error):
                raise ValueError(
                    f"scoring={scoring!r} takes no sample_weight, but there are weights (of your own "
                    f"or by class_weight): {error}. Use another scorer, or fit without weights."
                ) from error
            raise

    return valid_score
