"""Images changed at random, so that a network sees other ones in every epoch.

Shapes: n images, c channels, and the spatial sizes (depth,) height, width; a signal has height 1. Random
numbers are drawn in `RandomImages`; the functions below it do what has been drawn.
"""

import math

import torch
from torch.nn import functional as F

from sknets.modules._images import CHANNELS_LAST


class RandomImages:
    """Callable that changes every image of a batch anew.

    It takes standardised images of shape (n, c, *size), never writes into them, and keeps their dtype,
    device and memory format. The order is: movements, `warps`, values, `transforms`, mixing.

    Parameters
    ----------
    n_spatial : {1, 2, 3}
        Number of spatial dimensions; with 1, images have height 1.
    shift : tuple of float, default=()
        Largest movement along each of the `n_spatial` axes, as a share of the size. Images that are
        neither rotated nor scaled nor cropped move by whole pixels.
    rotate : float, default=0.0
        Largest angle in degrees, in the plane of the last two axes.
    scale : float, default=0.0
        Sizes are drawn log-uniformly between 1 / (1 + scale) and 1 + scale.
    flip : {"horizontal", "vertical", "both", None}, default=None
        Axes that are reversed with probability one half.
    crop : float or None, default=None
        Side of the window that is cut out and resized, as a share of the size.
    fill : {"edge", "zero"}, default="edge"
        What moves in from outside.
    noise : float, default=0.0
        Standard deviation of the noise.
    erase : float, default=0.0
        Share of the area of the box that is set to zero.
    brightness : float, default=0.0
        Largest value that is added or subtracted.
    contrast : float, default=0.0
        Contrasts are drawn between 1 - contrast and 1 + contrast.
    mixup, cutmix : float, default=0.0
        Parameter of the Beta distribution of the share. With both, a batch draws one of the two.
    warps, transforms : sequence of callable, default=()
        Further changes ``change(images, generator) -> images`` of movements and of values.

    Attributes
    ----------
    generator : torch.Generator or None
        Source of all draws, on the device of the images; None draws from Torch's global generator.
    """

    def __init__(
        self,
        n_spatial,
        *,
        shift=(),
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
        warps=(),
        transforms=(),
    ):
        self.n_spatial = n_spatial
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
        self.warps = warps
        self.transforms = transforms
        self.generator = None

    @torch.no_grad()
    def __call__(self, images):
        """Return changed images and, if they were mixed, the partners and the own share.

        Parameters
        ----------
        images : torch.Tensor of shape (n, c, *size)
            Standardised images.

        Returns
        -------
        images : torch.Tensor of shape (n, c, *size)
            The changed images.
        mix : tuple (partner, share) or None
            Row numbers of the partners, an int64 tensor of shape (n,), and the weight, a float, of a
            row's own target; the partner's has the rest.
        """
        changed, mix = self._mix(self.change(images))
        return _in_format_of(images, changed), mix

    @torch.no_grad()
    def change(self, images):
        """Return changed images without mixing any."""
        changed = self._flip(self._move(images))
        for warp in self.warps:
            changed = warp(changed, self.generator)
        changed = self._erase(self._change_values(changed))
        if self.transforms and changed is images:
            changed = images.clone()  # a transform may write in place
        for transform in self.transforms:
            changed = transform(changed, self.generator)
        return _in_format_of(images, changed)

    # --- movements -------------------------------------------------------------------------------

    def _move(self, images):
        n, size = len(images), images.shape[-self.n_spatial :]
        if self.rotate or self.scale or self.crop is not None:
            window = 1.0 if self.crop is None else self.crop
            pixels = images.new_tensor(size)
            shift = images.new_tensor(self.shift or [0.0] * self.n_spatial) * pixels
            slack = (1.0 - window) / 2.0 * pixels
            return warp_affine(
                images,
                shift=shift * self._uniform(images, n, self.n_spatial),
                angle=math.radians(self.rotate) * self._uniform(images, n),
                zoom=torch.exp(math.log1p(self.scale) * self._uniform(images, n)),
                window=window,
                centre=slack * self._uniform(images, n, self.n_spatial),
                fill=self.fill,
            )
        most = whole_pixels(self.shift, size)
        if not any(most):
            return images
        steps = [self._integers(images, -m, m, n) for m in most]
        return move_by_pixels(images, steps, self.fill)

    def _flip(self, images):
        axes = {None: (), "horizontal": (-1,), "vertical": (-2,), "both": (-2, -1)}[self.flip]
        for axis in axes:
            is_flipped = self._uniform(images, len(images), *[1] * (images.ndim - 1)) < 0
            images = torch.where(is_flipped, images.flip(axis), images)
        return images

    # --- values ----------------------------------------------------------------------------------

    def _change_values(self, images):
        per_image = (len(images), *[1] * (images.ndim - 1))
        if self.contrast:
            factor = 1.0 + self.contrast * self._uniform(images, *per_image)
            mean = images.mean(dim=tuple(range(2, images.ndim)), keepdim=True)
            images = torch.lerp(mean, images, factor)
        if self.brightness:
            images = images + self.brightness * self._uniform(images, *per_image)
        if self.noise:
            # with the channels last, in memory too: Torch is 15 times slower where axes are permuted
            noise = torch.empty_like(images.movedim(1, -1), memory_format=torch.contiguous_format)
            noise.normal_(0.0, self.noise, generator=self.generator)
            images = images + noise.movedim(-1, 1)
        return images

    def _erase(self, images):
        """Set a box of an image to zero, the channel's mean (Zhong et al., 2020)."""
        if not self.erase:
            return images
        n, size = len(images), images.shape[-self.n_spatial :]
        # sides erase ** p of the image's, where the powers p of the axes sum to one: the box always fits
        powers = 1.0 + 0.5 * self._uniform(images, self.n_spatial, n)
        shares = self.erase ** (powers / powers.sum(dim=0))
        rest = images.new_full((n,), self.erase * math.prod(size))
        is_inside = True
        for axis, (length, share) in enumerate(zip(size, shares, strict=True)):
            is_last = axis == self.n_spatial - 1  # it makes up for what rounding did to the others
            side = (rest if is_last else share * length).round().clamp(1, length)
            rest = rest / side
            room = (length + 1 - side) * (self._uniform(images, n) + 1.0) / 2.0
            start = room.floor().minimum(length - side)[:, None]  # rounded up, a draw may be 1
            positions = torch.arange(length, device=images.device)
            within = (positions >= start) & (positions < start + side[:, None])
            is_inside = is_inside & _along(within, axis - self.n_spatial, images.ndim)
        return images.masked_fill(is_inside, 0.0)

    # --- mixing ----------------------------------------------------------------------------------

    def _mix(self, images):
        if not (self.mixup or self.cutmix):
            return images, None
        n = len(images)
        partner = torch.randperm(n, generator=self.generator, device=images.device)
        cuts = bool(self.cutmix)
        if self.mixup and self.cutmix:
            cuts = bool(self._integers(images, 0, 1, 1))
        share = self._draw_share(images, self.cutmix if cuts else self.mixup)
        if cuts:
            images, share = self._cut(images, partner, share)
        else:
            images = torch.lerp(images[partner], images, share)
        return images, (partner, share)

    def _cut(self, images, partner, share):
        """Put a box of the partner into each image; the part outside is the share (Yun et al., 2019)."""
        size = images.shape[-self.n_spatial :]
        part = (1.0 - share) ** (1.0 / self.n_spatial)
        box = [...]
        inside = 1.0
        for length in size:
            side = round(part * length)
            start = (
                int(self._integers(images, 0, length - 1, 1)) - side // 2
            )  # the centre is uniform
            cut = slice(max(start, 0), min(start + side, length))
            box.append(cut)
            inside *= (cut.stop - cut.start) / length
        mixed = images.clone()
        mixed[tuple(box)] = images[tuple(box)][partner]
        return mixed, 1.0 - inside

    def _draw_share(self, images, alpha):
        """Draw from Beta(alpha, alpha)."""
        # A Gamma(alpha) is a Gamma(alpha + 1) times U ** (1 / alpha). In logarithms, and the share
        # g / (g + g') as a logistic function, since for small alpha both g and g' would be zero.
        gamma = torch._standard_gamma(images.new_full((2,), alpha + 1.0), generator=self.generator)
        unit = (1.0 - self._uniform(images, 2)) / 2.0  # in (0, 1]
        own, partners = gamma.log() + unit.log() / alpha
        return float(torch.sigmoid(own - partners))

    # --- draws -----------------------------------------------------------------------------------

    def _uniform(self, images, *shape):
        """Draw from [-1, 1) in the dtype and on the device of the images."""
        return images.new_empty(shape).uniform_(-1.0, 1.0, generator=self.generator)

    def _integers(self, images, low, high, n):
        return torch.randint(
            low, high + 1, (n,), generator=self.generator, device=images.device, dtype=torch.int64
        )


