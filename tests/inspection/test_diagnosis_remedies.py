"""Remedies that an estimator takes as they are, and findings beside which another one is likelier."""

import json

import numpy as np
import pytest
import torch
from sklearn.compose import make_column_transformer
from sklearn.datasets import (
    load_diabetes,
    make_circles,
    make_classification,
    make_friedman1,
    make_multilabel_classification,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler, scale

from sknets import Autoencoder, MLPClassifier, MLPRegressor, ModuleRegressor
from sknets.inspection import diagnose
from sknets.inspection.diagnosis._references import skill

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_friedman1(600, noise=0.5, random_state=0)
X, X_VAL, Y_TRAIN, Y_VAL = train_test_split(scale(X), Y, random_state=0)


class Rectified(torch.nn.Sequential):
    """Two layers."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(
            torch.nn.Linear(n_inputs, 50), torch.nn.ReLU(), torch.nn.Linear(50, n_outputs)
        )


def names(diagnosis):
    return [finding.name for finding in diagnosis.findings]


def leaky(where=10):
    """Return training and validation rows with one more column, which is y in the training rows only."""
    other = np.random.default_rng(0).normal(size=len(Y_VAL))
    return np.insert(X, where, scale(Y_TRAIN), axis=1), np.insert(X_VAL, where, other, axis=1)


# --- remedies are taken -----------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lbfgs", "lm", "adam"])
def test_every_remedy_of_a_network_that_is_too_large_can_be_fitted(solver):
    rows, y = load_diabetes(return_X_y=True)
    rows, rows_val, y, y_val = train_test_split(scale(rows), y, random_state=0)
    network = MLPRegressor(solver=solver, hidden_layer_sizes=(10, 10), random_state=0)
    network.set_params(max_iter=1000 if solver == "adam" else 100, alpha=1e-6)
    diagnosis = diagnose(network.fit(rows, y), rows, y, rows_val, y_val)
    assert names(diagnosis)[0] == "too large"
    remedies = diagnosis.findings[0].remedies
    changed = {name for remedy in remedies for name in remedy.parameters}
    assert {"alpha", "hidden_layer_sizes"} <= changed
    assert ("dropout" in changed) is (solver == "adam")
    for number, remedy in enumerate(remedies):
        if remedy.is_change:
            diagnosis.remedied(0, number).set_params(max_iter=1).fit(rows, y)


def test_deep_network_that_is_too_large_loses_layers_first():
    rows, y = load_diabetes(return_X_y=True)
    rows, rows_val, y, y_val = train_test_split(scale(rows), y, random_state=0)
    network = MLPRegressor(hidden_layer_sizes=(30,) * 8, random_state=0).fit(rows, y)
    diagnosis = diagnose(network, rows, y, rows_val, y_val, try_remedies=True)
    assert names(diagnosis)[0] == "too large"
    assert diagnosis.findings[0].remedy == {"hidden_layer_sizes": (30,)}
    tried = diagnosis.findings[0].remedies[0]
    assert tried.after > tried.before + 0.1


def test_minimiser_has_no_rate_and_was_stopped_too_early():
    network = MLPRegressor(solver="lbfgs", max_iter=2, random_state=0).fit(X, Y_TRAIN)
    diagnosis = diagnose(network, X, Y_TRAIN, X_VAL, Y_VAL)
    assert "step_to_weight" not in diagnosis.evidence
    assert names(diagnosis) == ["stopped too early"]
    assert diagnosis.findings[0].evidence["n_steps"] == 2


def test_steps_are_counted_with_the_last_batch_of_each_epoch():
    network = MLPRegressor(max_iter=3, batch_size=200, random_state=0).fit(X, Y_TRAIN)
    finding = diagnose(network, X, Y_TRAIN).findings[0]
    assert finding.evidence["n_steps"] == 3 * 3  # of 450 rows


def test_scaler_stands_directly_before_the_network_under_a_free_name():
    units = 10.0 ** np.arange(-4, 6)
    network = MLPRegressor(max_iter=20, random_state=0)
    clash = Pipeline([("scaler", FunctionTransformer()), ("net", network)])
    nested = make_pipeline(FunctionTransformer(), make_pipeline(FunctionTransformer(), network))
    for pipeline in (clash, nested):
        diagnosis = diagnose(pipeline.fit(X * units, Y_TRAIN), X * units, Y_TRAIN)
        assert names(diagnosis)[0] == "unscaled columns"
        made = diagnosis.remedied().fit(X * units, Y_TRAIN)
        inner = made if pipeline is clash else made[-1]
        assert isinstance(inner[-2], StandardScaler)
        assert isinstance(inner[-1], MLPRegressor)
        assert len(inner) == 3


def test_leak_is_left_out_where_the_network_sees_it():
    train, valid = leaky()
    moved = make_column_transformer((StandardScaler(), [10, 9]), remainder="passthrough")
    pipeline = make_pipeline(moved, MLPRegressor(random_state=0)).fit(train, Y_TRAIN)
    diagnosis = diagnose(pipeline, train, Y_TRAIN, valid, Y_VAL)
    assert names(diagnosis)[0] == "leaking column"
    assert diagnosis.findings[0].evidence["column"] == 0
    mended = diagnosis.remedied().fit(train, Y_TRAIN)
    assert mended[-1].n_features_in_ == 10
    assert mended.score(valid, Y_VAL) > pipeline.score(valid, Y_VAL) + 0.5


def test_module_of_one_width_loses_no_columns():
    train, valid = leaky()
    params = {"in_features": 11, "out_features": 1}
    network = ModuleRegressor(torch.nn.Linear, module_params=params, random_state=0)
    network.set_params(max_iter=50, learning_rate_init=0.02).fit(train, Y_TRAIN)
    diagnosis = diagnose(network, train, Y_TRAIN, valid, Y_VAL, try_remedies=True)
    assert names(diagnosis)[0] == "leaking column"
    assert not diagnosis.findings[0].remedies[0].is_change
    with pytest.raises(ValueError, match="changes the data"):
        diagnosis.remedied()


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"alpha": 3e4}, "constant prediction"),
        ({"learning_rate_init": 3.0}, "rate too high"),
        ({"learning_rate_init": 1e-6}, "rate too low"),
    ],
)
def test_module_whose_first_weights_are_unknown(options, name):
    params = {"n_inputs": 10, "n_outputs": 1}
    network = ModuleRegressor(Rectified, module_params=params, random_state=0, max_iter=50)
    network.set_params(**options).fit(X, Y_TRAIN)
    diagnosis = diagnose(network, X, Y_TRAIN, X_VAL, Y_VAL)
    assert names(diagnosis)[0] == name
    assert "weights_before_training" not in diagnosis.evidence
    mended = diagnosis.remedied().fit(X, Y_TRAIN)
    assert mended.score(X_VAL, Y_VAL) > max(0.5, network.score(X_VAL, Y_VAL))


def test_training_that_has_hardly_begun_is_not_called_too_large():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(130, 30))
    y = rows[:, :5].sum(axis=1) + rng.normal(size=130)
    network = MLPRegressor(max_iter=12, random_state=0).fit(rows[:60], y[:60])
    diagnosis = diagnose(network, rows[:60], y[:60], rows[60:], y[60:])
    assert diagnosis.poor_on == "held-out"
    assert names(diagnosis) == ["stopped too early"]


def test_network_without_a_hidden_layer_gets_one():
    rows, y = make_circles(400, noise=0.1, factor=0.4, random_state=0)
    network = MLPClassifier((), max_iter=300, random_state=0).fit(rows, y)
    diagnosis = diagnose(network, rows, y)
    assert names(diagnosis) == ["too small"]
    assert diagnosis.findings[0].remedy == {"hidden_layer_sizes": (100,)}
    assert (
        diagnosis.remedied().set_params(learning_rate_init=0.01).fit(rows, y).score(rows, y) > 0.9
    )


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"alpha": 80.0}, {"alpha": 8.0}),
        ({"l1_alpha": 7.0}, {"l1_alpha": 0.7}),
        ({"dropout": 0.95}, {"dropout": 0.1}),
    ],
)
def test_what_is_regularised_too_much_learns_more_with_the_remedy(options, remedy):
    network = MLPRegressor(random_state=0, **options).fit(X, Y_TRAIN)
    diagnosis = diagnose(network, X, Y_TRAIN, X_VAL, Y_VAL, try_remedies=True)
    assert names(diagnosis)[0] == "regularised too much"
    assert diagnosis.findings[0].remedy == remedy
    tried = diagnosis.findings[0].remedies[0]
    assert tried.after > tried.before + 0.1


def test_shortened_gradients_make_steps_too_short():
    network = MLPRegressor(solver="sgd", learning_rate_init=0.01, max_grad_norm=1e-4)
    network.set_params(max_iter=20, random_state=0).fit(X, Y_TRAIN)
    diagnosis = diagnose(network, X, Y_TRAIN)
    assert names(diagnosis)[0] == "rate too low"
    assert diagnosis.findings[0].remedy == {"max_grad_norm": None}


# --- what is measured -------------------------------------------------------------------------------


def test_penalty_is_that_of_the_first_weights_beside_the_loss_of_a_constant():
    network = MLPRegressor(alpha=3.0, learning_rate_init=1e-300, max_iter=1, random_state=0)
    network.fit(X, Y_TRAIN)
    weights = [w.detach() for w in network.net_.module_.parameters() if w.ndim > 1]
    penalty = 3.0 / (2 * len(X)) * sum(float((w**2).sum()) for w in weights)
    evidence = diagnose(network, X, Y_TRAIN).evidence
    assert evidence["penalty_share"] == pytest.approx(penalty / 0.5, rel=1e-5)


def test_evidence_has_the_layers_and_is_plain():
    network = MLPRegressor(hidden_layer_sizes=(7, 3), max_iter=3, random_state=0).fit(X, Y_TRAIN)
    evidence = json.loads(json.dumps(diagnose(network, X, Y_TRAIN).to_dict()))["evidence"]
    assert [layer["n_units"] for layer in evidence["weights"]] == [7, 3, 1]
    first = network.net_.module_.weighted_layers[0].weight.detach().numpy()
    assert evidence["weights"][0]["size"] == pytest.approx(np.sqrt((first**2).mean()), rel=1e-6)
    ratios = [
        layers[0]["gradient"] / layers[-1]["gradient"]
        for layers in (evidence["weights"], evidence["weights_before_training"])
    ]
    assert evidence["first_to_last_gradient"] == pytest.approx(max(ratios))
    assert [set(unit) for unit in evidence["units"]] == [{"name", "dead"}] * 2


def test_rows_that_were_not_looked_at_count_in_the_penalty():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(9000, 2))
    network = MLPRegressor(max_iter=1, random_state=0).fit(rows, rows[:, 0])
    diagnosis = diagnose(network, rows, rows[:, 0], rows[:5000], rows[:5000, 0])
    assert diagnosis.evidence["n_rows"] == 9000
    assert diagnosis.evidence["n_validation_rows"] == 4000


def test_linear_skill_of_labels():
    rows, labels = make_multilabel_classification(300, n_features=8, n_classes=3, random_state=0)
    rows, rows_val, labels, labels_val = train_test_split(scale(rows), labels, random_state=0)
    network = MLPClassifier(max_iter=20, random_state=0).fit(rows, labels)
    evidence = diagnose(network, rows, labels, rows_val, labels_val).evidence
    linear = OneVsRestClassifier(LogisticRegression(max_iter=200)).fit(scale(rows), labels)
    scaler = StandardScaler().fit(rows)
    expected = skill(labels_val, linear.predict(scaler.transform(rows_val)), is_of_classes=True)
    assert evidence["linear_skill"] == pytest.approx(expected, abs=0.02)


# --- what is not found ------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 12])
def test_chance_in_few_rows_is_no_leak(seed):
    rows, y = make_classification(200, 40, n_informative=5, flip_y=0.2, random_state=seed)
    rows, rows_val, y, y_val = train_test_split(rows, y, test_size=0.3, random_state=seed)
    network = MLPClassifier((200,), random_state=0).fit(rows, y)
    assert "leaking column" not in names(diagnose(network, rows, y, rows_val, y_val))


def test_no_signal_is_said_without_validation_rows():
    y = np.random.default_rng(0).normal(size=len(X))
    network = MLPRegressor(hidden_layer_sizes=(5,), max_iter=3, random_state=0).fit(X, y)
    diagnosis = diagnose(network, X, y)
    assert diagnosis.poor_on == "nothing to learn"
    assert names(diagnosis) == ["nothing to learn"]


def test_validation_rows_of_one_y_cannot_be_told():
    network = MLPRegressor(random_state=0).fit(X, Y_TRAIN)
    diagnosis = diagnose(network, X, Y_TRAIN, X_VAL, np.ones(len(X_VAL)))
    assert any("y_val is constant" in words for words in diagnosis.unknown)


# --- bad input --------------------------------------------------------------------------------------


def test_numbers_as_text_are_read_as_in_fit():
    network = MLPRegressor(max_iter=5, random_state=0).fit(X, Y_TRAIN.astype(str))
    one, other = (diagnose(network, X, y).evidence for y in (Y_TRAIN, Y_TRAIN.astype(str)))
    assert one == other


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ((None, Y_TRAIN), "X=None"),
        ((X, None), "y=None"),
        ((X, Y_TRAIN, None, None, "yes"), "try_remedies must be True or False, got 'yes'"),
    ],
)
def test_missing_data_and_odd_switches_are_named(arguments, match):
    network = MLPRegressor(max_iter=2, random_state=0).fit(X, Y_TRAIN)
    rows, y, *further = arguments
    options = dict(zip(("X_val", "y_val", "try_remedies"), further, strict=False))
    with pytest.raises(ValueError, match=match):
        diagnose(network, rows, y, **options)


@pytest.mark.parametrize("number", [-1, 1.5, "first", None])
def test_numbers_of_findings_that_cannot_be(number):
    diagnosis = diagnose(MLPRegressor(max_iter=2, random_state=0).fit(X, Y_TRAIN), X, Y_TRAIN)
    for arguments in ({"finding": number}, {"remedy": number}):
        with pytest.raises((TypeError, ValueError), match=f"^{next(iter(arguments))} "):
            diagnosis.remedied(**arguments)


def test_autoencoder_is_refused_by_name():
    with pytest.raises(TypeError, match="Autoencoder learns X itself"):
        diagnose(Autoencoder(max_iter=2, random_state=0).fit(X), X, X)
