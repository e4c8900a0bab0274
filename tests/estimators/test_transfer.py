"""Pretrained networks: features as they are, fine-tuning, and features for other models."""

import functools
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from torch import nn

from sknets import CNNClassifier, CNNFeatures, CNNRegressor
from sknets.preprocessing import Augmentation
from tests.callback_protocol import ScoringMonitor

DIGITS = load_digits()
X, Y = DIGITS.images, DIGITS.target
LOW, HIGH = Y < 5, Y >= 5
FEW = np.concatenate([np.flatnonzero(label == Y)[:10] for label in range(5, 10)])


@pytest.fixture(scope="module")
def base():
    return CNNClassifier((8, 16), max_iter=10, random_state=0).fit(X[LOW], Y[LOW])


def kernels(network):
    return [p.detach().clone() for p in network.net_.module_.base.parameters()]


def transfer(base, **params):
    settings = {"max_iter": 3, "random_state": 0, "learning_rate_init": 0.05} | params
    return CNNClassifier(backbone=base, **settings).fit(X[FEW], Y[FEW])


def test_feature_extraction_leaves_the_backbone_as_it_is(base):
    before = kernels(base)
    network = transfer(base)
    for new, old, still in zip(kernels(network), before, kernels(base), strict=True):
        np.testing.assert_array_equal(new, old)
        np.testing.assert_array_equal(still, old)
    images, fitted = network.net_.module_.input, base.net_.module_.input
    np.testing.assert_array_equal(images.shift, fitted.shift)  # X is scaled as in pretraining
    np.testing.assert_array_equal(images.scale, fitted.scale)
    assert network.n_iter_ == 3
    assert network.classes_.tolist() == [5, 6, 7, 8, 9]


def test_head_on_fixed_features_is_a_logistic_regression(base):
    network = transfer(base, solver="lbfgs", alpha=1.0, max_iter=500, tol=1e-9)
    features = CNNFeatures(FrozenEstimator(base)).fit(X).transform(X[FEW])
    linear = LogisticRegression(C=1.0, tol=1e-9, max_iter=5000).fit(features, Y[FEW])
    np.testing.assert_allclose(
        network.predict_proba(X[HIGH]),
        linear.predict_proba(CNNFeatures(FrozenEstimator(base)).fit(X).transform(X[HIGH])),
        atol=1e-3,
    )


def test_fine_tuning_moves_the_top_layers_after_the_head(base):
    tuned = transfer(base, fine_tune_layers=1, fine_tune_iter=4, fine_tune_learning_rate=0.01)
    names = [name for name, _ in base.net_.module_.base.named_parameters()]
    moved = {
        name.split(".")[0]
        for name, new, old in zip(names, kernels(tuned), kernels(base), strict=True)
        if (new != old).any()
    }
    assert moved == {"conv2", "normalization2"}
    assert tuned.n_iter_ == 7
    rates = tuned.history_["learning_rate"]
    assert max(rates[:3]) > 0.01 >= max(rates[3:])
    # the phase of the head alone is that of feature extraction
    np.testing.assert_array_equal(tuned.loss_curve_[:3], transfer(base).loss_curve_)


@pytest.mark.parametrize("layers", [1, 2])
def test_any_layer_may_be_the_lowest_that_learns(base, layers):
    # a normalisation, a convolution; Torch's own group normalisation among a user's layers
    assert np.isfinite(transfer(base, fine_tune_layers=layers, fine_tune_iter=1).loss_)
    module = nn.Sequential(nn.Conv2d(1, 8, 3), nn.GroupNorm(2, 8), nn.Conv2d(8, 8, 3))
    assert np.isfinite(transfer(module, fine_tune_layers=layers, fine_tune_iter=1).loss_)


def test_fine_tuning_all_layers(base):
    tuned = transfer(base, fine_tune_layers="all", fine_tune_iter=2, fine_tune_learning_rate=0.01)
    assert all((new != old).any() for new, old in zip(kernels(tuned), kernels(base), strict=True))


