"""Why a network is poor on other rows than its training rows only."""

import math

import numpy as np

from sknets.inspection._unwrap import IS_DENSE
from sknets.inspection.diagnosis._finding import Finding, Remedy, remedies_of, rounded
from sknets.inspection.diagnosis._question import margin
from sknets.inspection.diagnosis._training_findings import (
    find_imbalance,
    find_rate_too_high,
    find_unscaled,
)

_TELLS, _LESS = 0.6, 0.3  # skill of a column alone, and how much less on validation rows
_FAR = 1.5  # from training rows, in deviations
_BY_HEART = 0.3  # skill on training rows of a network that has learned noise
_MANY = 1000  # rows, of which early stopping may set some aside
_DEEP = 6  # layers, beyond which a penalty, or dropped units, let nothing through (measured)
_PENALTY = 0.06  # alpha for each row, with which little noise is learned
_MOST_DROPPED = 0.5  # of the columns
_MOST_NAMED = 10


def find_leak(m):
    """Find a column that knows y in the training rows, and not in others."""
    less = _LESS + margin(m.n_valid) + margin(m.n_seen)
    leaks = [
        teller
        for teller in m.tellers
        if teller.train > _TELLS and teller.valid < teller.train - less
    ]
    if not m.attainable < m.attainable_in_folds - 2 * margin(m.n_valid):
        leaks = []  # it would have misled simple models, too
    far = {shift.column for shift in m.shifts if shift.distance > _FAR}
    leaks = [teller for teller in leaks if teller.column not in far]
    if not leaks:
        return None
    worst = leaks[0]
    return Finding(
        "leaking column",
        f"Column {_named(m, worst.column)} alone predicts training rows with skill {worst.train:.2g}, "
        f"validation rows with {worst.valid:.2g}: it knows y where y is known already.",
        {"column": worst.column, "train_skill": worst.train, "valid_skill": worst.valid},
        _drop(m, [teller.column for teller in leaks]),
    )


def find_shift(m):
    """Find validation rows that lie elsewhere than training rows."""
    far = [shift for shift in m.shifts if shift.distance > _FAR]
    if not far:
        return None
    first = ", ".join(
        f"{_named(m, s.column)} (mean {s.train:.3g} in training rows, {s.valid:.3g} in validation rows)"
        for s in far[:3]
    )
    return Finding(
        "shifted validation rows",
        f"{len(far)} columns lie elsewhere in the validation rows, by up to {far[0].distance:.2g} "
        f"deviations: {first}.",
        {"n_columns": len(far), "largest_distance": far[0].distance, "column": far[0].column},
        _drop(m, [shift.column for shift in far]),
    )


def _named(m, column):
    names = getattr(m.network, "feature_names_in_", None)
    return f"{column}" if names is None else f"{names[column]!r}"


def _drop(m, columns):
    """Return what to do about columns: leave them out, where the network can do with fewer."""
    if IS_DENSE.fits(m.network) and len(columns) <= _MOST_DROPPED * m.n_columns:
        which = ", ".join(_named(m, column) for column in columns[:_MOST_NAMED])
        which += ", ..." if len(columns) > _MOST_NAMED else ""
        seen = " of what reaches the network" if m.place.prefix else ""
        return [Remedy(f"Leave these columns{seen} out: {which}.", drop=tuple(columns))]
    return [
        Remedy("Take training rows from where the network is used, or leave these columns out.")
    ]


def find_label_noise(m):
    """Find labels that X says nothing of, learned by heart."""
    if m.train_skill < _BY_HEART or not m.has_valid:
        return None
    return Finding(
        "labels without signal",
        f"Training rows are known (skill {m.train_skill:.2g}), validation rows are not "
        f"({m.valid_skill:.2g}), and simple models find nothing either ({m.attainable:.2g}): it has "
        "learned noise by heart. Are the labels those of these rows?",
        {"train_skill": m.train_skill, "valid_skill": m.valid_skill, "simple_skill": m.attainable},
        remedies_of(
            m,
            (
                "Check how X and y were joined. Until then, a constant is as good, which a large penalty "
                "makes:",
                {"alpha": float(max(m.n_rows, 100 * m.network.alpha))},
            ),
            ("Or keep the best epoch:", {"early_stopping": True}),
        ),
    )


def find_nothing(m):
    """Find a y of which X says nothing."""
    own = {"valid_skill": m.valid_skill} if m.has_valid else {"train_skill": m.train_skill}
    (skill,) = own.values()
    return Finding(
        "nothing to learn",
        "Neither the network nor simple models predict better than a constant does (skill "
        f"{skill:.2g} and {m.attainable:.2g}): X may say nothing of y.",
        own | {"simple_skill": m.attainable},
        [Remedy("Check how X and y were joined, and look for columns that say more.")],
    )


def find_too_large(m):
    """Find a network that learns the noise of its training rows."""
    options = [_penalty(m), ("Drop units at random:", {"dropout": 0.3})]
    if not m.network.early_stopping:
        early = ("Keep the epoch that is best on rows set aside:", {"early_stopping": True})
        options.insert(0 if m.n_rows >= _MANY else 2, early)
    is_deep = m.inside is not None and len(m.inside.weights) > _DEEP
    options = [*_smaller(m), *options] if is_deep else [*options, *_smaller(m)]
    known = "" if math.isnan(m.attainable) else f"; simple models reach {m.attainable:.2g}"
    return Finding(
        "too large",
        f"Skill is {m.train_skill:.2g} on training rows and {m.valid_skill:.2g} on validation rows"
        f"{known}: {m.network.n_parameters_} parameters have learned the noise of {m.n_rows} rows.",
        {
            "train_skill": m.train_skill,
            "valid_skill": m.valid_skill,
            "n_parameters": m.network.n_parameters_,
            "n_rows": m.n_rows,
        },
        [*remedies_of(m, *options), Remedy("Or more data.")],
    )


def _penalty(m):
    """Return a penalty that stands for some of the rows."""
    alpha = m.network.alpha
    return "Penalise more:", {"alpha": rounded(max(_PENALTY * m.n_rows, 10 * alpha))}


def _smaller(m):
    """Yield less depth, and less width of what has none, by the parameters of each family."""
    for name in ("recurrent_layer_sizes", "hidden_layer_sizes"):
        sizes = np.atleast_1d(getattr(m.network, name, ())).tolist()
        if len(sizes) > 1:
            yield "A shallower network:", {name: (sizes[0],)}
        elif sizes and sizes[0] > 8:
            yield "A smaller network:", {name: (max(4, sizes[0] // 4),)}


HELD_OUT = (find_shift, find_leak, find_unscaled, find_rate_too_high, find_imbalance)
NOISE = (find_label_noise,)
