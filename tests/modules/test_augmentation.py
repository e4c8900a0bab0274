"""Random changes of images, against NumPy, SciPy and the laws they are drawn from."""

import math
import random

import numpy as np
import pytest
import scipy.ndimage
import scipy.stats
import torch

from sknets.modules._augmentation import RandomImages, move_by_pixels, warp_affine

SHAPES = {1: (6, 2, 1, 9), 2: (6, 2, 9, 7), 3: (6, 2, 5, 9, 7)}
EVERYTHING = {
    "scale": 0.2,
    "flip": "horizontal",
    "crop": 0.9,
    "noise": 0.1,
    "erase": 0.2,
    "brightness": 0.1,
    "contrast": 0.2,
    "mixup": 1.0,
    "cutmix": 1.0,
}
FILLS = {"edge": "nearest", "zero": "constant"}


def draw_images(*shape, dtype=torch.float64):
    return torch.from_numpy(np.random.default_rng(0).standard_normal(shape)).to(dtype)


def make(n_spatial=2, seed=0, **changes):
    images = RandomImages(n_spatial, **changes)
    images.generator = torch.Generator().manual_seed(seed)
    return images


def warp(
    images, n_spatial=2, *, shift=0.0, angle=0.0, zoom=1.0, window=1.0, centre=0.0, fill="edge"
):
    n = len(images)
    return warp_affine(
        images,
        shift=images.new_tensor(shift).expand(n, n_spatial),
        angle=images.new_tensor(math.radians(angle)).expand(n),
        zoom=images.new_tensor(zoom).expand(n),
        window=window,
        centre=images.new_tensor(centre).expand(n, n_spatial),
        fill=fill,
    )


# --- movements -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("n_spatial", [1, 2, 3])
def test_whole_pixels_equal_scipy(n_spatial, fill):
    images = draw_images(*SHAPES[n_spatial])
    steps = torch.from_numpy(np.random.default_rng(1).integers(-4, 5, (n_spatial, 6)))
    moved = move_by_pixels(images, list(steps), fill)
    leading = [0] * (images.ndim - 1 - n_spatial)
    for image, result, step in zip(images, moved, steps.T, strict=True):
        expected = scipy.ndimage.shift(image, [*leading, *step.tolist()], mode=FILLS[fill], order=0)
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("fill", FILLS)
@pytest.mark.parametrize("n_spatial", [1, 2, 3])
def test_affine_shift_equals_scipy(n_spatial, fill):
    images = draw_images(*SHAPES[n_spatial])
    shift = [1.25, -0.5, 2.0][:n_spatial]
    moved = warp(images, n_spatial, shift=shift, fill=fill)
    leading = [0] * (images.ndim - n_spatial)
    # Torch interpolates towards the zeros outside
    mode = {"edge": "nearest", "zero": "grid-constant"}[fill]
    expected = scipy.ndimage.shift(images, [*leading, *shift], mode=mode, order=1)
    np.testing.assert_allclose(moved, expected, atol=1e-12)


@pytest.mark.parametrize("shape", [(2, 3, 21, 15), (2, 1, 3, 14, 20)])
def test_rotation_equals_scipy(shape):
    images = draw_images(*shape)
    turned = warp(images, len(shape) - 2, angle=17)
    expected = scipy.ndimage.rotate(
        images, 17, axes=(-1, -2), reshape=False, order=1, mode="nearest"
    )
    np.testing.assert_allclose(turned, expected, atol=1e-12)


def test_a_quarter_turn_equals_numpy():
    images = draw_images(2, 3, 8, 8)
    np.testing.assert_allclose(warp(images, angle=90), np.rot90(images, axes=(-2, -1)), atol=1e-12)


@pytest.mark.parametrize("n_spatial", [1, 2, 3])
def test_zoom_magnifies_about_the_middle(n_spatial):
    images = draw_images(*SHAPES[n_spatial])
    size = images.shape[-n_spatial:]
    middle = (np.array(size) - 1) / 2
    zoomed = warp(images, n_spatial, zoom=1.5)
    for image, result in zip(images.flatten(0, 1), zoomed.flatten(0, 1), strict=True):
        expected = scipy.ndimage.affine_transform(
            image.reshape(size),
            np.full(n_spatial, 1 / 1.5),
            offset=middle - middle / 1.5,
            order=1,
            mode="nearest",
        )
        np.testing.assert_allclose(result.reshape(size), expected, atol=1e-12)


