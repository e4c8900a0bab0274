"""Which changes of images do not change what they show: the user's declaration."""

import math
from numbers import Real

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils import check_array

from sknets import modules, training
from sknets._extras import needed
from sknets._plain_torch import in_plain_torch
from sknets._version import Versioned
from sknets.modules._augmentation import RandomImages, whole_pixels

_FLIPS = ("horizontal", "vertical", "both")
_FILLS = ("edge", "zero")

#: What a number must be, in words and as a test that nan fails.
_AT_LEAST_0 = ("a number of at least 0", lambda v: 0 <= v < math.inf)
_SHARE = ("a share of at least 0 and less than 1", lambda v: 0 <= v < 1)
_RULES = {
    "rotate": ("an angle from 0 to 180 degrees", lambda v: 0 <= v <= 180),
    "scale": _AT_LEAST_0,
    "crop": ("None or a share greater than 0 and at most 1", lambda v: v is None or 0 < v <= 1),
    "noise": _AT_LEAST_0,
    "erase": _SHARE,
    "brightness": _AT_LEAST_0,
    "contrast": ("a number from 0 to 1", lambda v: 0 <= v <= 1),
    "mixup": _AT_LEAST_0,
    "cutmix": _AT_LEAST_0,
    "perspective": ("a number from 0 to 1", lambda v: 0 <= v <= 1),
    "elastic": _SHARE,
    "blur": _AT_LEAST_0,
    "flip": (f"None or one of {_FLIPS}", lambda v: v is None or v in _FLIPS),
    "fill": (f"one of {_FILLS}", lambda v: v in _FILLS),
}