def whole_pixels(shift, size):
    """Return the largest shifts in pixels, rounded."""
    return [
        min(round(share * length), length - 1) for share, length in zip(shift, size, strict=False)
    ]


def move_by_pixels(images, steps, fill):
    """Move each image by whole pixels.

    Parameters
    ----------
    images : torch.Tensor of shape (n, c, *size)
        The images.
    steps : sequence of torch.Tensor of shape (n,)
        Pixels along each of the last axes; positive values move to the right and down.
    fill : {"edge", "zero"}
        What moves in.

    Returns
    -------
    torch.Tensor of shape (n, c, *size)
    """
    n, c = images.shape[:2]
    is_outside = False
    place = torch.arange(n, device=images.device).reshape(n, *[1] * (images.ndim - 1))
    for axis, step in enumerate(steps, start=-len(steps)):
        length = images.shape[axis]
        source = torch.arange(length, device=images.device) - step[:, None]
        if fill == "zero":
            beyond = (source < 0) | (source >= length)
            is_outside = is_outside | _along(beyond, axis, images.ndim)
        # the number of the pixel in memory, where the channels of a pixel are neighbours
        place = place * length + _along(source.clamp_(0, length - 1), axis, images.ndim)
    pixels = (
        images.movedim(1, -1).reshape(-1, c).squeeze(1)
    )  # one channel is faster without its axis
    moved = pixels.index_select(0, place.reshape(-1))
    moved = moved.reshape(n, *images.shape[2:], c).movedim(-1, 1)
    return moved.masked_fill_(is_outside, 0.0) if fill == "zero" else moved