def test_window_is_cut_out_and_resized():
    images = draw_images(4, 2, 8, 10)
    cropped = warp(images, window=0.5, centre=[-2.0, 2.5])  # the corner at the top right
    expected = torch.nn.functional.interpolate(
        images[:, :, :4, 5:], size=(8, 10), mode="bilinear", align_corners=False
    )
    # at the window's rim, the neighbours outside the window count as well
    np.testing.assert_allclose(cropped[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1], atol=1e-12)


def test_shift_draws_every_whole_pixel_and_nothing_else():
    image = draw_images(1, 1, 10, 10)
    images = image.expand(500, -1, -1, -1)
    moved, _ = make(shift=(0.2, 0.1))(images)
    possible = {
        scipy.ndimage.shift(image, [0, 0, y, x], mode="nearest", order=0).tobytes()
        for y in (-2, -1, 0, 1, 2)
        for x in (-1, 0, 1)
    }
    assert {result.numpy()[None].tobytes() for result in moved} == possible


@pytest.mark.parametrize("rotate", [0.0, 12.0])
def test_affine_draws_are_uniform(rotate):
    # where each pixel of the result comes from is read off an image of coordinates
    where = np.stack(np.meshgrid(np.arange(40) - 19.5, np.arange(50) - 24.5, indexing="ij"))
    images = torch.from_numpy(where).expand(400, -1, -1, -1)
    moved, _ = make(shift=(0.1, 0.05), rotate=rotate, scale=1.0)(images)
    inside = (slice(None), slice(15, 25), slice(18, 32))
    design = np.column_stack([where[inside].reshape(2, -1).T, np.ones(140)])
    maps = np.stack(
        [np.linalg.lstsq(design, m[inside].reshape(2, -1).T, rcond=None)[0] for m in moved.numpy()]
    )
    sizes = np.linalg.det(maps[:, :2]) ** -0.5
    drawn = [(np.log(sizes), np.log(2.0)), (maps[:, 2, 0], 4.0), (maps[:, 2, 1], 2.5)]
    angles = np.degrees(np.arctan2(maps[:, 0, 1], maps[:, 0, 0]))
    if rotate:
        drawn.append((angles, rotate))
    else:
        np.testing.assert_allclose(angles, 0.0, atol=1e-9)
    for values, most in drawn:
        law = scipy.stats.uniform(-most, 2 * most)
        assert scipy.stats.kstest(values, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize("changes", [{"shift": (0.3, 0.3)}, {"scale": 1.0}])
def test_fill_is_what_moves_in(changes):
    ones = torch.ones(50, 1, 10, 10)
    np.testing.assert_allclose(make(fill="edge", **changes)(ones)[0], 1.0, atol=1e-6)
    assert (make(fill="zero", **changes)(ones)[0] == 0).any()


def test_crop_stays_within_the_image():
    image = torch.ones(200, 1, 12, 8)
    cropped, _ = make(crop=0.5, fill="zero")(image)
    np.testing.assert_allclose(cropped[..., 1:-1, 1:-1], 1.0, atol=1e-6)
    moved, _ = make(crop=0.5, shift=(0.4, 0.4), fill="zero")(image)
    assert (moved == 0).any()  # a shift does leave it


@pytest.mark.parametrize(
    ("flip", "axes"), [("horizontal", [-1]), ("vertical", [-2]), ("both", [-1, -2, (-2, -1)])]
)
def test_flips_equal_numpy_and_are_as_frequent(flip, axes):
    image = draw_images(1, 2, 4, 3)
    n = 2000
    flipped, _ = make(flip=flip)(image.expand(n, -1, -1, -1))
    versions = [image.numpy()] + [np.flip(image.numpy(), axis) for axis in axes]
    counts = [(flipped.numpy() == version).all(axis=(1, 2, 3)).sum() for version in versions]
    assert sum(counts) == n
    assert scipy.stats.chisquare(counts).pvalue > 1e-3


# --- values --------------------------------------------------------------------------------------


def test_noise_is_gaussian_with_its_deviation():
    images = draw_images(20, 2, 16, 16)
    noisy, _ = make(noise=0.3)(images)
    noise = (noisy - images).numpy().ravel()
    assert scipy.stats.kstest(noise, scipy.stats.norm(scale=0.3).cdf).pvalue > 1e-3


def test_brightness_is_uniform_and_one_value_per_image():
    images = draw_images(500, 2, 4, 4)
    changed, _ = make(brightness=0.4)(images)
    added = (changed - images).flatten(1).numpy()
    assert np.ptp(added, axis=1).max() < 1e-12
    assert scipy.stats.kstest(added[:, 0], scipy.stats.uniform(-0.4, 0.8).cdf).pvalue > 1e-3


def test_contrast_multiplies_deviations_from_the_own_mean():
    images = draw_images(500, 2, 4, 4)
    changed, _ = make(contrast=0.5)(images)
    mean = images.mean(dim=(2, 3), keepdim=True)
    np.testing.assert_allclose(changed.mean(dim=(2, 3), keepdim=True), mean, atol=1e-12)
    factor = ((changed - mean) / (images - mean)).flatten(1).numpy()
    assert np.ptp(factor, axis=1).max() < 1e-9
    assert scipy.stats.kstest(factor[:, 0], scipy.stats.uniform(0.5, 1.0).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("n_spatial", "shape"), [(1, (1, 50)), (2, (20, 30)), (3, (8, 10, 12))])
def test_erased_box_has_its_area(n_spatial, shape):
    images = torch.ones(300, 2, *shape)
    erased, _ = make(n_spatial, erase=0.2)(images)
    gone = (erased == 0).numpy()
    np.testing.assert_array_equal(gone[:, 0], gone[:, 1])
    gone = gone[:, 0]
    assert abs(gone.mean() - 0.2) < 0.01
    area_of_box = 1
    for axis, length in enumerate(shape, start=1):
        profile = gone.any(axis=tuple({1, 2, 3} - {axis})[: len(shape) - 1])
        sides = profile.sum(axis=1)
        area_of_box = area_of_box * sides
        if length > 1:
            assert profile.any(axis=0).all()  # everywhere, sometimes
            assert len(np.unique(sides)) > 1 or n_spatial == 1  # of various shapes
    area = gone.reshape(300, -1).sum(axis=1)
    np.testing.assert_array_equal(area, area_of_box)
    # the last side makes up for the others, up to half a cell
    assert (np.abs(area - 0.2 * math.prod(shape)) <= area / sides / 2 + 1e-9).all()


# --- mixing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_spatial", [1, 2, 3])
def test_mixup_is_the_weighted_mean_with_the_partner(n_spatial):
    images = draw_images(*SHAPES[n_spatial])
    mixed, (partner, share) = make(n_spatial, mixup=1.0)(images)
    np.testing.assert_array_equal(np.sort(partner), np.arange(6))
    assert partner.dtype == torch.int64
    x = images.numpy()
    np.testing.assert_allclose(mixed, share * x + (1 - share) * x[partner], atol=1e-12)


@pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 3.0])
def test_shares_are_drawn_from_the_beta_distribution(alpha):
    mix = make(mixup=alpha)
    images = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    shares = np.array([mix(images)[1][1] for _ in range(2000)])
    law = scipy.stats.beta(alpha, alpha)
    assert np.isfinite(shares).all()
    assert abs(shares.mean() - 0.5) < 4 * law.std() / np.sqrt(2000)
    error_of_variance = law.var() * np.sqrt((law.stats("k") + 2) / 2000)
    assert abs(shares.var() - law.var()) < 4 * error_of_variance
    if alpha >= 0.2:  # for less, float64 has too few values near 1
        assert scipy.stats.kstest(shares, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("n_spatial", "shape"), [(1, (1, 50)), (2, (20, 30)), (3, (8, 10, 12))])
