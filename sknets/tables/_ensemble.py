"""Weights of candidates from what they predict for rows that they have not seen."""

import numpy as np

#: Steps of the greedy selection.
_N_STEPS = 40

#: Rows at which half of the weights is the greedy selection's, and half that of equal ones.
_ROWS_TO_TRUST = 100

#: Candidates whose loss is this much above the lowest have no part in the equal weights.
_FALLEN_BEHIND = 1.15


def choose_weights(predictions, loss):
    """Return the weight of each candidate.

    The candidate that lowers the loss of the mean most is added again and again [1]_. With few rows this
    follows noise, so that weights are drawn towards equal ones among candidates that are nearly as good
    as the best.

    Parameters
    ----------
    predictions : ndarray of shape (n_candidates, n_rows, ...)
        Out-of-fold predictions.
    loss : callable
        ``loss(prediction)``, the mean loss of the rows.

    Returns
    -------
    ndarray of shape (n_candidates,)
        They are not negative, and sum to one.

    References
    ----------
    .. [1] Caruana, Niculescu-Mizil, Crew and Ksikes (2004). Ensemble selection from libraries of models.
       ICML.
    """
    greedy = _select(predictions, loss)
    losses = np.array([loss(prediction) for prediction in predictions])
    is_near = losses <= losses.min() + (_FALLEN_BEHIND - 1.0) * abs(losses.min())
    n_rows = predictions.shape[1]
    share = _ROWS_TO_TRUST / (_ROWS_TO_TRUST + n_rows)
    return (1.0 - share) * greedy + share * is_near / is_near.sum()


def _select(predictions, loss):
    counts, total = np.zeros(len(predictions)), np.zeros_like(predictions[0])
    best_loss, best = np.inf, None
    for step in range(1, _N_STEPS + 1):
        losses = [loss((total + prediction) / step) for prediction in predictions]
        chosen = int(np.argmin(losses))
        counts[chosen] += 1
        total += predictions[chosen]
        if losses[chosen] < best_loss:
            best_loss, best = losses[chosen], counts / step
    return best
