"""Where the parameters of a network were after each epoch of its training."""

from numbers import Integral

import numpy as np
import skorch
import torch
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_scalar

from sknets._plain_torch import in_plain_torch


class ParameterPath(skorch.callbacks.Callback):
    """Keeps the parameters of a network before training and after its epochs.

    One of the `callbacks` of any network; `LossSurfaceDisplay` draws the path. A training that goes on
    (``warm_start``, ``partial_fit``, a further phase) goes on with the path, any other begins it anew.

    Parameters
    ----------
    every : int, default=1
        Epochs from one record to the next. The start and the end are always kept.

    Attributes
    ----------
    parameters_ : ndarray of shape (n_records, n_parameters)
        The parameters, in the order of ``net_.module_.parameters()``; the last ones are those of the
        fitted network. With `average`, averages after each epoch. There is none before a fit.

    See Also
    --------
    LossSurfaceDisplay : The training loss around a fitted network, with the path.

    Notes
    -----
    A record takes as much memory as the network: 200 epochs of 50,000 parameters in float32 are 40 MB.

    Clones of a network, as in a cross-validation or as members of an ensemble, have paths of their own:
    ``clone.callbacks[0]``.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from sknets import MLPRegressor
    >>> from sknets.inspection import ParameterPath
    >>> X, y = load_diabetes(return_X_y=True)
    >>> path = ParameterPath(every=10)
    >>> network = MLPRegressor(
    ...     hidden_layer_sizes=8, learning_rate="cosine", max_iter=40, callbacks=[path], random_state=0
    ... ).fit(scale(X), y)
    >>> path.parameters_.shape, network.n_parameters_
    ((5, 97), 97)
    """

    def __init__(self, every=1):
        self.every = every

    def initialize(self):
        """Check the parameter, as skorch asks before training.

        Returns
        -------
        ParameterPath
        """
        check_scalar(self.every, "every", Integral, min_val=1)
        return self

    @property
    def parameters_(self):
        if not hasattr(self, "_records_"):
            raise NotFittedError(
                "This ParameterPath has seen no training; give it to a network, callbacks=[path], and "
                "fit. Clones of the network (searches, members) have paths of their own in callbacks."
            )
        return np.array(self._records_)

    def on_train_begin(self, net, **kwargs):
        """Begin a path, or go on where the last training ended.

        Parameters
        ----------
        net : skorch.NeuralNet
            The network.
        **kwargs : dict
            The data.
        """
        start = _parameters(net)
        if not hasattr(self, "_records_") or not np.array_equal(self._records_[-1], start):
            # what does not end in an underscore is a parameter to skorch, and cloned
            self._records_ = [start]
        self._n_epochs_ = 0

    def on_epoch_end(self, net, **kwargs):
        """Keep the parameters after an epoch.

        Parameters
        ----------
        net : skorch.NeuralNet
            The network.
        **kwargs : dict
            The data.
        """
        self._n_epochs_ += 1
        if self._n_epochs_ % self.every == 0:
            self._records_.append(_parameters(net))

    def on_train_end(self, net, **kwargs):
        """Keep the parameters with which the network predicts, where they are others.

        Parameters
        ----------
        net : skorch.NeuralNet
            The network.
        **kwargs : dict
            The data.
        """
        end = _parameters(net)
        if not np.array_equal(self._records_[-1], end):
            self._records_.append(end)


@in_plain_torch
def _parameters(net):
    # not Torch's parameters_to_vector, which takes no kernels that lie channels-last
    parts = [parameter.detach().reshape(-1) for parameter in net.module_.parameters()]
    return torch.cat(parts).cpu().numpy()
