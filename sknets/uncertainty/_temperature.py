"""Temperature scaling: one number that makes probabilities neither too sure nor too timid."""

import numpy as np
import scipy.optimize

#: Temperatures among which the best one is looked for.
_LOWEST, _HIGHEST = 0.2, 20.0

#: Rows at which half of the logarithm of a temperature is believed.
_ROWS_TO_TRUST = 100


def choose_temperature(loss, n_rows):
    """Return the temperature with the lowest loss, drawn towards 1 where rows are few.

    Parameters
    ----------
    loss : callable
        ``loss(temperature)``: the log-loss of rows that were held out.
    n_rows : int
        Their number.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017). On calibration of modern neural networks. ICML.
    """
    found = scipy.optimize.minimize_scalar(
        lambda log: loss(float(np.exp(log))),
        bounds=(np.log(_LOWEST), np.log(_HIGHEST)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    return float(np.exp(found.x * n_rows / (n_rows + _ROWS_TO_TRUST)))


def at_temperature(shares, temperature):
    """Return shares in proportion to their power 1 / temperature."""
    logits = np.log(np.clip(shares, 1e-12, None)) / temperature
    logits -= logits.max(axis=1, keepdims=True)
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True)
