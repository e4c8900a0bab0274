"""The recurrent autoencoder: series of equal and unequal length, and as a transformer among others."""

import pickle

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sknets import RNNAutoencoder
from sknets.preprocessing import TokenSequences

RNG = np.random.default_rng(0)
SMALL = {"recurrent_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
PHASE = RNG.uniform(0, 2 * np.pi, 60)
WAVES = np.sin(0.4 * np.arange(12) + PHASE[:, None]) + 0.05 * RNG.normal(size=(60, 12))
CUBE = np.stack([WAVES, 2 * np.roll(WAVES, 3, axis=1) + 1], axis=2)
LENGTHS = RNG.integers(5, 13, 60)
RAGGED = [series[:n] for series, n in zip(CUBE, LENGTHS, strict=True)]
PADDED = np.stack([np.pad(s, ((0, 12 - len(s)), (0, 0)), constant_values=np.nan) for s in RAGGED])


def equal(ours, theirs, atol=0.0):
    assert len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=atol, rtol=0)


# --- what is kept ------------------------------------------------------------------------------------


def test_waves_of_two_numbers_are_kept_by_two_numbers():
    rng = np.random.default_rng(1)
    speed, phase = rng.uniform(0.2, 0.7, (150, 1)), rng.uniform(0, 2 * np.pi, (150, 1))
    X = np.sin(speed * np.arange(15) + phase)
    network = RNNAutoencoder(2, (24,), "rnn", learning_rate_init=0.01, random_state=0).fit(X)
    assert network.score(X) > 0.93 > PCA(2).fit(X).explained_variance_ratio_.sum()


def test_score_of_one_length_is_that_of_the_table():
    network = RNNAutoencoder(2, **SMALL).fit(WAVES)
    again = network.inverse_transform(network.transform(WAVES))
    weight = RNG.uniform(0.5, 2.0, len(WAVES))
    for w in (None, weight):
        expected = r2_score(WAVES, again, sample_weight=w, multioutput="variance_weighted")
        assert network.score(WAVES, sample_weight=w) == pytest.approx(expected, abs=1e-10)


def test_score_of_series_that_are_all_alike_is_that_of_scikit_learn():
    network = RNNAutoencoder(2, **SMALL).fit(WAVES)
    alike = np.tile(WAVES[:1], (6, 1))  # whose means are not these numbers to the last bit
    again = network.inverse_transform(network.transform(alike))
    assert r2_score(np.ones(alike.shape), again, multioutput="variance_weighted") == 0
    assert network.score(alike) == 0


@pytest.mark.parametrize("weight", [None, RNG.integers(0, 3, len(RAGGED)).astype(float)])
def test_score_counts_valid_values_only(weight):
    network = RNNAutoencoder(2, **SMALL).fit(RAGGED)
    again = network.inverse_transform(network.transform(RAGGED), lengths=LENGTHS)
    w = np.ones(len(RAGGED)) if weight is None else weight
    left = total = 0.0
    for step in range(12):
        rows = [i for i, n in enumerate(LENGTHS) if n > step and w[i] > 0]
        if rows:
            values = np.array([RAGGED[i][step] for i in rows])
            mean = np.average(values, axis=0, weights=w[rows])
            total += (w[rows] @ (values - mean) ** 2).sum()
            left += (w[rows] @ (values - [again[i][step] for i in rows]) ** 2).sum()
    assert network.score(RAGGED, sample_weight=weight) == pytest.approx(1 - left / total, abs=1e-10)


def test_loss_is_the_mean_over_valid_timesteps():
    network = RNNAutoencoder(2, **SMALL | {"max_iter": 1}, alpha=0.0, solver="gd").fit(RAGGED)
    before = RNNAutoencoder(
        2, **SMALL | {"max_iter": 1}, alpha=0.0, solver="gd", learning_rate_init=1e-300
    ).fit(RAGGED)
    again = before.inverse_transform(before.transform(RAGGED), lengths=LENGTHS)
    values = np.concatenate(RAGGED)
    squares = (values - np.concatenate(list(again))) ** 2
    common = values.var(axis=0).mean()  # of all features, as they are scaled
    assert network.loss_ == pytest.approx(squares.mean() / common, rel=1e-6)


def test_one_series_has_no_share():
    network = RNNAutoencoder(2, **SMALL).fit(WAVES)
    with pytest.warns(UndefinedMetricWarning, match="less than two"):
        assert np.isnan(network.score(WAVES[:1]))
    constant = np.ones((9, 4))
    assert RNNAutoencoder(2, **SMALL).fit(constant).score(constant) == 1.0


