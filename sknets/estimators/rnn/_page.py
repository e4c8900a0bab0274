"""The pages of the recurrent networks: all that is said of their parameters and attributes."""

from numbers import Integral, Real

from sknets import modules
from sknets.estimators._layer_words import ACTIVATION, DROPOUT, HIDDEN_LAYER_SIZES, WEIGHT_INIT
from sknets.estimators._sklearn import Interval, StrOptions
from sknets.estimators._task_words import CLASSES, NUMBERS
from sknets.estimators._training_words import (
    ALL_ROWS,
    FURTHER,
    N_PARAMETERS,
    NETWORK,
    OUTPUTS,
    RECORD,
    SCIKIT_LEARNS,
)
from sknets.estimators._words import Page, one_of, parameter
from sknets.inputs import SequencesInput

_SIZES = ["array-like", Interval(Integral, 1, None, closed="left")]

CELLS = (
    parameter(
        """recurrent_layer_sizes : array-like of shape (n_recurrent_layers,) or int, default=(64,)
        Number of units in each recurrent layer; with `bidirectional`, in each direction.""",
        _SIZES,
        annotation="Sequence[int] | int",
    ),
    parameter(
        """cell : str, default='lstm'
        What a unit is: 'rnn' (tanh), 'rnn_relu', 'lstm', 'gru', 'gru_reset_before' (resets the
        state before the product, not after it) or 'rau' (a GRU with an attention gate).""",
        [StrOptions(set(modules.CELLS))],
    ),
)

LAYERS = (
    parameter(
        """bidirectional : bool, default=False
        Whether sequences are read from both ends.""",
        ["boolean"],
    ),
    parameter(
        f"""pool : {one_of(["auto", *modules.SEQUENCE_POOLINGS])}, default='auto'
        What the head sees of all timesteps: the last state, their mean, their maximum, or a
        mean with learned weights. "auto" is "last", and "attention" for a decoder.""",
        [StrOptions({"auto", *modules.SEQUENCE_POOLINGS})],
    ),
    HIDDEN_LAYER_SIZES,
    ACTIVATION,
    DROPOUT,
    parameter(
        """recurrent_dropout : float, default=0.0
        Dropout rate in [0, 1) of the state between timesteps, one mask for all timesteps of a
        sequence. Slower, since no fused kernel knows it.""",
        [Interval(Real, 0, 1, closed="left")],
        neutral=(0,),
    ),
    parameter(
        """conv_channels : array-like of shape (n_conv_layers,), int or 'auto', default='auto'
        Channels of convolutions that shorten a sequence before the recurrent layers; ``()`` is
        none. "auto" is as many as halve the longest sequence of `fit` down to 64 timesteps or
        fewer, with 32, 64, 64 ... channels; none where y has a sequence.""",
        [StrOptions({"auto"}), *_SIZES],
        annotation="Sequence[int] | int | str",
    ),
    parameter(
        """kernel_size : int or list of int, default=5
        Timesteps that a kernel of these convolutions sees, for all of them or one for each.""",
        _SIZES,
        annotation="Sequence[int] | int",
    ),
    parameter(
        """pool_size : int or list of int, default=2
        Timesteps of which a convolution leaves one, their maximum; given likewise.""",
        _SIZES,
        annotation="Sequence[int] | int",
    ),
    WEIGHT_INIT,
    parameter(
        """vocabulary_size : int, 'auto' or None, default=None
        Number of tokens where X holds token ids (0 to one less; -1 pads the end), each of which
        learns a vector; "auto" is one more than the largest in `fit`. None is for series of
        numbers.""",
        [
            StrOptions({"auto"}),
            Interval(Integral, 1, None, closed="left"),
            None,
        ],
        annotation="int | str | None",
    ),
    parameter(
        """embedding_dim : int or None, default=None
        Length of the vector of a token; None is 64.""",
        [Interval(Integral, 1, None, closed="left"), None],
    ),
    parameter(
        """input_scaling : 'standardize', (mean, std) or None, default='standardize'
        What is done to series inside the network: each feature gets mean 0 and standard
        deviation 1 over all timesteps of the training data, or (X - mean) / std (for all
        features or each). None leaves X as it is.""",
        [StrOptions({"standardize"}), tuple, list, None],
        annotation="str | Sequence | None",
    ),
    parameter(
        """output : {'single', 'timesteps', 'sequence'}, default='single'
        What y has for each sequence: one output, one for each timestep, or a sequence of
        another length, which a recurrent decoder writes.""",
        [StrOptions({"single", "timesteps", "sequence"})],
    ),
    parameter(
        """teacher_forcing : float, default=1.0
        Rate in [0, 1] at which a decoder is told the true output before in training; it sees
        its own otherwise. 1 is fastest.""",
        [Interval(Real, 0, 1, closed="both")],
        neutral=(1,),
    ),
    parameter(
        """max_output_length : int or None, default=None
        Outputs after which a decoder stops writing; None is the longest y of `fit`.""",
        [Interval(Integral, 1, None, closed="left"), None],
    ),
    parameter(
        """bptt_steps : int or None, default=None
        Timesteps over which gradients flow back (truncated backpropagation through time), for
        very long series; None is all.""",
        [Interval(Integral, 1, None, closed="left"), None],
        neutral=(None,),
    ),
)

SHORTCUT = parameter(
    """linear_shortcut : bool, default=False
    Whether a linear map, at first a ridge regression found on the training data, leads from all
    timesteps past the layers, which learn the rest; see Notes. It needs sequences of one
    length, and ``loss='squared_error'``.""",
    ["boolean"],
)

#: What is different where X is series.
OF_SERIES = {
    "batch_size": {
        "text": f"""Rows in a mini-batch; "auto" is all rows up to 64, and of more rows a sixteenth, but
        at least 32 and at most 128. Not used by {ALL_ROWS}."""
    },
    "learning_rate_init": {"default": "0.005"},
    "max_iter": {"default": "100"},
    "max_grad_norm": {
        "type": "float, 'auto' or None",
        "default": "'auto'",
        "text": f"""Norm to which longer gradients are shortened, which recurrent layers need now and
        then; "auto" is 1, and None for {ALL_ROWS}.""",
        "constraint": [StrOptions({"auto"}), Interval(Real, 0, None, closed="neither"), None],
        "annotation": "float | str | None",
        "neutral": ("auto", None),
    },
    "dtype": {
        "text": f"""Precision; "auto" is float64 for float64 data of at most
        {SequencesInput.small_data:,} values on a CPU, and float32 otherwise."""
    },
    "n_features_in_": {
        "text": """Number of features seen in `fit`: of a timestep, or the timesteps of a 2-D X of
        series."""
    },
}


def _page(task, *own):
    page = Page(
        positional=(*task.first, *CELLS),
        keyword_only=(*LAYERS, *own, *SCIKIT_LEARNS, *task.further, *FURTHER),
        attributes=(*task.attributes, *RECORD, *OUTPUTS, N_PARAMETERS, *NETWORK),
    )
    page = page.but(
        alpha={"default": "0.1"},
        learning_rate={"default": "'one_cycle'"},
        n_outputs_={"text": "Number of raw outputs: of a step, where the output is a sequence."},
        **OF_SERIES,
    )
    return page.fill(
        layers="convolutions",
        features="features",
        where="between the layers: of recurrent outputs and of hidden layers",
        **task.words,
    )


CLASSIFIER, REGRESSOR = _page(CLASSES), _page(NUMBERS, SHORTCUT)
