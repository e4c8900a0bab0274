"""Rows that are held out to say how sure predictions are."""

from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone

from sknets import training
from sknets._interrupts import interrupts_end_all
from sknets._plain import kept
from sknets._plain_torch import in_plain_torch
from sknets._warn import unsaid
from sknets.estimators._data import read_data
from sknets.estimators._sklearn import take_rows
from sknets.estimators._transaction import transaction
from sknets.estimators._validation_data import check_whole, split_rows
from sknets.inputs import lazily
from sknets.parallel import run_all

#: Below so many rows all of them calibrate, in folds, and beyond those that are set aside.
_FEW_ROWS = 1000
_N_FOLDS = 5


@kept
@dataclass
class Calibration:
    """What rows that were held out say of predictions.

    Attributes
    ----------
    held : HeldNumbers, HeldClasses or HeldLabels
        What was predicted for these rows, and their y.
    scale : float or ndarray of shape (n_outputs,)
        The temperature, by which logits are divided; or what standard deviations of y are multiplied by.
    """

    held: Any
    scale: Any


@in_plain_torch
def fit_calibrated(estimator, X, y, sample_weight, validation):
    """Fit an estimator, and calibrate it on rows that it has not seen.

    Parameters
    ----------
    estimator : BaseNet
        The estimator, with its parameter `calibrate`.
    X, y, sample_weight : array-like
        As the user gave them.
    validation : tuple
        X, y and weights of the user's validation data; None for those that are not given.

    Raises
    ------
    ValueError
        If no rows can be held out.
    """
    is_given = validation[0] is not None
    _check(estimator, validation)
    with transaction(estimator, _undo_for(estimator)):
        if is_given:
            estimator._fit(X, y, sample_weight, validation)
            return _finish(estimator, [estimator], [validation])
        generator = training.make_generator(estimator.random_state)
        X = lazily(X)
        kept, strata = _look_at(estimator, X, y, sample_weight)
        seed = training.draw_seed(generator)

        def take(rows):
            return [take_rows(_sliceable(part), kept[rows]) for part in (X, y, sample_weight)]

        n_folds = _count_folds(estimator, len(kept))
        if n_folds is None:
            train, held = split_rows(len(kept), estimator.validation_fraction, seed, strata)
            estimator._fit(*take(train))
            return _finish(estimator, [estimator], [take(held)])
        fold = deal(len(kept), n_folds, strata, np.random.default_rng(seed))
        is_held = [fold == number for number in range(n_folds)]
        seeds = [training.draw_seed(generator) for _ in is_held]
        with interrupts_end_all():
            estimator._fit(X, y, sample_weight)
            models = run_all(
                joblib.delayed(_fit_model)(estimator, take(~rows), np.mean(~rows), of_fold)
                for rows, of_fold in zip(is_held, seeds, strict=True)
            )
        return _finish(estimator, models, map(take, is_held))


def _undo_for(estimator):
    """Return what puts back a network that a warm start trains on."""
    if estimator.warm_start and estimator.n_members == 1 and hasattr(estimator, "_learned"):
        return training.undo_for(estimator._learned.net)
    return None


def _look_at(estimator, X, y, sample_weight):
    """Return the rows that have a weight, and the classes by which they are dealt out or None.

    Raises
    ------
    ValueError
        If X, y or weights are invalid, in the words of a fit.
    """
    input, task = estimator._make_input(), estimator._task
    with unsaid(Warning):  # the fit will tell
        data = read_data(estimator, input, task, X, y, sample_weight, reset=True)
        target = task.learn(data.y, data.weight, None)
    kept = np.arange(data.rows.shape[0]) if data.places is None else data.places
    strata = target.strata(data.y)
    return kept, None if strata is None else np.ravel(strata)


def _sliceable(rows):
    """Return what a user gave as something of which rows can be taken."""
    is_sliceable = rows is None or hasattr(rows, "shape") or isinstance(rows, list)
    return rows if is_sliceable else np.asarray(rows)


def check_partial(estimator):
    """Raise ValueError if a partial fit cannot do what the parameter asks for."""
    if estimator.calibrate:
        raise ValueError(
            f"partial_fit does not support calibrate={estimator.calibrate!r}: it learns from all "
            "rows that it is given. Set calibrate=False, or use fit."
        )


def _check(estimator, validation):
    is_given = validation[0] is not None
    check_whole(*validation)
    if estimator._outputs.kind != "single":
        raise ValueError(
            f"calibrate={estimator.calibrate!r} is for one output of each row, but output="
            f"{estimator._outputs.kind!r} has a sequence of them; set calibrate=False."
        )
    if is_given and not (_is_yes(estimator.calibrate) or estimator.calibrate == "split"):
        raise ValueError(
            f"calibrate={estimator.calibrate!r} makes folds of the training data, but X_val is given to "
            "calibrate on; set calibrate=True, or leave X_val out."
        )
    if estimator.warm_start and not is_given:
        raise ValueError(
            f"calibrate={estimator.calibrate!r} needs rows that no earlier fit has seen, which "
            "warm_start=True cannot know: give X_val and y_val, or set one of the two to False."
        )


def _is_yes(given):
    return isinstance(given, bool | np.bool_)  # of the two, only True comes here


def _count_folds(estimator, n_rows):
    """Return the number of folds; None sets rows aside."""
    given = estimator.calibrate
    if given == "split" or (_is_yes(given) and n_rows >= _FEW_ROWS):
        return None
    n_folds = min(_N_FOLDS if _is_yes(given) else given, n_rows)
    if n_folds < 2:
        raise ValueError(
            f"calibrate={given!r} holds rows out and learns from others, but X has {n_rows} sample: give "
            "X_val and y_val, or set calibrate=False."
        )
    return n_folds


def deal(n_rows, n_folds, strata, rng):
    """Return the fold of each row; each stratum is dealt out in turn, at random within.

    Parameters
    ----------
    n_rows, n_folds : int
        Numbers of rows and folds.
    strata : ndarray of shape (n_rows,) or None
        What rows have equally often in each fold.
    rng : numpy.random.Generator
        Source of the order.
    """
    order = rng.permutation(n_rows)
    if strata is not None:
        order = order[np.argsort(strata[order], kind="stable")]
    fold = np.empty(n_rows, dtype=int)
    fold[order] = np.arange(n_rows) % n_folds
    return fold


def _fit_model(estimator, parts, share, seed):
    """Fit a network like that of an estimator, in as many steps, to a share of its rows."""
    model = clone(estimator)
    model.calibrate, model.random_state, model.verbose = False, seed, False
    if not training.SOLVERS[estimator.solver].takes_all_rows:
        size = estimator.net_.batch_size
        model.batch_size = max(min(2, size), round(share * size))
    return model._fit(*parts)


def _finish(estimator, models, parts):
    """Let the estimator remember what models predict for rows that they have not seen."""
    held = [
        estimator._hold(model, *of_model) for model, of_model in zip(models, parts, strict=True)
    ]
    held = type(held[0]).joined(held)
    estimator._calibration = Calibration(held, held.calibrate())
    return estimator
