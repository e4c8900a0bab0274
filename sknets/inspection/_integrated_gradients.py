"""What each value of X adds on the way from a baseline."""

from numbers import Integral

import torch
from sklearn.utils import check_scalar

from sknets._plain_torch import in_plain_torch
from sknets.inspection._baseline import baseline_like
from sknets.inspection._captum import import_captum
from sknets.inspection._explained import explain
from sknets.inspection._opening import open_network
from sknets.inspection._unwrap import REMEMBERS


@in_plain_torch
def integrated_gradients(
    estimator, X, target=None, baseline=None, n_steps=200, *, output_step=None
):
    """Compute what each value of X adds to an output of the network, compared with a baseline.

    The gradient is integrated along the straight line from the baseline to the row. The attributions of
    a row sum to its output minus that of the baseline: to the difference of two logits in
    classification, and in regression to that of two predictions, in units of y. (Where the loss takes
    the logarithm of y, as "poisson" does, to that of their logarithms.)

    Parameters
    ----------
    estimator : estimator
        A fitted network of any kind, or a pipeline, search or other wrapper with one network.
    X : {array-like, sparse matrix} of shape (n_samples, ...) or list of sequences
        Data, as the estimator takes them.
    target : label, int or array-like of shape (n_samples,), default=None
        Class to explain, or one for each row; None takes the class that the network finds most likely.
        Number of the output in regression, or of the label for a multilabel y.
    baseline : float, int or array-like of the shape of a row of X, default=None
        Where the line starts, in units of X. For sequences of unequal length a number, or one for each
        feature; for tokens a token. None is zero as the network sees X: see Notes.
    n_steps : int, default=200
        Points at which the gradient is computed.
    output_step : int, default=None
        Which of its outputs, where a recurrent network has one for each timestep or writes a sequence of
        numbers: a number from 0, or -1 for the last of each sequence.

    Returns
    -------
    ndarray of shape (n_samples, n_features)
        Of a table; of images (n_samples, height, width), summed over channels, and of signals
        (n_samples, length); of series (n_samples, n_timesteps, n_features), without the last axis for
        univariate series and tokens, and an object array of arrays for sequences of unequal length.

    Raises
    ------
    ImportError
        If captum is missing.
    TypeError
        If the estimator is no network, or holds several.
    NotFittedError
        If it is not fitted.
    ValueError
        If the target is unknown, the baseline has another shape than a row of X, `output_step` does not
        go with the network, or X holds whole numbers for a module of your own.

    Notes
    -----
    Images and series are scaled inside their networks, so that zero is the mean in training of each
    channel or feature for ``input_scaling="standardize"``. Tokens start from an embedding of zeros, and
    get the sum over the values of their embedding. The columns of a table are taken as they are: zero is
    their mean behind a StandardScaler; otherwise ``baseline=X_train.mean(axis=0)`` may say more.

    In a pipeline, the baseline goes through the steps before the network as X does, and attributions are
    those of the columns that these put out: ``pipeline[:-1].get_feature_names_out()``.

    Group and layer normalisation make a network change fast close to a row without contrast, where
    the default baseline is. If the sum is not close enough, use more steps.

    References
    ----------
    .. [1] Sundararajan, Taly and Yan (2017). Axiomatic attribution for deep networks. ICML.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sknets import MLPRegressor
    >>> from sknets.inspection import integrated_gradients
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> X = X / X.std()
    >>> network = MLPRegressor(learning_rate="cosine", random_state=0).fit(X, y)
    >>> parts = integrated_gradients(network, X)
    >>> parts.shape
    (442, 10)
    >>> origin = network.predict(0 * X[:1])  # which is the mean of these columns
    >>> bool(np.allclose(parts.sum(axis=1), network.predict(X) - origin, atol=1))
    True
    >>> X.columns[np.abs(parts).mean(axis=0).argsort()[::-1][:3]].tolist()
    ['bmi', 's5', 's3']

    Of images, the maps have their height and width:

    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), learning_rate="cosine", max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> integrated_gradients(network, digits.images[:5], baseline=0).shape
    (5, 8, 8)
    """
    check_scalar(n_steps, "n_steps", Integral, min_val=1)
    captum = import_captum("integrated_gradients")
    opened = open_network(estimator, X)
    if REMEMBERS.fits(opened.network):
        opened.explain_step(output_step)
    elif output_step is not None:
        raise ValueError(
            f"output_step={output_step!r}, but the network has one output for a row; leave it at None."
        )
    start = None if baseline is None else baseline_like(baseline, X, opened)

    def output(values, columns, *context):
        return opened.raw(values, *context).gather(1, columns[:, None])[:, 0]

    method = captum.IntegratedGradients(output)

    def attribute(rows, values, columns, signs, *context):
        origin = torch.zeros_like(values[:1])
        if start is not None:
            origin = opened.origin(start, rows, values, *context)
        attributions = method.attribute(
            values,
            origin,
            additional_forward_args=(columns, *context),
            n_steps=n_steps,
            internal_batch_size=max(len(values), opened.n_rows_at_once),
        )
        return attributions * signs

    return explain(opened, target, attribute, is_difference=True)
