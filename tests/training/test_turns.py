"""Who computes: one task at a time, and others meanwhile where no lock is needed."""

import threading

import pytest

from sknets.training._turns import Turns, without_lock


def start(function, *args):
    thread = threading.Thread(target=function, args=args, daemon=True)
    thread.start()
    return thread


def test_nothing_is_given_away_outside_of_turns():
    with without_lock():
        pass


def test_another_computes_while_one_needs_no_lock():
    turns, order, has_entered = Turns(1), [], threading.Event()

    def other():
        with turns.taken():
            order.append("other")
        has_entered.set()

    with turns.taken():
        order.append("first")
        thread = start(other)
        with without_lock():
            assert has_entered.wait(10)
        order.append("first again")
    thread.join()
    assert order == ["first", "other", "first again"]


@pytest.mark.parametrize("raises", [False, True])
def test_a_turn_comes_back_and_is_given_at_the_end(raises):
    turns, is_inside = Turns(1), []

    def compute():
        try:
            with turns.taken():
                with without_lock():
                    if raises:
                        raise ZeroDivisionError
                is_inside.append(1)
                assert len(is_inside) == 1
                is_inside.pop()
        except ZeroDivisionError:
            pass

    threads = [start(compute) for _ in range(8)]
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
    assert turns._places._value == 1


def test_turns_within_turns_of_another_gathering():
    outer, inner = Turns(1), Turns(1)
    with outer.taken():
        with inner.taken(), without_lock():
            assert inner._places._value == 1
            assert outer._places._value == 0
        with without_lock():
            assert outer._places._value == 1


def test_all_compute_once_turns_are_open():
    turns, barrier = Turns(1), threading.Barrier(5)

    def compute():
        with turns.taken():
            barrier.wait(10)

    threads = [start(compute) for _ in range(4)]
    turns.open()
    barrier.wait(10)
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)
