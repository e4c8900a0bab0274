"""Drawn cases: how `hypothesis` draws them here, and the rule that all of them obey.

A drawn input either gives a result that the test can vouch for, or ends in an error that names what was
wrong: never in a silent NaN, a warning of NumPy's about its own arithmetic, or the words of a library
below.
"""

import re
import warnings

from hypothesis import HealthCheck, settings

DATA = ("X", "y", "sample_weight", "X_val", "y_val", "sample_weight_val")
DATA = (*DATA, "feature names", "Sample weights", "Found array")  # as scikit-learn calls them


def drawn(n_cases):
    """Return the decorator of a test with so many drawn cases, the same ones in each run."""
    return settings(
        max_examples=n_cases,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def result_or_words(call, estimator, *further_names):
    """Return what a call returns, or None if it ended in an error that names a parameter.

    Parameters
    ----------
    call : callable
        Called without arguments. Warnings of ours pass; those of arithmetic fail the test.
    estimator : estimator
        Its parameters, and those of `fit`, are the names that an error may have.
    *further_names : str
        Others, such as the parameters of the method that is called.
    """
    names = {*estimator.get_params(deep=False), *further_names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return call()
        except (ValueError, TypeError) as error:
            assert is_named(str(error), names), f"the error names no parameter: {error!r}"
            return None


def is_named(words, names):
    """Whether an error has the name of a parameter as one, or names the data.

    "loss", "solver" and "alpha" are words of sentences too: they count where they are written as
    ``loss=``, in quotes, or first in a sentence that says what it must be.
    """
    plain = "|".join([*DATA, *(name for name in names if "_" in name)])
    quoted = "|".join(names)
    return bool(
        re.search(rf"(?<!\w)({plain})(?!\w)", words)
        or re.search(rf"(?<!\w)({quoted})=", words)
        or re.search(rf"(['\"`])({quoted})\1", words)
        or re.search(rf"(^|[.] )({quoted}) (must|has|is) ", words)
    )