def warp_affine(images, *, shift, angle, zoom, window, centre, fill):
    """Shift, rotate and scale each image about its middle, and resize a window of what results.

    All of it is one interpolation.

    Parameters
    ----------
    images : torch.Tensor of shape (n, c, *size)
        The images.
    shift : torch.Tensor of shape (n, n_spatial)
        Pixels by which they move along the last axes.
    angle : torch.Tensor of shape (n,)
        Angles in radians, counter-clockwise in the plane of the last two axes.
    zoom : torch.Tensor of shape (n,)
        Factors of the size.
    window : float
        Side of the window as a share of the size.
    centre : torch.Tensor of shape (n, n_spatial)
        Middle of the window, in pixels from the middle of the image.
    fill : {"edge", "zero"}
        What moves in.

    Returns
    -------
    torch.Tensor of shape (n, c, *size)
    """
    n, n_axes = len(images), images.ndim - 2
    # Torch's order of coordinates is x, y, z; a signal has y = 0
    shift, centre = (F.pad(v.flip(1), (0, n_axes - v.shape[1])) for v in (shift, centre))
    size = images.new_tensor(images.shape[:1:-1])
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn = torch.eye(n_axes, dtype=images.dtype, device=images.device).repeat(n, 1, 1)
    turn[:, 0, 0], turn[:, 0, 1] = cos, -sin
    turn[:, 1, 0], turn[:, 1, 1] = sin, cos
    turn = turn / zoom[:, None, None]
    # the pixel at x of the result comes from turn (window x + centre) / zoom - shift
    start = (turn @ centre[:, :, None])[:, :, 0] - shift
    # in Torch's coordinates, which run from -1 to 1 along every axis
    matrix = turn * window * size / size[:, None]
    theta = torch.cat([matrix, (2.0 * start / size)[:, :, None]], dim=2)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    padding = {"edge": "border", "zero": "zeros"}[fill]
    return F.grid_sample(images, grid, padding_mode=padding, align_corners=False)


def _along(values, axis, n_dims):
    """Return values of shape (n, length) so that they broadcast along an axis of images."""
    shape = [len(values), *[1] * (n_dims - 1)]
    shape[axis] = values.shape[1]
    return values.reshape(shape)


def _in_format_of(images, changed):
    """Return changed images in the memory format of the images."""
    channels_last = CHANNELS_LAST[images.ndim - 2]
    is_last = images.is_contiguous(memory_format=channels_last)
    return changed.contiguous(memory_format=channels_last if is_last else torch.contiguous_format)
