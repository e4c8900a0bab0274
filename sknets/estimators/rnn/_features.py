"""What a recurrent network sees, for any other model."""

import numpy as np
from sklearn.frozen import FrozenEstimator

from sknets.estimators._features import NetworkFeatures
from sknets.estimators.rnn._base import BaseRNN
from sknets.estimators.rnn._classifier import RNNClassifier


class RNNFeatures(NetworkFeatures):
    """Activations below the output layer of a recurrent network, as features.

    `fit` trains a copy of the network; `transform` returns what its last layer sees: one row of numbers
    for each sequence, however long it is, by which sequences can be compared. A network that is fitted
    already is used as it is when it stands in a `sklearn.frozen.FrozenEstimator`.

    Parameters
    ----------
    estimator : RNNClassifier, RNNRegressor, FrozenEstimator or None, default=None
        The network, with ``output='single'``; None is ``RNNClassifier()``.
    random_state : int, RandomState instance or None, default=None
        Seed of the copy that is trained; None leaves the network's own.

    Attributes
    ----------
    estimator_ : RNNClassifier or RNNRegressor
        The fitted network.
    n_features_in_ : int
        Number of features of a timestep seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had any.

    See Also
    --------
    RNNClassifier : The network for classes.
    RNNRegressor : The network for numbers.
    CNNFeatures : The same of a convolutional network.

    References
    ----------
    .. [1] Sutskever, Vinyals and Le (2014). Sequence to sequence learning with neural networks.
       NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sknets import RNNClassifier, RNNFeatures
    >>> rng = np.random.default_rng(0)
    >>> X = [rng.normal(size=(n, 2)) for n in rng.integers(10, 30, 200)]
    >>> y = [int(series[-5:, 0].sum() > 0) for series in X]
    >>> network = RNNClassifier(16, max_iter=30, random_state=0)
    >>> features = RNNFeatures(network).fit(X[:150], y[:150])
    >>> features.transform(X[:2]).shape
    (2, 16)
    >>> model = make_pipeline(features, KNeighborsClassifier())
    >>> model.fit(X[:150], y[:150]).score(X[150:], y[150:]) > 0.8
    True
    """

    _parameter_constraints: dict = {
        "estimator": [BaseRNN, FrozenEstimator, None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: BaseRNN | FrozenEstimator | None = None,
        *,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.random_state = random_state

    def _make_default(self):
        return RNNClassifier()

    def _check(self, network):
        if not isinstance(network, BaseRNN):
            raise ValueError(
                f"estimator={self.estimator!r} must hold an RNNClassifier or an RNNRegressor."
            )
        if network.output != "single":
            raise ValueError(
                f"output={network.output!r} has no features of a sequence as a whole: estimator must "
                "have output='single'."
            )
