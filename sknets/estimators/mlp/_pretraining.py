"""Initial weights that have seen X: layer by layer, or of an autoencoder that is fitted already."""

import numpy as np
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from sknets import modules, training
from sknets._warn import unsaid
from sknets.estimators.autoencoder import Autoencoder

#: The autoencoder of a layer: no hidden layers, and values that it has to fill in.
_AUTOENCODER = Autoencoder(hidden_layer_sizes=(), noise="masking", noise_level=0.2)


def read_pretraining(estimator, activations, sizes):
    """Return what fills the hidden layers of a new network, or None.

    Parameters
    ----------
    estimator : BaseMLP
        The estimator, whose single parameters are valid.
    activations : list
        Those of the hidden layers.
    sizes : list of int
        Their units.

    Raises
    ------
    ValueError
        If the layers cannot be filled so.
    """
    kind = estimator.pretrain
    if kind is None:
        return None
    told = f"pretrain={kind!r}"
    unmet = {
        "numeric_embedding": estimator.numeric_embedding is not None,
        "normalization": estimator.normalization is not None,
        "hidden_layer_sizes": not sizes,
        "activation": any(
            name not in (["logistic"] if kind == "rbm" else modules.ACTIVATIONS)
            for name in activations
        ),
    }
    for name, is_unmet in unmet.items():
        if is_unmet:
            remedy = (
                " Its units are logistic: set activation='logistic'."
                if name == "activation" and kind == "rbm"
                else ""
            )
            raise ValueError(
                f"{told} has no place in a network with {name}={getattr(estimator, name)!r}.{remedy}"
            )
    if isinstance(kind, FrozenEstimator):
        return Taken(_fitted_encoder(kind, activations, sizes))
    fill = {"autoencoder": AutoencoderLayer, "rbm": BoltzmannLayer}[kind]
    return LayerByLayer(fill, int(estimator.pretrain_iter), activations)


class LayerByLayer:
    """Each layer learns, without y, what the ones below make of X.

    Parameters
    ----------
    make : type
        What learns a layer: ``make(n_units, activation, n_epochs, seed)``.
    n_epochs : int
        Epochs of each layer.
    activations : list of str
        Those of the layers.
    """

    def __init__(self, make, n_epochs, activations):
        self.make = make
        self.n_epochs = n_epochs
        self.activations = activations

    def fill(self, layers, rows, sample_weight, seed):
        """Put initial weights into linear layers."""
        rows = rows.astype(np.float64)
        for place, (layer, name) in enumerate(zip(layers, self.activations, strict=True)):
            learner = self.make(len(layer.weight), name, self.n_epochs, seed + place)
            weight, bias, rows = learner.learn(rows, sample_weight)
            _put(layer, weight, bias)


class AutoencoderLayer:
    """A layer as the encoder of an autoencoder of its own (Bengio et al., 2007), that denoises.

    Parameters
    ----------
    n_units : int
        Units of the layer.
    activation : str
        Their activation.
    n_epochs, seed : int
        Epochs, and the seed of this layer.
    """

    def __init__(self, n_units, activation, n_epochs, seed):
        self.network = clone(_AUTOENCODER).set_params(
            n_components=n_units,
            code_activation=activation,
            max_iter=n_epochs,
            random_state=seed % 2**32,
        )

    def learn(self, rows, sample_weight):
        """Return weights and intercepts, and what the layer makes of the rows."""
        with unsaid(UserWarning):  # whatever it has learned, the network goes on from there
            self.network.fit(rows, sample_weight=sample_weight)
        ((weight, bias),) = folded_encoder(self.network)
        return weight, bias, self.network.transform(rows)


class BoltzmannLayer:
    """A layer of logistic units as a restricted Boltzmann machine (Hinton et al., 2006).

    Its visible units are binary where X lies within [0, 1], and normal elsewhere.

    Parameters
    ----------
    n_units, activation, n_epochs, seed
        As of an `AutoencoderLayer`.
    """

    def __init__(self, n_units, activation, n_epochs, seed):
        self.n_units = n_units
        self.n_epochs = n_epochs
        self.rng = np.random.default_rng(seed)

    def learn(self, rows, sample_weight):
        """Return weights and intercepts, and what the layer makes of the rows."""
        shift, scale, visible = np.zeros(rows.shape[1]), np.ones(rows.shape[1]), "bernoulli"
        if rows.min() < 0 or rows.max() > 1:
            visible = "gaussian"
            shift = np.average(rows, axis=0, weights=sample_weight)
            scale = np.sqrt(np.average((rows - shift) ** 2, axis=0, weights=sample_weight))
            scale[~(scale > 1e-12 * np.abs(shift))] = 1.0
        rows = (rows - shift) / scale
        machine = training.RBM(self.n_units, visible, self.rng)
        machine.fit(rows, self.n_epochs, sample_weight)
        weight = machine.weight / scale
        return weight, machine.bias - weight @ shift, machine.hidden(rows)


class Taken:
    """The layers of an encoder that is fitted already, to rows of the user's choice.

    Parameters
    ----------
    network : Autoencoder
        The fitted one.
    """

    def __init__(self, network):
        self.network = network

    def fill(self, layers, rows, sample_weight, seed):
        """Put its weights into linear layers."""
        known = self.network.n_features_in_
        if rows.shape[1] != known:
            raise ValueError(
                f"X has {rows.shape[1]} features, but the autoencoder of pretrain was fitted to {known}."
            )
        for layer, (weight, bias) in zip(layers, folded_encoder(self.network), strict=True):
            _put(layer, weight, bias)


def _fitted_encoder(frozen, activations, sizes):
    """Return the fitted autoencoder in a `FrozenEstimator`, whose encoder is like the hidden layers."""
    network = frozen.estimator
    if not isinstance(network, Autoencoder):
        raise ValueError(f"pretrain={frozen!r} must hold an Autoencoder.")
    check_is_fitted(network)
    spec = network._learned.architecture.spec
    n_encoder = spec["n_encoder"]
    theirs = {
        "hidden_layer_sizes": spec["layer_sizes"][1 : n_encoder + 1],
        "activation": spec["activations"][:n_encoder],
    }
    for (name, their), ours in zip(theirs.items(), (sizes, activations), strict=True):
        if list(their) != list(ours):
            raise ValueError(
                f"The encoder of pretrain has the layers {name}={their}, the code as the last one, and "
                f"the network has {list(ours)}: both must be alike."
            )
    return network


def folded_encoder(network):
    """Return weights and intercepts of the encoder's layers, of X as it comes."""
    module = network.net_.module_
    n_encoder = network._learned.architecture.spec["n_encoder"]
    layers = [
        (layer.weight.detach().cpu().double().numpy(), layer.bias.detach().cpu().double().numpy())
        for layer in module.weighted_layers[:n_encoder]
    ]
    shift = module.encoder.shift.cpu().double().numpy()
    (weight, bias), *further = layers
    weight = weight / float(module.encoder.scale)  # W (x - m) / s + b
    return [(weight, bias - weight @ shift), *further]


@torch.no_grad()
def _put(layer, weight, bias):
    layer.weight.copy_(torch.from_numpy(weight))
    layer.bias.copy_(torch.from_numpy(bias))
