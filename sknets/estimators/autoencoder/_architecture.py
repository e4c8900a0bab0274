"""The plans of autoencoders."""

from sknets import modules, training
from sknets._plain import kept
from sknets._warn import warn_user
from sknets.estimators._architecture import Architecture, TableArchitecture
from sknets.estimators._methods import without_class
from sknets.estimators.cnn._architecture import image_batch_size
from sknets.estimators.rnn._architecture import series_batch_size
from sknets.inputs import doubt_channels, doubt_times


@without_class
class Mirrored(Architecture):
    """Layers down to a code, and their mirror image up again.

    Parameters
    ----------
    spec : dict
        The plan.
    scaling : targets.Scaling
        What rows are scaled by as a target, and so as an input.

    Attributes
    ----------
    n_components : int
        Numbers of the code.
    """

    def __init__(self, spec, scaling):
        super().__init__(spec)
        self.scaling = scaling

    @property
    def _scale(self):
        """What all columns are divided by: those without spread, too, have the scale of the others."""
        common = self.scaling.scale[~self.scaling.is_constant]
        return common[0] if len(common) else 1.0

    def describe_columns(self, module, rows, sample_weight):
        """Return None: columns count by their spread on purpose."""


@kept
class MirroredDense(Mirrored, TableArchitecture):
    """Dense layers."""

    @property
    def n_components(self):
        """Numbers of the code."""
        return self.spec["layer_sizes"][self.spec["n_encoder"]]

    @property
    def activations(self):
        """Those of the hidden layers, the code among them."""
        return self.spec["activations"]

    def build(self, generator):
        with self._seeded_activations(generator):
            return modules.DenseAutoencoder(**self.spec, generator=generator)

    def prepare(self, module, rows, target, sample_weight):
        """Take over means and scale."""
        module.encoder.set_to(self.scaling.shift, self._scale)

    def measure_work(self, module, row):
        return modules.dense_work(module, row)


@kept
class MirroredConvolutions(Mirrored):
    """Convolutions and dense layers.

    Parameters
    ----------
    spec, scaling
        As of all.
    is_dim_set : bool
        Whether the user has set the number of spatial dimensions.
    """

    small_step = training.SMALL_CONV_STEP

    def __init__(self, spec, scaling, *, is_dim_set):
        super().__init__(spec, scaling)
        self.is_dim_set = is_dim_set

    @property
    def n_components(self):
        """Numbers of the code."""
        return self.spec["head_sizes"][-1]

    @property
    def activations(self):
        """Those of the convolutions, of hidden layers and of the code."""
        return [
            *(layer["activation"] for layer in self.spec["layers"]),
            *self.spec["head_activations"],
        ]

    def build(self, generator):
        with self._seeded_activations(generator):
            return modules.ConvAutoencoder(**self.spec, generator=generator)

    def prepare(self, module, rows, target, sample_weight):
        """Take over means and scale; say where axes of X seem to be read wrongly."""
        doubt = doubt_channels(rows, **self.spec["input"], is_dim_set=self.is_dim_set)
        if doubt is not None:
            warn_user(doubt)
        module.encoder.set_to(self.scaling.shift, self._scale)

    def measure_work(self, module, row):
        return modules.measure_work(module, row)

    def auto_batch_size(self, n_rows):
        return image_batch_size(n_rows)


@kept
class Unrolling(Mirrored):
    """Recurrent layers that read a series, and others that unroll it."""

    auto_max_norm = 1.0
    small_step = training.SMALL_RECURRENT_STEP

    @property
    def n_components(self):
        """Numbers of the code."""
        return self.spec["head_sizes"][-1]

    @property
    def activations(self):
        """Those of hidden layers and of the code."""
        return self.spec["head_activations"]

    def build(self, generator):
        with self._seeded_activations(generator):
            return modules.RecurrentAutoencoder(**self.spec, generator=generator)

    def prepare(self, module, rows, target, sample_weight):
        """Take over means and scale; say where axes of X seem to be read wrongly."""
        doubt = doubt_times(rows)
        if doubt is not None:
            warn_user(doubt)
        module.input.standardize_by(self.scaling.shift, self._scale)

    def measure_work(self, module, row):
        return modules.measure_work(module, row, 2 * row.shape[1])

    def auto_batch_size(self, n_rows):
        return series_batch_size(n_rows)
