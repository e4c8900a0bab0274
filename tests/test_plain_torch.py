"""What a caller has changed in Torch is set aside for a while."""

import threading

import pytest
import torch

from sknets._plain_torch import in_plain_torch, plain_torch
from tests.forking import ignore_fork_warning, in_forked_child, needs_fork
from tests.torch_modes import MODES, modes

WATCHES = {"anomaly", "deterministic"}
PLAIN = modes()


@pytest.mark.parametrize("mode", MODES)
def test_modes_are_plain_inside_and_the_callers_afterwards(mode):
    with MODES[mode]():
        before = modes()
        with plain_torch():
            inside = modes()
            weight = torch.nn.Parameter(torch.ones(2))
            (weight @ torch.ones(2)).backward()
        assert modes() == before
        with pytest.raises(KeyError), plain_torch():
            raise KeyError
        assert modes() == before
    kept = {name: before[name] for name in WATCHES}
    assert inside == PLAIN | kept
    assert weight.dtype == torch.float32
    assert weight.grad.tolist() == [1.0, 1.0]
    assert modes() == PLAIN


def test_decorated_function_keeps_name_and_result():
    @in_plain_torch
    def is_recorded(*, value):
        return value, torch.is_grad_enabled()

    with torch.no_grad():
        assert is_recorded(value=3) == (3, True)
    assert is_recorded.__name__ == "is_recorded"


def test_default_dtype_of_the_process_returns_with_the_last_of_several_threads():
    first_is_inside, first_may_leave = threading.Event(), threading.Event()
    seen = []

    def first():
        with plain_torch():
            first_is_inside.set()
            first_may_leave.wait(10)

    with MODES["default_dtype"]():
        thread = threading.Thread(target=first)
        thread.start()
        first_is_inside.wait(10)
        with plain_torch():
            first_may_leave.set()
            thread.join()
            seen.append(torch.get_default_dtype())  # the first has left
        seen.append(torch.get_default_dtype())
    assert seen == [torch.float32, torch.float64]


@needs_fork
@ignore_fork_warning
def test_forked_child_has_the_callers_default_dtype():
    def dtypes():
        outside = str(torch.get_default_dtype())
        with plain_torch():
            return outside, str(torch.get_default_dtype())

    with MODES["default_dtype"](), plain_torch():
        assert in_forked_child(dtypes) == ("torch.float64", "torch.float32")
