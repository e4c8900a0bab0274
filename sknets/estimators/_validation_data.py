"""Validation data: set aside by early stopping, or the user's own."""

import copy
import math
import warnings
from contextlib import contextmanager, nullcontext

import numpy as np
import sklearn
import torch
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import train_test_split

from sknets.estimators._data import as_shares, read_data
from sknets.estimators._words import listed
from sknets.inputs import compare_names_of_y, prediction_dtype
from sknets.targets import Raw, RowTarget


def split_rows(n_rows, fraction, seed, strata):
    """Set rows aside for early stopping.

    They are stratified; where rows or classes are too few for that, each class keeps a row to be learned
    from, and the others are shared out as evenly as they can be.

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

    Returns
    -------
    train, valid : ndarray of int
        Positions of the rows.

    Raises
    ------
    ValueError
        If so many rows cannot be set aside.
    """
    rows, n_held = np.arange(n_rows), math.ceil(fraction * n_rows)  # as scikit-learn rounds
    if n_held < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' or the size of your "
            f"dataset, or give X_val and y_val. Now validation_fraction={fraction} of {n_rows} rows is "
            f"{n_held}.{_objection(rows, seed, strata)}"
        )
    counts = np.array([1]) if strata is None else np.unique(strata, return_counts=True)[1]
    if n_rows - n_held < len(counts):
        classes = "" if strata is None else f" of {len(counts)} classes"
        raise ValueError(
            f"validation_fraction={fraction} of {n_rows} rows{classes} cannot be set aside: that would "
            f"leave {n_rows - n_held} to learn from. Lower validation_fraction, or give X_val and y_val."
        )
    if strata is None or (counts.min() > 1 and n_held >= len(counts)):
        train, held = train_test_split(rows, test_size=fraction, random_state=seed, stratify=strata)
        if strata is None or len(np.unique(strata[train])) == len(counts):
            return train, held
    return _split_scarce(rows, n_held, np.random.default_rng(seed), np.ravel(strata))


def _objection(rows, seed, strata):
    """Return what scikit-learn has against classes with few rows, whose words are known."""
    try:
        train_test_split(rows, test_size=0.5, random_state=seed, stratify=strata)
    except ValueError as error:
        return f" Besides: {error}"
    return ""


def _split_scarce(rows, n_held, rng, strata):
    """Split where some class has one row, or there are fewer rows to set aside than classes."""
    order = rng.permutation(rows)
    order = order[np.argsort(strata[order], kind="stable")]  # class by class, at random within
    is_first = np.append(True, strata[order][1:] != strata[order][:-1])
    others = order[~is_first]
    # every k-th of them, from a random one on: each class gives its share, rounded up or down
    places = (rng.uniform() + np.arange(n_held)) * (len(others) / n_held)
    held = others[np.minimum(places.astype(int), len(others) - 1)]
    return rng.permutation(np.setdiff1d(rows, held)), rng.permutation(held)


def check_whole(X_val, y_val, sample_weight_val):
    """Raise ValueError if a part of a user's validation data is missing."""
    if X_val is None and (y_val is not None or sample_weight_val is not None):
        raise ValueError("y_val and sample_weight_val need X_val, which is None.")
    if X_val is not None and y_val is None:
        raise ValueError("X_val needs y_val, which is None.")


def read_validation(estimator, learned, X_val, y_val, sample_weight_val):
    """Return the validation data that a user gives, or None.

    Raises
    ------
    ValueError
        If parts of them are missing, or do not go with the training data.
    """
    check_whole(X_val, y_val, sample_weight_val)
    if X_val is None:
        return None
    try:
        parts = (learned.input, learned.target.task, X_val, y_val, sample_weight_val)
        valid = read_data(estimator, *parts, reset=False, name="X_val")
        compare_names_of_y(valid.y_names, learned.y_names)
        learned.target.check(valid.y, is_validation=True)
    except ValueError as error:
        raise ValueError(f"The validation data (X_val, y_val): {error}") from error
    return valid.weighed(learned.target)


