"""The collector of cycles looks at new objects alone during a search, and at all of them after it."""

import gc
import threading

import joblib
import pytest
from sklearn.model_selection import cross_val_score

from sknets import MLPRegressor
from sknets.parallel._collector import what_is_there_put_aside
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
