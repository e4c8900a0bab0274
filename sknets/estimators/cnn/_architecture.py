"""The plan of a convolutional network."""

import copy
from contextlib import nullcontext

import torch

from sknets import modules, training
from sknets._plain import kept
from sknets._warn import warn_user
from sknets.estimators._architecture import Architecture, load_arrays
from sknets.estimators._base import BaseNet
from sknets.estimators.cnn._backbone import make_backbone
from sknets.inputs import describe_channels, doubt_channels, scale_images

_BATCH_SIZE = 32  # batch_size="auto"; so few rows that all of them fit in two batches make one


@kept
class Convolutional(Architecture):
    """Convolutions between images and a dense head.

    Parameters
    ----------
    spec : dict
        The plan.
    augmentation : Augmentation or None
        How images are changed in training.
    fine_tune_layers : int or "all"
        Layers of a backbone that learn in a second phase.
    is_dim_set : bool
        Whether the user has set the number of spatial dimensions.
    """

    small_step = training.SMALL_CONV_STEP
    column = "channel"
    scale_remedy = "Set input_scaling='standardize', or (mean, std) in units of X."

    def __init__(self, spec, *, augmentation, fine_tune_layers, is_dim_set):
        super().__init__(spec)
        self.augmentation = augmentation
        self.fine_tune_layers = fine_tune_layers
        self.is_dim_set = is_dim_set

    @property
    def is_pretrained(self):
        """Whether there is a backbone."""
        return self.spec["backbone"] is not None

    @property
    def activations(self):
        """Those of the convolutions and of the head."""
        return [
            *(layer["activation"] for layer in self.spec["layers"]),
            *self.spec["head_activations"],
        ]

    @property
    def _holds_foreign_module(self):
        return self.is_pretrained and not isinstance(self.spec["backbone"], BaseNet)

    @property
    def no_partial_fit(self):
        """What keeps a partial fit from going on with this network, or None."""
        if not self.is_pretrained or self.fine_tune_layers == 0:
            return None
        return (
            "trains the head of a backbone and has no second phase; set fine_tune_layers=0, it is "
            f"{self.fine_tune_layers!r}."
        )

    @property
    def augment(self):
        """What changes the images of a batch in training, or None."""
        if self.augmentation is None:
            return None
        images = modules.ImageInput(**self.spec["input"])
        return self.augmentation.make(self.spec["input"]["n_spatial"], images.size)

    def build(self, generator):
        spec = self.spec
        images = modules.ImageInput(**spec["input"])
        base = self._build_base(images, generator)
        n_hidden = len(spec["head_sizes"]) - 1
        with self._seeded_trial(generator):
            network = modules.ConvNet(
                images,
                base,
                global_pooling=spec["global_pooling"],
                feature_dropout=spec["dropout"],
                is_pretrained=self.is_pretrained,
                head={
                    "layer_sizes": spec["head_sizes"],
                    "activations": spec["head_activations"],
                    "dropout": [spec["dropout"]] * n_hidden,
                    "normalization": None,
                    "weight_init": spec["weight_init"],
                },
                generator=generator,
            )
        return network.to(next(network.base.parameters(), images.scale).dtype)

    def _seeded_trial(self, generator):
        """Return a context in which somebody else's backbone or activation may draw when tried out.

        Without these it does nothing, since `Seeded` imports Torch's compiler, which takes seconds.
        """
        is_foreign = self.is_pretrained or self._has_own_activations
        return training.Seeded(generator) if is_foreign else nullcontext()

    def _build_base(self, images, generator):
        spec = self.spec
        if isinstance(self.start, torch.nn.Module):
            return copy.deepcopy(self.start)
        if self.is_pretrained:
            base = make_backbone(spec["backbone"], images, generator)
            if self.start is not None:  # the weights, as files have them
                load_arrays(base, self.start)
                self.start = copy.deepcopy(base)
            return base
        with self._seeded_activations(generator):
            return modules.make_base(
                images,
                spec["layers"],
                method=spec["conv_method"],
                residual=spec["residual"],
                weight_init=spec["weight_init"],
                spatial_dropout=spec["spatial_dropout"],
                generator=generator,
            )

    def prepare(self, module, rows, target, sample_weight):
        doubt = doubt_channels(rows, **self.spec["input"], is_dim_set=self.is_dim_set)
        if doubt is not None:
            warn_user(doubt)
        if self.is_pretrained:
            # a copy of its own: what the user does to the backbone later is no matter of this fit
            self.start = copy.deepcopy(module.base).cpu()
            module.thaw(self.fine_tune_layers)  # there must be so many
        came_scaled = isinstance(self.spec["backbone"], BaseNet)
        scaling = self.spec["input_scaling"]
        if came_scaled and isinstance(scaling, str):
            self.spec["backbone"]._learned.input.kind.check(rows, "backbone")
        else:
            scale_images(module.input, scaling, rows, sample_weight)

    def describe_columns(self, module, rows, sample_weight):
        if isinstance(self.spec["input_scaling"], str):
            return None
        return describe_channels(rows, sample_weight, module.input)

    def measure_work(self, module, row):
        with self._seeded_trial(torch.Generator()):
            return modules.measure_work(module, row)

    def auto_batch_size(self, n_rows):
        return image_batch_size(n_rows)


def image_batch_size(n_rows):
    """Return what ``batch_size="auto"`` means for so many rows."""
    return n_rows if n_rows <= 2 * _BATCH_SIZE else _BATCH_SIZE
