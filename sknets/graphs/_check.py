"""A graph beside the estimator that it was written of."""

import numpy as np

from sknets.graphs._feed import make_feed

#: How far they may be from each other, in units of the values and of their spread: 99 in 100 of them, and
#: all. Where a normalisation divides by next to nothing, float32 has fewer digits, here as in Torch.
TOLERANCE, _FURTHEST = 1e-5, 1e-3
_SHARE = 0.99

_N_ROWS = 1000


def check_x(estimator, X):
    """Raise an error if an estimator does not take X, in its own words."""
    row = X.iloc[:1] if hasattr(X, "iloc") else X[:1]
    getattr(estimator, "predict" if hasattr(estimator, "predict") else "transform")(row)


def check_equal(session, estimator, X, coverage, has_std):
    """Raise ValueError if a graph answers otherwise than its estimator on rows of X.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        What runs the graph.
    estimator : estimator
        The fitted estimator.
    X : frame, array or list of arrays
        Rows, of which the first 1,000 are compared.
    coverage : float or None
        That of intervals or sets.
    has_std : bool
        Whether the graph has deviations.
    """
    X = X.iloc[:_N_ROWS] if hasattr(X, "iloc") else X[:_N_ROWS]
    names = [entry.name for entry in session.get_outputs()]
    found = dict(zip(names, session.run(None, make_feed(X, session)), strict=True))
    for name, expected in _expected(estimator, X, coverage, has_std).items():
        if name in found:
            _compare(name, found[name], expected)


def _expected(estimator, X, coverage, has_std):
    """Return what the estimator answers, by the names of the outputs of a graph."""
    if not hasattr(estimator, "predict"):
        return {"variable": _dense(estimator.transform(X))}
    if hasattr(estimator, "predict_proba"):  # of which labels and sets are made
        return {"probabilities": estimator.predict_proba(X)}
    answer = {}
    asked = {"coverage": coverage} if coverage is not None else {}
    asked |= {"return_std": True} if has_std else {}
    parts = estimator.predict(X, **asked)
    answer["variable"], *others = parts if asked else [parts]
    if has_std:
        answer["std"] = others.pop(0)
    if coverage is not None:
        answer["lower"], answer["upper"] = (others[0][..., end] for end in (0, 1))
    return answer


def _dense(values):
    return values.toarray() if hasattr(values, "toarray") else np.asarray(values)


def _compare(name, found, expected):
    """Raise ValueError if two answers differ by more than rounding."""
    expected = _rows(expected)
    spread, differences = np.std(np.concatenate([row.ravel() for row in expected])), []
    for ours, theirs in zip(_rows(found), expected, strict=True):
        ours = ours[: len(theirs)]  # of timesteps: what stands behind the end has no meaning
        unit = np.abs(theirs) + (spread or 1.0)
        differences.append(np.max(np.abs(ours.reshape(theirs.shape) - theirs) / unit))
    if not (np.quantile(differences, _SHARE) <= TOLERANCE and max(differences) <= _FURTHEST):
        row = int(np.argmax(np.nan_to_num(differences, nan=np.inf)))
        raise ValueError(
            f"The graph's output {name!r} differs from the estimator's, most in row {row} of X: by "
            f"{differences[row]:.1g} of its size where {TOLERANCE:g} is rounding. Numbers that need more "
            "digits than float32 has keep them with dtype='float64'."
        )


def _rows(values):
    """Return the entries of an answer as arrays of floats."""
    return [np.atleast_1d(np.asarray(row, dtype=np.float64)) for row in values]
