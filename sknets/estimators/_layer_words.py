"""The words for dense layers: the parameters that architectures share.

Names in braces are for the page of an architecture to fill in.
"""

from numbers import Integral, Real

from sknets import modules
from sknets.estimators._sklearn import Interval, StrOptions
from sknets.estimators._words import listed, parameter


def activation_names(*more):
    """Return, in a sentence, the names of all activations, and of `more` beside them."""
    names = listed([*modules.ACTIVATIONS, *more], " or ")
    return names.replace("'prelu'", "'prelu' (learned slope)")


HIDDEN_LAYER_SIZES = parameter(
    """hidden_layer_sizes : array-like of shape (n_hidden_layers,) or int, default=()
    Number of units in each hidden layer of the dense head, between the {features} and the outputs.""",
    ["array-like", Interval(Integral, 1, None, closed="left")],
    annotation="Sequence[int] | int",
)

#: What may stand in the place of a name.
OWN_ACTIVATION = "a function of a tensor, or a module (or its class)"

ACTIVATION = parameter(
    f"""activation : str, callable or list of these, default='relu'
    That of all {{layers}} and hidden layers, or one for each in this order: {activation_names()}; or
    {OWN_ACTIVATION}.""",
    [StrOptions(set(modules.ACTIVATIONS)), callable, list, tuple],
    annotation="str | Callable | Sequence",
)

DROPOUT = parameter(
    """dropout : float, default=0.0
    Dropout rate in [0, 1) {where}.""",
    [Interval(Real, 0, 1, closed="left")],
    neutral=(0,),
)

WEIGHT_INIT = parameter(
    """weight_init : str, default='glorot_uniform'
    Initial weights: 'glorot_uniform' (scikit-learn's), 'glorot_normal', 'he_uniform',
    'he_normal', 'orthogonal', or 'linear' (so small that units begin in the linear part of
    their activation).""",
    [StrOptions(set(modules.INITIALIZERS))],
)
