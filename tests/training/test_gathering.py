"""Tasks that hand in what they train: who waits for whom, and what each of them gets."""

import threading
import time

import numpy as np
import pytest
import skorch
import torch

from sknets import training
from sknets.training import _gathering, _together
from tests.forking import ignore_fork_warning, in_forked_child, needs_fork
from tests.training.nets import make_net, make_rows


class Unwanted(training.Task):
    is_over = True

    def is_wanted(self):
        return not self.is_over


class Raises(skorch.callbacks.Callback):
    def on_epoch_end(self, net, **kwargs):
        raise ZeroDivisionError


def start(gathering, function, task=None):
    """Run a function as a task; return the thread and the list in which its outcome will be."""
    task, outcome = task or training.Task(gathering), []
    gathering.begin(task)

    def run():
        try:
            with training.taking_part(task):
                outcome.append(function())
        except BaseException as error:
            outcome.append(error)
        finally:
            gathering.rest(task)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, outcome


def run_all(functions, most=10):
    """Run functions as tasks that begin together; return their outcomes."""
    gathering, opening = training.Gathering(most), object()
    gathering.begin(opening)
    started = [start(gathering, function) for function in functions]
    gathering.rest(opening)
    for thread, _ in started:
        thread.join(20)
        assert not thread.is_alive()
    return [outcome for _, (outcome,) in started]


def trained(net=None, epochs=3):
    """Return a function that trains a net and returns its weights."""
    net = net or make_net().initialize()

    def function():
        training.train(net, make_rows(), epochs)
        return net.flat.values.numpy().copy()

    return function


def test_all_that_wait_are_trained_at_once(waves):
    expected = trained()()
    assert waves == []
    for weights in run_all([trained() for _ in range(5)]):
        np.testing.assert_array_equal(weights, expected)
    assert waves == [5]


def test_number_in_a_wave_is_bounded(waves):
    run_all([trained() for _ in range(7)], most=3)
    assert waves == [3, 3, 1]


def test_who_does_something_else_is_waited_for_and_need_not_train(waves):
    assert run_all([trained(), lambda: time.sleep(0.2), trained()])[1] is None
    assert waves == [2]


def test_several_jobs_of_a_task_come_in_several_waves(waves):
    def twice():
        return trained()(), trained()()

    (first, second), _ = run_all([twice, trained()])
    np.testing.assert_array_equal(first, second)
    assert waves == [2, 1]


def test_error_reaches_its_own_task(waves):
    net = make_net([Raises()]).initialize()
    expected, error, last = run_all([trained(), trained(net), trained()])
    assert isinstance(error, ZeroDivisionError)
    np.testing.assert_array_equal(expected, last)
    assert waves == [3]


def test_error_of_the_trainer_reaches_all(monkeypatch):
    def fails(jobs):
        raise MemoryError

    monkeypatch.setattr(_together, "train_together", fails)
    outcomes = run_all([trained(), trained()])
    assert [type(outcome) for outcome in outcomes] == [MemoryError] * 2


def test_net_that_cannot_join_is_trained_by_its_task(waves):
    class Listens(skorch.callbacks.Callback):
        threads = []

        def on_batch_end(self, net, **kwargs):
            self.threads.append(threading.current_thread())

    run_all([trained(make_net([Listens()]).initialize()), trained()])
    assert waves == [1]
    assert len(set(Listens.threads)) == 1


def test_task_that_waits_for_others_is_not_waited_for(waves):
    gathering = training.Gathering(10)
    inner_is_done = threading.Event()
    outer_task = training.Task(gathering)

    def outer():
        gathering.rest(outer_task)
        assert inner_is_done.wait(20)
        gathering.begin(outer_task)

    thread, outcome = start(gathering, outer, outer_task)
    for other, _ in [start(gathering, trained())]:
        other.join(20)
    inner_is_done.set()
    thread.join(20)
    assert outcome == [None]
    assert waves == [1]


