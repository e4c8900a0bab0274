"""The plan of a network that a user wrote."""

from torch import nn

from sknets import modules, training
from sknets.estimators._architecture import TableArchitecture


class UserModule(TableArchitecture):
    """A module of the user's own; it may draw from Torch's global generator."""

    _holds_foreign_module = True

    def build(self, generator):
        spec = self.spec
        with training.Seeded(generator):
            module = spec["module"](spec["n_inputs"], spec["n_outputs"], **spec["module_params"])
        if not isinstance(module, nn.Module):
            raise ValueError(
                f"module must make a torch.nn.Module, it returned {type(module).__name__}."
            )
        return modules.RawOutputs(module, spec["n_outputs"])
