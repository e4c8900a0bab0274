"""A user's own Torch module: what its classifier and its regressor share."""

from torch import nn

from sknets.estimators._base import BaseNet
from sknets.estimators.module._architecture import UserModule
from sknets.inputs import AnyInput

_PREFIX = "module__"


class BaseModule(BaseNet):
    """Any module between X and the raw outputs."""

    def _make_input(self):
        return AnyInput()

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
                "n_inputs": input.n_inputs,
                "n_outputs": target.n_outputs,
                "module_params": dict(self.module_params or {}),
            },
            input,
        )

    # --- module__width is module_params["width"] ----------------------------------------------------

    def get_params(self, deep=True):
        """Get the parameters of this estimator.

        Parameters
        ----------
        deep : bool, default=True
            Whether those of the module, which stand in `module_params`, are also listed one by one, as
            ``module__<name>``.

        Returns
        -------
        dict
            Names and values.
        """
        params = super().get_params(deep)
        of_module = params.get("module_params") if deep else None
        if not isinstance(of_module, dict):  # a wrong one is for fit to refuse
            return params
        return params | {f"{_PREFIX}{name}": value for name, value in of_module.items()}

    def set_params(self, **params):
        """Set the parameters of this estimator.

        Parameters
        ----------
        **params : dict
            Names and values; ``module__<name>`` sets one entry of `module_params`, and leaves the others.

        Returns
        -------
        self : object
            The estimator.
        """
        of_module = {}
        if "module_params" in self.get_params(deep=False):
            names = [name for name in params if name.startswith(_PREFIX)]
            of_module = {name.removeprefix(_PREFIX): params.pop(name) for name in names}
        super().set_params(**params)
        if of_module:
            before = self.module_params if isinstance(self.module_params, dict) else {}
            self.module_params = {**before, **of_module}
        return self

    # --- fitted attributes --------------------------------------------------------------------------

    @property
    def module_(self):
        """The user's module, trained."""
        return self.net_.module_.module