class ValidationScore:
    """The score of validation data, from raw outputs that have been computed already.

    The scorer sees the estimator as it is at that moment, with predictions that are decoded from the
    raw outputs. Where those are not finite, because training explodes, the score is NaN.

    Parameters
    ----------
    estimator : BaseNet
        The estimator being fitted; `scoring` is as in `sklearn.metrics.check_scoring`.
    valid : Data
        The validation data, with y in the user's labels or units.
    is_given : bool
        Whether they are the user's own rather than a part of the training data.
    """

    def __init__(self, estimator, valid, *, is_given):
        self.estimator = estimator
        self.valid = valid
        self.is_given = is_given
        self.scorer = check_scoring(estimator, estimator.scoring)
        self.dtype = prediction_dtype(valid.rows)
        self._metric = None, None  # behind the target that it is of
        self.config = (
            sklearn.get_config()
        )  # of the thread that fits, which may not be the one that trains

    def __call__(self, values):
        """Return the score of raw outputs.

        Raises
        ------
        ValueError
            If the scorer does not work on these data.
        """
        estimator, valid = self.estimator, self.valid
        learned = estimator._learned
        # a sum is enough where it is finite
        if not (math.isfinite(values.sum()) or torch.isfinite(values).all()):
            return math.nan
        target, raw, y, weight = learned.target.as_rows(
            Raw(values, valid.rows, self.dtype), valid.y, valid.weight
        )
        view = copy.copy(estimator)
        if target is not learned.target:
            view._learned = learned.replace(target=target)
        view._raw_predict = lambda X: raw if X is raw.rows else estimator._raw_predict(X)
        weights = {} if weight is None else {"sample_weight": weight}
        with self._quiet():
            try:
                return float(self.scorer(view, raw.rows, y, **weights))
            except Exception as error:
                if not _are_finite(target.predictions(raw)):
                    return math.nan
                raise ValueError(self._why(error, bool(weights))) from error

    @property
    def sees_outputs_alone(self):
        """Whether scores depend on raw outputs and the validation data alone."""
        is_ours = type(self.estimator).__module__.startswith(__name__.partition(".")[0] + ".")
        return is_ours and isinstance(self.estimator.scoring, str | None)

    def of_several(self, raws):
        """Return the scores of several raw outputs, where they depend on nothing else.

        Predictions of all are decoded at once. What has a word to say, a scorer or its checks, is asked
        one by one.

        Parameters
        ----------
        raws : list of torch.Tensor of shape (n_rows, n_outputs)
            Raw outputs.
        """
        target = self.estimator._learned.target
        is_by_target = self.estimator.scoring is None and isinstance(target, RowTarget)
        scores = None
        if is_by_target and not target.task.returns_rows:
            scores = self._by_target(target, torch.stack(raws))
        return list(map(self, raws)) if scores is None else scores

    def _by_target(self, target, values):
        """Return what a target says of several predictions, or None where not all of them are usual."""
        if not torch.isfinite(values).all():
            return None
        weight = as_shares(self.valid.weight)
        with self._quiet():
            predictions = target.predictions(Raw(values.flatten(0, 1), None, self.dtype))
            if not isinstance(predictions, np.ndarray):
                return None
            if predictions.dtype.kind == "f" and not np.isfinite(predictions).all():
                return None
            of_each = predictions.reshape(len(values), -1, *predictions.shape[1:])
            try:
                return self._metric_of(target, weight).of_several(of_each)
            except Exception:  # for which there are words
                return None

    def _metric_of(self, target, weight):
        """Return the metric of a target on these data, which is asked every few epochs and made once."""
        if target is not self._metric[0]:
            self._metric = target, target.metric_of(self.valid.y, weight)
        return self._metric[1]

    @contextmanager
    def _quiet(self):
        """Return a context in which predictions may be as large as they like."""
        with np.errstate(all="ignore"), warnings.catch_warnings(), self._configured():
            # a score that is never defined is an error
            warnings.simplefilter("ignore", UndefinedMetricWarning)
            yield

    def _configured(self):
        is_so = sklearn.get_config() == self.config
        return nullcontext() if is_so else sklearn.config_context(**self.config)

    def _why(self, error, has_weights):
        given = f"scoring={self.estimator.scoring!r}"
        if has_weights and isinstance(error, TypeError) and "sample_weight" in str(error):
            return (
                f"{given} takes no sample_weight, but there are weights (of your own or by "
                f"class_weight): {error}. Use another scorer, or fit without weights."
            )
        return (
            f"{given} cannot score the validation data: {type(error).__name__}: {str(error)[:200]} "
            f"{self.remedy()}"
        )

    def remedy(self):
        """Say what to do about data that cannot be scored."""
        source = "X_val and y_val" if self.is_given else "validation_fraction"
        missing = self._missing_classes()
        if len(missing):
            data = "(X_val, y_val)" if self.is_given else "set aside by validation_fraction"
            one = "step" if hasattr(self.valid.y, "values") else "row"
            return (
                f"(The validation data {data} have no {one} of class {listed(missing[:5])}: give some by "
                f"{source}, or another scoring.)"
            )
        return f"(Give another scoring, or other validation data by {source}.)"

    def _missing_classes(self):
        """Return the classes of rows or steps that the validation data lack."""
        target = self.estimator._learned.target
        y = getattr(self.valid.y, "values", self.valid.y)  # of all steps, where y is sequences
        if getattr(y, "ndim", None) != 1 or not hasattr(target, "classes"):
            return []
        return np.setdiff1d(target.classes, y).tolist()


def _are_finite(predictions):
    return predictions.dtype.kind != "f" or bool(np.isfinite(predictions).all())
