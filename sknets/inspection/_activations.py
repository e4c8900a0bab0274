"""What each layer makes of a row of X."""

from sknets._plain_torch import in_plain_torch
from sknets.inspection._opening import open_network


@in_plain_torch
def layer_activations(estimator, X, layer=None):
    """Compute the outputs of the layers of a fitted network.

    Parameters
    ----------
    estimator : estimator
        A fitted network of any kind, or a pipeline, search or other wrapper with one network.
    X : {array-like, sparse matrix} of shape (n_samples, ...) or list of sequences
        Data, as the estimator takes them.
    layer : str, default=None
        Name of one layer, such as "hidden1" or "conv1"; None takes all. See Notes.

    Returns
    -------
    ndarray of shape (n_samples, n_units), or dict of ndarray
        The outputs of the layer, or of each layer by name. Maps of images have the shape
        (n_samples, height, width, channels); those of signals have no height, of volumes a depth.
        Outputs for each timestep have the shape (n_samples, n_timesteps, n_units), or are an object
        array of (n_timesteps, n_units) arrays where X holds sequences of unequal length.

    Raises
    ------
    TypeError
        If the estimator is no network, or holds several.
    NotFittedError
        If it is not fitted.
    ValueError
        If the layer is unknown.

    Notes
    -----
    The layers are, in the order of computation:

    - of an MLP: "hidden1", "hidden2", ..., each as the next layer sees it (after activation and
      normalisation), and "output", the raw outputs: logits, or standardised values of y;
    - of an RNN: "embedding" of tokens, "convolution1", ..., "recurrent1", ..., "pool", "hidden1", ...,
      "output". Of a decoder only what it writes, "output";
    - of a CNN: those of its base, "conv1", "pooling1", "activation1", ..., or as the backbone names them;
    - of a module of your own: as it names them, and "output". Where a layer puts out a tuple, its first
      tensor counts; of a layer that runs several times, the last output.

    All are as in prediction, without dropout.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from sknets import MLPRegressor
    >>> from sknets.inspection import layer_activations
    >>> X, y = load_diabetes(return_X_y=True)
    >>> X = scale(X)
    >>> network = MLPRegressor(hidden_layer_sizes=(20, 5), learning_rate="cosine", random_state=0)
    >>> network = network.fit(X, y)
    >>> layer_activations(network, X, "hidden2").shape
    (442, 5)

    >>> from sklearn.datasets import load_digits
    >>> from sknets import CNNClassifier
    >>> digits = load_digits()
    >>> network = CNNClassifier((4, 8), learning_rate="cosine", max_iter=1, random_state=0)
    >>> network = network.fit(digits.images, digits.target)
    >>> for name, maps in layer_activations(network, digits.images[:5]).items():
    ...     print(name, maps.shape)
    conv1 (5, 8, 8, 4)
    pooling1 (5, 4, 4, 4)
    activation1 (5, 4, 4, 4)
    normalization1 (5, 4, 4, 4)
    conv2 (5, 4, 4, 8)
    pooling2 (5, 2, 2, 8)
    activation2 (5, 2, 2, 8)
    normalization2 (5, 2, 2, 8)
    """
    opened = open_network(estimator, X)
    with opened.threads():
        activations = opened.activations(layer)
    return activations if layer is None else activations[layer]
