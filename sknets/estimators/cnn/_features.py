"""What a convolutional network sees, for any other model."""

import numpy as np
from sklearn.frozen import FrozenEstimator

from sknets.estimators._features import NetworkFeatures
from sknets.estimators.cnn._base import BaseCNN
from sknets.estimators.cnn._classifier import CNNClassifier


class CNNFeatures(NetworkFeatures):
    """Activations below the output layer of a convolutional network, as features.

    `fit` trains a copy of the network; `transform` returns what its last layer sees. A network that is
    fitted already is used as it is when it stands in a `sklearn.frozen.FrozenEstimator`.

    Parameters
    ----------
    estimator : CNNClassifier, CNNRegressor, FrozenEstimator or None, default=None
        The network; None is ``CNNClassifier()``.
    random_state : int, RandomState instance or None, default=None
        Seed of the copy that is trained; None leaves the network's own.

    Attributes
    ----------
    estimator_ : CNNClassifier or CNNRegressor
        The fitted network.
    n_features_in_ : int
        Number of features seen in `fit`: the values of an image.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any.

    See Also
    --------
    CNNClassifier : The network for classes.
    CNNRegressor : The network for numbers.
    RNNFeatures : The same of a recurrent network.

    References
    ----------
    .. [1] Sharif Razavian, Azizpour, Sullivan and Carlsson (2014). CNN features off-the-shelf: an
       astounding baseline for recognition. CVPR workshops.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sknets import CNNClassifier, CNNFeatures
    >>> X, y = load_digits(return_X_y=True)
    >>> network = CNNClassifier(input_shape=(8, 8), max_iter=3, random_state=0)
    >>> features = CNNFeatures(network).fit(X[:500], y[:500])
    >>> features.transform(X[:2]).shape
    (2, 64)
    >>> model = make_pipeline(features, LogisticRegression(max_iter=1000))
    >>> model.fit(X[:500], y[:500]).score(X[500:], y[500:]) > 0.8
    True
    """

    _parameter_constraints: dict = {
        "estimator": [BaseCNN, FrozenEstimator, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: BaseCNN | FrozenEstimator | None = None,
        *,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.random_state = random_state

    def _make_default(self):
        return CNNClassifier()

    def _check(self, network):
        if not isinstance(network, BaseCNN):
            raise ValueError(
                f"estimator={self.estimator!r} must hold a CNNClassifier or a CNNRegressor."
            )
