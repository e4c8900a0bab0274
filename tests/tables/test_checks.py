"""scikit-learn's checks."""

import pytest
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from sknets import TabularClassifier, TabularRegressor
from sknets.tables import TableEncoder

SHORT = {"n_candidates": 2, "cv": 2, "random_state": 0}
WEIGHTS = "rows are held out by chance: two of weight one, and one of weight two, are others"
EXPECTED = {"check_sample_weight_equivalence_on_dense_data": WEIGHTS}


def expected(estimator):
    return {} if isinstance(estimator, TableEncoder) else EXPECTED


@parametrize_with_checks(
    [TabularRegressor(**SHORT), TabularClassifier(**SHORT), TableEncoder()],
    expected_failed_checks=expected,
)
def test_check(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks([TabularRegressor(), TabularClassifier()], expected_failed_checks=expected)
def test_check_at_the_defaults(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", [TabularRegressor, TabularClassifier])
def test_parameters_are_validated(kind):
    check_param_validation(kind.__name__, kind())
