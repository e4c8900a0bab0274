"""Small fitted networks, and data for them."""

from sklearn.datasets import load_digits

from sknets import CNNClassifier

DIGITS = load_digits()
X, Y = DIGITS.images[:300], DIGITS.target[:300]
X_NEW = DIGITS.images[300:330]


def fit(X=X, y=Y, **options):
    """Fit a small network: not well, but so that its weights are no longer random."""
    options = {"max_iter": 4, "random_state": 0, "learning_rate_init": 0.01} | options
    if "backbone" not in options:
        options = {"conv_channels": (4, 6)} | options
    return CNNClassifier(dtype="float64", **options).fit(X, y)


def module_of(network):
    """Return the module of a fitted network."""
    return network.net_.module_


def raw_outputs(network, X):
    """Return the raw outputs of rows of X as an array."""
    return network._raw_predict(X)[0].numpy()
