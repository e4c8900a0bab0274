"""Graphs as a service runs them, beside the estimators that they were written of."""

import numpy as np
import onnxruntime

from sknets import to_onnx
from sknets.graphs import make_feed


def open_session(model):
    """Return a session of a graph."""
    return onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def run(model, X):
    """Return the outputs of a graph by name."""
    session = open_session(model)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(None, make_feed(X, session)), strict=True))


def check_close(found, expected, tolerance=1e-5):
    """Assert that two answers are equal to 1e-5, of the values and their spread."""
    expected = np.asarray(expected, dtype=np.float64)
    found = np.asarray(found, dtype=np.float64).reshape(expected.shape)
    unit = np.abs(expected) + (expected.std() or 1.0)
    assert np.max(np.abs(found - expected) / unit) <= tolerance


def check_served(estimator, X, X_new, **options):
    """Assert that the graph of an estimator answers as it does, for 1, 7 and all new rows."""
    model = to_onnx(estimator, X, **options)
    session = open_session(model)
    names = [output.name for output in session.get_outputs()]
    for n_rows in (1, 7, len(X_new)):
        rows = X_new.iloc[:n_rows] if hasattr(X_new, "iloc") else X_new[:n_rows]
        answers = dict(zip(names, session.run(None, make_feed(rows, session)), strict=True))
        if hasattr(estimator, "predict_proba"):
            check_close(answers["probabilities"], estimator.predict_proba(rows))
            labels = np.asarray(estimator.predict(rows))
            assert (answers["label"] == labels).mean() > 0.99
        elif hasattr(estimator, "predict"):
            check_close(answers["variable"], estimator.predict(rows))
        else:
            check_close(answers["variable"], estimator.transform(rows))
    return model