def test_cutmix_puts_in_a_box_of_the_partner(n_spatial, shape):
    images = torch.arange(4.0).reshape(4, 1, *[1] * len(shape)).expand(4, 2, *shape).contiguous()
    shares = []
    for seed in range(30):
        mixed, (partner, share) = make(n_spatial, seed, cutmix=1.0)(images)
        shares.append(share)
        for row in range(4):
            if partner[row] == row:
                np.testing.assert_array_equal(mixed[row], images[row])
                continue
            is_own = (mixed[row] == row).numpy()
            np.testing.assert_array_equal(mixed[row].numpy()[~is_own], partner[row])
            np.testing.assert_allclose(is_own.mean(), share, atol=1e-6)
    assert np.std(shares) > 0.1


@pytest.mark.parametrize(("n_spatial", "shape"), [(1, (1, 50)), (2, (20, 30)), (3, (10, 12, 14))])
def test_cutmix_draws_the_middle_of_the_box_everywhere(n_spatial, shape):
    images = torch.tensor([0.0, 1.0]).reshape(2, 1, *[1] * len(shape)).repeat(1, 1, *shape)
    cut = make(n_spatial, cutmix=1e6)  # shares of one half, before the box is clipped
    inside, boxes = [], []
    for _ in range(400):
        mixed, (partner, share) = cut(images)
        inside.append(1.0 - share)
        if partner[0] == 1:
            boxes.append(mixed[0, 0].numpy())
    expected = 1.0
    for length in shape[-n_spatial:]:
        side = round(0.5 ** (1 / n_spatial) * length)
        starts = np.arange(length) - side // 2
        sides = np.minimum(starts + side, length) - np.maximum(starts, 0)
        expected *= sides.mean() / length
    assert abs(np.mean(inside) - expected) < 4 * np.std(inside) / np.sqrt(400) + 0.001
    covered = np.mean(boxes, axis=0)
    np.testing.assert_allclose(covered, np.flip(covered), atol=0.25)