def test_nobody_waits_forever(waves, monkeypatch):
    monkeypatch.setattr(_gathering, "PATIENCE", 0.05)
    is_trained = threading.Event()

    def trains():
        trained()()
        is_trained.set()

    assert run_all([lambda: is_trained.wait(20), trains])[0] is True
    assert waves == [1]


def test_job_that_is_not_wanted_ends_as_by_an_interrupt(waves):
    gathering = training.Gathering(10)
    thread, outcome = start(gathering, trained(), Unwanted(gathering))
    thread.join(20)
    assert isinstance(outcome[0], KeyboardInterrupt)
    assert waves == []


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_training_ends_when_it_is_not_wanted_any_more(solver):
    gathering = training.Gathering(10)
    task = Unwanted(gathering)
    task.is_over = False
    net = make_net(solver=solver).initialize()

    class Ends(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            task.is_over = True

    net.callbacks_ = [("ends", Ends())]
    thread, outcome = start(gathering, trained(net), task)
    thread.join(20)
    assert isinstance(outcome[0], KeyboardInterrupt)
    assert len(net.history) == 1
    assert net.stop_reason == "interrupt"


def test_modes_and_threads_of_who_trains_are_those_of_who_hands_in():
    seen = []

    class Looks(skorch.callbacks.Callback):
        def on_epoch_end(self, net, **kwargs):
            seen.append((torch.get_num_threads(), torch.is_inference_mode_enabled()))

    def hands_in(n_threads):
        def function():
            with training.threads_for(1 if n_threads == 1 else 2**30):
                trained(make_net([Looks()]).initialize(), epochs=1)()

        return function

    def in_inference_mode():
        train = trained(make_net([Looks()]).initialize(), epochs=1)
        with torch.inference_mode():
            train()

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        run_all([hands_in(1), hands_in(2)])
        assert sorted(seen) == [(1, False), (2, False)]
        seen.clear()
        run_all([in_inference_mode])
        assert not seen[0][1]
    finally:
        torch.set_num_threads(before)


def test_callback_that_trains_is_not_waited_for(waves):
    class Trains(skorch.callbacks.Callback):
        def on_train_end(self, net, **kwargs):
            trained()()

    run_all([trained(make_net([Trains()]).initialize()), trained()])
    assert waves == [2]


@needs_fork
@ignore_fork_warning
def test_forked_child_takes_no_part(waves):
    gathering = training.Gathering(10)
    other = training.Task(gathering)
    gathering.begin(other)
    thread, outcome = start(gathering, lambda: in_forked_child(lambda: float(trained()()[0])))
    thread.join(20)
    gathering.rest(other)
    assert outcome == [float(trained()()[0])]
    assert waves == []


def test_who_is_trained_goes_on_before_the_others_are(monkeypatch):
    is_on_its_way = threading.Event()

    def train_first(jobs):
        jobs[0].error = ZeroDivisionError()
        jobs[0].finish()
        assert is_on_its_way.wait(20)

    def goes_on():
        with pytest.raises(ZeroDivisionError):
            trained()()
        is_on_its_way.set()

    def comes_later():
        time.sleep(0.2)
        trained()()

    monkeypatch.setattr(_together, "train_together", train_first)
    assert run_all([goes_on, comes_later]) == [None, None]


def test_one_task_computes_at_a_time_where_networks_train(monkeypatch):
    monkeypatch.setattr(_gathering, "n_cpus", lambda: 3)
    gathering, net = training.Gathering(5), make_net().initialize()
    present, seen, lock = set(), [], threading.Lock()

    def work(number):
        def function():
            for is_before in (True, False):
                with gathering.turn():
                    with lock:
                        present.add(number)
                    time.sleep(0.02)
                    with lock:
                        seen.append((is_before, len(present)))
                        present.discard(number)
                if is_before:
                    training.train(net if number == 0 else make_net().initialize(), make_rows(), 1)

        return function

    started = [start(gathering, work(number)) for number in range(5)]
    for thread, outcome in started:
        thread.join(20)
        assert outcome == [None]
    assert {n for is_before, n in seen if not is_before} == {1}
    assert max(n for is_before, n in seen if is_before) > 1
