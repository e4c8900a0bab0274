"""Restricted Boltzmann machines, as the start of a layer of logistic units."""

import numpy as np
from scipy.special import expit

#: Rows of a batch; momentum; the rate of binary inputs, and of normal ones, which need a smaller one.
_BATCH, _MOMENTUM = 10, 0.9
_RATES = {"bernoulli": 0.1, "gaussian": 0.01}
_INITIAL = 0.01  # standard deviation of the first weights


class RBM:
    """Binary hidden units h and visible units v, learned by contrastive divergence (CD-1).

    The energy is E(v, h) = -vᵀWᵀh - bᵀv - cᵀh of binary visible units, and |v - b|²/2 - vᵀWᵀh - cᵀh of
    normal ones with unit variance. So p(h_j = 1 | v) = σ(W v + c)_j, and p(v_i = 1 | h) = σ(Wᵀh + b)_i,
    or v | h is normal around Wᵀh + b. The gradient of the log-likelihood, <h vᵀ>_data - <h vᵀ>_model, is
    approximated by one step of Gibbs sampling: v → h ~ p(h | v) → v' → p(h | v').

    Parameters
    ----------
    n_hidden : int
        Hidden units.
    visible : {"bernoulli", "gaussian"}
        What visible units are: within [0, 1], or standardised.
    rng : numpy.random.Generator
        Source of all draws.

    Attributes
    ----------
    weight : ndarray of shape (n_hidden, n_visible)
    bias : ndarray of shape (n_hidden,)
        c.
    visible_bias : ndarray of shape (n_visible,)
        b.

    References
    ----------
    .. [1] Hinton (2002). Training products of experts by minimizing contrastive divergence. Neural
       Computation 14.
    """

    def __init__(self, n_hidden, visible, rng):
        self.n_hidden = n_hidden
        self.visible = visible
        self.rng = rng

    def fit(self, v, n_epochs, weight=None):
        """Learn rows of shape (n, n_visible), each of which counts by its weight."""
        n_rows, n_visible = v.shape
        weight = np.ones(n_rows) if weight is None else weight / weight.mean()
        self.weight = _INITIAL * self.rng.standard_normal((self.n_hidden, n_visible))
        self.bias = np.zeros(self.n_hidden)
        self.visible_bias = self._first_bias(np.average(v, axis=0, weights=weight))
        parameters = (self.weight, self.bias, self.visible_bias)
        velocities = [np.zeros_like(values) for values in parameters]
        for _ in range(n_epochs):
            order = self.rng.permutation(n_rows)
            for start in range(0, n_rows, _BATCH):
                rows = order[start : start + _BATCH]
                ascent = self.ascent(v[rows], weight[rows])
                for values, velocity, slope in zip(parameters, velocities, ascent, strict=True):
                    velocity *= _MOMENTUM
                    velocity += _RATES[self.visible] * slope
                    values += velocity
        return self

    def ascent(self, v, weight):
        """Return the direction of CD-1 for weight, bias and visible bias, as means over rows."""
        h = self.hidden(v)
        sample = (self.rng.random(h.shape) < h).astype(v.dtype)
        again = self._visible(sample)
        h_again = self.hidden(again)
        share = weight[:, None] / len(v)
        return (
            (share * h).T @ v - (share * h_again).T @ again,
            (share * (h - h_again)).sum(axis=0),
            (share * (v - again)).sum(axis=0),
        )

    def hidden(self, v):
        """Return p(h = 1 | v), which is the layer of logistic units."""
        return expit(v @ self.weight.T + self.bias)

    def _visible(self, h):
        """Return a draw of v given h; of binary units the probability, which has less noise."""
        mean = h @ self.weight + self.visible_bias
        if self.visible == "bernoulli":
            return expit(mean)
        return mean + self.rng.standard_normal(mean.shape)

    def _first_bias(self, mean):
        if self.visible == "gaussian":
            return mean
        mean = np.clip(mean, 0.01, 0.99)
        return np.log(mean / (1.0 - mean))