# --- X as it comes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("bidirectional", [False, True])
def test_ragged_and_padded_are_the_same(bidirectional):
    params = SMALL | {"bidirectional": bidirectional, "recurrent_layer_sizes": (6, 4)}
    of_list = RNNAutoencoder(2, **params).fit(RAGGED)
    of_array = RNNAutoencoder(2, **params).fit(PADDED)
    codes = of_list.transform(RAGGED)
    np.testing.assert_array_equal(of_array.transform(PADDED), codes)
    np.testing.assert_array_equal(of_list.transform(PADDED), codes)
    assert of_array.score(PADDED) == of_list.score(RAGGED)
    equal(
        of_list.inverse_transform(codes, lengths=LENGTHS),
        of_array.inverse_transform(codes, lengths=LENGTHS),
    )


def test_padding_changes_nothing_however_long_it_is():
    wider = np.pad(PADDED, ((0, 0), (0, 9), (0, 0)), constant_values=np.nan)
    first, second = (RNNAutoencoder(2, **SMALL).fit(X) for X in (PADDED, wider))
    np.testing.assert_array_equal(second.transform(wider), first.transform(PADDED))
    regular = np.pad(CUBE, ((0, 0), (0, 9), (0, 0)), constant_values=np.nan)
    first, second = (RNNAutoencoder(2, **SMALL).fit(X) for X in (CUBE, regular))
    np.testing.assert_array_equal(second.transform(regular), first.transform(CUBE))
    assert second.n_timesteps_ == 12


def test_a_series_has_its_code_whoever_stands_beside_it():
    network = RNNAutoencoder(2, **SMALL, bidirectional=True).fit(RAGGED)
    codes = network.transform(RAGGED)
    alone = np.vstack([network.transform([series]) for series in RAGGED[:10]])
    np.testing.assert_allclose(alone, codes[:10], atol=1e-12)
    together = network.inverse_transform(codes[:10], lengths=LENGTHS[:10])
    for code, n, series in zip(codes, LENGTHS, together, strict=False):
        one = network.inverse_transform(code[None], lengths=int(n))
        np.testing.assert_allclose(one[0], series, atol=1e-12)


@pytest.mark.parametrize(
    ("X", "lengths", "shape"),
    [
        (WAVES, None, (60, 12)),
        (WAVES[:, :, None], None, (60, 12, 1)),
        (CUBE, None, (60, 12, 2)),
        (list(CUBE), None, (60, 12, 2)),
        (CUBE, 15, (60, 15, 2)),
        (CUBE, np.full(60, 3), (60, 3, 2)),
        (RAGGED, 7, (60, 7, 2)),
    ],
)
def test_series_come_back_in_the_shape_of_X(X, lengths, shape):
    network = RNNAutoencoder(2, **SMALL).fit(X)
    again = network.inverse_transform(network.transform(X), lengths=lengths)
    assert again.shape == shape


def test_series_of_unequal_length_come_back_one_by_one():
    network = RNNAutoencoder(2, **SMALL).fit([series[:, 0] for series in RAGGED])
    codes = network.transform([series[:, 0] for series in RAGGED])
    again = network.inverse_transform(codes, lengths=LENGTHS)
    assert [series.shape for series in again] == [(n,) for n in LENGTHS]
    assert network.n_timesteps_ is None
    wide = RNNAutoencoder(2, **SMALL).fit(RAGGED).inverse_transform(codes, lengths=LENGTHS)
    assert [series.shape for series in wide] == [(n, 2) for n in LENGTHS]
    # what comes first does not depend on how long it goes on
    equal([s[:5] for s in again], network.inverse_transform(codes, lengths=5), atol=1e-12)


@pytest.mark.parametrize(("shift", "factor"), [(0.0, 1e6), (50.0, 1.0), (-3.0, 1e-6)])
def test_unit_of_X_is_no_matter(shift, factor):
    first = RNNAutoencoder(2, **SMALL).fit(RAGGED)
    X = [factor * (series + shift) for series in RAGGED]
    second = RNNAutoencoder(2, **SMALL).fit(X)
    np.testing.assert_allclose(second.transform(X), first.transform(RAGGED), atol=1e-7)
    assert second.score(X) == pytest.approx(first.score(RAGGED), abs=1e-7)


def test_features_without_spread_are_returned_as_they_are():
    X = np.dstack([CUBE, np.full((60, 12), 7.3)])
    network = RNNAutoencoder(2, **SMALL).fit(X)
    np.testing.assert_array_equal(network.inverse_transform(network.transform(X))[:, :, 2], 7.3)


def test_single_precision_stays():
    X = WAVES.astype(np.float32)
    network = RNNAutoencoder(2, **SMALL).fit(X)
    codes = network.transform(X)
    assert codes.dtype == network.inverse_transform(codes).dtype == np.float32


