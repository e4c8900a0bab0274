"""scikit-learn's callback protocol and skorch's callbacks."""

import pickle
import warnings

import numpy as np
import pytest
import skorch
from sklearn.base import clone, is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sknets import MLPRegressor
from tests.callback_protocol import HAS_CALLBACKS, FitCallback, ProgressBar, ScoringMonitor
from tests.estimators.estimators import ALL, X_DIABETES, Y_DIABETES, data_for, outputs


class Recorder:
    """A callback of scikit-learn's protocol that writes down what it is told."""

    def __init__(self, stop_after=None):
        if not HAS_CALLBACKS:
            pytest.skip("scikit-learn has callbacks from 1.9 on")
        self.events = []
        self.fitted = []
        self.stop_after = stop_after

    def setup(self, estimator, context):
        self.events.append("setup")

    def teardown(self, estimator, context):
        self.events.append("teardown")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id))
        if fitted_estimator is not None:
            self.fitted.append(outputs(fitted_estimator, X))
        return self.stop_after is not None and context.task_id + 1 == self.stop_after


@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_every_epoch_is_a_task(estimator):
    X, y = data_for(estimator)
    recorder = Recorder()
    assert isinstance(recorder, FitCallback)
    network = clone(estimator).set_params(max_iter=3, random_state=0)
    network.set_callbacks(recorder).fit(X, y)
    assert recorder.events == [
        "setup",
        ("begin", "fit", 0),
        *[(what, "epoch", i) for i in range(3) for what in ("begin", "end")],
        ("end", "fit", 0),
        "teardown",
    ]
    np.testing.assert_array_equal(recorder.fitted[-1], outputs(network, X))
    assert not np.array_equal(recorder.fitted[0], recorder.fitted[1])


def test_callbacks_do_not_change_the_fit():
    plain = MLPRegressor(max_iter=5, random_state=0).fit(X_DIABETES, Y_DIABETES)
    watched = MLPRegressor(max_iter=5, random_state=0).set_callbacks(Recorder())
    watched.fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_array_equal(plain.predict(X_DIABETES), watched.predict(X_DIABETES))


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_callback_can_stop_training(solver):
    network = MLPRegressor(solver=solver, random_state=0).set_callbacks(Recorder(stop_after=4))
    network.fit(X_DIABETES, Y_DIABETES)
    assert network.n_iter_ == 4


def test_tear_down_happens_after_an_error():
    recorder = Recorder()
    network = MLPRegressor().set_callbacks(recorder)
    with pytest.raises(ValueError, match="NaN"):
        network.fit(X_DIABETES * np.nan, Y_DIABETES)
    assert recorder.events[-1] == "teardown"
    network.fit(X_DIABETES, Y_DIABETES)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_scoring_monitor_has_a_row_per_epoch(solver):
    monitor = ScoringMonitor(scoring="r2")
    network = MLPRegressor(solver=solver, max_iter=6, random_state=0).set_callbacks(monitor)
    network.fit(X_DIABETES, Y_DIABETES)
    frame = monitor.get_logs(select="most_recent").data_as_pandas
    epochs = frame[frame["task_name"] == "epoch"]
    assert len(epochs) == network.n_iter_ == 6
    assert epochs["r2"].iloc[-1] == pytest.approx(r2_score(Y_DIABETES, network.predict(X_DIABETES)))


def test_progress_bar_nests_under_a_grid_search(capsys):
    bar = ProgressBar(max_propagation_depth=None)
    model = make_pipeline(StandardScaler(), MLPRegressor(max_iter=3, random_state=0))
    search = GridSearchCV(model, {"mlpregressor__alpha": [0.1, 1.0]}, cv=2)
    search.set_callbacks(bar)
    search.fit(X_DIABETES, Y_DIABETES)
    out = capsys.readouterr().out
    assert "GridSearchCV" in out
    assert "MLPRegressor - fit" in out


