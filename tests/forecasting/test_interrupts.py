"""Ctrl-C in the middle of a forecaster's fits."""

import warnings

import numpy as np
import pytest
import skorch
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.multioutput import MultiOutputRegressor

from sknets import Forecaster
from tests.forecasting.series import Y, forecaster, tiny


class Interrupt(skorch.callbacks.Callback):
    """Ctrl-C in one of the trainings, all of which count."""

    trainings = 0

    def __init__(self, at=0):
        self.at = at

    def on_train_begin(self, net, **kwargs):
        Interrupt.trainings += 1

    def on_batch_end(self, net, training=True, **kwargs):
        if training and Interrupt.trainings > self.at:
            raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def _from_zero():
    Interrupt.trainings = 0


def test_backtest_ends():
    model = forecaster(tiny(callbacks=[Interrupt(at=1)]))
    with pytest.raises(KeyboardInterrupt):
        model.backtest(y=Y[:, 0], cv=3)
    assert Interrupt.trainings == 2  # of three folds


@pytest.mark.parametrize("at", [0, 1], ids=["calibration", "last fit"])
def test_fit_ends_and_leaves_the_forecaster_as_it_was(at):
    fitted = forecaster(tiny(), calibration_fraction=0.3).fit(y=Y)
    expected = fitted.forecast(3)
    fitted.set_params(estimator=tiny(callbacks=[Interrupt(at=at)]))
    with pytest.raises(KeyboardInterrupt):
        fitted.fit(y=Y)
    assert Interrupt.trainings == at + 1
    np.testing.assert_array_equal(fitted.forecast(3), expected)


@pytest.mark.parametrize(
    "estimator",
    [
        MultiOutputRegressor(tiny(callbacks=[Interrupt()])),
        GridSearchCV(tiny(callbacks=[Interrupt()]), {"alpha": [0.1, 1.0]}, cv=TimeSeriesSplit(2)),
    ],
    ids=["several outputs", "search"],
)
def test_fits_within_fits_end(estimator):
    with pytest.raises(KeyboardInterrupt):
        Forecaster(estimator, window=4).fit(y=Y[:, 0])
    assert Interrupt.trainings == 1


def test_network_alone_keeps_what_it_has_learned():
    X = np.random.default_rng(0).normal(size=(30, 4, 1))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fitted = tiny(callbacks=[Interrupt()]).fit(X, X[:, 0, 0])
    assert fitted.predict(X).shape == (30,)
    assert "interrupted by user" in str(caught[0].message)
    with pytest.raises(KeyboardInterrupt):
        forecaster(tiny(callbacks=[Interrupt()])).fit(y=Y)
    Interrupt.trainings = 0
    with pytest.warns(UserWarning, match="interrupted by user"):  # as before
        tiny(callbacks=[Interrupt()]).fit(X, X[:, 0, 0])
