"""Sequences: forms of X, recurrent layers, tokens, and outputs that are sequences themselves."""

import numpy as np

from bits import _data as d
from bits._networks import RNN
from bits._see import fit, see
from bits._training import STOPPING
from sknets import RNNClassifier, RNNRegressor


def classify(X=d.CUBE, y=d.CUBE_KINDS, sample_weight=None, **params):
    return fit(RNNClassifier(**RNN | params), X, y, sample_weight=sample_weight)


def regress(X=d.CUBE, y=d.CUBE_NUMBERS, sample_weight=None, **params):
    return fit(RNNRegressor(**RNN | params), X, y, sample_weight=sample_weight)


def label_steps(X=d.RAGGED, y=d.SIGNS, **params):
    return classify(X, y, output="timesteps", **params)


def measure_steps(X=d.RAGGED, y=d.RUNNING, **params):
    return regress(X, y, output="timesteps", **params)


def write(X=d.TOKENS, y=d.REVERSED, **params):
    """Return a case in which a decoder writes tokens."""
    options = {"vocabulary_size": "auto", "embedding_dim": 3, "learning_rate_init": 0.03}
    return classify(X, y, output="sequence", **options | params)


def write_numbers(X=d.CUBE, y=d.CUBE_RUNNING[:, :3], **params):
    return regress(X, y, output="sequence", **params)


def attend(X, y, **params):
    """Return a case that looks at the weights of the attention too."""

    def case():
        network = RNNClassifier(**RNN | params).fit(X, y)
        return {**see(network, X), "attention": network.attention_weights(X)}

    return case


def on_other_lengths():
    """Predict longer sequences and shorter ones than a fit has seen."""
    network = RNNRegressor(**RNN).fit(d.CUBE, d.CUBE_NUMBERS)
    return {n: network.predict(np.tile(d.CUBE, (1, 3, 1))[:, :n]) for n in (2, 20)}


IDS = {"vocabulary_size": 6, "embedding_dim": 3}
TWO_LAYERS = {"recurrent_layer_sizes": (4, 3)}
BOTH_WAYS = {"bidirectional": True}
LABELS = [np.c_[s > 0, s > 1].astype(int) for s in d.RUNNING]

