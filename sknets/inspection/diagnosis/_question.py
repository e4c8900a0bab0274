"""The first question: whether a network is poor on its training rows, or only on others."""

import math

_LEAST = 0.05  # skill of which nobody can say that it is more than that of a constant
_GAP = 0.1  # between training and validation rows
_ROSE = 0.25  # of the lowest validation loss, above it


def margin(n_rows):
    """Return by how much skills on so many rows differ by chance."""
    return 0.04 + 0.4 / math.sqrt(max(1, n_rows))


def ask(m):
    """Return "training", "held-out", "nothing to learn", "neither" or "unknown".

    Simple models say how much can be learned: what they reach on rows that they have not seen, a network
    should reach on its own training rows.
    """
    folds = m.attainable_in_folds
    if _is_noise(m):
        return "nothing to learn"
    if not math.isnan(folds) and m.train_skill < folds - margin(m.n_seen):
        return "training"
    if m.has_valid and is_worse_elsewhere(m):
        return "held-out"
    if math.isnan(folds) and m.train_skill < _LEAST:
        return "training"
    if math.isnan(folds) or (not m.has_valid and m.train_skill > folds + _GAP):
        return "unknown"
    return "neither"


def is_worse_elsewhere(m):
    """Return whether validation rows are predicted worse than they could be, and than training rows."""
    if m.train_skill - m.valid_skill < _GAP:
        return False
    if m.valid_skill < m.attainable - margin(m.n_valid) or has_risen(m):
        return True
    if m.valid_skill < m.attainable_in_folds - 2 * margin(m.n_valid):
        return True  # simple models, too, do worse there
    return m.valid_loss > m.constant_loss > 2 * m.train_loss > 0


def has_risen(m):
    """Return whether the recorded validation loss has gone up again, and its best epoch was not kept."""
    losses = m.valid_losses
    if len(losses) < 5 or m.network.net_.stopping.restores:
        return False
    lowest = losses.min()
    return bool(losses[-1] > lowest + _ROSE * abs(lowest))


def _is_noise(m):
    """Return whether neither the network nor simple models do better than a constant on other rows.

    Without validation rows a network must not do better even on those that it has seen.
    """
    if m.reference is None:
        return False
    weighted = 0.0 if math.isnan(m.reference.weighted) else m.reference.weighted
    own = (m.valid_skill, m.n_valid) if m.has_valid else (m.train_skill, m.n_seen)
    skills = (m.attainable_in_folds, m.n_seen), (weighted, m.n_seen), own
    return all(skill < _LEAST + 0.5 * margin(n_rows) for skill, n_rows in skills)
