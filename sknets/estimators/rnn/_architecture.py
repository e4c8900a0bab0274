"""The plan of a recurrent network."""

import math

from sknets import modules, training
from sknets._plain import kept
from sknets._warn import warn_user
from sknets.estimators._architecture import Architecture
from sknets.estimators.rnn._shortcut import fit_shortcut
from sknets.inputs import describe_columns, doubt_times, scale_sequences

# batch_size="auto"; so few rows that all of them fit in two batches make one
_FEWEST_ROWS, _MOST_ROWS = 32, 128
_N_BATCHES = 16


@kept
class Recurrent(Architecture):
    """Recurrent layers between sequences and a dense head, or a decoder.

    Parameters
    ----------
    spec : dict
        The plan.
    """

    auto_max_norm = 1.0
    small_step = training.SMALL_RECURRENT_STEP
    column = "feature"
    scale_remedy = "Set input_scaling='standardize', or (mean, std) in units of X."

    def __init__(self, spec):
        super().__init__(spec)
        self.starts_fitted = bool(spec["n_shortcut"])

    @property
    def activations(self):
        """Those of the convolutions and of the head."""
        return [
            *(layer["activation"] for layer in self.spec["convolutions"]),
            *self.spec["head_activations"],
        ]

    def build(self, generator):
        with self._seeded_activations(generator):
            return self._build(generator)

    def _build(self, generator):
        spec = self.spec
        source = modules.SequenceInput(**spec["input"], generator=generator)
        common = {
            name: spec[name] for name in ("layer_sizes", "cell", "dropout", "recurrent_dropout")
        }
        stack = modules.RecurrentStack(
            source.n_outputs,
            convolutions=spec["convolutions"],
            bidirectional=spec["bidirectional"],
            bptt_steps=spec["bptt_steps"],
            weight_init=spec["weight_init"],
            generator=generator,
            **common,
        )
        head = {
            "layer_sizes": spec["head_sizes"],
            "activations": spec["head_activations"],
            "dropout": [spec["dropout"]] * len(spec["head_activations"]),
            "normalization": None,
            "weight_init": spec["weight_init"],
        }
        options = {"pool": spec["pool"], "head": head, "generator": generator}
        if spec["decoder"] is not None:
            return modules.EncoderDecoder(source, stack, **common, **spec["decoder"], **options)
        options |= {"feature_dropout": spec["dropout"], "n_shortcut": spec["n_shortcut"]}
        return modules.RecurrentNet(source, stack, **options)

    def prepare(self, module, rows, target, sample_weight):
        doubt = None if module.input.is_tokens else doubt_times(rows)
        if doubt is not None:
            warn_user(doubt)
        scale_sequences(module.input, self.spec["input_scaling"], rows, sample_weight)
        if self.starts_fitted:
            weight, bias, spread = fit_shortcut(module, rows, target, sample_weight)
            module.shortcut.set_to(weight, bias, spread)
            self.loss_left = float((spread**2).mean())

    def describe_columns(self, module, rows, sample_weight):
        if isinstance(self.spec["input_scaling"], str) or module.input.is_tokens:
            return None
        shift, scale = (
            b.cpu().numpy().astype(float) for b in (module.input.shift, module.input.scale)
        )
        return describe_columns(rows, sample_weight, shift, scale)

    def measure_work(self, module, row):
        n_steps = math.ceil(row.shape[1] / module.stack.shortening)
        if self.spec["decoder"] is not None:
            n_steps += module.max_output_length
        return modules.measure_work(module, row, n_steps)

    def auto_batch_size(self, n_rows):
        return series_batch_size(n_rows)


def series_batch_size(n_rows):
    """Return what ``batch_size="auto"`` means for so many rows."""
    if n_rows <= 2 * _FEWEST_ROWS:
        return n_rows
    return min(max(n_rows // _N_BATCHES, _FEWEST_ROWS), _MOST_ROWS)
