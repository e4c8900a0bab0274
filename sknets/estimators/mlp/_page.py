"""The pages of the multi-layer perceptrons: all that is said of their parameters and attributes."""

from numbers import Integral, Real

from sklearn.frozen import FrozenEstimator

from sknets import modules
from sknets.estimators._layer_words import (
    ACTIVATION,
    DROPOUT,
    HIDDEN_LAYER_SIZES,
    OWN_ACTIVATION,
    WEIGHT_INIT,
    activation_names,
)
from sknets.estimators._sklearn import Interval, StrOptions
from sknets.estimators._task_words import CLASSES, NUMBERS
from sknets.estimators._training_words import (
    FURTHER,
    N_PARAMETERS,
    NETWORK,
    OUTPUTS,
    RECORD,
    SCIKIT_LEARNS,
)
from sknets.estimators._words import Page, attribute, one_of, parameter

SIZES = (
    HIDDEN_LAYER_SIZES.but(
        type="array-like of shape (n_layers - 2,) or int",
        default="(100,)",
        text="Number of units in each hidden layer; ``()`` makes a linear model.",
    ),
    ACTIVATION.but(
        text=f"""That of all hidden layers, or one for each: {activation_names("rbf")} (radial basis,
        `coefs_` are centres); or {OWN_ACTIVATION}.""",
        constraint=[StrOptions({*modules.ACTIVATIONS, "rbf"}), callable, list, tuple],
    ),
)

LAYERS = (
    DROPOUT.but(
        type="float or list of float",
        constraint=[*DROPOUT.constraint, "array-like"],
        annotation="float | Sequence[float]",
    ),
    parameter(
        f"""normalization : {one_of(modules.NORMALIZATIONS)} or None, default=None
        Normalisation of each hidden layer, after its activation.""",
        [StrOptions(set(modules.NORMALIZATIONS)), None],
    ),
    WEIGHT_INIT,
)

PRETRAINING = (
    parameter(
        """pretrain : {'autoencoder', 'rbm'}, FrozenEstimator or None, default=None
        What a new network's hidden layers learn of X first: each by an autoencoder that denoises, or as a
        restricted Boltzmann machine (logistic units). Or a fitted `Autoencoder`, frozen, with such an
        encoder.""",
        [StrOptions({"autoencoder", "rbm"}), FrozenEstimator, None],
        annotation="str | FrozenEstimator | None",
    ),
    parameter(
        """pretrain_iter : int, default=50
        Epochs of each layer in which 'autoencoder' and 'rbm' learn. The gradient of a batch counts sample
        weights as repetitions; draws and batches are those of the rows as they are.""",
        [Interval(Integral, 1, None, closed="left")],
    ),
)

EMBEDDING = (
    parameter(
        f"""numeric_embedding : {one_of(modules.EMBEDDINGS)} or None, default=None
        What each column of X becomes first: "piecewise_linear" bins that fill up one after the
        other (jumps, bends), or learned "periodic" waves beside it. Not for sparse X.""",
        [StrOptions(set(modules.EMBEDDINGS)), None],
    ),
    parameter(
        """embedding_bins : int, default=8
        Bins of 'piecewise_linear', each with as many training rows as the others; fewer where
        values repeat.""",
        [Interval(Integral, 1, None, closed="left")],
    ),
    parameter(
        """embedding_size : int, default=4
        Numbers that 'periodic' makes of a column with more than two values: itself, and sums of
        16 waves with learned frequencies, phases and weights.""",
        [Interval(Integral, 2, None, closed="left")],
    ),
    parameter(
        """frequency_scale : float, default=0.1
        Standard deviation of the initial frequencies of 'periodic', in cycles per unit of X:
        the larger, the faster may y change.""",
        [Interval(Real, 0, None, closed="neither")],
    ),
)

WEIGHTS = (
    attribute(
        """coefs_ : list of ndarray
        Weight matrices of shape (n_inputs, n_units){in_units}; read-only. The first one is
        behind the embedding, where there is one."""
    ),
    attribute(
        """intercepts_ : list of ndarray
        Intercepts of shape (n_units,){in_units}; read-only."""
    ),
    attribute(
        """n_layers_ : int
        Number of layers, inputs and outputs among them."""
    ),
)


def _page(task):
    page = Page(
        positional=(*task.first, *SIZES),
        keyword_only=(*SCIKIT_LEARNS, *task.further, *LAYERS, *PRETRAINING, *EMBEDDING, *FURTHER),
        attributes=(*task.attributes, *RECORD, *WEIGHTS, *OUTPUTS, N_PARAMETERS, *NETWORK),
    )
    return page.fill(
        where="""after each hidden layer, for all layers or one per layer. Units that stay are scaled up
        in training""",
        **task.words,
    )


CLASSIFIER, REGRESSOR = _page(CLASSES), _page(NUMBERS)
