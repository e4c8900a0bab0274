"""A fitted network, opened: a copy that may be taken apart, and X as it takes it."""

import copy

import torch

from sknets.inspection._unwrap import unwrap


class OpenedNetwork:
    """A copy in float64 of the module of a fitted network, of any architecture.

    Whatever is done to the copy (hooks, rules, gradients), the estimator stays as it is. Nothing in
    it is drawn, so the global random states stay as they are, too.

    Parameters
    ----------
    estimator : estimator
        What `unwrap` takes.
    ability : Ability
        What the network must be able to do.
    X : array-like, default=None
        Data as the estimator takes them.
    device : torch.device or str, default=None
        Device of the copy; None is that of the network, but for one that knows no float64.

    Attributes
    ----------
    network : BaseNet
        The fitted network.
    module : torch.nn.Module
        The copy.
    rows : rows
        X as the network has read it.
    """

    def __init__(self, estimator, ability, X=None, device=None):
        self.estimator = estimator
        self.ability = ability
        self.network, X = unwrap(estimator, ability, X)
        module = self.network.net_.module_
        self.device = torch.device(device or next(module.parameters()).device)
        if self.device.type == "mps":  # knows no float64
            self.device = torch.device("cpu")
        self.module = copy.deepcopy(module).to(self.device, torch.float64)
        self.module.eval().requires_grad_(False)
        if X is not None:
            self.rows = self._read(X)

    @property
    def target(self):
        """What the network has learned of y."""
        return self.network._learned.target

    def _read(self, X):
        return self.network._read(X)

    def read(self, X):
        """Return a further X, as the estimator takes it, as rows."""
        return self._read(unwrap(self.estimator, self.ability, X)[1])

    def batch(self, rows):
        """Return rows as the module takes them."""
        return self.network._learned.input.batch(rows, torch.float64, self.device)

    def threads(self, n_rows=None):
        """Return a context with as many threads as some rows, or all of X, are worth."""
        n_rows = self.rows.shape[0] if n_rows is None else n_rows
        return self.network._learned.threads_for(n_rows)
