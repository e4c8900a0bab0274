"""An interrupt waits for the end of what takes a moment, and is then heard."""

import signal
import threading

import pytest

from sknets.training._interrupts import interrupts_wait


def test_an_interrupt_is_heard_at_the_end():
    before, steps = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt), interrupts_wait():
        signal.raise_signal(signal.SIGINT)
        steps.append(1)
    assert steps == [1]
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_of_the_callers_own_is_called():
    heard = []
    before = signal.signal(signal.SIGINT, lambda *args: heard.append(args))
    try:
        with interrupts_wait():
            signal.raise_signal(signal.SIGINT)
            assert not heard
        assert [number for number, _ in heard] == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("is_ignored", [True, False])
def test_where_none_is_heard_nothing_is_done(is_ignored):
    seen = []

    def look():
        with interrupts_wait():
            seen.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    if is_ignored:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            look()
            assert seen == [signal.getsignal(signal.SIGINT)] == [signal.SIG_IGN]
        finally:
            signal.signal(signal.SIGINT, before)
    else:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        assert seen == [before]