class Augmentation(Versioned, BaseEstimator):
    """Random changes of the training images of a convolutional network.

    In every epoch the network sees each image changed anew, and so learns that a shifted digit is the
    same digit. Everything is off by default: switch on what leaves your labels true. Predictions use
    images as they are.

    The changes are made in the order: movements, brightness and the like, `transforms`, mixing. Their
    units do not depend on those of X, since a network standardises its channels first (with
    ``input_scaling=None``, a standard deviation is 1 and a mean 0, in units of X).

    Parameters
    ----------
    shift : float or tuple of float, default=0.0
        Largest movement along each spatial axis as a share of the size, less than 1; a tuple has one
        for each axis. Without `rotate`, `scale` and `crop`, images move by whole pixels.
    rotate : float, default=0.0
        Largest angle in degrees, to either side. Volumes turn in the plane of their last two axes.
    scale : float, default=0.0
        Sizes are drawn log-uniformly between 1 / (1 + scale) and 1 + scale.
    flip : {"horizontal", "vertical", "both", None}, default=None
        Axes that are reversed with probability one half: left and right (of a signal: time), top and
        bottom, or each of the two.
    crop : float or None, default=None
        Side of a window as a share of the size, such as 0.8; it is cut out at a random place and
        resized to the full size.
    fill : {"edge", "zero"}, default="edge"
        What moves in from outside: the value at the edge, or the mean of the channel.
    noise : float, default=0.0
        Standard deviation of Gaussian noise, in standard deviations of the channel.
    erase : float, default=0.0
        Share of the area of a box, at a random place and of a random shape, that is set to the mean of
        the channel.
    brightness : float, default=0.0
        Largest value that is added to or subtracted from an image, in standard deviations of the channel.
    contrast : float, default=0.0
        The deviations from the mean of an image are multiplied by a factor between 1 - contrast and
        1 + contrast.
    mixup : float, default=0.0
        Mixes pairs of images, and their targets alike; the share comes from Beta(mixup, mixup). With
        `cutmix` too, each mini-batch draws one of the two.
    cutmix : float, default=0.0
        Puts a box of one image into another, and mixes their targets by area; the share comes from
        Beta(cutmix, cutmix).
    perspective : float, default=0.0
        Each corner of an image moves inwards by up to this share of half the side (needs kornia).
    elastic : float, default=0.0
        Typical displacement of a pixel by a smooth random deformation, as a share of the side (needs
        kornia).
    blur : float, default=0.0
        Largest standard deviation of a Gaussian blur, in pixels (needs kornia).
    transforms : list of callable or None, default=None
        Your own changes of tensors of shape (n, channels, height, width), such as modules of kornia;
        a signal has height 1. What they draw from Torch comes from the fit's generator.

    See Also
    --------
    sknets.CNNClassifier : Takes it as `augment`.

    References
    ----------
    P. Simard, D. Steinkraus and J. Platt (2003), Best practices for convolutional neural networks applied
    to visual document analysis (`elastic`). H. Zhang et al. (2018), mixup: Beyond empirical risk
    minimization. S. Yun et al. (2019), CutMix. Z. Zhong et al. (2020), Random erasing data augmentation.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sknets.preprocessing import Augmentation
    >>> images = load_digits().images[:5]
    >>> augment = Augmentation(shift=0.1, rotate=10, noise=0.1)
    >>> augment.sample(images, random_state=0).shape
    (5, 8, 8)
    """

    _parameter_constraints: dict = {
        "shift": [Real, tuple, list],
        "rotate": [Real],
        "scale": [Real],
        "flip": [str, None],
        "crop": [Real, None],
        "fill": [str],
        "noise": [Real],
        "erase": [Real],
        "brightness": [Real],
        "contrast": [Real],
        "mixup": [Real],
        "cutmix": [Real],
        "perspective": [Real],
        "elastic": [Real],
        "blur": [Real],
        "transforms": [list, tuple, None],
    }

    def __init__(
        self,
        *,
        shift=0.0,
        rotate=0.0,
        scale=0.0,
        flip=None,
        crop=None,
        fill="edge",
        noise=0.0,
        erase=0.0,
        brightness=0.0,
        contrast=0.0,
        mixup=0.0,
        cutmix=0.0,
        perspective=0.0,
        elastic=0.0,
        blur=0.0,
        transforms=None,
    ):
        self.shift = shift
        self.rotate = rotate
        self.scale = scale
        self.flip = flip
        self.crop = crop
        self.fill = fill
        self.noise = noise
        self.erase = erase
        self.brightness = brightness
        self.contrast = contrast
        self.mixup = mixup
        self.cutmix = cutmix
        self.perspective = perspective
        self.elastic = elastic
        self.blur = blur
        self.transforms = transforms

    def make(self, n_spatial, size):
        """Make the callable that changes batches, for images of one size.

        Parameters
        ----------
        n_spatial : {1, 2, 3}
            Number of spatial dimensions: signals, images or volumes.
        size : tuple of int
            Spatial sizes of the tensors; a signal's begin with a height of 1.

        Returns
        -------
        RandomImages
            Takes a batch of standardised images and returns it changed, with the partners it was
            mixed with. Its attribute `generator` is the source of its random numbers.

        Raises
        ------
        ValueError
            If a parameter is invalid, or does not suit these images.
        ImportError
            If a parameter needs kornia, which is missing.
        """
        self._validate_params()
        for name, (words, is_valid) in _RULES.items():
            if not is_valid(getattr(self, name)):
                raise ValueError(f"{name}={getattr(self, name)!r} must be {words}.")
        if not all(callable(transform) for transform in self.transforms or ()):
            raise ValueError(f"transforms={self.transforms!r} must hold callables.")
        self._check_suits(n_spatial)
        return RandomImages(
            n_spatial,
            shift=self._read_shift(tuple(size)[-n_spatial:]),
            rotate=float(self.rotate),
            scale=float(self.scale),
            flip=self.flip,
            crop=self.crop,
            fill=self.fill,
            noise=float(self.noise),
            erase=float(self.erase),
            brightness=float(self.brightness),
            contrast=float(self.contrast),
            mixup=float(self.mixup),
            cutmix=float(self.cutmix),
            warps=[
                _Seeded(_WARPS[name](self, tuple(size)), name)
                for name in _WARPS
                if getattr(self, name)
            ],
            transforms=[
                _Seeded(transform, f"transforms[{i}]")
                for i, transform in enumerate(self.transforms or ())
            ],
        )

    @in_plain_torch
    def sample(self, X, random_state=None):
        """Look at what the changes do to images.

        Each channel is standardised by its mean and standard deviation in X, changed, and put back into
        its units. Images are not mixed.

        Parameters
        ----------
        X : array-like of shape (n, length), (n, height, width), (n, height, width, channels) or \
                (n, depth, height, width, channels)
            Signals, images or volumes.
        random_state : int, RandomState instance or None, default=None
            Seed of the changes.

        Returns
        -------
        ndarray of the shape of X
            The changed images: uint8 and float32 if X is, else float64. What leaves the range of uint8
            is cut off.

        Examples
        --------
        >>> import numpy as np
        >>> from sknets.preprocessing import Augmentation
        >>> ramps = np.tile(np.arange(8), (3, 1))
        >>> Augmentation(shift=0.25).sample(ramps, random_state=0).round()
        array([[1., 2., 3., 4., 5., 6., 7., 7.],
               [2., 3., 4., 5., 6., 7., 7., 7.],
               [1., 2., 3., 4., 5., 6., 7., 7.]])
        """
        is_uint8 = getattr(X, "dtype", None) == np.uint8
        X = check_array(X, allow_nd=True, dtype=(np.float64, np.float32), input_name="X")
        if X.ndim not in _N_SPATIAL:
            raise ValueError(
                f"X has shape {X.shape}; it must have 2 axes (n, length), 3 (n, height, width), "
                "4 (n, height, width, channels) or 5 (n, depth, height, width, channels)."
            )
        values = torch.tensor(X)
        images = modules.ImageInput(X.shape[1:], _N_SPATIAL[X.ndim]).to(values.dtype)
        change = self.make(_N_SPATIAL[X.ndim], images.size)
        change.generator = training.make_generator(random_state)
        channels = images.as_images(values).transpose(0, 1).reshape(images.n_channels, -1)
        deviation, mean = torch.std_mean(channels, dim=1, correction=0)
        images.standardize_by(mean, torch.where(deviation > 0, deviation, 1.0))
        changed = change.change(images(values)) * images.scale + images.shift
        samples = changed.movedim(1, -1).reshape(X.shape).numpy()
        return samples.round().clip(0, 255).astype(np.uint8) if is_uint8 else samples

    def _read_shift(self, size):
        """Return a share for each axis, or none at all."""
        shift = self.shift
        if isinstance(shift, Real):
            shift = (shift,) * len(size)
        if len(shift) != len(size):
            raise ValueError(
                f"shift={self.shift!r} must be one number or {len(size)}, one for each spatial axis."
            )
        words, is_valid = _SHARE
        if not all(isinstance(share, Real) and is_valid(share) for share in shift):
            raise ValueError(f"shift={self.shift!r} must be {words}, or a tuple of them.")
        by_pixels = not (self.rotate or self.scale or self.crop is not None)
        if any(shift) and by_pixels and not any(whole_pixels(shift, size)):
            raise ValueError(
                f"shift={self.shift!r} is less than half a pixel of images of size {size} and would "
                "move nothing; give a larger share, or 0."
            )
        return tuple(float(share) for share in shift) if any(shift) else ()

    def _check_suits(self, n_spatial):
        """Refuse what means nothing for signals or volumes."""
        flat_only = ("perspective", "elastic", "blur")
        refused = {1: ("rotate", *flat_only), 2: (), 3: flat_only}[n_spatial]
        kind = {1: "signals", 2: "images", 3: "volumes"}[n_spatial]
        for name in refused:
            if getattr(self, name):
                raise ValueError(
                    f"{name}={getattr(self, name)!r} does not suit {kind}; leave it at 0."
                )
        if n_spatial == 1 and self.flip in ("vertical", "both"):
            raise ValueError(
                f"flip={self.flip!r} does not suit signals; 'horizontal' reverses time."
            )


