"""What is found, and what to do about it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Remedy:
    """A change that may help.

    Attributes
    ----------
    words : str
        What it is.
    parameters : dict
        Parameters to change, by the names that the estimator takes, with their new values.
    scaler : transformer or None
        What to put before the network.
    drop : tuple of int
        Columns of X to leave out.
    before, after : float or None
        Skill on the validation rows without it and with it, where it has been tried.
    """

    words: str
    parameters: dict = field(default_factory=dict)
    scaler: Any = None
    drop: tuple = ()
    before: float | None = None
    after: float | None = None

    @property
    def is_change(self):
        """Whether the estimator can be changed accordingly, rather than the data."""
        return bool(self.parameters or self.drop) or self.scaler is not None

    def __str__(self):
        text = self.words
        if self.parameters:
            text += f" {self.parameters}"
        if self.after is not None:
            text += f" (tried: skill on the validation rows {self.before:.3g} -> {self.after:.3g})"
        return text

    def to_dict(self):
        """Return it as plain values, the scaler by its name."""
        found = {"words": self.words, "parameters": dict(self.parameters)}
        if self.scaler is not None:
            found["scaler"] = type(self.scaler).__name__
        if self.drop:
            found["drop"] = list(self.drop)
        if self.after is not None:
            found |= {"before": self.before, "after": self.after}
        return found


@dataclass
class Finding:
    """A reason why a network disappoints.

    Attributes
    ----------
    name : str
        What it is called.
    sentence : str
        What was seen, with its numbers.
    evidence : dict
        The numbers by name.
    remedies : list of Remedy
        What to do, the first thing first.
    """

    name: str
    sentence: str
    evidence: dict
    remedies: list

    @property
    def remedy(self):
        """The changes of parameters to try first; empty where data are to change."""
        return dict(self.remedies[0].parameters) if self.remedies else {}

    def to_dict(self):
        """Return it as plain values."""
        return {
            "name": self.name,
            "sentence": self.sentence,
            "evidence": dict(self.evidence),
            "remedies": [remedy.to_dict() for remedy in self.remedies],
        }


def known_changes(m, changes):
    """Return a change by the names that the user's estimator takes; None if the network refuses it."""
    return m.place.name(changes) if m.place.accepts(changes) else None


def remedies_of(m, *options):
    """Return the remedies, of pairs (words, changes), that the network has parameters for."""
    found = []
    for words, changes in options:
        named = known_changes(m, changes)
        if named is not None:
            found.append(Remedy(words, named))
    return found


def rounded(value):
    """Return a number with one digit, as parameters are written."""
    return float(f"{value:.0e}")
