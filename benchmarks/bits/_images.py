"""Images, signals and volumes: shapes of X, layers of convolutions, augmentation and backbones."""

import numpy as np
import torch
from sklearn.frozen import FrozenEstimator
from torch import nn

from bits import _data as d
from bits._networks import CNN, QUICK
from bits._see import fit, see
from sknets import CNNClassifier, CNNFeatures, CNNRegressor
from sknets.preprocessing import Augmentation

FLAT = d.IMAGES.reshape(80, 64)
BYTES = d.IMAGES.astype(np.uint8)
FIRST = np.ascontiguousarray(np.moveaxis(d.COLOURED, -1, 1))


def classify(X=d.IMAGES, y=d.DIGITS, **params):
    return fit(CNNClassifier(**CNN | params), X, y[: len(X)])


def regress(X=d.IMAGES, y=d.INK, **params):
    return fit(CNNRegressor(**CNN | params), X, y[: len(X)])


def augmented(X=d.IMAGES, **params):
    return classify(X, augment=Augmentation(**params))


class Base(nn.Sequential):
    """Pretrained layers as a user has them, which draw and have statistics."""

    def __init__(self):
        layers = nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Conv2d(4, 5, 3)
        super().__init__(nn.Conv2d(1, 4, 3), *layers)
        generator = torch.Generator().manual_seed(0)
        for weights in self.parameters():
            nn.init.uniform_(weights, -0.3, 0.3, generator=generator)


def pretrained():
    """Return a fitted network that knows other classes."""
    return CNNClassifier(**CNN).fit(d.IMAGES, d.DIGITS > 1)


def transfer(make_backbone, **params):
    """Return a case that learns on top of what a function makes."""

    def case():
        network = CNNClassifier(backbone=make_backbone(), **QUICK | params)
        return see(network.fit(d.IMAGES, d.DIGITS), d.IMAGES)

    return case


TUNED = {"fine_tune_layers": 1, "fine_tune_iter": 2, "fine_tune_learning_rate": 0.01}
ALL_TUNED = TUNED | {"fine_tune_layers": "all"}

