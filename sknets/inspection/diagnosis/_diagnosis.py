"""The report: findings in order, and what cannot be told."""

import html
import math
import warnings
from numbers import Integral

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import check_scalar

from sknets.inspection.diagnosis._measurements import sample
from sknets.inspection.diagnosis._references import comparable, skill

_ANSWERS = {
    "training": "Poor on its own training rows: it learns too little.",
    "held-out": "Good on its training rows, poor on others: what it learned does not carry over.",
    "nothing to learn": "Nothing that carries over to other rows has been found, by any model.",
    "neither": "Nothing is wrong: simple models do no better.",
    "unknown": "Nothing was found, but not all could be told.",
}


class Diagnosis:
    """Why a network disappoints, and what to do: what `diagnose` returns.

    Parameters
    ----------
    measurements : Measurements
        What was measured.
    poor_on : str
        The answer to the first question.
    findings : list of Finding
        What was found.

    Attributes
    ----------
    poor_on : {"training", "held-out", "nothing to learn", "neither", "unknown"}
        The answer to the first question.
    findings : list of Finding
        What was found, the likeliest cause first. Each has a `name`, a `sentence`, its `evidence` and
        `remedies`; `remedy` are the changes of parameters to try first.
    evidence : dict
        All numbers that were measured, by name.
    unknown : list of str
        What could not be told, and why.

    See Also
    --------
    diagnose : Makes it.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sknets import MLPRegressor
    >>> from sknets.inspection import diagnose
    >>> X, y = load_diabetes(return_X_y=True)
    >>> network = MLPRegressor(alpha=1e5, learning_rate="cosine", random_state=0).fit(X * 20, y)
    >>> diagnosis = diagnose(network, X * 20, y)
    >>> for finding in diagnosis.findings:
    ...     print(finding.name, finding.remedy)
    constant prediction {'alpha': 0.0001}
    >>> diagnosis.remedied().alpha
    0.0001
    """

    def __init__(self, measurements, poor_on, findings):
        self._place = measurements.place
        self.poor_on = poor_on
        self.findings = findings
        self.evidence = measurements.evidence()
        self.unknown = list(measurements.unknown)

    def remedied(self, finding=0, remedy=0):
        """Return an unfitted estimator with a remedy.

        Parameters
        ----------
        finding : int, default=0
            Number of the finding.
        remedy : int, default=0
            Number of its remedy.

        Returns
        -------
        estimator
            A clone of the network or pipeline (of a search, of the best one), changed.

        Raises
        ------
        ValueError
            If nothing was found, or the remedy changes no estimator.
        """
        check_scalar(finding, "finding", Integral, min_val=0)
        check_scalar(remedy, "remedy", Integral, min_val=0)
        if finding >= len(self.findings) or remedy >= len(self.findings[finding].remedies):
            raise ValueError(f"finding={finding}, remedy={remedy}: there is none; {self.answer}")
        chosen = self.findings[finding].remedies[remedy]
        if not chosen.is_change:
            raise ValueError(f"This remedy changes the data, not the estimator: {chosen.words}")
        return self._place.changed(chosen)

    @property
    def answer(self):
        """The answer to the first question, in words."""
        if self.poor_on == "neither" and self.findings:
            return "On the whole no worse than simple models, but:"
        return _ANSWERS[self.poor_on]

    def try_out(self, X, y, X_val, y_val):
        """Fit the first remedy of each finding, and note what it gave.

        Parameters
        ----------
        X, y, X_val, y_val : array-like
            Training and validation data.

        Returns
        -------
        Diagnosis
        """
        before = self.evidence.get("valid_skill", math.nan)
        target = self._place.network._learned.target
        of_classes, levels = hasattr(target, "classes"), getattr(target, "levels", None)
        X_val, y_val = sample(X_val, y_val)  # the rows that were looked at before
        for finding in self.findings:
            changes = [remedy for remedy in finding.remedies if remedy.is_change]
            for remedy in changes[:1]:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", ConvergenceWarning)
                    fitted = self._place.changed(remedy).fit(X, y)
                remedy.before = before
                pair = comparable(y_val, fitted.predict(X_val), levels, is_of_classes=of_classes)
                remedy.after = skill(*pair, is_of_classes=of_classes)
        return self

    def to_dict(self):
        """Return the report as plain values.

        Returns
        -------
        dict
        """
        return {
            "poor_on": self.poor_on,
            "answer": self.answer,
            "findings": [finding.to_dict() for finding in self.findings],
            "evidence": dict(self.evidence),
            "unknown": list(self.unknown),
        }

    def _skills(self):
        numbers = self.evidence
        parts = [f"training rows {numbers['train_skill']:.3g}"] if "train_skill" in numbers else []
        for name, words in (
            ("valid_skill", "validation rows"),
            ("linear_skill", "a linear model"),
            ("trees_skill", "trees"),
        ):
            if name in numbers:
                parts.append(f"{words} {numbers[name]:.3g}")
        return f"Skill (0: a constant, 1: perfect): {', '.join(parts)}."

    def __repr__(self):
        return f"<Diagnosis: {self.poor_on}; {[finding.name for finding in self.findings]}>"

    def __str__(self):
        lines = [self.answer, self._skills()]
        for number, finding in enumerate(self.findings, start=1):
            lines += ["", f"{number}. {finding.name}: {finding.sentence}"]
            lines += [f"   - {remedy}" for remedy in finding.remedies]
        if self.unknown:
            lines += ["", "Cannot tell:", *(f"   - {words}" for words in self.unknown)]
        return "\n".join(lines)

    def _repr_html_(self):
        def text(value):
            return html.escape(str(value))

        items = "".join(
            f"<li><b>{text(finding.name)}</b>: {text(finding.sentence)}<ul>"
            + "".join(f"<li>{text(remedy)}</li>" for remedy in finding.remedies)
            + "</ul></li>"
            for finding in self.findings
        )
        unknown = "".join(f"<li>{text(words)}</li>" for words in self.unknown)
        found = f"<ol>{items}</ol>" if items else ""
        untold = f"<p>Cannot tell:</p><ul>{unknown}</ul>" if unknown else ""
        return (
            f"<div><p><b>{text(self.answer)}</b><br>{text(self._skills())}</p>{found}{untold}</div>"
        )