def test_partial_fit_trains_the_head(base):
    network = CNNClassifier(backbone=base, random_state=0)
    for _ in range(3):
        network.partial_fit(X[FEW], Y[FEW], classes=range(5, 10))
    for new, old in zip(kernels(network), kernels(base), strict=True):
        np.testing.assert_array_equal(new, old)
    assert len(network.history_["loss"]) == 3


def test_failure_in_fine_tuning_loses_nothing(base):
    network = transfer(base)
    before = network.predict_proba(X[HIGH])
    network.set_params(fine_tune_layers="all", fine_tune_learning_rate=1e30, solver="sgd")
    with pytest.raises(ValueError, match="non-finite"):
        network.fit(X[FEW], Y[FEW])
    np.testing.assert_array_equal(network.predict_proba(X[HIGH]), before)


@pytest.mark.parametrize("is_factory", [False, True])
def test_any_module_is_a_backbone(is_factory):
    module = nn.Sequential(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU())
    module(torch.randn(50, 1, 8, 8, generator=torch.Generator().manual_seed(0)))  # statistics
    before = [value.clone() for value in module.state_dict().values()]
    given = (lambda: module) if is_factory else module
    for params in ({}, {"average": "polyak"}, {"solver": "lbfgs"}, {"early_stopping": True}):
        network = CNNClassifier(
            backbone=given, max_iter=10, learning_rate_init=0.05, random_state=0, **params
        ).fit(X[LOW], Y[LOW])
        assert network.score(X[LOW], Y[LOW]) > 0.4
        for new, still, old in zip(
            network.net_.module_.base.state_dict().values(),
            module.state_dict().values(),
            before,
            strict=True,
        ):
            assert torch.equal(new, old)  # a pretrained network's statistics are its own
            assert torch.equal(still, old)


def test_function_that_makes_a_backbone_is_seeded():
    network = CNNClassifier(
        backbone=functools.partial(nn.Conv2d, 1, 4, 3), max_iter=2, random_state=0
    )
    state = torch.get_rng_state()
    first, second = network.fit(X, Y).predict_proba(X), clone(network).fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)


class Noisy(nn.Conv2d):
    """A backbone that draws even in prediction."""

    def forward(self, x):
        return nn.functional.dropout(super().forward(x), 0.5, training=True)


def test_backbone_that_draws_follows_the_seed():
    noisy = Noisy(1, 4, 3)
    state = torch.get_rng_state()
    network = CNNClassifier(backbone=noisy, max_iter=2, random_state=0).fit(X, Y)
    np.testing.assert_array_equal(network.predict_proba(X), network.predict_proba(X))
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(ValueError, match="draws random numbers"):
        network.set_params(solver="lbfgs").fit(X, Y)


def test_early_stopping_keeps_the_best_of_both_phases(base):
    network = transfer(
        base,
        early_stopping=True,
        validation_fraction=0.3,
        fine_tune_layers="all",
        fine_tune_learning_rate=2.0,
        learning_rate="constant",
        max_iter=20,
    )
    assert network.best_validation_score_ == max(network.validation_scores_)
    assert max(network.validation_scores_[20:]) < max(network.validation_scores_)


def test_what_becomes_of_the_backbone_later_is_no_matter():
    source = CNNClassifier((4,), max_iter=1, random_state=0).fit(X[LOW], Y[LOW])
    network = transfer(source, fine_tune_layers=1)
    before = network.predict_proba(X)
    source.set_params(conv_channels=(6,)).fit(X[LOW], Y[LOW])
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict_proba(X), before)
    module = copied.net_.module_
    assert [p.requires_grad for p in module.base.parameters()] == [
        p.requires_grad for p in network.net_.module_.base.parameters()
    ]
    assert not module.train().base.training


def test_callbacks_see_both_phases(base):
    for solver in ("adam", "lbfgs"):
        monitor = ScoringMonitor(scoring="accuracy")
        network = CNNClassifier(
            backbone=base, max_iter=3, fine_tune_layers=1, fine_tune_iter=2, solver=solver
        )
        network.set_callbacks(monitor).fit(X[FEW], Y[FEW])
        assert network.n_iter_ == 5


def test_frozen_backbone_costs_no_backward_pass(base):
    network = transfer(base)
    images = network.net_.module_.input(torch.from_numpy(X[:3]))
    assert not network.net_.module_.features(images).requires_grad
    tuned = transfer(base, fine_tune_layers=1)
    assert tuned.net_.module_.features(images).requires_grad