def test_skorch_callbacks_see_the_net():
    seen = []

    class Watch(skorch.callbacks.Callback):
        def on_epoch_end(self, net, dataset_train=None, dataset_valid=None, **kwargs):
            seen.append((len(dataset_train), len(dataset_valid), net.history[-1, "valid_loss"]))

    network = MLPRegressor(max_iter=3, random_state=0, callbacks=[Watch()])
    network.fit(X_DIABETES, Y_DIABETES, X_val=X_DIABETES[:50], y_val=Y_DIABETES[:50])
    assert [s[:2] for s in seen] == [(442, 50)] * 3
    assert [s[2] for s in seen] == network.history_["validation_loss"]


@pytest.mark.filterwarnings("error")
def test_skorchs_early_stopping_stops_without_a_warning():
    stop = skorch.callbacks.EarlyStopping(
        monitor="train_loss", patience=2, threshold=100.0, sink=str
    )
    network = MLPRegressor(callbacks=[stop], random_state=0).fit(X_DIABETES, Y_DIABETES)
    assert network.n_iter_ < 10


def mean_squared(net, X, y):
    return -float(np.mean((net.predict(X) - np.asarray(y)) ** 2))


@pytest.mark.parametrize(
    "make",
    [
        lambda path: skorch.callbacks.Checkpoint(monitor="train_loss_best", dirname=path),
        lambda path: skorch.callbacks.Checkpoint(monitor="valid_loss_best", dirname=path),
        lambda path: skorch.callbacks.EpochScoring(mean_squared, name="mse", on_train=True),
        lambda path: skorch.callbacks.EpochScoring(mean_squared, name="mse", on_train=False),
        lambda path: skorch.callbacks.GradientNormClipping(0.1),
        lambda path: skorch.callbacks.PrintLog(sink=str),
        lambda path: skorch.callbacks.EpochTimer(),
    ],
)
def test_skorchs_callbacks_work_one_by_one(make, tmp_path):
    network = MLPRegressor(max_iter=4, random_state=0, callbacks=[make(tmp_path)])
    network.fit(X_DIABETES, Y_DIABETES, X_val=X_DIABETES[:60], y_val=Y_DIABETES[:60])
    rows = network.net_.history
    assert len(rows) == 4
    if "mse" in rows[-1]:
        on_train = rows[-1]["mse"] != pytest.approx(-2 * rows[-1]["valid_loss"])
        assert on_train == network.net_.callbacks_[0][1].on_train
    if isinstance(network.callbacks[0], skorch.callbacks.Checkpoint):
        assert (tmp_path / "params.pt").exists()


def test_skorchs_freezer_freezes_and_unfreezer_releases():
    options = {"max_iter": 6, "random_state": 0, "alpha": 10.0, "l1_alpha": 0.1, "solver": "adamw"}
    start = MLPRegressor(**options | {"max_iter": 1, "learning_rate_init": 1e-12})
    start.fit(X_DIABETES, Y_DIABETES)
    frozen = MLPRegressor(callbacks=[skorch.callbacks.Freezer("0.weight")], **options)
    frozen.fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_allclose(frozen.coefs_[0], start.coefs_[0], atol=1e-9)
    assert np.abs(frozen.intercepts_[0] - start.intercepts_[0]).max() > 1e-4
    released = MLPRegressor(
        callbacks=[
            skorch.callbacks.Freezer("0.weight"),
            skorch.callbacks.Unfreezer("0.weight", at=4),
        ],
        **options,
    ).fit(X_DIABETES, Y_DIABETES)
    assert np.abs(released.coefs_[0] - start.coefs_[0]).max() > 1e-4


def test_ctrl_c_in_a_callback_is_the_users():
    class Impatient(Recorder):
        def on_fit_task_end(self, estimator, context):
            if context.task_id == 2:
                raise KeyboardInterrupt

    network = MLPRegressor(random_state=0).set_callbacks(Impatient())
    with pytest.warns(UserWarning, match="interrupted by user.*3 whole epochs"):
        network.fit(X_DIABETES, Y_DIABETES)


