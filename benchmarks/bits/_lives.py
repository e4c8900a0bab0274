"""What becomes of a fitted estimator: further epochs, copies, pickles and listeners."""

import copy
import pickle
from functools import partial

import numpy as np
import skorch
from sklearn.base import clone, is_classifier

from bits import _data as d
from bits._images import Base, pretrained
from bits._networks import CNN, MLP, NETWORKS, QUICK, RNN, SmallModule
from bits._see import see
from bits._training import OPTIONS, STOPPING
from sknets import CNNClassifier, MLPClassifier, MLPRegressor, ModuleClassifier, RNNClassifier
from sknets.preprocessing import Augmentation


def pickled(estimator):
    return pickle.loads(pickle.dumps(estimator))


def halves(network):
    """Return both halves of the data, each as X, y and weights."""
    half = len(network.X) // 2
    data = network.X, network.y, network.weight + 0.5
    return [[part[rows] for part in data] for rows in (slice(half), slice(half, None))]


def part_by_part(network, change=None, **params):
    """Look after two partial fits, and after a third of what has become of the estimator by then."""
    first, second = halves(network)
    estimator = network.make(**params)
    classes = {"classes": np.unique(network.y)} if is_classifier(estimator) else {}
    estimator.partial_fit(*first, **classes).partial_fit(*second)
    if change is not None:
        estimator = change(estimator)
    before = see(estimator, network.X)
    return {"before": before, "after": see(estimator.partial_fit(*first), network.X)}


def part_after_fit(network):
    """Go on with a partial fit after a fit."""
    estimator = network.make().fit(network.X, network.y)
    return see(estimator.partial_fit(*halves(network)[0]), network.X)


def cloned(network):
    """Fit a clone of a fitted estimator, and the same estimator once more."""
    estimator = network.make().fit(network.X, network.y)
    again = clone(estimator).fit(network.X, network.y)
    return {"again": see(again, network.X), "same": see(estimator.fit(*network[1:3]), network.X)}


def warm(network, change=None, **params):
    """Go on with the same data, then with others for fewer epochs."""
    estimator = network.make(warm_start=True, **params).fit(network.X, network.y)
    if change is not None:
        estimator = change(estimator)
    second = see(estimator.fit(network.X, network.y, network.weight), network.X)
    estimator.set_params(max_iter=2, alpha=0.01).fit(network.X[5:], network.y[5:])
    return {"second": second, "third": see(estimator, network.X)}


class Listener(skorch.callbacks.Callback):
    """Counts the batches."""

    def initialize(self):
        self.n_batches = 0

    def on_batch_end(self, net, **kwargs):
        self.n_batches += 1


class Reader:
    """Predicts after each epoch; a callback of scikit-learn's protocol."""

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        pass

    def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
        if fitted_estimator is not None:
            fitted_estimator.predict(X)


def listened_to(network, **params):
    """Fit with a listener to batches, which must change nothing but the time."""
    listener = Listener()
    estimator = network.make(callbacks=[listener], **params).fit(network.X, network.y)
    return see(estimator, network.X) | {"n_batches": listener.n_batches}


def read(network):
    """Fit with a reader of epochs, which must change nothing either."""
    estimator = network.make().set_callbacks(Reader())
    return see(estimator.fit(network.X, network.y), network.X)


HISTORIES = {
    "part by part": part_by_part,
    "part by part, pickled": partial(part_by_part, change=pickled),
    "part by part, copied": partial(part_by_part, change=copy.deepcopy),
    "part by part, averaged": partial(part_by_part, change=pickled, average="polyak"),
    "part by part, cosine": partial(part_by_part, learning_rate="cosine"),
    "part by part, sgd": partial(part_by_part, change=pickled, solver="sgd", batch_growth=1.5),
    "part after a fit": part_after_fit,
    "cloned": cloned,
    "warm": warm,
    "warm, pickled": partial(warm, change=pickled),
    "warm, copied": partial(warm, change=copy.deepcopy),
    "warm, lbfgs": partial(warm, solver="lbfgs"),
    "warm, early stopping": partial(warm, change=pickled, **STOPPING),
    "warm, adaptive": partial(warm, change=pickled, **OPTIONS["adaptive"]),
    "listened to": listened_to,
    "listened to, early stopping": partial(listened_to, **STOPPING),
    "read": read,
}
LIVES = {
    f"{name}, {history}": partial(case, network)
    for name, network in NETWORKS.items()
    for history, case in HISTORIES.items()
}


def through_a_pickle(estimator, X, y):
    """Return a case: fit, pickle, look, go on with a partial fit, look."""

    def case():
        other = pickled(estimator.fit(X, y))
        return {"pickled": see(other, X), "after": see(other.partial_fit(X, y), X)}

    return case


def on_pretrained():
    network = CNNClassifier(backbone=pretrained(), **QUICK)
    return through_a_pickle(network, d.IMAGES, d.DIGITS)()


MODULE = {"module_params": {"dropout": 0.3, "has_norm": True}}
DRAWING = {"hidden_layer_sizes": (6,), "dropout": 0.3, "normalization": "batch"}
MIXED = {"augment": Augmentation(mixup=0.4, shift=0.1), "spatial_dropout": 0.2}
STEPS = {"output": "timesteps", "recurrent_dropout": 0.2}
WRITER = {"output": "sequence", "vocabulary_size": "auto", "teacher_forcing": 0.5}

LIVES |= {
    f"pickled, {name}": through_a_pickle(*fitted)
    for name, fitted in {
        "layers that draw": (MLPClassifier(**MLP | DRAWING), d.IRIS, d.NAMES),
        "poisson": (MLPRegressor(**MLP, loss="poisson"), d.X, d.COUNTS),
        "two numbers": (MLPRegressor(**MLP), d.X, d.PAIRS),
        "two classes": (MLPClassifier(**MLP), d.IRIS, d.BINARY),
        "labels": (MLPClassifier(**MLP), d.IRIS, d.SPARSE_LABELS),
        "sparse X": (MLPRegressor(**MLP), d.SPARSE_X, d.NUMBERS),
        "a module that draws": (ModuleClassifier(SmallModule, **QUICK, **MODULE), d.IRIS, d.KINDS),
        "augmentation": (CNNClassifier(**CNN, **MIXED), d.IMAGES, d.DIGITS),
        "a backbone": (CNNClassifier(backbone=Base(), **QUICK), d.IMAGES, d.DIGITS),
        "ragged": (RNNClassifier(**RNN, pool="attention"), d.RAGGED, d.CUBE_KINDS),
        "timesteps": (RNNClassifier(**RNN, **STEPS), d.RAGGED, d.SIGNS),
        "tokens written": (RNNClassifier(**RNN, **WRITER), d.TOKENS, d.REVERSED),
    }.items()
}
LIVES |= {
    "pickled, a fitted backbone": on_pretrained,
    "listened to, layers that draw": partial(listened_to, NETWORKS["MLPClassifier"], dropout=0.3),
    "listened to, a module that draws": partial(
        listened_to, NETWORKS["ModuleClassifier"], module_params={"dropout": 0.3}
    ),
}
