"""The collector of cycles looks at new objects alone during a search, and in processes for tasks."""

import gc
import multiprocessing
import pickle
import threading
import warnings
import weakref

import joblib
import pytest
from joblib.externals.loky import ProcessPoolExecutor
from sklearn.model_selection import cross_val_score

from sknets import MLPRegressor, TabularRegressor, _collector
from sknets._collector import put_aside_in_worker, what_is_there_put_aside
from sknets.training import _workers
from tests.training.nets import X, Y


@pytest.fixture(autouse=True)
def nothing_frozen():
    """Begin and end with nothing put aside."""
    assert not _collector._is_anything_aside()
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
    assert min(Looks.frozen) > 100_000
    assert not _collector._is_anything_aside()


def test_an_error_and_calls_within_calls_leave_nothing_put_aside():
    with pytest.raises(ZeroDivisionError), what_is_there_put_aside():
        with what_is_there_put_aside():
            assert _collector._is_anything_aside()
        assert _collector._is_anything_aside()
        raise ZeroDivisionError
    assert not _collector._is_anything_aside()


def test_calls_in_several_threads_end_in_any_order():
    first, second = what_is_there_put_aside(), what_is_there_put_aside()
    for enter in (first.__enter__, second.__enter__):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    first.__exit__(None, None, None)
    assert _collector._is_anything_aside()
    second.__exit__(None, None, None)
    assert not _collector._is_anything_aside()


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
            assert not _collector._is_anything_aside()
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


@pytest.mark.usefixtures("is_fresh")
def test_a_fit_puts_nothing_aside_where_nobody_has_started_the_process_for_it():
    assert [fit_and_look() for _ in range(3)] == [False] * 3


@pytest.mark.parametrize("name", ["plain", "members", "table"])
def test_a_process_of_joblib_puts_aside_what_its_second_fit_finds(name):
    with ProcessPoolExecutor(1) as executor:
        seen = [executor.submit(fit_and_look, name).result() for _ in range(3)]
    assert seen == [False, True, True]


def test_the_first_network_of_a_process_does_not_stay():
    with ProcessPoolExecutor(1) as executor:
        of_first = executor.submit(fit_and_refer).result()
        is_aside = executor.submit(fit_and_look).result()
        assert is_aside
        assert executor.submit(have_gone, of_first).result()


def test_a_context_within_a_process_puts_nothing_aside_for_good():
    with ProcessPoolExecutor(1) as executor:
        assert not executor.submit(search_and_look).result()
        assert executor.submit(fit_and_look).result()


def test_processes_that_train_stacks_put_aside_too(monkeypatch):
    asked = []
    monkeypatch.setattr(_workers, "put_aside_in_worker", lambda: asked.append(1))
    assert pickle.loads(_workers._train(_workers._dumps(([], [], [])))) == []
    assert asked == [1]


def test_a_forked_process_looks_anew(is_worker):
    with what_is_there_put_aside():
        put_aside_in_worker()
        _collector._after_fork()
        assert (_collector._n_searches, _collector._n_begun) == (0, 0)
    _collector._n_searches = 0


@pytest.mark.usefixtures("is_worker")
def test_cycles_are_collected_before_a_worker_puts_the_rest_aside():
    class Node:
        pass

    node = Node()
    node.itself, reference = node, weakref.ref(node)
    gc.collect()  # to the oldest objects, which nothing but a whole look finds
    del node
    put_aside_in_worker()
    assert not _collector._is_anything_aside()
    put_aside_in_worker()
    assert reference() is None
    assert gc.get_freeze_count() > 100_000
    gc.unfreeze()
    put_aside_in_worker()
    assert not _collector._is_anything_aside()


@pytest.mark.usefixtures("is_worker")
def test_a_worker_waits_for_the_end_of_searches_and_for_a_collector_that_is_on():
    for _ in range(3):
        with what_is_there_put_aside():
            put_aside_in_worker()
        assert not _collector._is_anything_aside()
    gc.disable()
    try:
        put_aside_in_worker()
        assert not _collector._is_anything_aside()
    finally:
        gc.enable()
    put_aside_in_worker()
    assert _collector._is_anything_aside()


@pytest.mark.usefixtures("is_worker")
def test_a_worker_leaves_alone_what_others_have_frozen():
    gc.freeze()
    count = gc.get_freeze_count()
    for _ in range(2):
        put_aside_in_worker()
    assert gc.get_freeze_count() == count


@pytest.fixture
def is_fresh(monkeypatch):
    """Let this process have begun no fit."""
    monkeypatch.setattr(_collector, "_n_begun", 0)
    monkeypatch.setattr(_collector, "_is_decided", False)


@pytest.fixture
def is_worker(monkeypatch, is_fresh):
    """Let this process be one of joblib's, which has begun no fit."""
    monkeypatch.setattr(multiprocessing.current_process(), "_name", "LokyProcess-1")


# --- what runs in processes ------------------------------------------------------------------------

REFERENCES = []


def fit_and_look(name="plain"):
    """Fit something small in this process; return whether anything is put aside."""
    fit(name)
    return _collector._is_anything_aside()


def fit(name="plain"):
    """Return something that is fitted."""
    estimator = {
        "plain": MLPRegressor(max_iter=2),
        "members": MLPRegressor(max_iter=2, n_members=2),
        "table": TabularRegressor(cv=2, n_candidates=2, random_state=0),
    }[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return estimator.fit(X, Y[:, 0])


def fit_and_refer():
    """Fit a network, and keep references to what it is made of."""
    net = fit().net_
    REFERENCES[:] = [weakref.ref(net), weakref.ref(net.learner.flat), weakref.ref(net.gradient)]
    return len(REFERENCES)


def have_gone(n):
    """Return whether these objects have gone."""
    return len(REFERENCES) == n and all(reference() is None for reference in REFERENCES)


def search_and_look():
    """Search in the context, in this process; return whether anything is put aside afterwards."""
    with joblib.parallel_config("sknets", n_jobs=2), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cross_val_score(MLPRegressor(max_iter=2), X, Y[:, 0], cv=3)
    return _collector._is_anything_aside()
