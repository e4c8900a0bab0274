"""The autoencoder: against a PCA, against repetition, and as a transformer among others."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from scipy.linalg import subspace_angles
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sknets import Autoencoder

RNG = np.random.default_rng(0)
DIGITS, LABELS = load_digits(return_X_y=True)
IRIS = load_iris().data
ANGLE = RNG.uniform(0, 1.5 * np.pi, 300)
ARC = np.column_stack([np.cos(ANGLE), np.sin(ANGLE), 0.1 * RNG.normal(size=300)])
SMALL = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
EXACT = {"solver": "lbfgs", "alpha": 0.0, "max_iter": 5000, "max_fun": 50000, "tol": 1e-9}
LINEAR = {"hidden_layer_sizes": (), "random_state": 0, **EXACT}


def kept(pca, X):
    left = X - pca.inverse_transform(pca.transform(X))
    return 1 - (left**2).sum() / ((X - X.mean(axis=0)) ** 2).sum()


# --- beside a PCA ------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", ["lbfgs", "lm"])
@pytest.mark.parametrize("data", ["iris", "digits"])
def test_linear_autoencoder_finds_the_space_of_the_components(solver, data):
    X, k = (IRIS, 2) if data == "iris" else (DIGITS[:400, 10:30], 4)
    pca = PCA(k).fit(X)
    network = Autoencoder(k, **LINEAR | {"solver": solver}).fit(X)
    assert network.score(X) == pytest.approx(pca.explained_variance_ratio_.sum(), abs=1e-6)
    # the directions in which rows move with the code
    plane = network.inverse_transform(np.vstack([np.zeros(k), np.eye(k)]))
    angles = subspace_angles((plane[1:] - plane[0]).T, pca.components_.T)
    assert angles.max() < 1e-2
    np.testing.assert_allclose(
        network.inverse_transform(network.transform(X)),
        pca.inverse_transform(pca.transform(X)),
        atol=1e-2 * X.std(),
    )


def test_hidden_layers_of_straight_lines_are_a_pca_too():
    network = Autoencoder(2, (6,), activation="identity", random_state=0, **EXACT).fit(IRIS)
    expected = PCA(2).fit(IRIS).explained_variance_ratio_.sum()
    assert network.score(IRIS) == pytest.approx(expected, abs=1e-5)


def test_a_curve_is_one_number_where_a_pca_needs_two():
    network = Autoencoder(1, (30,), activation="tanh", max_iter=300, random_state=0).fit(ARC)
    assert kept(PCA(1).fit(ARC), ARC) < 0.8
    assert network.score(ARC) > 0.95
    code = network.transform(ARC)[:, 0]
    assert abs(np.corrcoef(np.argsort(np.argsort(code)), ANGLE)[0, 1]) > 0.99


@pytest.mark.parametrize("weight", [None, RNG.uniform(0.5, 2.0, len(IRIS))])
def test_score_is_the_share_of_variance_that_is_kept(weight):
    network = Autoencoder(2, **SMALL).fit(IRIS)
    w = np.ones(len(IRIS)) if weight is None else weight
    left = IRIS - network.inverse_transform(network.transform(IRIS))
    spread = IRIS - np.average(IRIS, axis=0, weights=w)
    expected = 1 - (w @ left**2).sum() / (w @ spread**2).sum()
    assert network.score(IRIS, sample_weight=weight) == pytest.approx(expected, abs=1e-10)


# --- data and weights --------------------------------------------------------------------------------


@pytest.mark.parametrize(("shift", "factor"), [(0.0, 1e6), (50.0, 1.0), (-3.0, 1e-6)])
def test_unit_of_X_is_no_matter(shift, factor):
    first = Autoencoder(2, **SMALL).fit(IRIS)
    second = Autoencoder(2, **SMALL).fit(factor * (IRIS + shift))
    np.testing.assert_allclose(
        second.transform(factor * (IRIS + shift)), first.transform(IRIS), atol=1e-8
    )
    assert second.score(factor * (IRIS + shift)) == pytest.approx(first.score(IRIS), abs=1e-8)


def test_weights_are_repetitions_and_removals():
    repeats = RNG.integers(0, 3, len(IRIS))
    params = {**SMALL, "solver": "gd", "learning_rate": "constant", "momentum": 0.5}
    weighted = Autoencoder(2, **params).fit(IRIS, sample_weight=repeats)
    repeated = Autoencoder(2, **params).fit(np.repeat(IRIS, repeats, axis=0))
    np.testing.assert_allclose(weighted.transform(IRIS), repeated.transform(IRIS), atol=1e-8)


def test_columns_without_spread_are_returned_as_they_are():
    X = np.column_stack([IRIS, np.full(len(IRIS), 7.3)])
    network = Autoencoder(2, **SMALL).fit(X)
    back = network.inverse_transform(network.transform(X))
    np.testing.assert_array_equal(back[:, -1], 7.3)
    assert Autoencoder(1, **SMALL).fit(np.ones((9, 3))).score(np.ones((9, 3))) == 1.0


@pytest.mark.parametrize("n_components", [1, 6])
def test_one_column_and_wide_codes(n_components):
    X = IRIS[:, :1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        network = Autoencoder(n_components, **SMALL).fit(X)
    codes = network.transform(X)
    assert codes.shape == (len(X), n_components)
    assert network.inverse_transform(codes).shape == X.shape


def test_single_precision_stays():
    network = Autoencoder(2, **SMALL).fit(IRIS.astype(np.float32))
    codes = network.transform(IRIS.astype(np.float32))
    assert codes.dtype == network.inverse_transform(codes).dtype == np.float32


# --- noise -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
def test_noise_is_the_fits_own_and_only_in_training(noise):
    network = Autoencoder(2, **SMALL, noise=noise)
    torch.manual_seed(1)
    first = network.fit(IRIS).transform(IRIS)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    np.testing.assert_array_equal(clone(network).fit(IRIS).transform(IRIS), first)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_array_equal(network.transform(IRIS), first)
    assert np.abs(first - Autoencoder(2, **SMALL).fit(IRIS).transform(IRIS)).max() > 1e-6


def test_noise_is_what_it_says():
    ones = torch.ones(20000, 4)
    for noise, mean, deviation in [("gaussian", 1.0, 0.3), ("masking", 0.7, np.sqrt(0.21))]:
        network = Autoencoder(2, **SMALL, noise=noise, noise_level=0.3).fit(IRIS)
        layer = network.net_.module_[1].train()
        changed = layer(ones).numpy()
        assert changed.mean() == pytest.approx(mean, abs=0.01)
        assert changed.std() == pytest.approx(deviation, abs=0.01)
        assert set(np.unique(changed)) == {0.0, 1.0} or noise == "gaussian"


def test_denoising_repairs_what_the_plain_one_cannot():
    X, new = DIGITS[:1200], DIGITS[1200:]
    spoiled = np.where(RNG.uniform(size=new.shape) < 0.3, X.mean(axis=0), new)

    def error(**params):
        network = Autoencoder(32, max_iter=60, random_state=0, **params).fit(X)
        return ((network.inverse_transform(network.transform(spoiled)) - new) ** 2).mean()

    assert error(noise="masking", noise_level=0.3) < 0.8 * error()


# --- training ----------------------------------------------------------------------------------------


def test_validation_rows_stop_it_without_a_y():
    network = Autoencoder(
        2, (20,), early_stopping=True, n_iter_no_change=3, max_iter=300, random_state=0
    )
    network.fit(DIGITS[:300])
    best = max(network.validation_scores_)
    assert network.best_validation_score_ == best
    given = Autoencoder(2, **SMALL, early_stopping=True).fit(DIGITS[:300], X_val=DIGITS[300:400])
    assert given.score(DIGITS[300:400]) == pytest.approx(given.best_validation_score_, abs=1e-6)
    assert given.t_ == 5 * 300
    recorded = Autoencoder(2, **SMALL).fit(IRIS, X_val=IRIS[:50], sample_weight_val=np.ones(50))
    assert len(recorded.history_["validation_loss"]) == 5


def test_partial_fit_is_an_epoch_and_warm_start_goes_on():
    params = {**SMALL, "learning_rate": "constant", "shuffle": False}
    parts = Autoencoder(2, **params)
    for _ in range(5):
        parts.partial_fit(IRIS)
    whole = Autoencoder(2, **params).fit(IRIS)
    np.testing.assert_allclose(parts.transform(IRIS), whole.transform(IRIS), atol=1e-10)
    before = whole.score(IRIS)
    assert whole.set_params(warm_start=True, max_iter=50).fit(IRIS).score(IRIS) > before
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = Autoencoder(solver="lbfgs").partial_fit


def test_failed_fit_leaves_what_was_there():
    network = Autoencoder(2, **SMALL).fit(IRIS)
    before = network.transform(IRIS)
    with pytest.raises(ValueError, match="NaN"):
        network.fit(np.full((9, 2), np.nan))
    np.testing.assert_array_equal(network.transform(IRIS), before)


def test_dense_layers_have_their_gradient_written_out():
    from sknets.training._gradients import ClosedForm

    assert isinstance(Autoencoder(2, **SMALL).fit(IRIS).net_.gradient, ClosedForm)


def test_closed_form_and_autograd_agree():
    from sknets import modules

    plain = Autoencoder(2, **SMALL).fit(IRIS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(modules.DenseAutoencoder, "plain_layers", lambda self: None)
        slow = Autoencoder(2, **SMALL).fit(IRIS)
    np.testing.assert_allclose(plain.transform(IRIS), slow.transform(IRIS), atol=1e-9)


# --- a transformer among others ----------------------------------------------------------------------


def test_names_frames_and_pickles():
    frame = pd.DataFrame(IRIS, columns=list("abcd"))
    network = Autoencoder(2, **SMALL, noise="masking").set_output(transform="pandas")
    codes = network.fit_transform(frame)
    assert list(codes.columns) == ["autoencoder0", "autoencoder1"]
    assert list(network.get_feature_names_out()) == list(codes.columns)
    assert list(network.feature_names_in_) == list("abcd")
    copied = pickle.loads(pickle.dumps(network))
    pd.testing.assert_frame_equal(copied.transform(frame), codes)
    np.testing.assert_array_equal(copied.inverse_transform(codes), network.inverse_transform(codes))
    assert network.n_layers_ == 5
    assert len(network.summary()) == 8


def test_pipelines_and_searches():
    model = make_pipeline(Autoencoder(16, (40,), max_iter=20, random_state=0), LogisticRegression())
    assert (
        model.fit(DIGITS[:1000] / 16, LABELS[:1000]).score(DIGITS[1000:] / 16, LABELS[1000:]) > 0.7
    )
    search = GridSearchCV(Autoencoder(**SMALL), {"n_components": [1, 3]}, cv=2)
    assert search.fit(IRIS).best_params_ == {"n_components": 3}


# --- bad input ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["transform", "inverse_transform", "score"])
def test_bad_input_is_refused(method):
    network = Autoencoder(2, **SMALL)
    with pytest.raises(NotFittedError, match="Autoencoder"):
        getattr(network, method)(IRIS)
    call = getattr(network.fit(IRIS), method)
    width = 2 if method == "inverse_transform" else 4
    rows = np.ones((5, width))
    with pytest.raises(ValueError, match=f"{width + 1} (features|columns)"):
        call(np.ones((5, width + 1)))
    rows[2, 1] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        call(rows)
    with pytest.raises(ValueError, match="2D"):
        call(np.ones(width))
    with pytest.raises((ValueError, TypeError), match=r"[Ss]parse"):
        call(sp.csr_array(np.ones((5, width))))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n_components": 0}, "'n_components'"),
        ({"n_components": 2.0}, "'n_components'"),
        ({"noise": "salt"}, "'noise'"),
        ({"noise": "masking", "noise_level": 1.0}, "must be below 1"),
        ({"noise_level": -1}, "'noise_level'"),
        ({"noise": "gaussian", "solver": "lbfgs"}, "cannot use noise='gaussian'"),
        ({"code_activation": "rbf"}, "'code_activation'"),
        ({"activation": ["relu", "tanh"]}, "activation"),
    ],
)
def test_bad_parameters_are_refused(params, words):
    with pytest.raises(ValueError, match=words):
        Autoencoder(**SMALL | params).fit(IRIS)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.array([[1.0, np.nan], [0.0, 1.0]]), "NaN"),
        (np.array([["a", "b"], ["c", "d"]]), "could not convert string"),
        (sp.csr_array(np.eye(4)), "[Ss]parse"),
        (np.ones((0, 3)), "0 sample"),
    ],
)
def test_bad_data_are_refused(X, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Autoencoder(**SMALL).fit(X)


def test_rows_too_far_from_the_first_are_refused_as_X():
    network = Autoencoder(**SMALL).fit(IRIS)
    before = network.transform(IRIS)
    with pytest.raises(ValueError, match=r"^X has 150 of 150 rows .*Remove or correct them\.$"):
        network.partial_fit(1e20 * IRIS)
    np.testing.assert_array_equal(network.transform(IRIS), before)


def test_validation_rows_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r"validation data.*3 features"):
        Autoencoder(**SMALL).fit(IRIS, X_val=IRIS[:, :3])
