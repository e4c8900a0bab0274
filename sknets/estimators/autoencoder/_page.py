"""The pages of the autoencoders: all that is said of their parameters and attributes."""

from numbers import Integral, Real

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
from sknets.estimators._training_words import (
    ALL_ROWS,
    FURTHER,
    N_PARAMETERS,
    NETWORK,
    RECORD,
    SCIKIT_LEARNS,
)
from sknets.estimators._words import Page, attribute, one_of, parameter
from sknets.estimators.cnn import _page as cnn
from sknets.estimators.rnn import _page as rnn

N_COMPONENTS = parameter(
    """n_components : int, default=2
    Numbers of the code.""",
    [Interval(Integral, 1, None, closed="left")],
)

CODE_ACTIVATION = parameter(
    f"""code_activation : {one_of(modules.ACTIVATIONS)}, default='identity'
    Activation of the code.""",
    [StrOptions(set(modules.ACTIVATIONS))],
)

LAYERS = (
    N_COMPONENTS,
    HIDDEN_LAYER_SIZES.but(
        default="(100,)",
        text="""Number of units in each hidden layer of the encoder; the decoder has the same, mirrored.
        ``()`` makes a linear autoencoder.""",
    ),
    ACTIVATION.but(
        default="'silu'",
        text=f"""That of all hidden layers, or one for each of the encoder: {activation_names()}; or
        {OWN_ACTIVATION}. The decoder's are mirrored.""",
    ),
    CODE_ACTIVATION,
)

DENOISING = (
    parameter(
        f"""noise : {one_of(modules.NOISES)} or None, default=None
        How rows are corrupted in training, to be repaired: "gaussian" adds normal numbers, "masking"
        sets values to the mean of their {{column}}.""",
        [StrOptions(set(modules.NOISES)), None],
        neutral=(None,),
    ),
    parameter(
        """noise_level : float, default=0.2
        Standard deviation of 'gaussian', in root mean squared deviations of all {column}s; share, in
        (0, 1), of the values that 'masking' sets.""",
        [Interval(Real, 0, None, closed="neither")],
    ),
)

_TRAINING = {
    "learning_rate": {"default": "'one_cycle'"},
    "tol": {
        "text": SCIKIT_LEARNS[9].text.replace("of a standardised y", "of the standardised X"),
    },
    "early_stopping": {
        "text": """Whether validation rows decide: training ends when they show no progress, and the
        weights of the best epoch are put back. Without it, the training loss alone decides.""",
    },
    "validation_fraction": {
        "text": "Share of the rows that early stopping sets aside, unless `fit` is given `X_val`.",
    },
}


def _named(entries, *names):
    """Return the entries of some names, in the order of the names."""
    by_name = {entry.name: entry for entry in entries}
    return tuple(by_name[name] for name in names)


def _page(positional, layers, *attributes, column, where, **training):
    """Return the page of an autoencoder with layers of its own, whose values stand in columns."""
    page = Page(
        positional=positional,
        keyword_only=(
            *layers,
            *DENOISING,
            *SCIKIT_LEARNS,
            DROPOUT,
            WEIGHT_INIT,
            *(entry for entry in FURTHER if entry.name != "n_members"),
        ),
        attributes=(
            *RECORD,
            *attributes,
            N_PARAMETERS,
            *(entry for entry in NETWORK if entry.name != "members_"),
        ),
    )
    page = page.but(**_TRAINING).but(**training)
    return page.fill(column=column, where=where, watched="`score`", of_y=", of the standardised X")


AUTOENCODER = _page(
    LAYERS,
    (),
    attribute(
        """n_layers_ : int
        Number of layers, inputs and outputs among them."""
    ),
    column="column",
    where="after each hidden layer, but for the code. Units that stay are scaled up in training",
    learning_rate_init={"default": "0.01"},
)

_MIRRORED = "The decoder is the mirror image."

CNN_AUTOENCODER = _page(
    (N_COMPONENTS, *cnn.CHANNELS),
    (
        *_named(
            cnn.LAYERS,
            *("stride", "padding", "pooling", "pool_size", "pool_stride", "normalization"),
        ),
        HIDDEN_LAYER_SIZES.but(
            text=f"""Number of units in each hidden layer of the encoder between the final maps and the
            code. {_MIRRORED}"""
        ),
        ACTIVATION.but(
            default="'silu'",
            text=f"""That of all convolutional and hidden layers, or one for each of the encoder in this
            order: {activation_names()}; or {OWN_ACTIVATION}.""",
        ),
        CODE_ACTIVATION,
        *_named(cnn.LAYERS, "spatial_dropout", "input_shape", "conv_dim", "data_format"),
    ),
    cnn.INPUT_SHAPE,
    column="pixel",
    where="of the final maps and of each hidden layer, and of their mirror images",
    stride={"default": "2"},
    pooling={
        "default": "None",
        "text": """What becomes of a window: 'max', 'average', 'weighted' (with learned weights),
        'downsample' (its first value) or None, for all layers or a list per layer. The decoder repeats
        a value over its window.""",
    },
    batch_size={
        "text": f"""Rows in a mini-batch; "auto" is all rows up to 64, and 32 of more rows. Not used
        by {ALL_ROWS}."""
    },
    normalization={"default": "None"},
    learning_rate_init={"default": "0.005"},
    max_iter={"default": "50"},
    n_features_in_={"text": "Number of features seen in `fit`: the values of an image."},
)

RNN_AUTOENCODER = _page(
    (N_COMPONENTS, *rnn.CELLS),
    (
        *_named(rnn.LAYERS, "bidirectional"),
        HIDDEN_LAYER_SIZES.but(
            text=f"""Number of units in each hidden layer of the encoder between the last state and the
            code. {_MIRRORED}"""
        ),
        ACTIVATION.but(
            default="'silu'",
            text=f"""That of all hidden layers, or one for each of the encoder: {activation_names()}; or
            {OWN_ACTIVATION}.""",
        ),
        CODE_ACTIVATION,
        *_named(rnn.LAYERS, "recurrent_dropout"),
    ),
    attribute(
        """n_timesteps_ : int or None
        Timesteps of the series of the first call; None where they differed."""
    ),
    column="feature",
    where="between the layers: of recurrent outputs, of the last state and of hidden layers",
    recurrent_layer_sizes={
        "text": f"""Number of units in each recurrent layer of the encoder; with `bidirectional`, in each
        direction. {_MIRRORED}"""
    },
    bidirectional={
        "text": "Whether series are read, and unrolled again, from both ends.",
    },
    **rnn.OF_SERIES,
)
