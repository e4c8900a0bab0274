"""All of scikit-learn's estimator checks, at the defaults, with none expected to fail."""

import warnings

import pytest
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_param_validation,
    estimator_checks_generator,
    parametrize_with_checks,
)

from sknets import (
    Autoencoder,
    CNNAutoencoder,
    CNNFeatures,
    MLPClassifier,
    MLPRegressor,
    RNNAutoencoder,
    RNNFeatures,
)
from tests.estimators.estimators import AT_DEFAULTS

# Checks that skip themselves: one wants SCIPY_ARRAY_API set in the environment, one a
# decision_function, which scikit-learn's networks do not have either.
SKIP_THEMSELVES = {
    "check_array_api_input",
    "check_classifiers_multilabel_output_format_decision_function",
}


SMALL = {"hidden_layer_sizes": (5,), "max_iter": 50}
SECOND_ORDER = [
    *(MLPRegressor(solver=solver, **SMALL) for solver in ("lm", "gauss-newton", "newton")),
    MLPClassifier(solver="newton", **SMALL),
]
TRANSFORMERS = [CNNFeatures(), RNNFeatures(), Autoencoder(), CNNAutoencoder(), RNNAutoencoder()]


@parametrize_with_checks([*AT_DEFAULTS, *SECOND_ORDER, *TRANSFORMERS])
def test_check(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # checks are about behaviour; some fit odd data on purpose
        check(estimator)


@pytest.mark.parametrize("estimator", AT_DEFAULTS, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize(
    "check", [check_param_validation, check_dataframe_column_names_consistency]
)
def test_check_called_directly(estimator, check):
    check(type(estimator).__name__, estimator)


@pytest.mark.parametrize("estimator", AT_DEFAULTS, ids=lambda e: type(e).__name__)
def test_no_tag_switches_checks_off(estimator):
    tags = get_tags(estimator)
    assert not tags.non_deterministic
    assert not tags.no_validation
    assert tags.requires_fit
    assert not (tags.classifier_tags or tags.regressor_tags).poor_score
    checks = [
        getattr(check, "func", check).__name__
        for _, check in estimator_checks_generator(estimator, mark="skip")
    ]
    passed = [name for name in checks if name not in SKIP_THEMSELVES]
    assert len(passed) >= (60 if tags.classifier_tags else 58)
