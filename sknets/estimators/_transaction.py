"""All or nothing: a method that raises leaves the estimator as it was."""

from contextlib import contextmanager


@contextmanager
def transaction(estimator, undo=None):
    """Leave an estimator as it was if something raises inside.

    Parameters
    ----------
    estimator : object
        The estimator, whose attributes are put back.
    undo : callable, default=None
        Called without arguments to put back what lies deeper: a network that has been trained on.
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
