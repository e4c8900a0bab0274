"""Run a function in a forked child, and never wait for it for ever."""

import multiprocessing

import pytest

needs_fork = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="the system has no fork"
)
ignore_fork_warning = pytest.mark.filterwarnings(
    "ignore:.*multi-threaded, use of fork:DeprecationWarning"
)


def in_forked_child(function, timeout=60):
    """Return what the function returns in a child; fail if it raises or hangs."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(function()))
    child.start()
    child.join(timeout)
    if child.is_alive():
        child.kill()
        pytest.fail(f"the child was still running after {timeout} seconds")
    assert child.exitcode == 0
    return receiver.recv()