#: Number of spatial dimensions by the number of axes of X in `Augmentation.sample`.
_N_SPATIAL = {2: 1, 3: 2, 4: 2, 5: 3}


class _Seeded:
    """A change of tensors by somebody else's code, which draws from our generator."""

    def __init__(self, transform, name):
        self.transform = transform
        self.name = name

    def __call__(self, images, generator):
        place = getattr(self.transform, "set_rng_device_and_dtype", None)
        if place is not None:  # kornia would draw on the CPU, where our generator need not be
            place(images.device, images.dtype)
        with training.Seeded(generator):
            changed = self.transform(images)
        got = tuple(changed.shape) if torch.is_tensor(changed) else type(changed).__name__
        if got != images.shape:
            raise ValueError(
                f"{self.name} must return a tensor of the shape {tuple(images.shape)} it was given, got "
                f"{got}."
            )
        return changed.to(images.dtype)


# --- kornia ----------------------------------------------------------------------------------------


def _kornia(name, value):
    with needed(f"augment=Augmentation({name}={value!r})", "kornia", "images"):
        import kornia.augmentation
        import kornia.geometry
    return kornia


class _Perspective:
    """Perspective distortions that kornia draws, filled from the edge if wanted."""

    def __init__(self, augmentation, size):
        kornia = _kornia("perspective", augmentation.perspective)
        self.draws = kornia.augmentation.RandomPerspective(augmentation.perspective, p=1.0)
        self.set_rng_device_and_dtype = self.draws.set_rng_device_and_dtype
        self.make_matrix = kornia.geometry.transform.get_perspective_transform
        self.warp = kornia.geometry.transform.warp_perspective
        self.size = size
        self.padding = _PADDING[augmentation.fill]

    def __call__(self, images):
        corners = self.draws.forward_parameters(images.shape)
        start, end = (corners[k].to(images) for k in ("start_points", "end_points"))
        matrix = self.make_matrix(start, end)
        return self.warp(images, matrix, self.size, padding_mode=self.padding)


def _make_elastic(augmentation, size):
    kornia = _kornia("elastic", augmentation.elastic)
    # Simard et al. smooth the displacements of 28 x 28 digits by 4 pixels
    sigma = tuple(length / 7 for length in size)
    # a uniform draw from [-1, 1] has variance 1/3, and the squares of a Gaussian kernel sum to
    # 1 / (4 pi sigma_y sigma_x); kornia's unit of displacement is half the side
    deviation = math.sqrt(1 / 3 / (4 * math.pi * math.prod(sigma)))
    return kornia.augmentation.RandomElasticTransform(
        kernel_size=tuple(_kernel_size(s) for s in sigma),
        sigma=sigma,
        alpha=(2 * augmentation.elastic / deviation,) * 2,
        padding_mode=_PADDING[augmentation.fill],
        p=1.0,
    )


def _make_blur(augmentation, size):
    kornia = _kornia("blur", augmentation.blur)
    return kornia.augmentation.RandomGaussianBlur(
        kernel_size=_kernel_size(augmentation.blur),
        sigma=(1e-3 * augmentation.blur, augmentation.blur),  # kornia refuses 0
        border_type="replicate",
        p=1.0,
    )


def _kernel_size(sigma):
    return 2 * math.ceil(3 * sigma) + 1


_PADDING = {"edge": "border", "zero": "zeros"}
_WARPS = {"perspective": _Perspective, "elastic": _make_elastic, "blur": _make_blur}
