"""The plan of a dense network."""

from sknets import modules, training
from sknets._plain import kept
from sknets.estimators._architecture import TableArchitecture
from sknets.inputs import describe_columns


@kept
class Dense(TableArchitecture):
    """A stack of dense layers between a table and the raw outputs.

    Parameters
    ----------
    spec : dict
        The plan.
    pretraining : object or None, default=None
        What fills the hidden layers of a new network: ``pretraining.fill(layers, rows, weight, seed)``.
    """

    pretraining = seed = None

    def __init__(self, spec, pretraining=None):
        super().__init__(spec)
        if pretraining is not None:
            self.pretraining = pretraining

    @property
    def activations(self):
        """Those of the hidden layers."""
        return self.spec["activations"]

    def build(self, generator):
        with self._seeded_activations(generator):
            module = modules.DenseStack(**self.spec, generator=generator)
        if self.pretraining is not None:
            self.seed = training.draw_seed(generator)
        return module

    def prepare(self, module, rows, target, sample_weight):
        """Learn the edges of bins and the first weights, if asked for; columns are scaled outside."""
        if module.encoder is not None:
            module.encoder.learn(rows, sample_weight)
        if self.pretraining is not None:
            *layers, _ = module.weighted_layers
            self.pretraining.fill(layers, rows, sample_weight, self.seed)
            self.pretraining = None  # what goes on has weights, and a pickle needs no more

    def describe_columns(self, module, rows, sample_weight):
        # bins are in units of their own
        return describe_columns(rows, sample_weight) if module.encoder is None else None

    def measure_work(self, module, row):
        work, embedding = modules.dense_work(module, row), module.embedding
        if embedding is None:
            return work
        return work._replace(n_values=max(work.n_values, embedding.n_values))