def test_signals_are_no_images(base):
    with pytest.raises(ValueError, match="another number of spatial dimensions"):
        CNNClassifier(backbone=base).fit(DIGITS.data, Y)


def test_partial_fit_has_no_second_phase(base):
    with pytest.raises(ValueError, match="fine_tune_layers=0"):
        CNNClassifier(backbone=base, fine_tune_layers=1).partial_fit(X, Y, classes=range(10))
    network = transfer(base, fine_tune_layers=1)
    with pytest.raises(ValueError, match="fine_tune_layers=0"):
        network.partial_fit(X[FEW], Y[FEW])


def test_a_copy_needs_no_augmentation():
    network = CNNClassifier((4,), augment=Augmentation(noise=0.1), max_iter=1).fit(X, Y)
    network.set_params(augment=Augmentation(shift=3.0))
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(network)).predict(X), network.predict(X)
    )


def test_backbone_for_signals_sees_signals():
    seen = []

    class Probe(nn.Conv1d):
        def forward(self, x):
            seen.append(tuple(x.shape[1:]))
            return super().forward(x)

    network = CNNClassifier(backbone=Probe(1, 4, 5), max_iter=1).fit(DIGITS.data, Y)
    assert set(seen) == {(1, 64)}
    assert network.predict(DIGITS.data[:3]).shape == (3,)


def test_copies_of_a_transferred_network(base):
    network = transfer(base, fine_tune_layers=1)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict_proba(X), network.predict_proba(X))
    scores = cross_val_score(
        CNNClassifier(backbone=FrozenEstimator(base), max_iter=5), X[FEW], Y[FEW], cv=2
    )
    assert np.isfinite(scores).all()


# --- features for other models -----------------------------------------------------------------------


def test_features_are_what_the_last_layer_multiplies(base):
    features = CNNFeatures(FrozenEstimator(base)).fit(X)
    values = features.transform(X)
    last = base.net_.module_.head[-1]
    raw = values @ last.weight.detach().numpy().T + last.bias.detach().numpy()
    softmax = np.exp(raw - raw.max(axis=1, keepdims=True))
    np.testing.assert_allclose(
        softmax / softmax.sum(axis=1, keepdims=True), base.predict_proba(X), atol=1e-6
    )
    assert values.shape == (len(X), 16)


def test_features_below_a_hidden_layer():
    network = CNNClassifier((4,), hidden_layer_sizes=(7,), max_iter=1, random_state=0)
    features = CNNFeatures(network).fit(X, Y)
    assert features.transform(X[:5]).shape == (5, 7)
    assert (features.transform(X[:5]) >= 0).all()  # after the ReLU


def test_features_have_names_and_make_frames(base):
    features = CNNFeatures(FrozenEstimator(base)).set_output(transform="pandas").fit(X)
    frame = features.transform(X[:4])
    assert list(frame.columns[:2]) == ["cnnfeatures0", "cnnfeatures1"]
    assert list(features.get_feature_names_out()) == list(frame.columns)
    model = make_pipeline(CNNFeatures(FrozenEstimator(base)), LogisticRegression(max_iter=2000))
    assert model.fit(X[FEW], Y[FEW]).score(X[HIGH], Y[HIGH]) > 0.6


def test_features_train_a_copy_with_their_seed():
    network = CNNRegressor(conv_channels=(4,), max_iter=2)
    first = CNNFeatures(network, random_state=3).fit(X, Y)
    again = CNNFeatures(network, random_state=3).fit(X, Y, sample_weight=np.ones(len(Y)))
    np.testing.assert_array_equal(first.transform(X[:9]), again.transform(X[:9]))
    assert not hasattr(network, "net_")


def test_features_of_something_else_are_refused():
    with pytest.raises(ValueError, match="must hold a CNNClassifier or a CNNRegressor"):
        CNNFeatures(FrozenEstimator(LogisticRegression())).fit(X, Y)
    with pytest.raises(ValueError, match="'estimator' parameter"):
        CNNFeatures(LogisticRegression()).fit(X, Y)