def test_a_batch_draws_mixup_or_cutmix():
    images = draw_images(2, 1, 6, 6)
    changes = make(mixup=1.0, cutmix=1.0)
    is_cut = []
    for _ in range(300):
        mixed, (partner, share) = changes(images)
        if share < 1 and partner[0] == 1:
            is_cut.append(bool(torch.isin(mixed, images).all()))
    assert scipy.stats.binomtest(sum(is_cut), len(is_cut), 0.5).pvalue > 1e-3


# --- what holds for all --------------------------------------------------------------------------


@pytest.mark.parametrize("n_spatial", [1, 2, 3])
def test_nothing_set_is_the_identity(n_spatial):
    images = draw_images(*SHAPES[n_spatial])
    changed, mix = make(n_spatial)(images)
    assert changed is images
    assert mix is None


@pytest.mark.parametrize("is_last", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n_spatial", [1, 2, 3])
def test_dtype_and_format_stay(n_spatial, dtype, is_last):
    images = draw_images(*SHAPES[n_spatial], dtype=dtype)
    channels_last = torch.channels_last_3d if n_spatial == 3 else torch.channels_last
    memory_format = channels_last if is_last else torch.contiguous_format
    images = images.contiguous(memory_format=memory_format)
    shift = {"shift": (0.2,) * n_spatial}
    for changes in (EVERYTHING, shift, shift | EVERYTHING, {"erase": 0.1}, {"mixup": 1.0}):
        changed, _ = make(n_spatial, **changes)(images)
        assert changed.dtype == dtype
        assert changed.shape == images.shape
        assert changed.is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize("n_spatial", [1, 2, 3])
def test_seed_decides_and_global_states_and_input_stay(n_spatial):
    images = draw_images(*SHAPES[n_spatial])
    before = images.clone()
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    changes = EVERYTHING | {"shift": (0.2,) * n_spatial}
    first, second, other = (make(n_spatial, seed, **changes)(images) for seed in (1, 1, 2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1][0], second[1][0])
    assert first[1][1] == second[1][1]
    assert not torch.equal(first[0], other[0])
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])
    assert random.getstate() == states[2]
    assert torch.equal(images, before)


@pytest.mark.parametrize("name", EVERYTHING)
def test_no_change_writes_into_the_input(name):
    images = draw_images(*SHAPES[2])
    before = images.clone()
    make(**{name: EVERYTHING[name]})(images)
    assert torch.equal(images, before)


def test_images_of_a_batch_are_changed_differently():
    images = draw_images(1, 1, 12, 12).expand(8, -1, -1, -1)
    for name in ("scale", "crop", "noise", "erase", "brightness", "contrast"):
        changed, _ = make(**{name: EVERYTHING[name]})(images)
        assert len({image.numpy().tobytes() for image in changed}) == 8, name


def test_transforms_come_after_warps_and_get_a_copy():
    calls = []

    def warp(images, generator):
        calls.append("warp")
        return images

    def transform(images, generator):
        calls.append("transform")
        return images.add_(1.0)

    images = draw_images(*SHAPES[2])
    before = images.clone()
    changed, _ = make(warps=[warp], transforms=[transform])(images)
    assert calls == ["warp", "transform"]
    assert torch.equal(images, before)
    assert torch.equal(changed, before + 1.0)
