"""A fit that goes on needs the parameters that it began with."""

_LONGEST = 80
_MOST = 4


def check_unchanged(before, now):
    """Raise ValueError if values have changed since the first call; it names them.

    Parameters
    ----------
    before, now : dict
        Values by name, as they were and as they are.
    """
    if now == before:
        return
    changes = [
        words for name, value in now.items() for words in _changes(name, before.get(name), value)
    ]
    further = len(changes) - _MOST
    if further > 0:
        changes[_MOST:] = [f"and {further} more"]
    raise ValueError(
        "warm_start and partial_fit go on with the network that is there, but its architecture has "
        f"changed: {', '.join(changes)}. Set the parameters back, or call fit with warm_start=False."
    )


def _changes(name, before, now):
    """Yield words for what has changed within one value."""
    if now == before:
        return
    if isinstance(before, dict) and isinstance(now, dict):
        for key, value in now.items():
            yield from (f"{name}: {words}" for words in _changes(key, before.get(key), value))
    elif _is_plan(before) and _is_plan(now):
        if len(before) != len(now):
            yield f"{name} from {len(before)} to {len(now)}"
            return
        for number, pair in enumerate(zip(before, now, strict=True), start=1):
            yield from _changes(f"{name} (number {number})", *pair)
    else:
        words = f"{name} from {before} to {now}"
        yield words if len(words) <= _LONGEST else f"{name}"


def _is_plan(value):
    return isinstance(value, list) and all(isinstance(part, dict) for part in value)