SEQUENCE_FITS = {
    # X
    "series in a table": classify(d.SERIES),
    "series in a table, numbers": regress(d.SERIES),
    "ragged": classify(d.RAGGED),
    "ragged, numbers": regress(d.RAGGED),
    "ragged, an array of objects": classify(d.ragged(d.RAGGED)),
    "ragged, weights": classify(d.RAGGED, sample_weight=d.CUBE_WEIGHT),
    "ragged, early stopping": regress(d.RAGGED, **STOPPING),
    "ragged, lbfgs": classify(d.RAGGED, solver="lbfgs"),
    "ragged, not shuffled": classify(d.RAGGED, shuffle=False),
    "ragged of one feature": regress([s[:, 0] for s in d.RAGGED]),
    "padded": classify(d.PADDED),
    "padded, numbers": regress(d.PADDED),
    "sequences in float32": regress(d.CUBE.astype(np.float32)),
    "ragged in float32": regress([s.astype(np.float32) for s in d.RAGGED]),
    "series as they are": classify(input_scaling=None),
    "series, a scaling": classify(input_scaling=(0.5, 2.0)),
    "series, a scaling of each": classify(input_scaling=([0.5, 0.1], [2.0, 3.0])),
    "series of other lengths": on_other_lengths,
    # y
    "sequences, two classes": classify(y=d.CUBE_KINDS > 1),
    "sequences, labels": classify(y=np.c_[d.CUBE_KINDS > 1, d.CUBE_KINDS > 0].astype(int)),
    "sequences, two numbers": regress(y=d.CUBE[:, :2, 0]),
    "sequences, poisson": regress(y=np.round(d.CUBE_NUMBERS**2), loss="poisson"),
    # layers
    "two recurrent layers": classify(**TWO_LAYERS),
    "two recurrent layers, dropout": classify(d.RAGGED, **TWO_LAYERS, dropout=0.3),
    "both ways": classify(**BOTH_WAYS),
    "both ways, ragged, two layers": classify(d.RAGGED, **BOTH_WAYS, **TWO_LAYERS),
    "recurrent dropout": classify(d.RAGGED, recurrent_dropout=0.3),
    "recurrent dropout, both ways": regress(recurrent_dropout=0.3, **BOTH_WAYS),
    "hidden layers of sequences": classify(hidden_layer_sizes=(5, 4), activation=["elu", "tanh"]),
    "truncated backpropagation": regress(bptt_steps=4),
    "truncated backpropagation, ragged": classify(d.RAGGED, bptt_steps=3, **TWO_LAYERS),
    "convolutions auto": classify(d.LONG, d.LONG_KINDS, conv_channels="auto", max_iter=2),
    "convolutions": classify(d.LONG, d.LONG_KINDS, conv_channels=(3, 4), kernel_size=[5, 3]),
    "convolutions, ragged": classify(
        d.RAGGED, conv_channels=3, pool_size=3, **BOTH_WAYS, activation="gelu"
    ),
    "recurrent weights orthogonal": classify(weight_init="orthogonal"),
    "large recurrent layer": classify(  # two threads
        recurrent_layer_sizes=256, batch_size=40, max_iter=2
    ),
    "attention": attend(d.CUBE, d.CUBE_KINDS, pool="attention"),
    "attention, ragged": attend(d.RAGGED, d.CUBE_KINDS, pool="attention", **BOTH_WAYS),
    # tokens
    "tokens": classify(d.TOKENS, d.HAS_TWO, vocabulary_size="auto"),
    "tokens of a known number": classify(d.TOKENS, d.HAS_TWO, **IDS),
    "tokens in a table": classify(np.abs(np.round(d.SERIES)).astype(int), **IDS),
    "tokens, numbers": regress(d.TOKENS, d.HAS_TWO, **IDS, **BOTH_WAYS),
    "tokens, early stopping": classify(d.TOKENS, d.HAS_TWO, **IDS, **STOPPING),
    "tokens, convolutions": classify(d.TOKENS, d.HAS_TWO, **IDS, conv_channels=3),
    # a value for each timestep
    "labels of timesteps": label_steps(),
    "labels of timesteps of a cube": label_steps(d.CUBE, d.CUBE_SIGNS),
    "labels of timesteps, padded": label_steps(d.PADDED),
    "labels of timesteps, weights": label_steps(sample_weight=d.CUBE_WEIGHT),
    "labels of timesteps, balanced": label_steps(class_weight="balanced"),
    "labels of timesteps, class weights": label_steps(
        class_weight={"up": 1, "down": 3}, sample_weight=d.CUBE_WEIGHT
    ),
    "labels of timesteps, smoothed": label_steps(d.CUBE, d.CUBE_SIGNS, label_smoothing=0.1),
    "labels of timesteps, early stopping": label_steps(**STOPPING),
    "labels of timesteps, early stopping by F1": label_steps(**STOPPING, scoring="f1_macro"),
    "labels of timesteps, both ways": label_steps(**BOTH_WAYS, **TWO_LAYERS),
    "labels of timesteps, dropout": label_steps(dropout=0.2, recurrent_dropout=0.2),
    "labels of timesteps, lbfgs": label_steps(solver="lbfgs"),
    "labels of timesteps, truncated": label_steps(bptt_steps=3),
    "labels of timesteps, several": label_steps(y=LABELS),
    "labels of tokens": label_steps(d.TOKENS, [t % 2 for t in d.TOKENS], **IDS),
    "numbers of timesteps": measure_steps(),
    "numbers of timesteps of a cube": measure_steps(d.CUBE, d.CUBE_RUNNING),
    "numbers of timesteps of a table": measure_steps(d.SERIES, d.CUBE_RUNNING),
    "numbers of timesteps, two": measure_steps(d.CUBE, d.CUBE.cumsum(axis=1)),
    "numbers of timesteps, weights": measure_steps(sample_weight=d.CUBE_WEIGHT),
    "numbers of timesteps, huber": measure_steps(loss="huber", hidden_layer_sizes=5),
    "numbers of timesteps, early stopping": measure_steps(**STOPPING, scoring="r2"),
    "numbers of timesteps, float32": measure_steps(dtype="float32"),
    # a sequence of another length
    "written": write(),
    "written, float64": write(dtype="float64"),
    "written, own outputs seen": write(teacher_forcing=0.5),
    "written, last state": write(pool="last", teacher_forcing=0.0),
    "written, both ways": write(**BOTH_WAYS, **TWO_LAYERS, cell="gru"),
    "written, class weights": write(class_weight="balanced", sample_weight=d.CUBE_WEIGHT),
    "written, smoothed": write(label_smoothing=0.1, hidden_layer_sizes=5),
    "written, dropout": write(dropout=0.2),
    "written, longest": write(max_output_length=6),
    "written, early stopping": write(**STOPPING, scoring="loss"),
    "written, lbfgs": write(solver="lbfgs"),
    "written in words": write(
        d.RAGGED, [s[:2] for s in d.SIGNS], vocabulary_size=None, embedding_dim=None
    ),
    "written, attention": attend(
        d.TOKENS, d.REVERSED, output="sequence", vocabulary_size=6, cell="gru"
    ),
    "numbers written": write_numbers(),
    "numbers written, own outputs seen": write_numbers(teacher_forcing=0.5),
    "numbers written, last state": write_numbers(pool="last", cell="rnn"),
    "numbers written, ragged": write_numbers(d.RAGGED, sample_weight=d.CUBE_WEIGHT),
    "numbers written, two": write_numbers(y=d.CUBE[:, :3]),
    "numbers written, early stopping": write_numbers(**STOPPING, scoring="loss"),
}
for _cell in ("rnn", "rnn_relu", "lstm", "gru", "gru_reset_before", "rau"):
    SEQUENCE_FITS |= {
        f"cell {_cell}": classify(cell=_cell),
        f"cell {_cell}, ragged, both ways": regress(d.RAGGED, cell=_cell, **BOTH_WAYS),
        f"cell {_cell}, recurrent dropout": classify(cell=_cell, recurrent_dropout=0.2),
        f"cell {_cell}, timesteps": measure_steps(cell=_cell),
        f"cell {_cell}, written": write(cell=_cell),
    }
for _pool in ("last", "mean", "max", "attention"):
    SEQUENCE_FITS |= {
        f"pool {_pool}": classify(pool=_pool),
        f"pool {_pool}, ragged, both ways": classify(d.RAGGED, pool=_pool, **BOTH_WAYS),
    }
