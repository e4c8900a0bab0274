"""Penalties, and units that are left out, by which a network can learn too little."""

import math

import numpy as np

from sknets.inspection.diagnosis._finding import Finding, remedies_of, rounded

_FLAT = 0.1  # spread of predictions beside that of y
_SHRUNK = 0.6  # weights beside those before training
_HEAVY = 0.3  # penalty of fresh weights, beside the loss of a constant
_MOST_DROPPED, _LITTLE_DROPPED = 0.5, 0.1  # of the units


def find_constant_prediction(m):
    """Find weights that a penalty has pulled to zero."""
    if not (_is_flat(m) and _is_pulled(m)):
        return None
    network = m.network
    weak = {"alpha": 1e-4, "l1_alpha": 0.0}
    pulled, evidence = _describe_pull(m)
    return Finding(
        "constant prediction",
        f"All rows are predicted nearly alike: the penalty (alpha={network.alpha}, "
        f"l1_alpha={network.l1_alpha}) has pulled the weights to zero{pulled}.",
        {"spread_of_predictions": m.spread, "alpha": network.alpha} | evidence,
        remedies_of(m, ("Penalise less:", {name: weak[name] for name in _heavy_penalties(m)})),
    )


def find_regularised_too_much(m):
    """Find penalties and dropped units that leave too little to learn with."""
    network = m.network
    changes, evidence, parts = {}, {}, []
    is_over = m.is_trained or sum(m.penalty_shares) > 1  # more than there is to be learned
    if _is_pulled(m) and is_over and not _is_flat(m):
        changes = {name: rounded(getattr(network, name) / 10) for name in _heavy_penalties(m)}
        pulled, evidence = _describe_pull(m)
        parts.append(f"the penalty pulls at the weights{pulled}")
    for name in ("dropout", "spatial_dropout", "recurrent_dropout"):
        share = float(np.max(getattr(network, name, 0.0), initial=0.0))
        if share >= _MOST_DROPPED and m.is_trained:
            changes[name], evidence[name] = _LITTLE_DROPPED, share
            parts.append(f"{name} leaves out {share:.0%} at each step")
    if not changes:
        return None
    now = ", ".join(f"{name}={getattr(network, name)}" for name in changes)
    return Finding(
        "regularised too much",
        f"With {now} too little is left to learn with: {'; '.join(parts)}.",
        evidence,
        remedies_of(m, ("Regularise less:", changes)),
    )


def _heavy_penalties(m):
    shares = dict(zip(("alpha", "l1_alpha"), m.penalty_shares, strict=True))
    return [name for name, share in shares.items() if share > _HEAVY / 2]


def _is_flat(m):
    """Return whether all rows are predicted nearly alike."""
    return m.spread < _FLAT


def _is_pulled(m):
    """Return whether weights are smaller than before training (if that is known), by heavy penalties."""
    shrinkage = math.nan if m.inside is None else m.inside.shrinkage
    return sum(m.penalty_shares) > _HEAVY and not shrinkage >= _SHRUNK


def _describe_pull(m):
    shrinkage, share = m.inside.shrinkage, sum(m.penalty_shares)
    words, evidence = "", {"penalty_share": share}
    if not math.isnan(shrinkage):
        words = f"; they are {shrinkage:.2g} times those before training"
        evidence["weights_to_start"] = shrinkage
    return words, evidence
