"""The loss around a fitted network: closed forms, ways between fits, paths, and what is refused."""

import functools

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from sknets import (
    Autoencoder,
    CNNClassifier,
    MLPClassifier,
    MLPRegressor,
    ModuleClassifier,
    RNNClassifier,
    RNNRegressor,
)
from sknets.inspection import LossSurfaceDisplay, ParameterPath

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X_NUM, Y_NUM = load_diabetes(return_X_y=True)
X_NUM = scale(X_NUM)[:150]
Y_NUM = Y_NUM[:150]
X_BIN, Y_BIN = load_breast_cancer(return_X_y=True)
X_BIN, Y_BIN = scale(X_BIN)[:200], Y_BIN[:200]
DIGITS = load_digits()
DRAW = LossSurfaceDisplay.from_estimator


def fit(kind=MLPRegressor, X=X_NUM, y=Y_NUM, **options):
    options = {"hidden_layer_sizes": 6, "max_iter": 8, "random_state": 0} | options
    return kind(**options).fit(X, y)


@functools.cache
def fitted():
    """Return a network that no test changes."""
    return fit()


def vector(network):
    parts = torch.nn.utils.parameters_to_vector(network.net_.module_.parameters())
    return parts.detach().double().numpy()


def standardised(y):
    return (y - y.mean()) / y.std()


def grid(display):
    """Yield the coordinates of each point and its loss."""
    xs, ys = display.coordinates
    for row, second in enumerate(ys):
        for column, first in enumerate(xs):
            yield first, second, display.losses[row, column]


# --- closed forms ---------------------------------------------------------------------------------


def test_surface_of_a_linear_regression_is_its_quadratic():
    network = fit(hidden_layer_sizes=(), solver="lbfgs", alpha=0.3, dtype="float64")
    directions = RNG.normal(size=(2, 11))
    display = DRAW(
        network, X_NUM, Y_NUM, directions=directions, n_points=5, extent=((-2, 1), (0, 3))
    )
    theta = vector(network)
    for first, second, loss in grid(display):
        there = theta + first * directions[0] + second * directions[1]
        residuals = X_NUM @ there[:10] + there[10] - standardised(Y_NUM)
        assert loss == pytest.approx(0.5 * np.mean(residuals**2), rel=1e-10)
    np.testing.assert_array_equal(display.directions, directions)


def test_surface_of_a_logistic_regression_is_the_log_loss_of_scikit_learn():
    network = fit(
        MLPClassifier, X_BIN, Y_BIN, hidden_layer_sizes=(), solver="lbfgs", dtype="float64"
    )
    directions = RNG.normal(size=(2, 31))
    weight = RNG.uniform(0, 2, len(Y_BIN))
    weight[:20] = 0.0
    display = DRAW(
        network, X_BIN, Y_BIN, directions=directions, n_points=4, extent=0.5, sample_weight=weight
    )
    theirs = LogisticRegression().fit(X_BIN, Y_BIN)
    theta = vector(network)
    for first, second, loss in grid(display):
        there = theta + first * directions[0] + second * directions[1]
        theirs.coef_, theirs.intercept_ = there[None, :30], there[30:]
        expected = log_loss(Y_BIN, theirs.predict_proba(X_BIN), sample_weight=weight)
        assert loss == pytest.approx(expected, rel=1e-8)


def test_class_weights_count():
    weight = {0: 5.0, 1: 1.0}
    network = fit(MLPClassifier, X_BIN, Y_BIN, class_weight=weight)
    display = DRAW(network, X_BIN, Y_BIN, n_points=3, random_state=0)
    rows = np.where(Y_BIN == 0, 5.0, 1.0)
    expected = log_loss(Y_BIN, network.predict_proba(X_BIN), sample_weight=rows)
    assert display.losses[1, 1] == pytest.approx(expected, rel=1e-5)


# --- every family: the centre is the fit, which stays ------------------------------------------------


def make_own(n_inputs, n_outputs):
    layers = torch.nn.Linear(n_inputs, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5)
    return torch.nn.Sequential(*layers, torch.nn.Tanh(), torch.nn.Linear(8, n_outputs))


