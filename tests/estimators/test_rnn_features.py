"""What a recurrent network sees, as features."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from sknets import CNNClassifier, RNNClassifier, RNNFeatures, RNNRegressor

RNG = np.random.default_rng(0)
X = [RNG.normal(size=(n, 2)) for n in RNG.integers(3, 15, 120)]
LABELS = np.array(["low", "high"])[np.array([int(s[-3:, 0].sum() > 0) for s in X])]
NUMBERS = np.array([s[:, 0].sum() for s in X])
SMALL = {"recurrent_layer_sizes": (6,), "max_iter": 5, "random_state": 0}


@pytest.mark.parametrize("pool", ["last", "mean", "max", "attention"])
@pytest.mark.parametrize("channels", [(), (4,)], ids=["plain", "convolution"])
def test_output_layer_of_the_features_is_the_prediction(pool, channels):
    network = RNNRegressor(**SMALL, pool=pool, conv_channels=channels, dropout=0.2)
    features = RNNFeatures(FrozenEstimator(network.fit(X, NUMBERS))).fit(X)
    last = network.net_.module_.head[-1]
    raw = features.transform(X) @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    expected = (network.predict(X) - NUMBERS.mean()) / NUMBERS.std()
    np.testing.assert_allclose(raw[:, 0], expected, atol=1e-5)


def test_layers_add_the_output_of_the_features_to_a_shortcut():
    series = np.array([s[:3] for s in X])
    network = RNNRegressor(**SMALL, linear_shortcut=True).fit(series, NUMBERS)
    features = RNNFeatures(FrozenEstimator(network)).fit(series).transform(series)
    module = network.net_.module_
    last = module.head[-1]
    raw = features @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    added = network._raw_predict(series, module.beside_shortcut).values.numpy()
    np.testing.assert_allclose(raw * module.shortcut.spread.numpy(), added, atol=1e-5)


def test_features_below_a_hidden_layer_of_both_directions():
    network = RNNClassifier(**SMALL, bidirectional=True)
    assert RNNFeatures(network).fit(X, LABELS).transform(X[:5]).shape == (5, 12)
    features = RNNFeatures(network.set_params(hidden_layer_sizes=(7,))).fit(X, LABELS)
    assert features.transform(X[:5]).shape == (5, 7)
    assert (features.transform(X[:5]) >= 0).all()  # after the ReLU


def test_features_depend_on_nothing_beside_the_sequence():
    features = RNNFeatures(RNNClassifier(**SMALL)).fit(X, LABELS)
    together = features.transform(X)
    for row in (0, 7, 31):
        np.testing.assert_allclose(features.transform([X[row]])[0], together[row], atol=1e-6)
    padded = np.full((len(X), 20, 2), np.nan)
    for row, series in zip(padded, X, strict=True):
        row[: len(series)] = series
    np.testing.assert_allclose(features.transform(padded), together, atol=1e-6)
    assert features.n_features_in_ == 2


def test_neighbours_of_features_know_the_kind():
    network = RNNClassifier(16, max_iter=30, random_state=0)
    model = make_pipeline(RNNFeatures(network), KNeighborsClassifier())
    assert cross_val_score(model, X, LABELS, cv=3).mean() > 0.8


def test_names_frames_copies_and_pickles():
    network = RNNClassifier(**SMALL)
    features = RNNFeatures(network, random_state=3).set_output(transform="pandas").fit(X, LABELS)
    frame = features.transform(X)
    assert list(frame.columns) == [f"rnnfeatures{unit}" for unit in range(6)]
    assert list(features.get_feature_names_out()) == list(frame.columns)
    assert not hasattr(network, "net_")
    again = clone(features).fit(X, LABELS, sample_weight=np.ones(len(X)))
    np.testing.assert_allclose(frame, again.transform(X), atol=1e-8)
    np.testing.assert_array_equal(frame, pickle.loads(pickle.dumps(features)).transform(X))


def test_bad_input_is_refused():
    features = RNNFeatures(RNNClassifier(**SMALL))
    with pytest.raises(NotFittedError, match="RNNFeatures"):
        features.transform(X)
    with pytest.raises(NotFittedError):
        RNNFeatures(FrozenEstimator(RNNClassifier())).fit(X)
    with pytest.raises(AttributeError, match="RNNFeatures has no n_features_in_ before fit"):
        _ = features.n_features_in_
    features.fit(X, LABELS)
    with pytest.raises(ValueError, match="3 features"):
        features.transform([np.ones((4, 3))])
    with pytest.raises(ValueError, match="NaN"):
        features.transform([np.array([[1.0, np.nan], [1.0, 2.0]])])
    with pytest.raises(ValueError, match="'sample_weight'.* no effect"):
        RNNFeatures(FrozenEstimator(features.estimator_)).fit(X, sample_weight=np.ones(len(X)))
    with pytest.raises(ValueError, match="'random_state'.* no effect"):
        RNNFeatures(FrozenEstimator(features.estimator_), random_state=0).fit(X)


def test_members_have_no_features_in_common():
    network = RNNClassifier(**SMALL, n_members=2)
    with pytest.raises(ValueError, match="n_members=2: units of several networks"):
        RNNFeatures(network).fit(X, LABELS)
    fitted = network.set_params(max_iter=1).fit(X, LABELS)
    with pytest.raises(ValueError, match="n_members=2: units of several networks"):
        RNNFeatures(FrozenEstimator(fitted)).fit(X)
    one = RNNFeatures(FrozenEstimator(fitted.members_[0])).fit(X)
    assert one.transform(X).shape == (len(X), 6)


def test_networks_without_features_of_a_sequence_are_refused():
    with pytest.raises(ValueError, match="must hold an RNNClassifier or an RNNRegressor"):
        RNNFeatures(FrozenEstimator(LogisticRegression())).fit(X, LABELS)
    with pytest.raises(ValueError, match="'estimator' parameter"):
        RNNFeatures(CNNClassifier()).fit(X, LABELS)
    tagger = RNNClassifier(**SMALL, output="timesteps")
    with pytest.raises(ValueError, match="must have output='single'"):
        RNNFeatures(tagger).fit(X, [s[:, 0] > 0 for s in X])
