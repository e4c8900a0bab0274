"""The plan of a dense network."""

from sknets import modules
from sknets.estimators._architecture import TableArchitecture


class Dense(TableArchitecture):
    """A stack of dense layers between a table and the raw outputs."""

    @property
    def activations(self):
        """Those of the hidden layers."""
        return self.spec["activations"]

    def build(self, generator):
        with self._seeded_activations(generator):
            return modules.DenseStack(**self.spec, generator=generator)

    def measure_work(self, module, row):
        return modules.dense_work(module, row)