def classifiers():
    images, labels = DIGITS.images[:120], DIGITS.target[:120]
    series = [image[: 3 + n % 6] for n, image in enumerate(images)]
    options = {"max_iter": 3, "random_state": 0}
    small = {"conv_channels": (4, 4), "hidden_layer_sizes": ()}
    dropped = MLPClassifier((8, 8), dropout=0.5, normalization="batch", **options)
    yield "mlp", dropped, images.reshape(120, -1), labels
    yield "cnn", CNNClassifier(**small, normalization="batch", **options), images, labels
    yield "rnn", RNNClassifier(recurrent_layer_sizes=4, **options), series, labels
    yield "own", ModuleClassifier(make_own, **options), X_BIN, Y_BIN
    piped = make_pipeline(StandardScaler(), MLPClassifier(8, **options))
    yield "pipeline", piped, 3 * X_BIN + 1, np.array(["no", "yes"])[Y_BIN]
    yield "search", GridSearchCV(piped, {"mlpclassifier__alpha": [0.1]}, cv=2), X_BIN, Y_BIN


@pytest.mark.parametrize(
    ("estimator", "X", "y"), [c[1:] for c in classifiers()], ids=[c[0] for c in classifiers()]
)
def test_centre_is_the_log_loss_and_the_estimator_stays(estimator, X, y):
    estimator.fit(X, y)
    network = getattr(estimator, "best_estimator_", estimator)
    network = network[-1] if hasattr(network, "steps") else network
    state = {name: value.clone() for name, value in network.net_.module_.state_dict().items()}
    probabilities = estimator.predict_proba(X)
    seeds = torch.get_rng_state(), np.random.get_state()[1].copy()
    display = DRAW(estimator, X, y, n_points=3)
    assert display.losses[1, 1] == pytest.approx(log_loss(y, probabilities), rel=1e-5)
    assert len(np.unique(display.losses)) == 9
    np.testing.assert_array_equal(estimator.predict_proba(X), probabilities)
    after = network.net_.module_.state_dict()
    assert all(torch.equal(after[name], value) for name, value in state.items())
    assert torch.equal(torch.get_rng_state(), seeds[0])
    np.testing.assert_array_equal(np.random.get_state()[1], seeds[1])


def test_an_error_on_the_way_leaves_the_estimator(monkeypatch):
    network = fit()
    theta, calls = vector(network), []

    forward = type(network.net_.criterion_).forward

    def break_down(*args):
        calls.append(args)
        if len(calls) > 4:
            raise KeyboardInterrupt
        return forward(*args)

    monkeypatch.setattr(type(network.net_.criterion_), "forward", break_down)
    with pytest.raises(KeyboardInterrupt):
        DRAW(network, X_NUM, Y_NUM)
    np.testing.assert_array_equal(vector(network), theta)
    monkeypatch.undo()
    network.partial_fit(X_NUM, Y_NUM)


def test_series_of_outputs_and_an_autoencoder_have_a_surface():
    series = [RNG.normal(size=(n, 2)) for n in RNG.integers(4, 9, 40)]
    y = [row.sum(axis=1) for row in series]
    network = RNNRegressor(
        recurrent_layer_sizes=4, output="timesteps", max_iter=3, random_state=0
    ).fit(series, y)
    display = DRAW(network, series, y, n_points=3, random_state=0)
    steps, predicted = np.concatenate(y), np.concatenate(list(network.predict(series)))
    expected = 0.5 * np.mean((steps - predicted) ** 2) / steps.var()
    assert display.losses[1, 1] == pytest.approx(expected, rel=1e-4)

    coder = Autoencoder(n_components=2, hidden_layer_sizes=(), max_iter=20, random_state=0)
    coder.fit(X_NUM)
    display = DRAW(coder, X_NUM, n_points=3, random_state=0)
    lost = np.sum((X_NUM - coder.inverse_transform(coder.transform(X_NUM))) ** 2, axis=1)
    others = np.sum((X_NUM - X_NUM.mean(axis=0)) ** 2, axis=1)
    share = lost.mean() / others.mean()
    assert share == pytest.approx(1 - coder.score(X_NUM), rel=1e-4)
    scale_of_rows = display.losses[1, 1] / lost.mean()
    assert 0 < scale_of_rows < 1  # half of a square, in one unit for all columns


