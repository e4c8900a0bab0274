"""How the parameter `module` is called."""

import inspect

from torch import nn

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def make_module(make, n_inputs, n_outputs, params):
    """Call a class or function of a user's; return the module that it makes.

    It is given `n_inputs` and `n_outputs` first, or by these names where it has them; what needs neither,
    since all its parameters have defaults, is given `params` alone.

    Parameters
    ----------
    make : callable
        The parameter `module`.
    n_inputs : int or tuple
        What it is told of X.
    n_outputs : int
        Raw outputs that are needed.
    params : dict
        Further keyword arguments.

    Raises
    ------
    ValueError
        If it cannot be called so, fails, or makes no module. The words say how it was called.
    """
    args, named = _arguments(make, {"n_inputs": n_inputs, "n_outputs": n_outputs}, params)
    keywords = {**named, **params}
    name = getattr(make, "__name__", repr(make))
    written = [*map(repr, args), *(f"{key}={value!r}" for key, value in keywords.items())]
    call = f"{name}({', '.join(written)})"
    signature = _signature(make)
    if signature is not None:
        try:
            signature.bind(*args, **keywords)
        except TypeError as error:
            raise ValueError(
                f"module={name} cannot be called as {call}: {error}. It is given n_inputs, n_outputs "
                f"and module_params={params!r}; it takes {signature}."
            ) from error
    try:
        module = make(*args, **keywords)
    except Exception as error:
        hint = ""
        if isinstance(n_inputs, tuple):
            hint = (
                f" X has {1 + len(n_inputs)} axes, so n_inputs is the shape of its rows, {n_inputs}: a "
                "module of tables needs an X of two axes."
            )
        raise ValueError(f"module={name} failed when called as {call}: {error}.{hint}") from error
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"module must make a torch.nn.Module, it returned {type(module).__name__}."
        )
    return module


def _arguments(make, sizes, params):
    """Return the positional arguments, and the sizes that are given by name."""
    signature = _signature(make)
    if signature is None:
        return tuple(sizes.values()), {}
    parameters = signature.parameters
    by_name = {
        name: value
        for name, value in sizes.items()
        if name in parameters
        and name not in params
        and parameters[name].kind is not inspect.Parameter.POSITIONAL_ONLY
    }
    if len(by_name) == len(sizes):
        return (), by_name
    needed = [
        p
        for p in parameters.values()
        if p.kind in _POSITIONAL and p.default is p.empty and p.name not in params
    ]
    takes_any = any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    if takes_any or any(p.name not in by_name for p in needed):
        return tuple(sizes.values()), {}
    return (), by_name


def _signature(make):
    try:
        return inspect.signature(make)
    except (TypeError, ValueError):  # written in C
        return None
