"""The plan of a dense network."""

from sknets import modules
from sknets.estimators._architecture import TableArchitecture


class Dense(TableArchitecture):
    """A stack of dense layers between a table and the raw outputs."""

    def build(self, generator):
        return modules.DenseStack(**self.spec, generator=generator)
