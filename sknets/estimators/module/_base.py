"""A user's own Torch module: what its classifier and its regressor share."""

from torch import nn

from sknets.estimators._base import BaseNet
from sknets.estimators.module._architecture import UserModule
from sknets.inputs import TableInput


class BaseModule(BaseNet):
    """Any module between X and the raw outputs."""

    def _make_input(self):
        return TableInput()

    def _make_architecture(self, input, target):
        if self.module is None:
            raise ValueError(
                "module=None: give a torch.nn.Module class, or a function of the number of "
                "inputs and outputs that returns a module."
            )
        if isinstance(self.module, nn.Module):
            raise ValueError(
                "module is an instance of torch.nn.Module, whose weights a second fit would find "
                "trained. Give its class, or a function that makes it."
            )
        return UserModule(
            {
                "module": self.module,
                "n_inputs": input.row_shape[0],
                "n_outputs": target.n_outputs,
                "module_params": dict(self.module_params or {}),
            }
        )

    @property
    def module_(self):
        """The user's module, trained."""
        return self.net_.module_.module
