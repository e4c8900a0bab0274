"""What joblib and scikit-learn offer around tasks works in the context, too."""

import io
import multiprocessing
import os
import threading
import time
import warnings
from contextlib import redirect_stderr

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.utils import parallel as sk_parallel

from tests.callback_protocol import ProgressBar, ScoringMonitor
from tests.parallel.searches import ALPHAS, X, Y, regressor, scaled

GRID = {"mlpregressor__alpha": ALPHAS}


@joblib.delayed
def weights(alpha):
    return regressor(alpha=alpha).fit(X, Y).coefs_[0]


@pytest.fixture(scope="module")
def expected():
    return [regressor(alpha=alpha).fit(X, Y).coefs_[0] for alpha in ALPHAS]


@pytest.mark.parametrize("pre_dispatch", ["all", "2*n_jobs", "n_jobs", 1])
@pytest.mark.parametrize("batch_size", ["auto", 2])
def test_tasks_in_portions(expected, pre_dispatch, batch_size):
    run = joblib.Parallel(4, backend="sknets", pre_dispatch=pre_dispatch, batch_size=batch_size)
    np.testing.assert_array_equal(run(weights(alpha) for alpha in ALPHAS), expected)
    np.testing.assert_array_equal(run(weights(alpha) for alpha in ALPHAS), expected)  # once more


def test_managed_calls(expected):
    with joblib.parallel_config("sknets"), joblib.Parallel() as run:
        for _ in range(3):
            np.testing.assert_array_equal(run(weights(alpha) for alpha in ALPHAS), expected)


def test_generators(expected):
    with joblib.parallel_config("sknets", n_jobs=3):
        values = joblib.Parallel(return_as="generator")(weights(alpha) for alpha in ALPHAS)
        np.testing.assert_array_equal(list(values), expected)
        values = joblib.Parallel(return_as="generator_unordered")(
            weights(alpha) for alpha in ALPHAS
        )
        assert sorted(map(np.sum, values)) == sorted(map(np.sum, expected))


def test_calls_between_the_values_of_a_generator(expected):
    with joblib.parallel_config("sknets", n_jobs=3):
        values = joblib.Parallel(return_as="generator")(weights(alpha) for alpha in ALPHAS)
        for value, other in zip(values, expected, strict=True):
            np.testing.assert_array_equal(value, other)
            assert len(cross_val_score(regressor(), X, Y, cv=3)) == 3


def test_generator_that_is_left(expected):
    with joblib.parallel_config("sknets", n_jobs=3):
        values = joblib.Parallel(return_as="generator")(weights(alpha) for alpha in ALPHAS)
        np.testing.assert_array_equal(next(values), expected[0])
        values.close()


def test_timeout():
    hold = threading.Event()
    run = joblib.Parallel(2, backend="sknets", timeout=0.2)
    try:
        with pytest.raises(multiprocessing.TimeoutError):
            run([joblib.delayed(hold.wait)(20), weights(1.0)])
    finally:
        hold.set()


def test_progress_is_printed():
    with joblib.parallel_config("sknets", n_jobs=64), redirect_stderr(io.StringIO()) as printed:
        GridSearchCV(scaled(), GRID, cv=3, verbose=1, n_jobs=4).fit(X, Y)
        joblib.Parallel(verbose=11)(weights(alpha) for alpha in ALPHAS)
    assert "TogetherBackend with 64 concurrent workers" in printed.getvalue()
    assert "Done   6 out of   6" in printed.getvalue()


def test_no_tasks():
    assert joblib.Parallel(backend="sknets")(iter(())) == []
    with pytest.raises(ValueError, match="n_jobs == 0"):
        joblib.Parallel(0, backend="sknets")([weights(1.0)])