def test_error_in_scikit_learns_callback_loses_nothing():
    class Broken(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("disk full")

    network = MLPRegressor(max_iter=3, random_state=0).fit(X_DIABETES, Y_DIABETES)
    before = network.predict(X_DIABETES)
    with pytest.raises(RuntimeError, match="disk full"):
        network.set_callbacks(Broken()).fit(X_DIABETES, Y_DIABETES)
    np.testing.assert_array_equal(network.predict(X_DIABETES), before)


WATCH = {
    "stops": lambda: skorch.callbacks.EarlyStopping(),
    "stops at a score": lambda: skorch.callbacks.EarlyStopping(monitor="valid_score"),
    "saves": lambda: skorch.callbacks.Checkpoint(
        f_params=None, f_optimizer=None, f_criterion=None, f_history=None
    ),
    "slows": lambda: skorch.callbacks.LRScheduler("ReduceLROnPlateau", monitor="valid_loss"),
}


@pytest.mark.parametrize("watch", WATCH)
@pytest.mark.parametrize("estimator", ALL, ids=lambda e: type(e).__name__)
def test_callback_that_watches_validation_data_where_there_are_none_is_named(estimator, watch):
    X, y = data_for(estimator)
    network = clone(estimator).set_params(callbacks=[WATCH[watch]()], max_iter=2)
    more = {"classes": np.unique(y)} if is_classifier(estimator) else {}
    for call in (network.fit, lambda X, y: network.partial_fit(X, y, **more)):
        with pytest.raises(ValueError, match=r"callbacks .*'valid_.*X_val.*early_stopping"):
            call(X, y)
    assert not hasattr(network, "_learned")


@pytest.mark.parametrize("watch", WATCH)
def test_callback_that_watches_validation_data_works_with_them(watch):
    network = MLPRegressor(callbacks=[WATCH[watch]()], early_stopping=True, max_iter=3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert network.fit(X_DIABETES, Y_DIABETES).n_iter_ == 3


def test_callback_that_watches_a_score_where_the_loss_is_watched_is_told_what_there_is():
    stop = skorch.callbacks.EarlyStopping(monitor="valid_score")
    network = MLPRegressor(callbacks=[stop], early_stopping=True, scoring="loss")
    words = "'valid_score', which is not recorded. Let it watch one of valid_loss"
    with pytest.raises(ValueError, match=words):
        network.fit(X_DIABETES, Y_DIABETES)


def test_error_of_a_users_callback_stays_what_it_is():
    class Broken(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        MLPRegressor(callbacks=[Broken()]).fit(X_DIABETES, Y_DIABETES)


@pytest.mark.parametrize("verbose", [False, True])
def test_verbose_and_print_log_print_losses_and_scores(verbose, capsys):
    network = MLPRegressor(
        verbose=verbose, callbacks=[skorch.callbacks.PrintLog()], early_stopping=True, max_iter=4
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(X_DIABETES, Y_DIABETES)
    printed = capsys.readouterr().out
    for loss in network.history_["validation_loss"]:
        assert f"{loss:.4f}" in printed
        assert (f"Validation loss: {loss:.8f}\n" in printed) == verbose
    assert "valid_score" in printed
    assert ("Iteration 4, loss" in printed) == verbose


def test_why_a_fit_ended_can_be_asked(recwarn):
    class Interrupt(skorch.callbacks.Callback):
        def on_batch_end(self, net, **kwargs):
            if len(net.history) == 3:
                raise KeyboardInterrupt  # as Ctrl-C does in the middle of an epoch

    class End(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    data = X_DIABETES, Y_DIABETES
    assert MLPRegressor(max_iter=2).fit(*data).stop_reason_ == "max_iter"
    assert MLPRegressor(tol=1.0).fit(*data).stop_reason_ == "converged"
    assert MLPRegressor(callbacks=[End()]).fit(*data).stop_reason_ == "callback"
    interrupted = MLPRegressor(callbacks=[Interrupt()]).fit(*data)
    copied = pickle.loads(pickle.dumps(interrupted.set_params(callbacks=None)))
    assert copied.stop_reason_ == interrupted.stop_reason_ == "interrupt"
    assert interrupted.n_iter_ == 2
