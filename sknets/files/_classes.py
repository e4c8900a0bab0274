"""Which classes a file may name: ours, and those that a user hands in."""

import inspect

from sknets import estimators, forecasting, nonlinear, preprocessing, tables
from sknets._version import Versioned
from sknets.tables._encoder import TableEncoder


def _find():
    rooms = (estimators, forecasting, nonlinear, preprocessing, tables)
    named = {name: vars(room)[name] for room in rooms for name in room.__all__}
    classes = [cls for cls in named.values() if isinstance(cls, type)]
    made = [cls for cls in [*classes, TableEncoder] if not inspect.isabstract(cls)]
    return {cls.__name__: cls for cls in made if issubclass(cls, Versioned)}


#: Classes of ours whose objects have a state, by the name that a file has for them.
CLASSES = _find()


def trusted_types():
    """Return the estimators of sknets, for ``skops.io.load(file, trusted=...)``.

    Their state is plain values and arrays, which they check when they are made of it. What a user has put
    into an estimator (a module, a function) is named by skops beside them.

    Returns
    -------
    list of type
        The classes.

    Examples
    --------
    >>> import numpy as np
    >>> import skops.io
    >>> import sknets
    >>> X = np.linspace(-1, 1, 50).reshape(-1, 1)
    >>> model = sknets.MLPRegressor(solver="lbfgs", random_state=0).fit(X, X[:, 0] ** 2)
    >>> data = skops.io.dumps(model)
    >>> copied = skops.io.loads(data, trusted=sknets.files.trusted_types())
    >>> bool((copied.predict(X) == model.predict(X)).all())
    True
    """
    return list(CLASSES.values())


def key_of(thing):
    """Return the name of a class or function in a file: that of its module, and its own."""
    return f"{thing.__module__}.{thing.__qualname__}"
