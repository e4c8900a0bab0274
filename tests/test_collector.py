"""The collector of cycles looks at new objects alone during a search, and in processes for tasks."""

import gc
import multiprocessing
import threading
import warnings
import weakref

import joblib
import pytest
from joblib.externals.loky import ProcessPoolExecutor
from sklearn.model_selection import cross_val_score

from sknets import MLPRegressor, _collector
from sknets._collector import put_aside_in_worker, what_is_there_put_aside
from tests.training.nets import X, Y


@pytest.fixture(autouse=True)
def nothing_frozen():
    """Begin and end with nothing put aside."""
    assert gc.get_freeze_count() == 0
    yield
    gc.unfreeze()


class Looks(MLPRegressor):
    """A regressor that says how much is put aside when it is fitted."""

    frozen = []

    def fit(self, X, y):
        self.frozen.append(gc.get_freeze_count())
        return super().fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_search_puts_aside_what_is_there():
    Looks.frozen.clear()
    with joblib.parallel_config("sknets", n_jobs=3):
        cross_val_score(Looks(max_iter=2), X, Y[:, 0], cv=3)
    assert len(Looks.frozen) == 3
    assert min(Looks.frozen) > 1000
    assert gc.get_freeze_count() == 0


def test_an_error_and_calls_within_calls_leave_nothing_put_aside():
    with pytest.raises(ZeroDivisionError), what_is_there_put_aside():
        with what_is_there_put_aside():
            assert gc.get_freeze_count() > 0
        assert gc.get_freeze_count() > 0
        raise ZeroDivisionError
    assert gc.get_freeze_count() == 0


def test_calls_in_several_threads_end_in_any_order():
    first, second = what_is_there_put_aside(), what_is_there_put_aside()
    for enter in (first.__enter__, second.__enter__):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    first.__exit__(None, None, None)
    assert gc.get_freeze_count() > 0
    second.__exit__(None, None, None)
    assert gc.get_freeze_count() == 0


def test_what_others_have_frozen_stays_so():
    gc.freeze()
    count = gc.get_freeze_count()
    with what_is_there_put_aside():
        assert gc.get_freeze_count() == count
    assert gc.get_freeze_count() == count


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        with what_is_there_put_aside():
            assert gc.get_freeze_count() == 0
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_cycles_of_a_search_are_collected_in_it():
    class Node:
        pass

    with what_is_there_put_aside():
        node = Node()
        node.itself = node
        del node
        assert gc.collect() > 0


def fit_and_look():
    """Fit a small network in this process; return what is put aside before and after."""
    before = gc.get_freeze_count()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MLPRegressor(max_iter=2).fit(X, Y[:, 0])
    return before, gc.get_freeze_count()


def test_a_process_of_joblib_puts_aside_what_its_first_fit_finds():
    with ProcessPoolExecutor(1) as executor:
        (before, after), again = (executor.submit(fit_and_look).result() for _ in range(2))
    assert before == 0
    assert after > 100_000
    assert again[0] == pytest.approx(after, rel=0.01)
    assert again[1] == pytest.approx(after, rel=0.01)


@pytest.fixture
def is_worker(monkeypatch):
    """Let this process be one of joblib's, which has not looked yet."""
    monkeypatch.setattr(_collector, "_has_looked", False)
    monkeypatch.setattr(multiprocessing.current_process(), "_name", "LokyProcess-1")


def test_a_fit_puts_nothing_aside_where_nobody_else_has_started_the_process():
    assert fit_and_look() == (0, 0)


@pytest.mark.usefixtures("is_worker")
def test_cycles_are_collected_before_a_worker_puts_the_rest_aside():
    class Node:
        pass

    node = Node()
    node.itself, reference = node, weakref.ref(node)
    gc.collect()  # to the oldest objects, which nothing but a whole look finds
    del node
    put_aside_in_worker()
    assert reference() is None
    assert gc.get_freeze_count() > 100_000
    gc.unfreeze()
    put_aside_in_worker()
    assert gc.get_freeze_count() == 0


@pytest.mark.usefixtures("is_worker")
def test_a_worker_leaves_alone_what_is_set_already():
    with what_is_there_put_aside():
        put_aside_in_worker()
    assert gc.get_freeze_count() == 0
    gc.disable()
    try:
        _collector._has_looked = False
        put_aside_in_worker()
        assert gc.get_freeze_count() == 0
    finally:
        gc.enable()