# --- directions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("family", ["dense", "kernels"])
def test_random_directions_are_as_long_as_the_weights_of_each_unit(family):
    if family == "dense":
        network = fit(hidden_layer_sizes=(6, 5), normalization="layer")
        X, y = X_NUM, Y_NUM
    else:
        X, y = DIGITS.images[:80], DIGITS.target[:80]
        network = fit(CNNClassifier, X, y, conv_channels=(4, 5), hidden_layer_sizes=())
    display = DRAW(network, X, y, n_points=3, random_state=0)
    module = network.net_.module_
    for direction in display.directions:
        start, n_still = 0, 0
        for parameter in module.parameters():
            part = direction[start : start + parameter.numel()].reshape(parameter.shape)
            start += parameter.numel()
            weights = parameter.detach().numpy()
            if parameter.ndim == 1:
                assert not part.any()
                n_still += 1
                continue
            for unit, change in zip(weights, part, strict=True):
                assert np.linalg.norm(change) == pytest.approx(np.linalg.norm(unit), rel=1e-6)
        assert n_still >= 3
    assert abs(np.corrcoef(display.directions)[0, 1]) < 0.5
    again = DRAW(network, X, y, n_points=3, random_state=0)
    np.testing.assert_array_equal(display.losses, again.losses)


def test_frozen_layers_stay():
    network = ModuleClassifier(make_own, max_iter=2, random_state=0).fit(X_BIN, Y_BIN)
    first = network.net_.module_.module[0]
    first.weight.requires_grad_(False)
    display = DRAW(network, X_BIN, Y_BIN, n_points=3)
    assert not display.directions[:, : first.weight.numel()].any()
    assert display.directions.any(axis=1).all()


def test_line_between_fits_is_the_loss_of_interpolated_parameters():
    here, there = fit(), fit(random_state=1)
    display = DRAW(here, X_NUM, Y_NUM, directions=there, n_points=9)
    assert display.losses.shape == (9,)
    start, end = vector(here), vector(there)
    for share, loss in zip(display.coordinates[0], display.losses, strict=True):
        theta = start + share * (end - start)
        W, theta = theta[:60].reshape(6, 10), theta[60:]
        b, v, c = theta[:6], theta[6:12], theta[12]
        residuals = np.maximum(X_NUM @ W.T + b, 0) @ v + c - standardised(Y_NUM)
        assert loss == pytest.approx(0.5 * np.mean(residuals**2), rel=1e-6)
    np.testing.assert_array_equal(display.fits, [[0.0], [1.0]])


def test_the_other_end_has_the_loss_of_the_other_fit_with_its_moments():
    options = {"normalization": "batch", "hidden_layer_sizes": (6, 6)}
    fits = [fit(MLPClassifier, X_BIN, Y_BIN, random_state=seed, **options) for seed in range(3)]
    extent = ((0, 1), (0, 1))
    display = DRAW(fits[0], X_BIN, Y_BIN, directions=fits[1:], n_points=3, extent=extent)
    expected = [log_loss(Y_BIN, network.predict_proba(X_BIN)) for network in fits]
    corners = display.losses[[0, 0, -1], [0, -1, 0]]
    np.testing.assert_allclose(corners, expected, rtol=1e-5)
    np.testing.assert_array_equal(display.fits, [[0, 0], [1, 0], [0, 1]])


def test_directions_of_one_display_serve_another():
    network = fit()
    train = DRAW(network, X_NUM, Y_NUM, n_points=3, random_state=0)
    again = DRAW(network, X_NUM, Y_NUM, n_points=3, directions=train.directions)
    np.testing.assert_allclose(again.losses, train.losses, rtol=1e-12)
    one = DRAW(network, X_NUM, Y_NUM, n_points=3, directions=train.directions[0])
    np.testing.assert_allclose(one.losses, train.losses[1], rtol=1e-12)
    mixed = DRAW(network, X_NUM, Y_NUM, n_points=3, directions=["random", train.directions[1]])
    np.testing.assert_allclose(mixed.losses[:, 1], train.losses[:, 1], rtol=1e-12)


