"""A fit as a transaction: it succeeds, or nothing has happened."""

from contextlib import contextmanager


@contextmanager
def transaction(estimator, undo=None):
    """Leave an estimator as it was if something raises inside.

    Parameters
    ----------
    estimator : object
        Its attributes are put back; what they hold must not be changed in place.
    undo : callable, default=None
        Called without arguments after that, to take back what was changed in place.
    """
    before = dict(vars(estimator))
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        if undo is not None:
            undo()
        raise
