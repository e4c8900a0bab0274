"""A step of a pipeline that kills the worker it is in, once."""

import os
import signal
import uuid
from pathlib import Path

from sklearn.base import BaseEstimator, TransformerMixin


class Killer(TransformerMixin, BaseEstimator):
    """The fit after a number of fits, wherever they were, ends its process.

    Parameters
    ----------
    folder : str or None
        Where fits are counted; None counts nothing and kills nobody.
    after : int
        How many fits come before.
    """

    def __init__(self, folder=None, after=0):
        self.folder = folder
        self.after = after

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        if self.folder is None:
            return self
        folder = Path(self.folder)
        (folder / uuid.uuid4().hex).touch()
        if len(list(folder.iterdir())) > self.after:
            try:
                (folder / "killed").touch(exist_ok=False)
            except FileExistsError:
                return self
            os.kill(os.getpid(), signal.SIGKILL)
        return self

    def transform(self, X):
        return X
