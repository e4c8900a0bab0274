"""A user's own Torch module: what its classifier and its regressor share."""

from torch import nn

from sknets import modules, training
from sknets.estimators._base import BaseNet


class BaseModule(BaseNet):
    """Any module between X and the raw outputs."""

    _draws_unseeded = True

    def _module_spec(self, row_shape, n_outputs):
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
        return {
            "module": self.module,
            "n_inputs": row_shape[0],
            "n_outputs": n_outputs,
            "module_params": dict(self.module_params or {}),
        }

    @staticmethod
    def _build_module(spec, generator):
        n_outputs = spec["n_outputs"]
        with training.Seeded(generator):
            module = spec["module"](spec["n_inputs"], n_outputs, **spec["module_params"])
        if not isinstance(module, nn.Module):
            raise ValueError(
                f"module must make a torch.nn.Module, it returned {type(module).__name__}."
            )
        return modules.RawOutputs(module, n_outputs)

    @property
    def module_(self):
        """The user's module, trained."""
        return self.net_.module_.module
