"""The pages of the estimators around a user's own module."""

from sknets.estimators._task_words import CLASSES, NUMBERS
from sknets.estimators._training_words import (
    FURTHER,
    N_PARAMETERS,
    NETWORK,
    OUTPUTS,
    RECORD,
    SCIKIT_LEARNS,
)
from sknets.estimators._words import Page, attribute, parameter

MODULE = (
    parameter(
        """module : class or callable
        Makes the network: ``module(n_inputs, n_outputs, **module_params)`` returns a
        `torch.nn.Module` from rows of X to raw outputs (n_rows, n_outputs), without an output
        activation. `n_inputs` is the number of columns, or the shape of a row; see Notes.""",
        [callable, None],
        annotation="Callable[..., torch.nn.Module] | None",
    ),
    parameter(
        """module_params : dict or None, default=None
        Further keyword arguments of `module`. ``module__<name>`` sets one of them, in
        `set_params` and in a grid.""",
        [dict, None],
    ),
)

TRAINED = attribute(
    """module_ : torch.nn.Module
    Your module, trained."""
)


def _page(task):
    return Page(
        positional=(*MODULE, *task.first),
        keyword_only=(*SCIKIT_LEARNS, *task.further, *FURTHER),
        attributes=(*task.attributes, *RECORD, TRAINED, *OUTPUTS, N_PARAMETERS, *NETWORK),
    ).fill(**task.words)


CLASSIFIER, REGRESSOR = _page(CLASSES), _page(NUMBERS)