# --- the path of training ---------------------------------------------------------------------------


def test_path_records_the_parameters_of_every_epoch():
    path = ParameterPath()
    network = fit(callbacks=[path], max_iter=5)
    assert path.parameters_.shape == (6, network.n_parameters_)
    np.testing.assert_array_equal(path.parameters_[-1], vector(network))
    shorter = fit(max_iter=3)
    np.testing.assert_array_equal(path.parameters_[3], vector(shorter))
    network.partial_fit(X_NUM, Y_NUM)
    assert len(path.parameters_) == 7  # goes on
    network.fit(X_NUM, Y_NUM)
    assert len(path.parameters_) == 6  # anew
    every = ParameterPath(every=2)
    fit(callbacks=[every], max_iter=5)
    np.testing.assert_array_equal(every.parameters_, path.parameters_[[0, 2, 4, 5]])


def test_path_can_be_cloned_after_a_fit():
    path = ParameterPath(every=2)
    (copied,) = clone(fit(callbacks=[path])).callbacks
    assert copied.get_params() == {"every": 2}
    assert not hasattr(copied, "parameters_")


def test_path_ends_at_the_epoch_that_is_kept():
    path = ParameterPath()
    options = {"early_stopping": True, "max_iter": 40, "learning_rate_init": 0.05}
    network = fit(callbacks=[path], **options, n_iter_no_change=5)
    np.testing.assert_array_equal(path.parameters_[-1], vector(network))
    assert any(np.array_equal(step, path.parameters_[-1]) for step in path.parameters_[:-1])


def test_principal_directions_are_those_of_a_pca():
    from sklearn.decomposition import PCA

    path = ParameterPath()
    network = fit(callbacks=[path], max_iter=20, dtype="float64")
    display = DRAW(network, X_NUM, Y_NUM, directions="principal", path=path, n_points=3)
    pca = PCA(2).fit(path.parameters_)
    cosines = np.abs(np.sum(display.directions * pca.components_, axis=1))
    np.testing.assert_allclose(cosines, 1, rtol=1e-9)
    ours = np.abs(display.path - display.path.mean(axis=0))
    np.testing.assert_allclose(ours, np.abs(pca.transform(path.parameters_)), atol=1e-9)
    np.testing.assert_allclose(display.path[-1], 0, atol=1e-12)
    assert f"({pca.explained_variance_ratio_[0]:.0%} of the path)" in display.ax_.get_xlabel()
    (low, high), reach = display.coordinates[0][[0, -1]], display.path[:, 0]
    assert low < reach.min()
    assert reach.max() < high


def test_path_may_be_fitted_estimators():
    fits = [fit(max_iter=n) for n in (1, 4, 8)]
    display = DRAW(fits[-1], X_NUM, Y_NUM, directions="principal", path=fits, n_points=3)
    vectors = np.array([vector(network) for network in fits])
    np.testing.assert_allclose(display.path @ display.directions, vectors - vectors[-1], atol=1e-6)


# --- the picture ----------------------------------------------------------------------------------


def test_pictures_hold_what_was_computed_and_are_drawn_again():
    import matplotlib.pyplot as plt

    path = ParameterPath()
    network = fit(callbacks=[path])
    options = {"directions": "principal", "path": path, "n_points": 7}
    _, ax = plt.subplots()
    display = DRAW(network, X_NUM, Y_NUM, ax=ax, levels=[0.1, 0.3, 0.5], label="a", **options)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert ax.get_title() == "a"
    np.testing.assert_array_equal(display.surface_.levels, [0.1, 0.3, 0.5])
    np.testing.assert_array_equal(display.path_line_.get_xydata(), display.path)
    np.testing.assert_array_equal(display.fits_.get_offsets(), [[0, 0]])
    assert display.colorbar_ is not None
    assert display.line_ is None
    again = display.plot(log=True, highest=0.8)
    assert again is display
    assert display.ax_ is not ax
    assert display.surface_.levels[-1] == pytest.approx(0.8)
    ratios = display.surface_.levels[1:] / display.surface_.levels[:-1]
    np.testing.assert_allclose(ratios, ratios[0])
    display.plot(kind="surface", highest=0.8, log=True)
    assert display.ax_.name == "3d"
    assert display.colorbar_ is None


