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
    A record takes as much memory as the network: 200 epochs of 50,000 parameters are 40 MB.

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

    def _get_param_names(self):
        return ["every"]  # skorch would take all that stands in `__dict__`

    @property
    def parameters_(self):
        if not hasattr(self, "_records"):
            raise NotFittedError(
                "This ParameterPath has seen no training; give it to a network, "
                "callbacks=[path], and fit."
            )
        return np.array(self._records)

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
        if not hasattr(self, "_records") or not np.array_equal(self._records[-1], start):
            self._records = [start]
        self._n_epochs = 0

    def on_epoch_end(self, net, **kwargs):
        """Keep the parameters after an epoch.

        Parameters
        ----------
        net : skorch.NeuralNet
            The network.
        **kwargs : dict
            The data.
        """
        self._n_epochs += 1
        if self._n_epochs % self.every == 0:
            self._records.append(_parameters(net))

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
        if not np.array_equal(self._records[-1], end):
            self._records.append(end)


@in_plain_torch
def _parameters(net):
    # not Torch's parameters_to_vector, which takes no kernels that lie channels-last
    parts = [parameter.detach().reshape(-1) for parameter in net.module_.parameters()]
    return torch.cat(parts).cpu().numpy()
