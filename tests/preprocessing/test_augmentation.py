"""The declaration of changes: what it refuses, what it makes, and what it shows."""

import math
import pickle
import random
import sys

import kornia.augmentation
import numpy as np
import pytest
import scipy.ndimage
import torch
from sklearn.base import clone

from sknets.preprocessing import Augmentation
from tests.torch_modes import MODES

RNG = np.random.default_rng(0)
X = {
    "signals": RNG.uniform(5, 9, (4, 20)),
    "images": RNG.integers(0, 256, (4, 12, 10)).astype(np.uint8),
    "colours": RNG.uniform(0, 1, (4, 12, 10, 3)).astype(np.float32),
    "volumes": RNG.uniform(0, 1, (4, 6, 8, 7, 2)),
}
FOR_ALL = {
    "shift": 0.2,
    "scale": 0.3,
    "flip": "horizontal",
    "crop": 0.8,
    "noise": 0.2,
    "erase": 0.2,
    "brightness": 0.5,
    "contrast": 0.5,
}
KORNIA = {"perspective": 0.5, "elastic": 0.05, "blur": 1.0}
FOR_IMAGES = FOR_ALL | {"rotate": 20} | KORNIA


def affected(kind):
    changes = {"signals": FOR_ALL, "volumes": FOR_ALL | {"rotate": 20}}.get(kind, FOR_IMAGES)
    return [(kind, name, value) for name, value in changes.items()]


# --- sample --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name", "value"), [case for kind in X for case in affected(kind)])
def test_each_change_changes_X_by_its_seed_alone(kind, name, value):
    before = X[kind].copy()
    states = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    augment = Augmentation(**{name: value})
    first, second, other = (augment.sample(X[kind], random_state=seed) for seed in (3, 3, 4))
    assert first.shape == X[kind].shape
    assert first.dtype == X[kind].dtype
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1e-3
    assert np.abs(first - X[kind]).max() > 1e-3
    assert torch.equal(torch.get_rng_state(), states[0])
    np.testing.assert_array_equal(np.random.get_state()[1], states[1])
    assert random.getstate() == states[2]
    np.testing.assert_array_equal(X[kind], before)


