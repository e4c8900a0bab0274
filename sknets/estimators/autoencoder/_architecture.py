"""The plan of an autoencoder."""

from sknets import modules
from sknets._plain import kept
from sknets.estimators._architecture import TableArchitecture


@kept
class Mirrored(TableArchitecture):
    """Dense layers down to a code, and their mirror image up again.

    Parameters
    ----------
    spec : dict
        The plan.
    scaling : targets.Scaling
        What rows are scaled by as a target, and so as an input.
    """

    def __init__(self, spec, scaling):
        super().__init__(spec)
        self.scaling = scaling

    @property
    def activations(self):
        """Those of the hidden layers, the code among them."""
        return self.spec["activations"]

    def build(self, generator):
        with self._seeded_activations(generator):
            return modules.DenseAutoencoder(**self.spec, generator=generator)

    def prepare(self, module, rows, target, sample_weight):
        """Take over means and scale; columns without spread have the scale of the others."""
        common = self.scaling.scale[~self.scaling.is_constant]
        module.encoder.set_to(self.scaling.shift, common[0] if len(common) else 1.0)

    def describe_columns(self, module, rows, sample_weight):
        """Return None: columns count by their spread on purpose."""

    def measure_work(self, module, row):
        return modules.dense_work(module, row)
