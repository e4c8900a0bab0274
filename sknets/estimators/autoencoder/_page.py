"""The page of the autoencoder: all that is said of its parameters and attributes."""

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
    FURTHER,
    N_PARAMETERS,
    NETWORK,
    RECORD,
    SCIKIT_LEARNS,
)
from sknets.estimators._words import Page, attribute, one_of, parameter

LAYERS = (
    parameter(
        """n_components : int, default=2
        Numbers of the code.""",
        [Interval(Integral, 1, None, closed="left")],
    ),
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
    parameter(
        f"""code_activation : {one_of(modules.ACTIVATIONS)}, default='identity'
        Activation of the code.""",
        [StrOptions(set(modules.ACTIVATIONS))],
    ),
)

DENOISING = (
    parameter(
        f"""noise : {one_of(modules.NOISES)} or None, default=None
        How rows are corrupted in training, to be repaired: "gaussian" adds normal numbers, "masking"
        sets values to the mean of their column.""",
        [StrOptions(set(modules.NOISES)), None],
        neutral=(None,),
    ),
    parameter(
        """noise_level : float, default=0.2
        Standard deviation of 'gaussian', in root mean squared deviations of all columns; share, in
        (0, 1), of the values that 'masking' sets.""",
        [Interval(Real, 0, None, closed="neither")],
    ),
)

_TRAINING = {
    "learning_rate": {"default": "'one_cycle'"},
    "learning_rate_init": {"default": "0.01"},
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

AUTOENCODER = Page(
    positional=LAYERS,
    keyword_only=(
        *DENOISING,
        *SCIKIT_LEARNS,
        DROPOUT,
        WEIGHT_INIT,
        *(entry for entry in FURTHER if entry.name != "n_members"),
    ),
    attributes=(
        *RECORD,
        attribute(
            """n_layers_ : int
            Number of layers, inputs and outputs among them."""
        ),
        N_PARAMETERS,
        *(entry for entry in NETWORK if entry.name != "members_"),
    ),
).but(**_TRAINING)
AUTOENCODER = AUTOENCODER.fill(
    where="after each hidden layer, but for the code. Units that stay are scaled up in training",
    watched="`score`",
    of_y=", of the standardised X",
)
