"""The version of the package, which every pickle remembers, and the plain state that it stands beside."""

from contextlib import contextmanager
from contextvars import ContextVar

from sklearn.exceptions import InconsistentVersionWarning
from sklearn.utils.metadata_routing import MetadataRequest

from sknets._plain import from_plain, to_plain
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
    """Stands before scikit-learn's `BaseEstimator`: a state is plain, and says which version wrote it."""

    def __getstate__(self):
        if (parts := _parts.get()) is not None:
            return {PART_KEY: parts.put(self)}
        state = super().__getstate__()
        if _REQUESTS in state:
            state = state | {_REQUESTS: _plain_requests(state[_REQUESTS])}
        return {**to_plain(state), VERSION_KEY: __version__}

    def __setstate__(self, state):
        state = from_plain(own_state(self, state))
        if _REQUESTS in state:
            state[_REQUESTS] = _make_requests(self, state[_REQUESTS])
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


#: Where scikit-learn keeps what `set_fit_request` and the like have set.
_REQUESTS = "_metadata_request"


def _plain_requests(requests):
    """Return requests of metadata by method, without the estimator that scikit-learn has in them."""
    parts = vars(requests).items()
    return {name: dict(part.requests) for name, part in parts if hasattr(part, "requests")}


def _make_requests(estimator, plain):
    made = MetadataRequest(owner=estimator)
    for method, requests in plain.items():
        for param, alias in requests.items():
            getattr(made, method).add_request(param=param, alias=alias)
    return made


#: Stands in a state for one that is kept elsewhere.
PART_KEY = "_sknets_part"

#: Where the states of estimators are kept that lie within something else, in a file.
_parts = ContextVar("_parts", default=None)


@contextmanager
def elsewhere(parts):
    """Let states of estimators be kept elsewhere: ``parts.put(estimator)`` says where, as a number.

    ``parts.get(estimator, number)`` returns what is kept there. With None they are as always.
    """
    token = _parts.set(parts)
    try:
        yield
    finally:
        _parts.reset(token)


def own_state(estimator, state):
    """Return the state of an estimator, from where it is kept."""
    parts = _parts.get()
    if parts is None and PART_KEY not in state:
        return state
    if parts is None or set(state) != {PART_KEY}:
        raise ValueError(
            f"This {type(estimator).__name__} is a part of a file: read the whole file."
        )
    return parts.get(estimator, state[PART_KEY])