# --- weights, noise and training ---------------------------------------------------------------------


def test_weights_are_repetitions_and_removals():
    repeats = RNG.integers(0, 3, len(RAGGED))
    params = {**SMALL, "solver": "gd", "learning_rate": "constant", "momentum": 0.5}
    weighted = RNNAutoencoder(2, **params).fit(RAGGED, sample_weight=repeats)
    repeated = RNNAutoencoder(2, **params).fit(
        [series for series, n in zip(RAGGED, repeats, strict=True) for _ in range(n)]
    )
    np.testing.assert_allclose(weighted.transform(RAGGED), repeated.transform(RAGGED), atol=1e-8)


@pytest.mark.parametrize("noise", ["gaussian", "masking"])
def test_noise_is_the_fits_own_and_only_in_training(noise):
    network = RNNAutoencoder(2, **SMALL, noise=noise)
    torch.manual_seed(1)
    first = network.fit(RAGGED).transform(RAGGED)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    np.testing.assert_array_equal(clone(network).fit(RAGGED).transform(RAGGED), first)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.abs(first - RNNAutoencoder(2, **SMALL).fit(RAGGED).transform(RAGGED)).max() > 1e-6


def test_validation_rows_stop_it_without_a_y():
    network = RNNAutoencoder(2, **SMALL, early_stopping=True).fit(RAGGED[:40], X_val=RAGGED[40:])
    assert network.score(RAGGED[40:]) == pytest.approx(network.best_validation_score_, abs=1e-6)
    held = RNNAutoencoder(2, **SMALL, early_stopping=True).fit(RAGGED)
    assert held.t_ == 5 * 54
    recorded = RNNAutoencoder(2, **SMALL).fit(RAGGED, X_val=PADDED, sample_weight_val=np.ones(60))
    assert len(recorded.history_["validation_loss"]) == 5


def test_partial_fit_is_an_epoch_and_warm_start_goes_on():
    params = {**SMALL, "learning_rate": "constant", "shuffle": False}
    parts = RNNAutoencoder(2, **params)
    for _ in range(5):
        parts.partial_fit(RAGGED)
    whole = RNNAutoencoder(2, **params).fit(RAGGED)
    np.testing.assert_allclose(parts.transform(RAGGED), whole.transform(RAGGED), atol=1e-10)
    before = whole.score(RAGGED)
    assert whole.set_params(warm_start=True, max_iter=30).fit(RAGGED).score(RAGGED) > before
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = RNNAutoencoder(solver="lbfgs").partial_fit


@pytest.mark.parametrize("cell", ["rnn", "rnn_relu", "lstm", "gru", "gru_reset_before", "rau"])
def test_cells_and_pickles(cell):
    network = RNNAutoencoder(2, **SMALL, cell=cell).fit(RAGGED)
    codes = network.transform(RAGGED)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.transform(RAGGED), codes)
    equal(
        copied.inverse_transform(codes, LENGTHS), network.inverse_transform(codes, lengths=LENGTHS)
    )


@pytest.mark.parametrize(
    "params",
    [
        {"dropout": 0.2, "recurrent_dropout": 0.2, "recurrent_layer_sizes": (6, 5)},
        {"hidden_layer_sizes": (9,), "bidirectional": True},
        {"hidden_layer_sizes": (9, 7), "activation": ["relu", torch.sin], "max_iter": 1},
        {"code_activation": "tanh", "average": "polyak"},
        {"solver": "lbfgs"},
        {"precision": "bf16", "dtype": "float32"},
    ],
)
def test_options_of_the_layers(params):
    network = RNNAutoencoder(2, **SMALL | params).fit(RAGGED)
    codes = network.transform(RAGGED)
    assert np.isfinite(network.score(RAGGED))
    assert np.abs(codes).max() <= 1 or params.get("code_activation") != "tanh"
    assert network.summary()["output_shape"]["head"] == (12, 2)


# --- a transformer among others ----------------------------------------------------------------------


def test_names_frames_and_pipelines():
    frames = [pd.DataFrame(series, columns=["a", "b"]) for series in RAGGED]
    network = RNNAutoencoder(2, **SMALL).set_output(transform="pandas").fit(frames, X_val=frames)
    codes = network.transform(frames)
    assert list(codes.columns) == ["rnnautoencoder0", "rnnautoencoder1"]
    assert list(network.feature_names_in_) == ["a", "b"]
    with pytest.raises(ValueError, match="feature names"):
        network.transform([frame[["b", "a"]] for frame in frames])
    model = make_pipeline(
        RNNAutoencoder(3, cell="rnn", max_iter=60, random_state=0), LinearRegression()
    )
    circle = np.column_stack([np.cos(PHASE), np.sin(PHASE)])
    assert model.fit(WAVES[:45], circle[:45]).score(WAVES[45:], circle[45:]) > 0.8
    table = pd.DataFrame(WAVES).add_prefix("t")
    assert RNNAutoencoder(2, **SMALL).fit(table).n_features_in_ == 12