def test_lines_lie_in_one_picture():
    here, there = fit(), fit(random_state=1)
    display = DRAW(here, X_NUM, Y_NUM, directions=there, n_points=5, label="training rows")
    np.testing.assert_array_equal(display.line_.get_ydata(), display.losses)
    further = DRAW(
        here, X_NUM[::2], Y_NUM[::2], directions=there, n_points=5, ax=display.ax_, log=True
    )
    assert further.ax_ is display.ax_
    assert further.ax_.get_yscale() == "log"
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["training rows"]
    np.testing.assert_allclose(further.fits_.get_offsets()[:, 0], [0, 1])


def test_a_fit_beside_the_line_is_not_marked():
    display = DRAW(fitted(), X_NUM, Y_NUM, directions="random", extent=(0.5, 1), n_points=3)
    assert display.fits_.get_offsets()[0, 0] < display.ax_.get_xlim()[0]
    line = DRAW(fitted(), X_NUM, Y_NUM, directions=["random"], extent=(0.5, 1), n_points=3)
    assert np.ma.masked_invalid(line.fits_.get_offsets())[0].mask.any()
    assert line.ax_.get_xlim()[0] > 0.4


def test_what_overflows_is_left_blank():
    losses = np.array([[1.0, 2.0], [np.inf, np.nan]])
    display = LossSurfaceDisplay(losses, np.array([[0.0, 1.0], [0.0, 1.0]])).plot()
    assert display.surface_.levels[-1] == 2.0
    LossSurfaceDisplay(np.ones((3, 3)), np.array([[-1, 0, 1.0]] * 2)).plot()  # a constant
    with pytest.raises(ValueError, match="extent"):
        LossSurfaceDisplay(np.full(2, np.nan), np.array([[0.0, 1.0]])).plot()


# --- what is refused ------------------------------------------------------------------------------