IMAGE_FITS = {
    # X
    "images in a table": classify(FLAT, input_shape=(8, 8)),
    "images in a sheet of channels": classify(FLAT, input_shape=(4, 4, 4)),
    "images of bytes": classify(BYTES),
    "images in float32": classify(d.IMAGES.astype(np.float32)),
    "images in a list": fit(CNNClassifier(**CNN), list(d.IMAGES), d.DIGITS),
    "channels last": classify(d.COLOURED),
    "channels first": classify(FIRST, data_format="channels_first"),
    "signals": classify(d.SIGNALS, d.SIDES),
    "signals of two channels": classify(d.TWO_CHANNELS, d.SIDES, conv_dim=1),
    "signals, numbers": regress(d.SIGNALS, d.SIGNALS[:, 3]),
    "volumes": classify(d.VOLUMES, d.SIDES, conv_dim=3),
    "volumes of channels": classify(d.VOLUMES[..., None], d.SIDES),
    "images as they are": classify(input_scaling=None),
    "images, a scaling": classify(input_scaling=(8.0, 5.0)),
    "channels, a scaling of each": classify(d.COLOURED, input_scaling=([7, 8, 9], [4, 5, 6])),
    # y
    "images, two classes": classify(y=d.DIGITS % 2),
    "images, labels": classify(y=np.c_[d.DIGITS > 1, d.DIGITS % 2].astype(int)),
    "images, two numbers": regress(y=np.c_[d.INK, d.INK**2]),
    "images, poisson": regress(loss="poisson"),
    # layers
    "channels auto": classify(conv_channels="auto", max_iter=2),
    "large kernels": classify(kernel_size=5, padding=2),
    "kernels of each layer": classify(kernel_size=[3, (1, 2)], padding="valid"),
    "strides": classify(stride=2, pooling=None),
    "padding by number": classify(padding=1, pool_stride=1),
    "pooling by average": classify(pooling="average"),
    "pooling with weights": classify(pooling="weighted"),
    "downsampling": classify(pooling="downsample"),
    "pooling of each layer": classify(pooling=["max", None], pool_size=(2, 1)),
    "overlapping windows": classify(pool_size=3, pool_stride=2),
    "maps normalised over the batch": classify(normalization="batch"),
    "maps normalised over the batch, lbfgs": regress(normalization="batch", solver="lbfgs"),
    "maps normalised over the batch, average": classify(normalization="batch", average="polyak"),
    "maps normalised in groups": classify(conv_channels=(16,)),
    "maps normalised over all channels": classify(conv_channels=(16,), normalization="layer"),
    "maps not normalised": classify(normalization=None),
    "head of maxima": classify(global_pooling="max"),
    "head of all values": classify(global_pooling=None),
    "residual": classify(residual=True),
    "residual, strides": classify(residual=True, stride=2, pooling=None, normalization="batch"),
    "fft": classify(conv_method="fft"),
    "fft of signals": classify(d.SIGNALS, d.SIDES, conv_method="fft", kernel_size=9),
    "fft by itself": classify(kernel_size=13, conv_channels=(3,)),
    "direct": classify(conv_method="direct"),
    "hidden layers": classify(
        hidden_layer_sizes=(6, 5), activation=["relu", "elu", "tanh", "gelu"]
    ),
    "learned slopes": classify(activation="prelu"),
    "dropout of the head": classify(hidden_layer_sizes=6, dropout=0.3),
    "dropout of maps": classify(spatial_dropout=0.3),
    "dropout of both": regress(spatial_dropout=0.2, dropout=0.2, residual=True),
    "kernels he_normal": classify(weight_init="he_normal"),
    # augmentation
    "shifted": augmented(shift=0.2),
    "moved": augmented(shift=(0.1, 0.2), rotate=20, scale=0.2, fill="zero"),
    "cropped and flipped": augmented(crop=0.7, flip="both"),
    "lit and noisy": augmented(noise=0.1, brightness=0.3, contrast=0.3, erase=0.2),
    "mixup": augmented(mixup=0.4),
    "cutmix": augmented(cutmix=1.0),
    "mixup and cutmix": augmented(mixup=0.4, cutmix=1.0, shift=0.1),
    "bent": augmented(perspective=0.3, elastic=0.05, blur=1.0),
    "changed by a function": augmented(transforms=[lambda x: x + 0.1 * torch.rand_like(x)]),
    "signals shifted": augmented(d.SIGNALS, shift=0.2, flip="horizontal", noise=0.1),
    "volumes turned": augmented(d.VOLUMES[..., None], rotate=20, flip="both"),
    "mixup of numbers": regress(augment=Augmentation(mixup=0.4)),
    "mixup, smoothed": classify(augment=Augmentation(mixup=0.4), label_smoothing=0.1),
    "mixup, early stopping": classify(augment=Augmentation(mixup=0.4), early_stopping=True),
    "samples of augmentation": lambda: {
        "sample": Augmentation(shift=0.1, rotate=9).sample(d.IMAGES, random_state=0)
    },
    # backbones
    "on a fitted network": transfer(pretrained),
    "on a frozen network": transfer(lambda: FrozenEstimator(pretrained())),
    "on a fitted network, lbfgs": transfer(pretrained, solver="lbfgs"),
    "on a fitted network, one layer tuned": transfer(pretrained, **TUNED),
    "on a fitted network, all tuned": transfer(pretrained, **ALL_TUNED),
    "on a fitted network, all tuned, early stopping": transfer(
        pretrained, **ALL_TUNED, early_stopping=True
    ),
    "on a fitted network, hidden layer": transfer(pretrained, hidden_layer_sizes=5, dropout=0.2),
    "on a module": transfer(Base),
    "on a module, one layer tuned": transfer(Base, **TUNED),
    "on a module, all tuned": transfer(Base, **ALL_TUNED, average="polyak"),
    "on a function": transfer(lambda: Base),
    # features for other models
    "features": lambda: see(CNNFeatures(CNNClassifier(**CNN)).fit(d.IMAGES, d.DIGITS), d.IMAGES),
    "features, another seed": lambda: see(
        CNNFeatures(CNNRegressor(**CNN), random_state=5).fit(d.IMAGES, d.INK), d.IMAGES
    ),
    "features of a frozen network": lambda: see(
        CNNFeatures(FrozenEstimator(pretrained())).fit(d.IMAGES), d.IMAGES
    ),
    "large images": classify(
        d.IMAGES.repeat(2, 1), conv_channels=(32, 64), batch_size=40, max_iter=2
    ),  # two threads
}
