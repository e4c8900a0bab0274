"""Ask why a network disappoints."""

import numpy as np

from sknets._plain_torch import in_plain_torch
from sknets.inspection.diagnosis._diagnosis import Diagnosis
from sknets.inspection.diagnosis._held_out_findings import (
    HELD_OUT,
    NOISE,
    find_nothing,
    find_too_large,
)
from sknets.inspection.diagnosis._measurements import measure
from sknets.inspection.diagnosis._question import ask
from sknets.inspection.diagnosis._training_findings import (
    TOO_LITTLE,
    TRAINING,
    find_imbalance,
    find_unfinished,
)

#: What may be found, by the answer to the first question; the first that is found is the likeliest cause.
FINDINGS = {
    "training": TRAINING,
    "held-out": HELD_OUT,
    "nothing to learn": NOISE,
    "neither": (find_imbalance,),
    "unknown": (find_imbalance,),
}
#: What it is if nothing of these is found: the first that is; the last one always is.
FALLBACKS = {
    "training": TOO_LITTLE,
    "held-out": (find_unfinished, find_too_large),
    "nothing to learn": (find_nothing,),
}
_MOST = 3  # findings in a report


@in_plain_torch
def diagnose(estimator, X, y, X_val=None, y_val=None, *, try_remedies=False):
    """Say why a fitted network disappoints, and what to change.

    The first question is whether the network is poor on its training data or only on others. Simple
    models (a linear one, trees) say how much there is to learn: what they reach on rows that they have
    not seen, a network should reach on its own training rows, and on others nearly. Then causes are
    looked for in the order in which they explain each other.

    Parameters
    ----------
    estimator : estimator
        A fitted network, or a pipeline, search or FrozenEstimator with one. It stays as it is.
    X : array-like of shape (n_samples, ...) or list of sequences
        Training data, as the estimator takes them.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        Their target.
    X_val : array-like of shape (n_val_samples, ...), default=None
        Data that training has not seen. Without them, what only they tell stands under `unknown`.
    y_val : array-like of shape (n_val_samples,) or (n_val_samples, n_outputs), default=None
        Their target.
    try_remedies : bool, default=False
        Whether the first remedy of each finding is fitted to X and y and judged on X_val. Else no network
        is fitted.

    Returns
    -------
    Diagnosis
        Findings in order, with evidence and remedies. It prints as text, and shows itself in notebooks.

    Raises
    ------
    TypeError
        If there is no network in the estimator, or several.
    NotFittedError
        If it is not fitted.
    ValueError
        If data are wrong or do not go with the network, or `try_remedies` is no bool or lacks X_val.

    See Also
    --------
    find_learning_rate : A rate, by a short training.
    TrainingCurveDisplay : How training went.

    Notes
    -----
    Skill is R² of numbers, and the mean recall of classes in units from chance to 1. Of more than 4,000
    rows so many are looked at, drawn at random; simple models learn from 1,500.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sknets import MLPClassifier
    >>> from sknets.inspection import diagnose
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X / 16, y, random_state=0)
    >>> network = MLPClassifier(learning_rate_init=1e-6, learning_rate="cosine", random_state=0)
    >>> diagnosis = diagnose(network.fit(X_train, y_train), X_train, y_train, X_test, y_test)
    >>> diagnosis.poor_on, diagnosis.findings[0].name
    ('training', 'rate too low')
    >>> list(diagnosis.findings[0].remedy)
    ['learning_rate_init']
    """
    if not isinstance(try_remedies, bool | np.bool_):
        raise ValueError(f"try_remedies must be True or False, got {try_remedies!r}.")
    if try_remedies and X_val is None:
        raise ValueError("try_remedies=True needs X_val and y_val, on which remedies are judged.")
    measurements = measure(estimator, X, y, X_val, y_val)
    poor_on = ask(measurements)
    found = (find(measurements) for find in FINDINGS[poor_on])
    findings = [finding for finding in found if finding is not None][:_MOST]
    if not findings and poor_on in FALLBACKS:
        further = (find(measurements) for find in FALLBACKS[poor_on])
        findings = [next(finding for finding in further if finding is not None)]
    diagnosis = Diagnosis(measurements, poor_on, findings)
    return diagnosis.try_out(X, y, X_val, y_val) if try_remedies else diagnosis