def test_tasks_whose_maker_raises():
    def tasks():
        yield weights(1.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        joblib.Parallel(4, backend="sknets")(tasks())


def test_configuration_of_scikit_learn_reaches_tasks():
    def seen():
        return sklearn.get_config()["working_memory"]

    run = sk_parallel.Parallel(4, backend="sknets")
    with sklearn.config_context(working_memory=77):
        assert set(run(sk_parallel.delayed(seen)() for _ in range(8))) == {77}


def test_warnings_point_to_the_line_that_calls():
    with (
        warnings.catch_warnings(record=True) as caught,
        joblib.parallel_config("sknets", n_jobs=64),
    ):
        warnings.simplefilter("always")
        cross_val_score(scaled(), X, Y, cv=3)
    caught = [warning for warning in caught if warning.category is ConvergenceWarning]
    assert len(caught) == 3
    assert {warning.filename for warning in caught} == {__file__}


def test_filters_of_warnings_reach_tasks_and_are_put_back():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        before = list(warnings.filters)
        with joblib.parallel_config("sknets", n_jobs=64):
            with pytest.raises(ConvergenceWarning):
                cross_val_score(regressor(), X, Y, cv=3, error_score="raise")
            with pytest.raises(ValueError, match="All the 3 fits failed"):
                cross_val_score(regressor(), X, Y, cv=3)
        assert warnings.filters == before


def test_callbacks_of_scikit_learn():
    def rows():
        monitor = ScoringMonitor(scoring="r2")
        network = regressor().set_callbacks(monitor)
        GridSearchCV(network, {"alpha": [0.1, 1.0]}, cv=2).fit(X, Y)
        logs = monitor.get_logs(select="most_recent")
        return logs.data_as_pandas["r2"].astype(float).sort_values().to_numpy()

    expected = rows()
    with joblib.parallel_config("sknets", n_jobs=64):
        np.testing.assert_array_equal(rows(), expected)


def test_progress_bar_of_scikit_learn(capsys):
    pytest.importorskip("rich")
    bar = ProgressBar()
    search = GridSearchCV(regressor(), {"alpha": [0.1, 1.0]}, cv=2).set_callbacks(bar)
    with joblib.parallel_config("sknets", n_jobs=64):
        search.fit(X, Y)
    assert "100%" in capsys.readouterr().out


@pytest.mark.parametrize("n_jobs", [2, 3, 5])
def test_threads_are_bounded(n_jobs):
    most = []

    def innermost():
        most.append(sum(thread.name == "sknets" for thread in threading.enumerate()))
        time.sleep(0.002)

    def nested(depth):
        inner = innermost if depth == 0 else lambda: nested(depth - 1)
        joblib.Parallel()(joblib.delayed(inner)() for _ in range(4))

    with joblib.parallel_config("sknets", n_jobs=n_jobs):
        nested(2)
    assert len(most) == 4**3
    assert max(most) <= 3 * n_jobs


def test_other_backends_in_a_task(expected):
    def threaded():
        run = joblib.Parallel(2, backend="threading")
        return run(weights(alpha) for alpha in ALPHAS)

    values = joblib.Parallel(2, backend="sknets")(joblib.delayed(threaded)() for _ in range(2))
    np.testing.assert_array_equal(values, [expected] * 2)


def test_process_is_as_before():
    before = (threading.active_count(), os.getpid(), warnings.filters[:])
    with joblib.parallel_config("sknets", n_jobs=64):
        GridSearchCV(scaled(), GRID, cv=3).fit(X, Y)
    assert (threading.active_count(), os.getpid(), warnings.filters[:]) == before


def test_nothing_is_parsed_in_threads(monkeypatch):
    def parse(expression):
        raise SystemError("AST constructor recursion depth mismatch")

    monkeypatch.setattr("joblib.parallel.eval_expr", parse)
    with joblib.parallel_config("sknets", n_jobs=4):
        parallel = joblib.Parallel(pre_dispatch="2*n_jobs")
        assert parallel(joblib.delayed(_sum_of_squares)(k) for k in range(6)) == [
            0,
            0,
            1,
            5,
            14,
            30,
        ]
        assert parallel.pre_dispatch == "2*n_jobs"
        assert parallel(joblib.delayed(abs)(-k) for k in range(3)) == [0, 1, 2]


def _sum_of_squares(n):
    return sum(joblib.Parallel()(joblib.delayed(pow)(k, 2) for k in range(n)))
