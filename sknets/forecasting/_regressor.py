"""The regressor in a forecaster: any one, asked what it can do and never which class it is."""

import math
from copy import deepcopy
from numbers import Integral, Real

import numpy as np
from sklearn.base import clone
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from sknets.estimators.rnn._regressor import RNNRegressor

#: Held-back times from which a recursion is tried.
_MOST_ORIGINS = 200


def make_regressor(estimator, random_state):
    """Return a regressor that is not fitted, with the forecaster's seed if there is one.

    Raises
    ------
    ValueError
        If it is no regressor, or a class.
    """
    if isinstance(estimator, type):
        raise ValueError(
            f"estimator must be an instance, not the class {estimator.__name__}: give "
            f"{estimator.__name__}()."
        )
    regressor = _default() if estimator is None else clone(estimator)
    kind = get_tags(regressor).estimator_type if hasattr(regressor, "__sklearn_tags__") else None
    if kind not in ("regressor", None):
        raise ValueError(f"estimator must be a regressor; {_name(regressor)} is a {kind}.")
    if hasattr(regressor, "forecast"):
        raise ValueError(
            f"estimator must be a regressor of windows; {_name(regressor)} forecasts by itself."
        )
    _check_answers_once(regressor)
    _check_calibrates_times(regressor)
    if random_state is not None:
        names = [name for name in regressor.get_params() if name.endswith("random_state")]
        regressor.set_params(**dict.fromkeys(names, random_state))
    return regressor


def _check_answers_once(regressor):
    """Refuse several quantiles, for a forecast is one number for each time."""
    for part in _parts(regressor):
        quantiles = getattr(part, "quantile", None)
        if getattr(part, "loss", None) == "quantile" and np.size(quantiles) > 1:
            raise ValueError(
                f"estimator={_name(part)} predicts several quantiles, {quantiles}, but a forecast has "
                "one number for each time: choose one of them. For intervals, set calibration_fraction, "
                "such as 0.2, and call forecast_interval."
            )


def _check_calibrates_times(regressor):
    """Refuse rows that are held out at random, for windows that overlap tell of each other."""
    for part in _parts(regressor):
        if getattr(part, "calibrate", False):
            raise ValueError(
                f"estimator={_name(part)} has calibrate={part.calibrate!r}, which would hold out windows "
                "that overlap with others: set it to False. For intervals, calibration_fraction=0.2 "
                "holds back the last times."
            )


def _default():
    """Return a network that starts at a ridge, and stays there unless the last samples say otherwise."""
    return RNNRegressor(
        linear_shortcut=True,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=math.inf,
        scoring="loss",
    )


def takes_sequences(regressor):
    """Whether X of shape (n_samples, n_timesteps, n_features) suits a regressor; if not, a table does.

    A pipeline or search takes sequences if something in it says so.
    """
    return any(get_tags(part).input_tags.three_d_array for part in _parts(regressor))


def fit_regressor(regressor, plan, y, X):
    """Fit a regressor to all samples of a series.

    Targets have as many axes as it needs: one for a single number, three for a decoder that writes
    several series.

    Parameters
    ----------
    regressor : estimator
        If it stops early, and `fit` takes validation data, these are the last samples; a linear shortcut
        learns from them afterwards.
    plan : ForecastPlan
        How the series becomes samples.
    y : ndarray of shape (n_times, n_targets)
        The series.
    X : ndarray of shape (n_times, n_features)
        Its further columns.

    Returns
    -------
    estimator
        The regressor, fitted.

    Raises
    ------
    ValueError
        If it cannot be fitted.
    """
    inputs, targets = plan.samples(y, X)
    n_samples, n_ahead, n_targets = targets.shape
    answers = _shape_targets(regressor, targets)
    n_held = _count_held(regressor, n_samples)
    try:
        if not n_held:
            return regressor.fit(inputs, answers)
        n_kept = max(1, n_samples - n_held - n_ahead + 1)  # they share no target with those held
        kept = inputs[:n_kept], answers[:n_kept]
        fitted = regressor.fit(*kept, X_val=inputs[-n_held:], y_val=answers[-n_held:])
        if not hasattr(fitted, "refit_shortcut"):
            return fitted
        if plan.horizon > n_ahead == 1:  # one step has decided so far, the recursion is to
            line = deepcopy(fitted).refit_shortcut(*kept, layers=False)
            fitted = min(
                line, fitted, key=lambda model: _recursion_error(model, plan, y, X, n_held)
            )
        # what was held back has said when to stop; a linear map learns from it too
        return fitted.refit_shortcut(inputs, answers)
    except ValueError as error:
        advice = _advise(regressor, inputs, n_ahead, n_targets, error)
        if advice is None:
            raise
        raise ValueError(f"{str(error).rstrip(' .')}. {advice}") from error