def test_searches_choose_by_score():
    params = SMALL | {"max_iter": 40, "cell": "rnn"}
    search = GridSearchCV(RNNAutoencoder(**params), {"n_components": [1, 3]}, cv=2)
    assert search.fit(CUBE).best_params_ == {"n_components": 3}


# --- bad input ---------------------------------------------------------------------------------------


def test_lengths_that_are_missing_or_wrong_are_named():
    network = RNNAutoencoder(2, **SMALL).fit(RAGGED)
    codes = network.transform(RAGGED)
    with pytest.raises(ValueError, match=r"lengths=None .*up to 12 timesteps.*give lengths"):
        network.inverse_transform(codes)
    for lengths in (0, [3, 4], 2.5, LENGTHS - 5, "long", [[3]] * 60):
        with pytest.raises(ValueError, match="lengths must be a whole number of at least 1"):
            network.inverse_transform(codes, lengths=lengths)


def test_bad_input_is_refused():
    network = RNNAutoencoder(2, **SMALL)
    for method in (network.transform, network.inverse_transform, network.score):
        with pytest.raises(NotFittedError, match="RNNAutoencoder"):
            method(WAVES)
    network.fit(CUBE)
    with pytest.raises(ValueError, match="3 features"):
        network.transform(CUBE[:, :, [0, 1, 1]])
    with pytest.raises(ValueError, match="3 columns, but the codes .* have 2"):
        network.inverse_transform(np.ones((4, 3)))
    with pytest.raises((ValueError, TypeError), match=r"[Ss]parse"):
        network.fit(sp.csr_array(np.eye(8)))
    gap = CUBE.copy()
    gap[3, 5] = np.nan
    with pytest.raises(ValueError, match="NaN inside a sequence: sequence 3, timestep 5"):
        network.fit(gap)
    with pytest.raises(ValueError, match=r"validation data.*features"):
        RNNAutoencoder(**SMALL).fit(CUBE, X_val=WAVES[:, :, None])
    with pytest.raises(ValueError, match="sample_weight"):
        network.score(CUBE, sample_weight=np.ones(3))


@pytest.mark.parametrize("padding", [True, False])
def test_texts_and_their_tokens_are_refused_by_name(padding):
    texts = ["a series of words", "another one", "words"]
    network = RNNAutoencoder(**SMALL)
    with pytest.raises(ValueError, match="X holds texts.* RNNAutoencoder makes again"):
        network.fit(texts)
    tokens = TokenSequences(padding=padding).fit_transform(texts)
    if not padding:  # nothing tells them from counts
        tokens = [np.append(row, -1) for row in tokens]
    with pytest.raises(ValueError, match="token ids.* RNNAutoencoder .*tokens are names"):
        network.fit(tokens)


def test_whole_numbers_are_no_tokens():
    counts = RNG.poisson(3.0, (30, 6))
    RNNAutoencoder(**SMALL).fit(counts)
    RNNAutoencoder(**SMALL).fit(counts - 3)
    counts[:, -1] = -1
    RNNAutoencoder(**SMALL).fit(counts.astype(float))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"n_components": 0}, "'n_components'"),
        ({"recurrent_layer_sizes": ()}, r"recurrent_layer_sizes=\(\)"),
        ({"cell": "elman"}, "'cell'"),
        ({"noise": "masking", "noise_level": 1.0}, "must be below 1"),
        ({"noise": "gaussian", "solver": "lbfgs"}, "cannot use noise='gaussian'"),
        ({"solver": "lm"}, "solver='lm' minimises a sum of squares"),
        ({"code_activation": "rbf"}, "'code_activation'"),
        ({"activation": ["relu"]}, "activation"),
    ],
)
def test_bad_parameters_are_refused(params, words):
    with pytest.raises(ValueError, match=words):
        RNNAutoencoder(**SMALL | params).fit(RAGGED)


def test_failed_fit_leaves_what_was_there():
    network = RNNAutoencoder(2, **SMALL).fit(RAGGED)
    before = network.transform(RAGGED)
    with pytest.raises(ValueError, match="empty sequence"):
        network.fit([*RAGGED, np.empty((0, 2))])
    np.testing.assert_array_equal(network.transform(RAGGED), before)
    equal(
        network.inverse_transform(before, LENGTHS)[:1],
        [network.inverse_transform(before, 12)[0][: LENGTHS[0]]],
        atol=1e-12,
    )
