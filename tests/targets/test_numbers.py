"""Numbers between a user's y and the tensors of training."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from sknets import training
from sknets.targets import Raw, Regression

RNG = np.random.default_rng(0)
Y = RNG.normal([3.0, -50.0], [1.0, 20.0], (40, 2))


def learn(loss="squared_error", y=Y, sample_weight=None, **options):
    task = Regression(loss, options)
    return task.learn(y, sample_weight, None).for_fit(task, y, sample_weight)


def test_target_is_standardised_as_scikit_learn_does():
    weight = RNG.uniform(0.5, 2.0, 40)
    scaler = StandardScaler().fit(Y, sample_weight=weight)
    target = learn(sample_weight=weight)
    np.testing.assert_allclose(target.encode(Y), scaler.transform(Y))
    raw = Raw(torch.from_numpy(target.encode(Y)), None, np.float64)
    np.testing.assert_allclose(target.predictions(raw), Y)
    assert target.score(target.predictions(raw), Y, weight, None) == pytest.approx(1.0)


def test_poisson_is_divided_by_the_mean():
    y = RNG.poisson(4.0, 30)
    target = learn("poisson", y)
    np.testing.assert_allclose(target.encode(y)[:, 0], y / y.mean())
    raw = Raw(torch.full((30, 1), np.log(2.0)), None, np.float32)
    predictions = target.predictions(raw)
    assert predictions.dtype == np.float32
    np.testing.assert_allclose(predictions, np.full(30, 2 * y.mean()), rtol=1e-6)
    assert target.score(predictions, y, None, None) == pytest.approx(r2_score(y, predictions))
    with pytest.raises(ValueError, match="loss='poisson' needs y >= 0, but y has negative values"):
        target.check(y - 10)


def test_loss_is_made_of_its_options():
    loss = learn("huber", huber_delta=0.7).make_loss()
    assert isinstance(loss, training.Huber)
    assert loss.huber_delta == 0.7
    assert learn("quantile", quantile=0.9).make_loss().quantile == 0.9


def test_every_loss_has_an_output_of_numbers():
    for name, kind in training.LOSSES.items():
        target = learn(name, np.abs(Y), **training.declared(kind))
        assert target.output.name == kind.output


def test_tiny_and_constant_targets_keep_their_size():
    tiny = learn(y=Y * 1e-200)
    np.testing.assert_allclose(tiny.encode(Y * 1e-200), StandardScaler().fit_transform(Y))
    constant = learn(y=np.full(5, 7.0))
    assert constant.is_constant
    np.testing.assert_array_equal(constant.encode(np.full(5, 7.0)), np.zeros((5, 1)))
    assert not tiny.is_constant


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "not times"),
        (np.array(["a", "b"]), "y must be numbers in regression"),
        (sp.csr_matrix([[1.0], [2.0]]), "y must be dense in regression"),
        (np.array([1.7e308, 1.7e308, -1.7e308]), "too large to standardise"),
    ],
)
def test_what_is_no_number_is_refused(y, message):
    with pytest.raises(ValueError, match=message):
        learn(y=y)


def test_further_y_needs_as_many_outputs():
    with pytest.raises(ValueError, match="y has 1 outputs, but the network has 2"):
        learn().check(Y[:, 0])
