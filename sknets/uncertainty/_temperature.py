"""Temperature scaling: one number that makes probabilities neither too sure nor too timid."""

import numpy as np
import scipy.optimize

#: How far the logarithm of a temperature may be from zero.
_FURTHEST = 5.0


def choose_temperature(loss, n_rows):
    """Return the temperature with the lowest loss.

    Its logarithm has a standard normal prior, which few rows outweigh: where all of them are predicted
    right, the best temperature would be zero.

    Parameters
    ----------
    loss : callable
        ``loss(temperature)``: the log-loss of rows that were held out.
    n_rows : float
        Their number.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017). On calibration of modern neural networks. ICML.
    """
    found = scipy.optimize.minimize_scalar(
        lambda log: n_rows * loss(float(np.exp(log))) + 0.5 * log**2,
        bounds=(-_FURTHEST, _FURTHEST),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x))


def at_temperature(shares, temperature):
    """Return shares in proportion to their power 1 / temperature."""
    logits = np.log(np.clip(shares, 1e-12, None)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)
