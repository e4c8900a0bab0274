"""The version of the package, which every pickle remembers."""

from sklearn.exceptions import InconsistentVersionWarning

from sknets._warn import warn_user

__version__ = "0.1.0.dev0"

#: Where the version stands in a state.
VERSION_KEY = "_sknets_version"


class VersionWarning(InconsistentVersionWarning):
    """A pickle is of another version of sknets; scikit-learn's own warning, about this package."""

    def __str__(self):
        return (
            f"This {self.estimator_name} was pickled by sknets {self.original_sklearn_version} and is "
            f"read by sknets {self.current_sklearn_version}. It may fail, or predict something else: "
            "fit it again, or read it with the version that wrote it."
        )


class Versioned:
    """Stands before scikit-learn's `BaseEstimator`: a pickle says by which version it was written."""

    def __getstate__(self):
        return {**super().__getstate__(), VERSION_KEY: __version__}

    def __setstate__(self, state):
        state = dict(state)
        version = state.pop(VERSION_KEY, "(of an unknown version)")
        if version != __version__:
            warn_user(
                VersionWarning(  # whose fields are called so by scikit-learn
                    estimator_name=type(self).__name__,
                    current_sklearn_version=__version__,
                    original_sklearn_version=version,
                )
            )
        super().__setstate__(state)
