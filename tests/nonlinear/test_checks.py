"""scikit-learn's checks, with a model of any number of columns."""

import torch
from sklearn.utils.estimator_checks import check_param_validation, parametrize_with_checks

from sknets import NonlinearRegressor


class Curve:
    """A line along columns that are weighted by a bump; names of tests must have no address."""

    def __call__(self, X, theta):
        places = torch.arange(X.shape[1], dtype=X.dtype)
        return theta[0] + theta[1] * (X @ torch.exp(-((places - theta[2]) ** 2)))

    def __repr__(self):
        return "Curve()"


START = [0.0, 1.0, 3.6]


@parametrize_with_checks([NonlinearRegressor(Curve(), START, max_iter=60)])
def test_check(estimator, check):
    check(estimator)


def test_parameters_are_validated():
    check_param_validation("NonlinearRegressor", NonlinearRegressor(Curve(), START))
