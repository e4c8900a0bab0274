"""The callback protocol of scikit-learn 1.9; tests that need it are skipped before."""

import pytest

try:
    from sklearn.callback import FitCallback, ProgressBar, ScoringMonitor
except ImportError:

    def skip(*args, **kwargs):
        pytest.skip("scikit-learn has callbacks from 1.9 on")

    FitCallback = ProgressBar = ScoringMonitor = skip
    HAS_CALLBACKS = False
else:
    HAS_CALLBACKS = True

__all__ = ["HAS_CALLBACKS", "FitCallback", "ProgressBar", "ScoringMonitor"]
