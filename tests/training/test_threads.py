"""The thread count: one for small steps, and the caller's afterwards."""

import threading

import pytest
import torch

from sknets import training
from sknets.training import _threads
from tests.forking import ignore_fork_warning, in_forked_child, needs_fork


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def in_thread(function):
    results = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    thread.join()
    return results[0]


def test_small_step_takes_one_thread_and_gives_back():
    with training.threads_for(1000):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2


def test_large_step_keeps_the_threads():
    with training.threads_for(_threads.SMALL_STEP):
        assert torch.get_num_threads() == 2


def test_where_little_is_done_there_is_nothing_to_limit():
    with training.threads_for(1000, n_in_all=1000):
        assert torch.get_num_threads() == 2
    with training.threads_for(1000, n_in_all=10**6):  # small steps that wait for each other
        assert torch.get_num_threads() == 1


def test_count_is_given_back_after_an_error():
    with pytest.raises(RuntimeError, match="stop"), training.threads_for(1):
        raise RuntimeError("stop")
    assert torch.get_num_threads() == 2


def test_one_of_many_takes_one_thread_however_large_its_steps_are():
    with training.one_of_many():
        with training.threads_for(2**40):
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 2
    with training.threads_for(2**40):
        assert torch.get_num_threads() == 2


def test_thread_born_during_a_fit_does_not_inherit_its_count():
    def fit_in_thread():
        with training.threads_for(1):
            pass
        return torch.get_num_threads()

    with training.threads_for(1):
        assert in_thread(fit_in_thread) == 2
    assert in_thread(torch.get_num_threads) == 2


@needs_fork
@ignore_fork_warning
def test_forked_child_computes_on_one_thread():
    a = torch.ones(600, 600)
    (a @ a).sum()  # start OpenMP's threads
    count, total = in_forked_child(lambda: (torch.get_num_threads(), float((a @ a).sum())))
    assert (count, total) == (1, 600.0**3)
