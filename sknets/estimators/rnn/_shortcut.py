"""The closed-form start of a network with a linear shortcut."""

import numpy as np

#: Strengths of the ridge, for columns of mean 0 and spread 1.
ALPHAS = np.logspace(-3, 5, 17)
_FEWEST_ROWS = 3  # of which one can be left out


def fit_shortcut(module, rows, target, sample_weight):
    """Find the ridge regression of targets on the scaled inputs of a network.

    Each timestep of each feature is a column of its own, standardised. The strength for each output is
    the one with the least leave-one-out error.

    Parameters
    ----------
    module : modules.RecurrentNet
        The network, with its inputs scaled.
    rows : Sequences
        Training data, all of one length.
    target : ndarray of shape (n_rows, n_outputs)
        What is to be linear in them.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights of the rows.

    Returns
    -------
    weight : ndarray of shape (n_outputs, n_timesteps * n_features)
        Weights, for the inputs as the network scales them.
    bias : ndarray of shape (n_outputs,)
        Intercepts.
    spread : ndarray of shape (n_outputs,)
        Root mean squared residuals.
    """
    # imported here: half of scikit-learn's linear models come along
    from sklearn.linear_model import Ridge, RidgeCV
    from sklearn.preprocessing import StandardScaler

    shift, scale = (
        part.double().cpu().numpy() for part in (module.input.shift, module.input.scale)
    )
    inputs = ((rows.values - shift) / scale).reshape(len(rows), -1)
    columns = StandardScaler().fit(inputs, sample_weight=sample_weight)
    is_enough = len(rows) >= _FEWEST_ROWS
    ridge = RidgeCV(ALPHAS, alpha_per_target=True) if is_enough else Ridge()
    ridge.fit(columns.transform(inputs), target, sample_weight)
    weight = ridge.coef_.reshape(target.shape[1], -1) / columns.scale_
    bias = np.ravel(ridge.intercept_) - weight @ columns.mean_
    squares = (target - inputs @ weight.T - bias) ** 2
    return weight, bias, np.sqrt(np.average(squares, axis=0, weights=sample_weight))
