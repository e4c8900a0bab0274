"""The plan of a dense network."""

from sknets import modules
from sknets.estimators._architecture import TableArchitecture
from sknets.inputs import describe_columns


class Dense(TableArchitecture):
    """A stack of dense layers between a table and the raw outputs."""

    @property
    def activations(self):
        """Those of the hidden layers."""
        return self.spec["activations"]

    def build(self, generator):
        with self._seeded_activations(generator):
            return modules.DenseStack(**self.spec, generator=generator)

    def prepare(self, module, rows, target, sample_weight):
        """Learn the edges of bins, if there are any; columns are scaled outside."""
        if module.encoder is not None:
            module.encoder.learn(rows, sample_weight)

    def describe_columns(self, module, rows, sample_weight):
        # bins are in units of their own
        return describe_columns(rows, sample_weight) if module.encoder is None else None

    def measure_work(self, module, row):
        work, embedding = modules.dense_work(module, row), module.embedding
        if embedding is None:
            return work
        return work._replace(n_values=max(work.n_values, embedding.n_values))
