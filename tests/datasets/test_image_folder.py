"""Folders of images as rows."""

import sys

import numpy as np
import pandas as pd
import pytest

from sknets.datasets import ImageFolder

Image = pytest.importorskip("PIL.Image")
rng = np.random.default_rng(0)
PIXELS = rng.integers(0, 256, (6, 12, 10, 3)).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Six images in two sub-folders, one of them in a folder below."""
    for number, pixels in enumerate(PIXELS):
        place = tmp_path / ("cat" if number < 3 else "dog/young")
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(place / f"{number}.png")
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    return tmp_path


def test_labels_are_the_folders_and_pixels_those_of_the_files(folder):
    images = ImageFolder(folder, size=(12, 10))
    assert list(images.target) == ["cat"] * 3 + ["dog"] * 3
    assert (images.shape, images.dtype) == (PIXELS.shape, np.uint8)
    np.testing.assert_array_equal(images.read(), PIXELS)
    np.testing.assert_array_equal(images.read([4, 1]), PIXELS[[4, 1]])


def test_other_sizes_and_colours_are_pillows(folder):
    small = ImageFolder(folder, size=(6, 5), color="grayscale").read([2])[0]
    image = Image.fromarray(PIXELS[2]).convert("L")
    np.testing.assert_array_equal(small, image.resize((5, 6), Image.Resampling.BILINEAR))


def test_images_are_turned_as_their_exif_data_say(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    Image.fromarray(PIXELS[0]).save(tmp_path / "turned.png", exif=exif)
    found = ImageFolder(tmp_path, size=(10, 12)).read()[0]
    np.testing.assert_array_equal(found, np.rot90(PIXELS[0], -1))


def test_a_frame_says_which_images_and_what_they_are(folder):
    frame = pd.DataFrame({"file": ["dog/young/4.png", "cat/0.png"], "weight": [3.5, 1.25]})
    images = ImageFolder(folder, (12, 10), frame=frame, image="file", target="weight")
    np.testing.assert_array_equal(images.read(), PIXELS[[4, 0]])
    assert list(images.target) == [3.5, 1.25]
    with pytest.raises(ValueError, match="target='age' is no column"):
        ImageFolder(folder, frame=frame, image="file", target="age")
    frame.loc[1, "file"] = "cat/gone.png"
    with pytest.raises(ValueError, match=r"1 files that are not there, .*gone\.png"):
        ImageFolder(folder, frame=frame, image="file")


def test_a_broken_image_is_named_or_left_out(folder):
    path = folder / "cat" / "1.jpg"
    Image.fromarray(rng.integers(0, 256, (200, 200, 3)).astype(np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[:4000])
    images = ImageFolder(folder, size=(12, 10))
    with pytest.raises(ValueError, match=r"1\.jpg cannot be decoded"):
        images.read()
    with pytest.warns(UserWarning, match=r"1 of the images .*1\.jpg"):
        images = ImageFolder(folder, size=(12, 10), on_broken="skip")
    assert len(images.target) == 6
    np.testing.assert_array_equal(images.read(), PIXELS)


def test_images_of_more_than_8_bits_are_refused(tmp_path):
    Image.fromarray(np.full((4, 4), 4000, dtype=np.uint16)).save(tmp_path / "deep.png")
    with pytest.raises(ValueError, match="pixels of 8 bits"):
        ImageFolder(tmp_path).read()
    with pytest.raises(ValueError, match="None of the 1 images"):
        ImageFolder(tmp_path, on_broken="skip")


def test_bad_folders_are_refused(folder, tmp_path_factory):
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(ValueError, match="has no images"):
        ImageFolder(empty)
    with pytest.raises(ValueError, match="is no folder"):
        ImageFolder(empty / "gone")
    with pytest.raises(ValueError, match="has no labels"):
        _ = ImageFolder(folder / "cat").target
    for options in (
        {"size": 64},
        {"size": (0, 4)},
        {"color": "bgr"},
        {"on_broken": "no"},
        {"n_jobs": 0},
    ):
        (name,) = options
        with pytest.raises(ValueError, match=f"{name}="):
            ImageFolder(folder, **options)
    Image.fromarray(PIXELS[0]).save(folder / "bare.png")
    with pytest.raises(ValueError, match=r"1 beside them \(bare\.png\)"):
        ImageFolder(folder)


def test_pillow_is_asked_for_by_name(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"sknets\[folders\]"):
        ImageFolder(folder)
