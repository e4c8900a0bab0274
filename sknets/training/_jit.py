"""How functions become machine code. Only what is such a function imports this: numba is an extra."""

import contextlib

import numba

#: Without "fastmath" each operation is done as it is written, so that no compiler decides on bits.
OPTIONS = {"nogil": True, "error_model": "numpy"}

compiled = numba.njit(**OPTIONS)

#: Functions of a file whose code is kept on disk, at most.
_N_KEPT = 5


def compiled_once(function):
    """Compile a function, and keep the code on disk where there is a place for it.

    numba looks at the file of this function alone to decide whether what it has kept is still the code of
    the source: all that it calls must lie there, too.
    """
    try:
        return numba.njit(cache=True, **OPTIONS)(function)
    except RuntimeError:
        return compiled(function)


def compile_by(call):
    """Make a call that compiles functions, also where a full disk keeps no code.

    Code that cannot be kept is there all the same when it is asked for again.
    """
    for _ in range(_N_KEPT):
        with contextlib.suppress(OSError):
            call()
            return
    call()
