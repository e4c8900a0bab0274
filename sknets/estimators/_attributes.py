"""What a fitted estimator tells: attributes that are read off the record of its fit."""

import math

import pandas as pd
import torch
from sklearn.utils.validation import check_is_fitted

from sknets import modules
from sknets._plain_torch import in_plain_torch
from sknets.estimators._methods import without_class

#: What `history_` has of each epoch, and how a row of the history calls it.
HISTORY = {
    "loss": "train_loss",
    "validation_loss": "valid_loss",
    "validation_score": "valid_score",
    "learning_rate": "lr",
    "seconds": "dur",
}


@without_class
class FittedAttributes:
    """Attributes of a fitted estimator: what its fit has learned, and what training recorded."""

    def __getattr__(self, name):
        """Say which fitted attribute is not there; a property alone would name what it reads."""
        is_public = name.endswith("_") and not name.startswith("_")
        is_fitted_later = is_public and isinstance(getattr(type(self), name, None), property)
        if is_fitted_later and "_learned" not in vars(self):
            raise AttributeError(f"{type(self).__name__} has no {name} before fit.")
        return object.__getattribute__(self, name)  # which raises what it has raised before

    @property
    def net_(self):
        """The net that trained."""
        return self._learned.net

    @property
    def n_iter_(self):
        """Epochs of the last call."""
        return self._learned.n_iter

    @property
    def stop_reason_(self):
        """Why the last call ended."""
        return self._learned.net.stop_reason

    @property
    def n_outputs_(self):
        """Number of raw outputs."""
        return self._learned.target.n_outputs

    @property
    def out_activation_(self):
        """Activation of the outputs."""
        return self._learned.target.output.name

    @property
    def history_(self):
        """A list of one value per epoch by name."""
        rows = self.net_.history
        return {
            name: [row.get(key, math.nan) for row in rows]
            for name, key in HISTORY.items()
            if any(key in row for row in rows)
        }

    @property
    def loss_curve_(self):
        """Training loss of each epoch."""
        return [row["train_loss"] for row in self.net_.history]

    @property
    def loss_(self):
        """Training loss of the last epoch."""
        history = self.net_.history
        return history[-1]["train_loss"] if history else math.nan

    @property
    def best_loss_(self):
        """Lowest training loss; None with early stopping."""
        if self.net_.stopping.restores:
            return None
        return self.net_.lowest.get("train_loss", math.inf)

    @property
    def validation_scores_(self):
        """Validation score of each epoch; None without early stopping."""
        stopping = self.net_.stopping
        if not stopping.restores:
            return None
        key = stopping.monitor
        return [stopping.sign * row[key] for row in self.net_.history if key in row]

    @property
    def best_validation_score_(self):
        """Best validation score of the last fit; None without early stopping."""
        stopping = self.net_.stopping
        return stopping.sign * stopping.best if stopping.restores else None

    @property
    def n_parameters_(self):
        """Number of parameters of the network, frozen ones among them."""
        return sum(p.numel() for p in self.net_.module_.parameters())

    @property
    def t_(self):
        """Rows seen in training."""
        return self.net_.n_seen

    @in_plain_torch
    def summary(self):
        """Describe the layers of the fitted network.

        Returns
        -------
        pandas.DataFrame of shape (n_layers, 4)
            For each layer, in the order in which a row meets them: its kind, the shape of its output for
            one row (channels first, a signal with a height of 1), its number of parameters and of
            multiply-adds for one row. The index holds their names in ``net_.module_``.
        """
        check_is_fitted(self)
        values = self.net_.flat.values
        shape = self._learned.input.row_shape
        row = torch.zeros(1, *shape, dtype=values.dtype, device=values.device)
        layers = modules.describe_layers(self.net_.module_, row)
        table = pd.DataFrame(layers, columns=modules.Layer._fields).set_index("name")
        return table.rename(columns={"n_parameters": "parameters"})
