"""A fit that goes on needs the parameters that it began with."""


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
        f"{name} from {before.get(name)} to {value}"
        for name, value in now.items()
        if value != before.get(name)
    ]
    raise ValueError(
        "warm_start and partial_fit go on with the network that is there, but its architecture has "
        f"changed: {', '.join(changes)}. Set the parameters back, or call fit with warm_start=False."
    )
