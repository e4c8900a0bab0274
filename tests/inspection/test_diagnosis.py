"""What `diagnose` finds, what it leaves alone, and what it refuses."""

import copy
import warnings

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_digits, load_iris, make_friedman1
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknets import (
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inspection import diagnose
from sknets.inspection.diagnosis._references import skill

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, Y = make_friedman1(600, noise=0.5, random_state=0)
X, X_VAL, Y_TRAIN, Y_VAL = train_test_split(scale(X), Y, random_state=0)


def names(diagnosis):
    return [finding.name for finding in diagnosis.findings]


@pytest.fixture(scope="module")
def slow():
    """Return a network with a rate that is too low."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return MLPRegressor(learning_rate_init=1e-6, max_iter=20, random_state=0).fit(X, Y_TRAIN)


# --- what is found --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "name", "parameter"),
    [
        ({"learning_rate_init": 1e-6, "max_iter": 50}, "rate too low", "learning_rate_init"),
        ({"learning_rate_init": 1.0, "max_iter": 50}, "rate too high", "learning_rate_init"),
        ({"max_iter": 3}, "stopped too early", "max_iter"),
        ({"alpha": 1e5}, "constant prediction", "alpha"),
        (
            {"hidden_layer_sizes": (20,) * 8, "activation": "logistic"},
            "vanishing gradients",
            "activation",
        ),
    ],
)
@pytest.mark.parametrize("is_validated", [True, False])
def test_planted_fault_is_named_and_its_remedy_names_the_parameter(
    options, name, parameter, is_validated
):
    network = MLPRegressor(random_state=0, **options).fit(X, Y_TRAIN)
    held = (X_VAL, Y_VAL) if is_validated else ()
    diagnosis = diagnose(network, X, Y_TRAIN, *held)
    assert diagnosis.poor_on == "training"
    assert names(diagnosis)[0] == name
    assert list(diagnosis.findings[0].remedy) == [parameter]
    assert any("X_val" in words for words in diagnosis.unknown) is not is_validated


def test_remedy_is_named_as_the_pipeline_takes_it_and_helps(slow):
    pipeline = make_pipeline(StandardScaler(), copy.deepcopy(slow)).fit(X, Y_TRAIN)
    diagnosis = diagnose(pipeline, X, Y_TRAIN, X_VAL, Y_VAL, try_remedies=True)
    assert list(diagnosis.findings[0].remedy) == ["mlpregressor__learning_rate_init"]
    tried = diagnosis.findings[0].remedies[0]
    assert tried.before == pytest.approx(pipeline.score(X_VAL, Y_VAL))
    mended = diagnosis.remedied().fit(X, Y_TRAIN)
    assert tried.after == pytest.approx(mended.score(X_VAL, Y_VAL))
    assert tried.after > tried.before + 0.1


def test_search_is_diagnosed_by_its_best_network(slow):
    search = GridSearchCV(slow, {"alpha": [1e-4]}, cv=2).fit(X, Y_TRAIN)
    diagnosis = diagnose(search, X, Y_TRAIN)
    assert names(diagnosis)[0] == "rate too low"
    assert isinstance(diagnosis.remedied(), MLPRegressor)


def test_unscaled_columns_get_a_scaler_directly_before_the_network():
    units = 10.0 ** np.arange(-4, 6)
    network = MLPRegressor(max_iter=50, random_state=0).fit(X * units, Y_TRAIN)
    diagnosis = diagnose(network, X * units, Y_TRAIN, X_VAL * units, Y_VAL)
    assert names(diagnosis)[0] == "unscaled columns"
    assert [name for name, _ in diagnosis.remedied().steps] == ["standardscaler", "mlpregressor"]


def test_leaking_column_is_left_out():
    leak = scale(Y_TRAIN)
    other = np.random.default_rng(0).normal(size=len(Y_VAL))
    train, valid = np.column_stack([X, leak]), np.column_stack([X_VAL, other])
    network = MLPRegressor(random_state=0).fit(train, Y_TRAIN)
    diagnosis = diagnose(network, train, Y_TRAIN, valid, Y_VAL)
    assert diagnosis.poor_on == "held-out"
    assert names(diagnosis)[0] == "leaking column"
    assert diagnosis.findings[0].remedies[0].drop == (10,)
    mended = diagnosis.remedied().fit(train, Y_TRAIN)
    np.testing.assert_array_equal(mended[:-1].transform(valid), X_VAL)


def test_shifted_columns_are_named():
    valid = X_VAL.copy()
    valid[:, 3] += 5
    network = MLPRegressor(random_state=0).fit(X, Y_TRAIN)
    diagnosis = diagnose(network, X, Y_TRAIN, valid, Y_VAL)
    finding = diagnosis.findings[0]
    assert finding.name == "shifted validation rows"
    assert finding.evidence["column"] == 3
    deviation = np.sqrt((X[:, 3].var() + valid[:, 3].var()) / 2)
    distance = (valid[:, 3].mean() - X[:, 3].mean()) / deviation
    assert finding.evidence["largest_distance"] == pytest.approx(distance)


def test_shuffled_labels_say_that_there_is_no_signal():
    y = np.random.default_rng(0).permutation(Y_TRAIN)
    network = MLPRegressor(hidden_layer_sizes=(200,), max_iter=400, random_state=0)
    diagnosis = diagnose(network.fit(X, y), X, y, X_VAL, Y_VAL)
    assert diagnosis.poor_on == "nothing to learn"
    assert names(diagnosis) == ["labels without signal"]


def test_rare_class_that_is_never_predicted():
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(1500, 4))
    y = (columns[:, 0] + rng.normal(size=1500) > 2.7).astype(int)
    network = MLPClassifier(alpha=10.0, random_state=0).fit(columns[:1000], y[:1000])
    diagnosis = diagnose(network, columns[:1000], y[:1000], columns[1000:], y[1000:])
    assert names(diagnosis)[0] == "imbalance"
    assert diagnosis.findings[0].remedy == {"class_weight": "balanced"}


def test_dead_units_are_counted():
    network = MLPRegressor(hidden_layer_sizes=(40,), max_iter=1, random_state=0).fit(X, Y_TRAIN)
    with torch.no_grad():
        network.net_.module_.weighted_layers[0].bias[:30] = -100.0
    evidence = diagnose(network, X, Y_TRAIN).evidence
    assert evidence["dead_units"] == pytest.approx(30 / 40)


def test_gradients_are_those_of_the_loss_at_the_start():
    """The ratio of first to last layer, written out for a network without a hidden activation."""
    network = MLPRegressor(
        hidden_layer_sizes=(5,), activation="identity", learning_rate_init=1e-300, max_iter=1
    )
    network.set_params(alpha=0.0, random_state=0, dtype="float64").fit(X, Y_TRAIN)
    first, last = network.net_.module_.weighted_layers
    w, b, v, c = (p.detach().numpy() for p in (first.weight, first.bias, last.weight, last.bias))
    rows = X[:256]
    y = ((Y_TRAIN - Y_TRAIN.mean()) / Y_TRAIN.std())[:256]
    hidden = rows @ w.T + b
    delta = (hidden @ v.T + c)[:, 0] - y
    last_gradient = delta @ hidden
    first_gradient = np.outer(v[0], delta @ rows)
    expected = np.sqrt((first_gradient**2).mean() / (last_gradient**2).mean())
    evidence = diagnose(network, X, Y_TRAIN).evidence
    assert evidence["first_to_last_gradient"] == pytest.approx(expected, rel=1e-6)


# --- what is left alone ---------------------------------------------------------------------------


def test_healthy_network_is_left_alone():
    network = MLPRegressor(random_state=0).fit(X, Y_TRAIN)
    diagnosis = diagnose(network, X, Y_TRAIN, X_VAL, Y_VAL)
    assert (diagnosis.poor_on, diagnosis.findings) == ("neither", [])
    with pytest.raises(ValueError, match="there is none"):
        diagnosis.remedied()


class Small(torch.nn.Sequential):
    """Two layers."""

    def __init__(self, n_inputs, n_outputs):
        super().__init__(
            torch.nn.Linear(n_inputs, 30), torch.nn.Tanh(), torch.nn.Linear(30, n_outputs)
        )


def cnn():
    digits = load_digits()
    return CNNClassifier((8,), max_iter=2, random_state=0), digits.images[:300], digits.target[:300]


def rnn():
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(n, 2)) for n in rng.integers(5, 12, 60)]
    network = RNNRegressor(recurrent_layer_sizes=4, max_iter=2, random_state=0)
    return network, series, np.array([row.mean() for row in series])


def tagger():
    rng = np.random.default_rng(0)
    tokens = [rng.integers(0, 9, n) for n in rng.integers(5, 12, 60)]
    options = {"vocabulary_size": 9, "embedding_dim": 3, "output": "timesteps"}
    network = RNNClassifier(recurrent_layer_sizes=4, max_iter=2, random_state=0, **options)
    return network, tokens, [row % 2 for row in tokens]


def own():
    columns, y = load_iris(return_X_y=True)
    params = {"n_inputs": 4, "n_outputs": 3}
    network = ModuleClassifier(Small, module_params=params, max_iter=2, random_state=0)
    return make_pipeline(StandardScaler(), network), columns, y


def texts():
    words = ["good day", "bad day", "good night", "bad night"] * 15
    network = MLPClassifier(hidden_layer_sizes=(4,), max_iter=2, random_state=0)
    return make_pipeline(TfidfVectorizer(), network), words, np.array(["yes", "no"] * 30)


def decoder():
    rng = np.random.default_rng(0)
    series = [rng.normal(size=(n, 1)) for n in rng.integers(5, 9, 60)]
    network = RNNRegressor(recurrent_layer_sizes=4, output="sequence", max_iter=2, random_state=0)
    return network, series, [row[:3, 0] for row in series]


def words():
    rng = np.random.default_rng(0)
    tokens = [rng.integers(0, 9, n) for n in rng.integers(5, 12, 60)]
    options = {"vocabulary_size": 9, "embedding_dim": 3}
    network = RNNClassifier(recurrent_layer_sizes=4, max_iter=2, random_state=0, **options)
    return network, tokens, np.array([row[0] > 4 for row in tokens])


def quantiles():
    options = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}
    return MLPRegressor(max_iter=2, random_state=0, **options), X, Y_TRAIN


def sparse_labels():
    network, X, y = labels()
    return network, sparse.csr_array(X), sparse.csr_array(y)


def labels():
    y = np.column_stack([Y_TRAIN > 14, Y_TRAIN > 10]).astype(int)
    return MLPClassifier(max_iter=2, random_state=0), X, y


def outputs():
    return MLPRegressor(max_iter=2, random_state=0), X, np.column_stack([Y_TRAIN, -Y_TRAIN])


def second_order():
    return MLPRegressor(solver="lbfgs", max_iter=3, random_state=0), X, Y_TRAIN


KINDS = [
    cnn,
    rnn,
    tagger,
    decoder,
    words,
    own,
    texts,
    labels,
    sparse_labels,
    outputs,
    quantiles,
    second_order,
]


@pytest.mark.parametrize("make", KINDS)
def test_every_family_is_diagnosed_and_left_as_it_is(make):
    network, X, y = make()
    network.fit(X, y)
    inner = network[-1] if hasattr(network, "steps") else network
    values, history = inner.net_.flat.values.clone(), [dict(row) for row in inner.net_.history]
    before, parameters = network.predict(X), network.get_params()
    state = torch.get_rng_state()
    n_held = 15
    diagnosis = diagnose(network, X, y, X[:n_held], y[:n_held])
    assert "train_loss" in diagnosis.evidence
    assert torch.equal(inner.net_.flat.values, values)
    assert [dict(row) for row in inner.net_.history] == history
    assert network.get_params() == parameters
    assert torch.equal(torch.get_rng_state(), state)
    after = network.predict(X)
    if sparse.issparse(before):
        before, after = before.toarray(), after.toarray()
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert inner.net_.module_.training is False
    assert str(diagnosis).startswith(diagnosis.answer)


def test_training_goes_on_to_the_same_bits_after_a_diagnosis():
    one, other = (MLPRegressor(random_state=0, max_iter=3, warm_start=True) for _ in range(2))
    for network in (one, other):
        network.fit(X, Y_TRAIN)
    diagnose(one, X, Y_TRAIN, X_VAL, Y_VAL)
    for network in (one, other):
        network.fit(X, Y_TRAIN)
    assert torch.equal(one.net_.flat.values, other.net_.flat.values)


# --- the report -----------------------------------------------------------------------------------


def test_quantiles_are_judged_by_the_median():
    options = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9], "max_iter": 30}
    network = MLPRegressor(random_state=0, **options).fit(X, Y_TRAIN)
    evidence = diagnose(network, X, Y_TRAIN, X_VAL, Y_VAL).evidence
    expected = r2_score(Y_VAL, network.predict(X_VAL)[:, 1])
    assert evidence["valid_skill"] == pytest.approx(expected)


def test_constant_y_cannot_be_told():
    y = np.ones(len(X))
    diagnosis = diagnose(MLPRegressor(max_iter=2, random_state=0).fit(X, y), X, y)
    assert diagnosis.poor_on == "unknown"
    assert any("constant" in words for words in diagnosis.unknown)


def test_report_is_text_dict_and_html(slow):
    diagnosis = diagnose(slow, X, Y_TRAIN)
    text, values, page = str(diagnosis), diagnosis.to_dict(), diagnosis._repr_html_()
    for part in (text, page):
        assert "rate too low" in part
        assert "learning_rate_init" in part
    assert "Cannot tell" in text
    assert values["findings"][0]["name"] == "rate too low"
    assert values["poor_on"] == "training"
    assert values["evidence"]["n_rows"] == len(X)
    assert "rate too low" in repr(diagnosis)


def test_names_in_html_are_escaped():
    y = np.where(np.arange(400) % 20 == 0, "<b>", "other")
    columns = np.random.default_rng(0).normal(size=(400, 3)) + 2.5 * (y == "<b>")[:, None] * [
        1,
        0,
        0,
    ]
    network = MLPClassifier(alpha=100.0, random_state=0).fit(columns, y)
    diagnosis = diagnose(network, columns, y, columns, y)
    assert "imbalance" in names(diagnosis)
    assert "'<b>'" in str(diagnosis)
    assert "'<b>'" not in diagnosis._repr_html_()


def test_skill_is_zero_for_a_constant_and_one_for_the_truth():
    y = np.array(["a", "a", "a", "b"])
    assert skill(y, np.full(4, "a"), is_of_classes=True) == 0
    assert skill(y, y, is_of_classes=True) == 1
    assert skill(Y, np.full_like(Y, Y.mean()), is_of_classes=False) == pytest.approx(0)


# --- what is refused ------------------------------------------------------------------------------


def test_unfitted_network_is_refused():
    with pytest.raises(NotFittedError):
        diagnose(MLPRegressor(), X, Y_TRAIN)


def test_no_network_is_refused():
    with pytest.raises(TypeError, match="MLPClassifier"):
        diagnose(LinearRegression().fit(X, Y_TRAIN), X, Y_TRAIN)


def test_network_behind_another_y_is_refused(slow):
    wrapped = TransformedTargetRegressor(slow).fit(X, Y_TRAIN)
    with pytest.raises(TypeError, match="TransformedTargetRegressor"):
        diagnose(wrapped, X, Y_TRAIN)


def test_members_are_refused():
    network = MLPRegressor(n_members=2, max_iter=1, random_state=0).fit(X, Y_TRAIN)
    with pytest.raises(TypeError, match="members_"):
        diagnose(network, X, Y_TRAIN)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ((X[:, :3], Y_TRAIN), "features"),
        ((np.where(X[0, 0] == X, np.nan, X), Y_TRAIN), "NaN"),
        ((X, Y_TRAIN[:-1]), "inconsistent"),
        ((X, np.full_like(Y_TRAIN, np.nan)), "NaN"),
        ((X, Y_TRAIN, X_VAL), "y_val"),
        ((X, Y_TRAIN, None, Y_VAL), "X_val"),
        ((X, Y_TRAIN, X_VAL[:, :3], Y_VAL), "validation data"),
        ((X, Y_TRAIN, np.full_like(X_VAL, np.inf), Y_VAL), "validation data"),
    ],
)
def test_bad_data_are_refused_as_everywhere(slow, data, match):
    with pytest.raises(ValueError, match=match):
        diagnose(slow, *data)


def test_remedies_are_tried_on_validation_data_only(slow):
    with pytest.raises(ValueError, match="try_remedies=True needs X_val"):
        diagnose(slow, X, Y_TRAIN, try_remedies=True)


def test_class_that_training_has_not_seen_is_refused():
    columns, y = load_iris(return_X_y=True)
    network = MLPClassifier(max_iter=2, random_state=0).fit(columns[:100], y[:100])
    with pytest.raises(ValueError, match="class"):
        diagnose(network, columns, y)
