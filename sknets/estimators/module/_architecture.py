"""The plan of a network that a user wrote."""

import torch

from sknets import modules, training
from sknets._plain import kept
from sknets.estimators._architecture import TableArchitecture
from sknets.estimators.module._call import make_module
from sknets.inputs import check_told, describe_columns, is_whole

_TRIED = 2  # rows


@kept
class UserModule(TableArchitecture):
    """A module of the user's own; it may draw from Torch's global generator.

    Parameters
    ----------
    spec : dict
        The plan.
    input : AnyInput
        What X is; it is told what the module takes.
    """

    _holds_foreign_module = True
    must_be_tried = True

    def __init__(self, spec, input):
        super().__init__(spec)
        self.input = input

    def build(self, generator):
        spec = self.spec
        with training.Seeded(generator):
            module = make_module(
                spec["module"], spec["n_inputs"], spec["n_outputs"], spec["module_params"]
            )
        module = modules.RawOutputs(
            module, spec["n_outputs"], takes_whole=bool(self.input.takes_whole)
        )
        if self.input.takes_whole is not None:  # it is built again
            _error_of(module, torch.zeros(1, *self.input.row_shape), generator)
        return module

    def try_out(self, module, rows, generator):
        """Find out what the module takes, and let it find the sizes that it has left open.

        Whole numbers are tried as such and then as floats; floats that are whole numbers also as such, if
        an embedding may wait for them. What works with neither is for training to tell.
        """
        input = self.input
        check_told(rows, module.takes_lengths)
        error = self._error_on(module, rows, input.had_whole, generator)
        may_be_other = input.had_whole or (modules.has_embedding(module) and is_whole(rows))
        if error is not None and may_be_other:
            other = self._error_on(module, rows, not input.had_whole, generator)
            if other is None or not modules.has_embedding(module):
                error = other
            else:
                module.takes_whole = True  # so that the error tells what is wrong with it
        if error is not None and modules.is_lazy(module):
            raise error
        input.takes_lengths, input.takes_whole = module.takes_lengths, module.takes_whole
        return input.as_taken(rows)

    def _error_on(self, module, rows, as_whole, generator):
        """Return the error of a module on some rows, given as whole numbers or as floats."""
        module.takes_whole = as_whole
        batch = self.input.batch(rows[:_TRIED], torch.get_default_dtype(), torch.device("cpu"))
        return _error_of(module, batch, generator)

    def prepare(self, module, rows, target, sample_weight):
        """Learn nothing: columns of a table are scaled outside."""

    def describe_columns(self, module, rows, sample_weight):
        return describe_columns(rows, sample_weight)

    def measure_work(self, module, row):
        plain = modules.dense_work(module, row)
        if row.ndim == 2:
            return plain
        error, work = _outcome(
            lambda: modules.measure_work(module, row), training.make_generator(0)
        )
        if error is not None:  # training will tell
            return plain
        return modules.Work(max(work.multiply_adds, plain.multiply_adds), work.n_values)


def _error_of(module, batch, generator):
    """Return the error of a module on a batch, None if it works; a lazy one finds its sizes."""
    module.eval()
    with torch.no_grad():
        error, _ = _outcome(lambda: module(batch), generator)
    module.train()
    return error


def _outcome(call, generator):
    """Return the error and the result of a call; what it draws leaves the generator as it was."""
    copied = torch.Generator().set_state(generator.get_state())
    try:
        with training.Seeded(copied):
            return None, call()
    except Exception as error:
        return error, None