def _recursion_error(regressor, plan, y, X, n_held):
    """Return the mean absolute error of forecasts of `horizon` steps from the times held back."""
    n_steps = min(plan.horizon, n_held)
    n_origins = min(n_held - n_steps + 1, _MOST_ORIGINS)
    origins = np.linspace(len(y) - n_held, len(y) - n_steps, n_origins).astype(int)
    truth = y[origins[:, None] + np.arange(n_steps)].astype(float)
    spread = y.astype(float).std(axis=0)
    errors = truth - plan.forecast(regressor, y, X, origins, n_steps)
    return np.mean(np.abs(errors) / np.where(spread > 0, spread, 1.0))


def _parts(regressor):
    """Return a regressor and all estimators among its parameters, such as the steps of a pipeline."""
    parts = [regressor, *regressor.get_params().values()]
    return [p for p in parts if hasattr(p, "__sklearn_tags__") and not isinstance(p, type)]


def _name(regressor):
    return type(regressor).__name__


def _shape_targets(regressor, targets):
    parts = _parts(regressor)
    if targets.shape[2] == 1:
        targets = targets[:, :, 0]
    if not _is_decoder(regressor):
        targets = targets.reshape(len(targets), -1)
    takes_one = all(get_tags(p).target_tags.single_output and not _is_decoder(p) for p in parts)
    return targets[:, 0] if targets.shape[1] == 1 and takes_one else targets


def _is_decoder(regressor):
    return getattr(regressor, "output", None) == "sequence"


def _count_held(regressor, n_samples):
    """Return how many samples decide when a regressor stops; 0 where it looks after that itself."""
    share = getattr(regressor, "validation_fraction", None)
    stops_early = getattr(regressor, "early_stopping", False) not in (False, "auto")
    if not (stops_early and isinstance(share, Real) and has_fit_parameter(regressor, "X_val")):
        return 0
    return share if isinstance(share, Integral) else math.ceil(share * n_samples)


def _advise(regressor, inputs, n_ahead, n_targets, error):
    """Return what may help a regressor that has refused its samples, None if nothing is known."""
    if isinstance(error, TypeError):  # too, as scikit-learn's errors about parameters are
        return None
    parts = _parts(regressor)
    if inputs.ndim == 3 and "dim 3" in str(error):
        network = next(_name(p) for p in parts if get_tags(p).input_tags.three_d_array)
        return (
            f"estimator={_name(regressor)} is given windows of shape {inputs.shape[1:]}, for it has "
            f"{network} in it, which takes sequences and scales them itself; leave out what takes tables "
            "only."
        )
    says_several = any(get_tags(p).target_tags.multi_output for p in parts)
    if n_ahead * n_targets > 1 and ("1d array" in str(error) or not says_several):
        alternative = " or set strategy='recursive'" if n_targets == 1 else ""
        return (
            f"estimator={_name(regressor)} does not say that it learns several outputs, and is to learn "
            f"{n_ahead * n_targets} (steps at once: {n_ahead}, series: {n_targets}). Wrap it in "
            f"sklearn.multioutput.MultiOutputRegressor{alternative}."
        )
    return None
