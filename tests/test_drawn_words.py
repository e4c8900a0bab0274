"""What counts as an error that names a parameter."""

import pytest

from sknets import MLPClassifier
from tests.drawn import is_named, result_or_words

NAMES = {"loss", "alpha", "solver", "validation_fraction", "target"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("loss='hinge' is unknown.", True),
        ("The 'alpha' parameter of MLPClassifier must be a float.", True),
        ("`solver` is none of these.", True),
        ("target must be a label.", True),
        ("Lower validation_fraction, or give more rows.", True),
        ("X has 3 features.", True),
        ("The loss is not finite.", False),
        ("a solver of systems failed: alpha must be positive", False),
        ("x must have two axes", False),
        ("Xylophones have loss", False),
        ("expected 3 elements, got 4", False),
    ],
)
def test_a_name_counts_where_it_is_written_as_one(words, expected):
    assert is_named(words, NAMES) == expected


def test_an_error_without_a_name_fails():
    def fail():
        raise ValueError("the loss of the solver went wrong")

    with pytest.raises(AssertionError, match="names no parameter"):
        result_or_words(fail, MLPClassifier())
