"""The words for parameters and fitted attributes: each is written once, on a page.

A page holds all that is said of an estimator in its signature, in its checks and in the sections
"Parameters" and "Attributes" of its docstring. `make leaves` writes signature and sections into the file
of the class, where an editor shows them.
"""

import ast
import re
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Parameter:
    """A parameter of a constructor.

    Parameters
    ----------
    name, type, text : str
        What the docstring says, in the way of numpydoc; the text may be broken anywhere.
    default : str or None
        The default as it is written, such as "1e-4" or "'auto'". None means that it must be given; the
        signature has a None, since scikit-learn makes estimators without arguments.
    constraint : list
        What scikit-learn's validation lets through.
    annotation : str
        The type in the signature.
    neutral : tuple or None, default=None
        The values with which a solver that minimises by itself can work; None means that any will do.

    Attributes
    ----------
    default_value : object
        The default itself. It is read once, since Python 3.11 must not read in several threads.
    """

    name: str
    type: str
    default: str | None
    text: str
    constraint: list
    annotation: str
    neutral: tuple | None = None
    default_value: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self):
        object.__setattr__(self, "default_value", ast.literal_eval(self.default or "None"))

    def but(self, **changes):
        """Return the parameter with other words."""
        return replace(self, **changes)

    def is_neutral(self, value):
        """Whether a value, or each entry of a list, is one that leaves the parameter without effect."""
        return self.neutral is None or all(entry in self.neutral for entry in np.ravel(value))


@dataclass(frozen=True)
class Attribute:
    """A fitted attribute.

    Parameters
    ----------
    name, type, text : str
        What the docstring says, in the way of numpydoc; the text may be broken anywhere.
    """

    name: str
    type: str
    text: str

    def but(self, **changes):
        """Return the attribute with other words."""
        return replace(self, **changes)


def parameter(words, constraint, *, annotation=None, neutral=None):
    """Return a parameter from its words.

    Parameters
    ----------
    words : str
        As numpydoc has them: "tol : float, default=1e-4", and the text in the lines below.
    constraint, annotation, neutral
        As in `Parameter`; without an annotation, it is made of the type in the words.
    """
    head, _, text = words.partition("\n")
    name, kind, default = re.fullmatch(r"(\w+) : (.+?)(?:, default=(.+))?", head).groups()
    if annotation is None:
        annotation = re.sub(r"\{.*\}", "str", kind).replace(" or ", " | ")
    return Parameter(name, kind, default, text, constraint, annotation, neutral)


def attribute(words):
    """Return an attribute from its words: "t_ : int", and the text in the lines below."""
    head, _, text = words.partition("\n")
    name, kind = head.split(" : ")
    return Attribute(name, kind, text)


def one_of(names):
    """Return the type of a parameter that is one of some names: "{'a', 'b'}"."""
    return "{" + ", ".join(map(repr, names)) + "}"


def listed(names, last=" and "):
    """Return names as they stand in a sentence: "'a', 'b' and 'c'"."""
    *others, end = map(repr, names)
    return last.join([", ".join(others), end] if others else [end])


@dataclass(frozen=True)
class Page:
    """All that is said of an estimator's parameters and attributes, in order.

    Parameters
    ----------
    positional, keyword_only : tuple of Parameter
        The parameters of the constructor.
    attributes : tuple of Attribute
        What a fit leaves behind.
    """

    positional: tuple
    keyword_only: tuple
    attributes: tuple

    @property
    def parameters(self):
        """All parameters in the order of the signature."""
        return (*self.positional, *self.keyword_only)

    @cached_property
    def names(self):
        """Their names."""
        return tuple(parameter.name for parameter in self.parameters)

    @property
    def constraints(self):
        """What scikit-learn calls `_parameter_constraints`."""
        return {parameter.name: parameter.constraint for parameter in self.parameters}

    @cached_property
    def _defaults(self):
        given = [entry for entry in self.parameters if entry.default is not None]
        return {entry.name: (entry.default_value, entry.constraint) for entry in given}

    def without_defaults(self, values, constraints):
        """Return the values that need a check: a default is valid by the constraint on the page.

        To check all of them would take longer than an epoch of a small network.
        """
        checked = {}
        for name, value in values.items():
            default, constraint = self._defaults.get(name, (None, None))
            is_default = type(value) is type(default) and value == default
            if not is_default or constraints.get(name) is not constraint:
                checked[name] = value
        return checked

    def but(self, **changes):
        """Return the page with other words.

        Parameters
        ----------
        **changes : dict
            For each name, what changes: ``max_iter={"default": "50"}``.
        """
        unknown = set(changes) - {entry.name for entry in (*self.parameters, *self.attributes)}
        if unknown:
            raise ValueError(f"There is no {sorted(unknown)} on the page.")
        return self._with(lambda entry: entry.but(**changes.get(entry.name, {})))

    def fill(self, **words):
        """Return the page with words in the place of their names in braces."""

        def filled(entry):
            text = entry.text
            for name, word in words.items():
                text = text.replace("{" + name + "}", word)
            return entry.but(text=text)

        return self._with(filled)

    def _with(self, change):
        parts = (self.positional, self.keyword_only, self.attributes)
        return Page(*(tuple(map(change, part)) for part in parts))