def test_networks_that_cannot_be_shown_are_refused():
    with pytest.raises(NotFittedError):
        DRAW(MLPRegressor(), X_NUM, Y_NUM)
    with pytest.raises(TypeError, match="LinearRegression"):
        DRAW(LinearRegression().fit(X_NUM, Y_NUM), X_NUM, Y_NUM)
    several = fit(n_members=2)
    with pytest.raises(TypeError, match=r"members_\[0\]"):
        DRAW(several, X_NUM, Y_NUM)
    assert DRAW(several.members_[1], X_NUM, Y_NUM, n_points=3).losses.shape == (3, 3)
    other_y = TransformedTargetRegressor(
        MLPRegressor(max_iter=2), func=np.log1p, inverse_func=np.expm1
    )
    other_y.fit(X_NUM, Y_NUM)
    with pytest.raises(TypeError, match="regressor_"):
        DRAW(other_y, X_NUM, Y_NUM)
    assert np.isfinite(DRAW(other_y.regressor_, X_NUM, np.log1p(Y_NUM), n_points=3).losses).all()


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"X": X_NUM[:, :4]}, ValueError, "4 features"),
        ({"X": np.full_like(X_NUM, np.nan)}, ValueError, "NaN"),
        ({"X": None}, ValueError, "Expected 2D array"),
        ({"y": None}, ValueError, "y"),
        ({"y": Y_NUM[:-1]}, ValueError, "inconsistent"),
        ({"y": np.full_like(Y_NUM, np.nan)}, ValueError, "NaN"),
        ({"y": np.c_[Y_NUM, Y_NUM]}, ValueError, "y"),
        ({"sample_weight": [1.0]}, ValueError, "sample_weight"),
        ({"n_points": 2}, ValueError, "n_points"),
        ({"n_points": 5.0}, TypeError, "n_points"),
        ({"ax": 3}, TypeError, "ax"),
        ({"kind": "3d"}, ValueError, "kind"),
        ({"log": 2}, TypeError, "log"),
        ({"levels": 1}, ValueError, "levels"),
        ({"levels": [2.0, 1.0]}, ValueError, "levels"),
        ({"highest": "a"}, TypeError, "highest"),
        ({"highest": -1.0}, ValueError, "highest"),
        ({"extent": 0}, ValueError, "extent"),
        ({"extent": (1, -1)}, ValueError, "extent"),
        ({"extent": (1, 2, 3)}, ValueError, "extent"),
        ({"extent": "wide"}, ValueError, "extent"),
        ({"extent": True}, ValueError, "extent"),
        ({"random_state": "a"}, ValueError, "seed"),
        ({"directions": "gradient"}, ValueError, "directions='gradient'"),
        ({"directions": "principal"}, ValueError, "give path"),
        ({"directions": []}, ValueError, "one or two"),
        ({"directions": ["random"] * 3}, ValueError, "one or two"),
        ({"directions": np.ones(5)}, ValueError, r"directions must have the shape \(73,\)"),
        ({"directions": [np.ones(73), np.ones(5)]}, ValueError, r"directions\[1\]"),
        ({"directions": [np.ones(73), 2 * np.ones(73)]}, ValueError, "parallel"),
        ({"directions": np.zeros(73)}, ValueError, "zero everywhere"),
        ({"directions": np.full(73, np.nan)}, ValueError, "NaN"),
        ({"directions": None}, (TypeError, ValueError), "directions"),
        ({"directions": object()}, TypeError, "directions"),
        ({"directions": MLPRegressor()}, NotFittedError, "not fitted"),
        ({"directions": "random", "path": "p"}, TypeError, "path"),
        ({"path": np.ones((1, 73))}, ValueError, "two steps"),
        ({"path": np.ones((4, 7))}, ValueError, r"path\[0\]"),
        ({"path": ParameterPath()}, NotFittedError, "callbacks"),
        ({"path": np.ones((4, 73)), "directions": "principal"}, ValueError, "on a line"),
        ({"directions": np.ones(73), "kind": "surface"}, ValueError, "two directions"),
        ({"directions": np.ones(73), "levels": 5}, ValueError, "two directions"),
        ({"directions": np.ones(73), "extent": ((0, 1), (0, 1))}, ValueError, "one pair"),
        ({"kind": "surface", "levels": 5}, ValueError, "levels"),
    ],
    ids=str,
)
def test_bad_input_is_named(change, error, match):
    network = fitted()
    options = {"X": X_NUM, "y": Y_NUM, "n_points": 3} | change
    before = vector(network)
    with pytest.raises(error, match=match):
        DRAW(network, **options)
    np.testing.assert_array_equal(vector(network), before)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"hidden_layer_sizes": 5}, "another network.*shape"),
        ({"hidden_layer_sizes": (6, 6)}, "another network"),
        ({"activation": "tanh"}, "other kinds"),
        ({"y": 2 * Y_NUM + 1}, "same y"),
        ({"y": Y_NUM**2}, "same y"),
    ],
)
def test_fits_of_another_network_or_y_are_refused(options, match):
    other = fit(**options)
    with pytest.raises(ValueError, match=match):
        DRAW(fit(), X_NUM, Y_NUM, directions=other)
    with pytest.raises(ValueError, match="parameters of estimator"):
        DRAW(fit(), X_NUM, Y_NUM, directions=fit())


def test_fits_of_other_classes_are_refused():
    here = fit(MLPClassifier, X_BIN, np.array(["a", "b"])[Y_BIN])
    there = fit(MLPClassifier, X_BIN, np.array(["a", "c"])[Y_BIN], random_state=1)
    with pytest.raises(ValueError, match="other classes"):
        DRAW(here, X_BIN, np.array(["a", "b"])[Y_BIN], directions=there)
    assert here.predict(X_BIN[:1])[0] in ("a", "b")


def test_every_is_checked_in_the_fit():
    with pytest.raises(ValueError, match="every"):
        fit(callbacks=[ParameterPath(every=0)])
    with pytest.raises(NotFittedError, match="ParameterPath"):
        ParameterPath().parameters_  # noqa: B018


def test_far_away_nothing_is_warned_of(recwarn):
    DRAW(fitted(), X_NUM, Y_NUM, n_points=5, extent=1e3, log=True)
    assert not [w for w in recwarn if not issubclass(w.category, ConvergenceWarning)]
