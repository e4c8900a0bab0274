"""What the last layer of a network sees, for any other model."""

from abc import ABC, abstractmethod

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
from sknets.estimators._methods import without_class
from sknets.estimators._sklearn import fit_context


@without_class
class NetworkFeatures(
    Versioned, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator, ABC
):
    """Base of the transformers around a network, which stands in the parameter `estimator`.

    A family says which networks it takes: `_make_default`, and `_check` of a fitted one.
    """

    @abstractmethod
    def _make_default(self):
        """Make the network for ``estimator=None``."""

    @abstractmethod
    def _check(self, network):
        """Raise ValueError if a network, fitted or not, has no such features."""

    @fit_context
    def fit(self, X, y=None, **fit_params):
        """Fit the network, unless it is frozen.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Data that the network takes.
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
            self._check_network(network)
            check_is_fitted(network)
            unused = sorted(fit_params) + ["random_state"] * (self.random_state is not None)
            if unused:
                raise ValueError(
                    f"The network is frozen and does not learn: {unused} would have no effect."
                )
            network._read(X)
        else:
            network = self._make_default() if self.estimator is None else clone(self.estimator)
            self._check_network(network)
            if self.random_state is not None:
                network.set_params(random_state=self.random_state)
            network.fit(X, y, **fit_params)
        self.estimator_ = network
        return self

    def _check_network(self, network):
        self._check(network)
        if network.n_members > 1:
            raise ValueError(
                f"n_members={network.n_members}: units of several networks have nothing in common; set "
                "n_members=1, or take the features of one of its members_."
            )

    @in_plain_torch
    def transform(self, X):
        """Return the activations below the output layer.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features) or (n_samples, ...)
            Data, as in `fit`.

        Returns
        -------
        ndarray of shape (n_samples, n_features_out)
            Features.
        """
        check_is_fitted(self)
        network = self.estimator_
        raw = network._raw_predict(X, network.net_.module_.penultimate)
        return raw.values.numpy().astype(raw.dtype, copy=False)

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
            raise AttributeError(f"{type(self).__name__} has no {name} before fit.")
        return getattr(self.estimator_, name)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.target_tags.required = not isinstance(self.estimator, FrozenEstimator)
        return tags
