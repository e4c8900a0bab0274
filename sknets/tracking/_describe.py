"""An estimator in words: its parameters as text, and a readable name for its run."""

import inspect
import re
import reprlib

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200

#: What every fit of a search has alike, or what is no property of the network.
_UNSAID = {"callbacks", "random_state", "verbose"}

_LONGEST_NAME = 80


def parameters(estimator):
    """Return the parameters of an estimator as short texts, but for its callbacks."""
    values = estimator.get_params(deep=False)
    return {name: text_of(value) for name, value in values.items() if name != "callbacks"}


def text_of(value):
    """Return a value as a text of one line, of at most some hundred characters."""
    text = value if isinstance(value, str) else _SHORT.repr(value)
    return " ".join(text.split())


def name_of(estimator):
    """Return the name of a run: the class, and the parameters that are not at their defaults."""
    defaults = inspect.signature(type(estimator)).parameters
    texts = parameters(estimator)
    changed = [
        f"{name}={text}"
        for name, text in texts.items()
        if name not in _UNSAID
        and not (name in defaults and text == text_of(defaults[name].default))
    ]
    name = f"{type(estimator).__name__} {', '.join(changed)}".strip()
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def as_folder(name):
    """Return a name as that of a folder, on any system."""
    return re.sub(r"[^\w.,=()+-]+", "_", name).strip("._") or "run"