@pytest.mark.parametrize("kind", X)
def test_nothing_set_gives_X_back(kind):
    sample = Augmentation(mixup=1.0, cutmix=1.0).sample(X[kind], random_state=0)  # never mixed
    np.testing.assert_allclose(sample, X[kind], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", X)
def test_sample_keeps_units_and_axes(kind):
    flipped = Augmentation(flip="horizontal").sample(X[kind], random_state=0)
    axis = {"signals": 1, "volumes": 3}.get(kind, 2)
    mirrored = np.flip(X[kind], axis)
    for result, image, mirror in zip(flipped, X[kind], mirrored, strict=True):
        nearest = min((image, mirror), key=lambda v: np.abs(result - v).max())
        np.testing.assert_allclose(result, nearest, rtol=1e-6, atol=1e-6)


def test_values_are_in_units_of_each_channel():
    X = RNG.standard_normal((50, 8, 8, 2)) * [1.0, 100.0] + [0.0, 7.0]
    difference = Augmentation(noise=0.5).sample(X, random_state=0) - X
    expected = 0.5 * X.std(axis=(0, 1, 2))
    np.testing.assert_allclose(difference.std(axis=(0, 1, 2)), expected, rtol=0.05)
    erased = Augmentation(erase=0.3).sample(X, random_state=0)
    is_erased = np.abs(erased - X) > 1e-6
    mean = X.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(erased[is_erased[..., 1], 1], mean[1])


def test_constant_channel_can_be_sampled():
    sample = Augmentation(shift=0.2, brightness=0.1).sample(np.full((2, 5, 5), 3), random_state=0)
    np.testing.assert_allclose(sample, 3, atol=0.1)


@pytest.mark.parametrize("shape", [(3,), (2, 2, 2, 2, 2, 2)])
def test_sample_refuses_other_numbers_of_axes(shape):
    with pytest.raises(ValueError, match=r"X has shape|2D array"):
        Augmentation().sample(np.ones(shape))


# --- make ----------------------------------------------------------------------------------------


def test_shift_may_differ_between_axes():
    image = np.tile(np.arange(10.0), (200, 10, 1))
    moved = Augmentation(shift=(0.3, 0)).sample(image, random_state=0)
    np.testing.assert_allclose(moved, image)  # rows are equal
    moved = Augmentation(shift=[0, 0.2]).sample(image, random_state=0)
    steps = np.rint(image[:, 5, 5] - moved[:, 5, 5])
    assert set(steps) == {-2, -1, 0, 1, 2}


@pytest.mark.parametrize(
    "params",
    [
        {"shift": -0.1},
        {"shift": 1},
        {"shift": "half"},
        {"shift": (0.1, 0.1, 0.1)},
        {"shift": (0.1, 1.5)},
        {"shift": (0.1, "a")},
        {"shift": 0.01},  # less than half a pixel
        {"rotate": -5},
        {"rotate": 181},
        {"rotate": math.nan},
        {"scale": -0.1},
        {"scale": math.inf},
        {"flip": "sideways"},
        {"flip": True},
        {"crop": 0},
        {"crop": 1.2},
        {"fill": "mirror"},
        {"fill": None},
        {"noise": -1},
        {"noise": None},
        {"erase": 1},
        {"brightness": -1},
        {"contrast": 1.5},
        {"mixup": -1},
        {"cutmix": "on"},
        {"perspective": 2},
        {"elastic": -1},
        {"blur": -1},
        {"blur": math.nan},
        {"transforms": torch.sin},
        {"transforms": ["flip"]},
    ],
    ids=lambda p: next(iter(p)),
)
def test_bad_value_is_named(params):
    ((name, value),) = params.items()
    with pytest.raises(ValueError, match=name) as raised:
        Augmentation(**params).make(2, (12, 10))
    assert repr(value) in str(raised.value)


@pytest.mark.parametrize(
    ("n_spatial", "params"),
    [(1, {"rotate": 5}), (1, {"flip": "vertical"}), (1, {"flip": "both"})]
    + [(n, {name: value}) for n in (1, 3) for name, value in KORNIA.items()],
)
def test_what_does_not_suit_is_refused(n_spatial, params):
    (name,) = params
    size = {1: (1, 20), 3: (6, 8, 7)}[n_spatial]
    with pytest.raises(ValueError, match=f"{name}=.* does not suit"):
        Augmentation(**params).make(n_spatial, size)


def test_every_parameter_arrives():
    params = FOR_ALL | {"rotate": 20, "fill": "zero", "mixup": 0.3, "cutmix": 0.7}
    made = vars(Augmentation(**params).make(2, (12, 10)))
    assert {name: made[name] for name in params} == params | {"shift": (0.2, 0.2)}
    assert set(made) - {"n_spatial", "generator", "warps", "transforms"} == set(params)


def test_parameters_can_be_searched():
    augment = Augmentation(shift=0.1, transforms=[torch.tanh])
    copy = clone(augment).set_params(shift=(0.2, 0.3))
    assert copy.get_params() == augment.get_params() | {"shift": (0.2, 0.3)}
    assert copy.make(2, (10, 10)).shift == (0.2, 0.3)
    assert augment.make(2, (10, 10)).shift == (0.1, 0.1)


def test_what_is_made_can_be_pickled():
    made = Augmentation(**FOR_IMAGES, mixup=0.2, transforms=[torch.tanh]).make(2, (12, 10))
    copy = pickle.loads(pickle.dumps(made))
    images = torch.from_numpy(RNG.standard_normal((4, 1, 12, 10)))
    made.generator, copy.generator = (torch.Generator().manual_seed(0) for _ in range(2))
    assert torch.equal(made(images)[0], copy(images)[0])


# --- other people's transforms -------------------------------------------------------------------


def test_transforms_draw_from_the_generator():
    def add_noise(images):
        return images + torch.randn_like(images)

    augment = Augmentation(transforms=[add_noise])
    state = torch.get_rng_state()
    first, second, other = (augment.sample(X["images"], random_state=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, second)
    assert np.abs(first - other).max() > 1
    assert torch.equal(torch.get_rng_state(), state)


def test_modules_of_kornia_are_transforms():
    augment = Augmentation(transforms=[kornia.augmentation.RandomHorizontalFlip(p=1.0)])
    flipped = augment.sample(X["colours"], random_state=0)
    np.testing.assert_allclose(flipped, X["colours"][:, :, ::-1], atol=1e-6)


@pytest.mark.parametrize("transform", [lambda images: images[:, :, 1:], lambda images: None])
def test_transform_that_returns_something_else_is_named(transform):
    augment = Augmentation(transforms=[torch.tanh, transform])
    with pytest.raises(ValueError, match=r"transforms\[1\] must return"):
        augment.sample(X["images"])


# --- kornia --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KORNIA)
def test_missing_kornia_is_said(name, monkeypatch):
    for module in [m for m in sys.modules if m.split(".")[0] == "kornia"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "kornia", None)
    with pytest.raises(ImportError, match=rf"{name}=.*needs kornia.*sknets\[images\]"):
        Augmentation(**{name: KORNIA[name]}).make(2, (12, 10))
    changes = {key: value for key, value in FOR_IMAGES.items() if key not in KORNIA}
    Augmentation(**changes).sample(X["images"])


def standardized(augment, images):
    change = augment.make(2, tuple(images.shape[2:]))
    change.generator = torch.Generator().manual_seed(0)
    return change(images)[0]


@pytest.mark.parametrize("height", [60, 90])
def test_elastic_moves_pixels_by_its_share(height):
    rows, columns = torch.meshgrid(torch.arange(float(height)), torch.arange(60.0), indexing="ij")
    where = torch.stack([rows, columns]).expand(40, -1, -1, -1)
    moved = standardized(Augmentation(elastic=0.03), where) - where
    inside = moved[:, :, height // 3 : -height // 3, 20:-20]  # the kernel reaches over the edge
    spread = inside.std(dim=(0, 2, 3), correction=0)
    np.testing.assert_allclose(spread, [0.03 * height, 0.03 * 60], rtol=0.15)


def test_perspective_moves_corners_inwards_by_its_share():
    ones = torch.ones(100, 1, 40, 40, dtype=torch.float64)
    seen = standardized(Augmentation(perspective=0.5, fill="zero"), ones)
    np.testing.assert_allclose(seen[:, :, 11:-11, 11:-11], 1.0, atol=1e-9)
    assert (seen[:, :, 0, 0] < 0.5).any()
    assert (seen[:, :, 5, 5] < 0.5).any()
    filled = standardized(Augmentation(perspective=0.5, fill="edge"), ones)
    np.testing.assert_allclose(filled, 1.0, atol=1e-9)


def test_blur_equals_scipy_with_a_smaller_deviation():
    images = torch.zeros(30, 1, 21, 21, dtype=torch.float64)
    images[:, :, 10, 10] = 1.0
    blurred = standardized(Augmentation(blur=1.5), images)
    deviations = []
    for image in blurred[:, 0]:
        ratio = float(image[10, 11] / image[10, 10])  # exp(-1 / (2 sigma^2))
        sigma = math.sqrt(-0.5 / math.log(ratio)) if ratio > 0 else 1e-3
        expected = scipy.ndimage.gaussian_filter(images[0, 0].numpy(), sigma, radius=5)
        np.testing.assert_allclose(image, expected, atol=1e-9)
        deviations.append(sigma)
    assert max(deviations) <= 1.5
    assert len(set(deviations)) == 30


def test_uint8_samples_stay_in_their_range():
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 3), dtype=np.uint8)
    samples = Augmentation(noise=2.0).sample(images, random_state=0)
    assert samples.dtype == np.uint8
    assert samples.min() == 0
    assert samples.max() == 255


def test_transform_that_returns_an_array_is_named():
    augment = Augmentation(transforms=[lambda images: images.numpy()])
    with pytest.raises(ValueError, match=r"transforms\[0\] must return a tensor .* got ndarray"):
        augment.sample(np.ones((2, 8, 8)))


@pytest.mark.parametrize("mode", MODES)
def test_sample_is_the_same_whatever_the_caller_has_changed_in_torch(mode):
    augment = Augmentation(shift=0.2, rotate=20, noise=0.1)
    images = np.random.default_rng(0).normal(size=(4, 8, 8)).astype("float32")
    expected = augment.sample(images, random_state=0)
    with MODES[mode]():
        found = augment.sample(images, random_state=0)
    np.testing.assert_array_equal(found, expected)
