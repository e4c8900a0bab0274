"""What a convolutional network sees, for any other model."""

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    clone,
)
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sknets._plain_torch import in_plain_torch
from sknets._version import Versioned
from sknets.estimators._sklearn import fit_context
from sknets.estimators.cnn._base import BaseCNN
from sknets.estimators.cnn._classifier import CNNClassifier


class CNNFeatures(Versioned, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
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

    @fit_context
    def fit(self, X, y=None, **fit_params):
        """Fit the network, unless it is frozen.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Images, signals or volumes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs), default=None
            Target; not needed by a frozen network.
        **fit_params : dict
            Further arguments of the network's `fit`, such as `sample_weight`.

        Returns
        -------
        self : object
            The fitted transformer.
        """
        if isinstance(self.estimator, FrozenEstimator):
            network = self.estimator.estimator
            if not isinstance(network, BaseCNN):
                raise ValueError(
                    f"estimator={self.estimator!r} must hold a CNNClassifier or a CNNRegressor."
                )
            check_is_fitted(network)
            if fit_params:
                raise ValueError(
                    f"The network is frozen and does not learn: {sorted(fit_params)} would have no "
                    "effect."
                )
            network._read(X)
        else:
            network = CNNClassifier() if self.estimator is None else clone(self.estimator)
            if self.random_state is not None:
                network.set_params(random_state=self.random_state)
            network.fit(X, y, **fit_params)
        self.estimator_ = network
        return self

    @in_plain_torch
    def transform(self, X):
        """Return the activations below the output layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Images, signals or volumes of the size seen in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Features.
        """
        check_is_fitted(self)
        return self.estimator_._penultimate(X)

    @property
    def n_features_in_(self):
        """Number of features seen in `fit`."""
        return self._fitted("n_features_in_")

    @property
    def feature_names_in_(self):
        """Names of the features, where X had any."""
        return self._fitted("feature_names_in_")

    @property
    def _n_features_out(self):
        return self.estimator_.net_.module_.head[-1].in_features

    def _fitted(self, name):
        if not hasattr(self, "estimator_"):
            raise AttributeError(f"CNNFeatures has no {name} before fit.")
        return getattr(self.estimator_, name)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = not isinstance(self.estimator, FrozenEstimator)
        return tags
