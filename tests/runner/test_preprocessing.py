"""Preprocessing: what the libraries' own transforms give, and back to the very bytes."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from whyset.errors import InputError
from whyset.runner import Preprocessing

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


def image(height: int, width: int, mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


@given(height=st.integers(1, 40), width=st.integers(1, 40), mode=st.sampled_from(["RGB", "L", "RGBA", "P", "1"]))
def test_undo_gives_back_every_byte_of_the_image_that_was_seen(height: int, width: int, mode: str) -> None:
    seen = image(height, width, mode)
    x = Preprocessing(**IMAGENET).forward(seen)
    assert x.shape == (3, height, width)
    assert np.array_equal(Preprocessing(**IMAGENET).undo(x).transpose(1, 2, 0), np.asarray(seen.convert("RGB")))


@given(
    sides=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    resize=st.one_of(st.none(), st.integers(1, 40), st.tuples(st.integers(1, 40), st.integers(1, 40))),
)
def test_the_result_has_the_size_asked_for(
    sides: tuple[int, int], size: tuple[int, int], resize: int | tuple[int, int] | None
) -> None:
    x = Preprocessing(mode="L", size=size, resize=resize).forward(image(*sides))
    assert x.shape == (1, *size)
    assert torch.isfinite(x).all()


@pytest.mark.parametrize(("height", "width"), [(300, 500), (333, 251), (224, 224), (90, 400), (37, 41)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_it_is_what_torchvision_does(height: int, width: int, interpolation: str) -> None:
    presets = pytest.importorskip("torchvision.transforms._presets", exc_type=ImportError)
    functional = pytest.importorskip("torchvision.transforms.functional", exc_type=ImportError)
    mode = functional.InterpolationMode(interpolation)
    theirs = presets.ImageClassification(crop_size=224, resize_size=232, interpolation=mode)(image(height, width))
    ours = Preprocessing(size=(224, 224), resize=232, interpolation=interpolation, **IMAGENET)
    torch.testing.assert_close(ours.forward(image(height, width)), theirs, rtol=0, atol=1e-6)


def test_a_size_without_resize_keeps_the_aspect_and_the_middle() -> None:
    striped = np.zeros((10, 30, 3), np.uint8)
    striped[:, 10:20] = 255
    x = Preprocessing(size=(10, 10)).forward(Image.fromarray(striped))
    assert (x == 1).all()


def test_one_number_of_mean_serves_every_channel() -> None:
    assert Preprocessing(mean=(0.5,), std=(0.25,)).mean == (0.5, 0.5, 0.5)


def test_sixteen_bits_are_refused_rather_than_clipped_where_depth_is_not_wanted() -> None:
    deep = Image.fromarray(np.full((4, 4), 40000, np.uint16))
    with pytest.raises(ValueError, match=r"mode I;16: convert it to 8 bits.*full_depth=True"):
        Preprocessing(mode="L", full_depth=False).forward(deep)


@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 99))
def test_sixteen_bits_reach_the_model_whole(height: int, width: int, seed: int) -> None:
    gray = np.random.default_rng(seed).integers(0, 65536, (height, width), dtype=np.uint16)
    preprocessing = Preprocessing(mode="L", mean=(0.25,), std=(0.5,))
    expected = ((gray / 65535 - 0.25) / 0.5)[None].astype(np.float32)
    for x in (preprocessing.forward(Image.fromarray(gray)), preprocessing.forward_integers(gray)):
        assert x.dtype == torch.float32
        np.testing.assert_allclose(x.numpy(), expected, rtol=0, atol=3e-7)
        assert np.array_equal(np.rint((x.numpy() * 0.5 + 0.25) * 65535), gray[None]), "no value is lost"
        assert np.abs(preprocessing.undo(x) / 255 - gray / 65535).max() <= 0.5 / 255 + 1e-6


def test_floats_reach_the_model_as_they_are() -> None:
    values = np.random.default_rng(0).normal(300, 50, (5, 7)).astype(np.float32)
    x = Preprocessing(mode="RGB", mean=(300,), std=(50,)).forward(Image.fromarray(values))
    assert np.array_equal(x.numpy(), np.repeat((values[None] - np.float32(300)) / np.float32(50), 3, axis=0))


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_deep_images_are_fitted_and_converted_like_those_of_eight_bits(mode: str, channels: int) -> None:
    shallow = np.random.default_rng(channels).integers(0, 256, (40, 30, channels), dtype=np.uint8)
    preprocessing = Preprocessing(mode=mode, size=(12, 10), resize=15, interpolation="bicubic")  # type: ignore[arg-type]
    expected = preprocessing.forward(Image.fromarray(shallow[..., 0] if channels == 1 else shallow))
    if channels == 4 and mode in ("RGBA", "LA"):  # Pillow weights colors of eight bits with their opacity
        shallow[..., 3] = 255
        expected = preprocessing.forward(Image.fromarray(shallow))
    x = preprocessing.forward_integers(shallow.astype(np.uint16) * 257)
    assert (x - expected).abs().max() < 2.01 / 255, "eight bits are rounded after conversion and after each resizing"


def test_what_concerns_files_is_stored_where_it_is_so_and_earlier_runs_lack_it() -> None:
    stored = Preprocessing(mode="L").to_dict()
    assert stored["exif_orientation"] is True
    assert stored["full_depth"] is True
    assert Preprocessing.from_dict(stored, "run.json") == Preprocessing(mode="L")
    earlier = {name: stored[name] for name in ("mode", "size", "resize", "interpolation", "mean", "std")}
    read = Preprocessing.from_dict(earlier, "run.json")
    assert (read.exif_orientation, read.full_depth) == (False, False)
    assert read.to_dict() == earlier


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"full_depth": 1}, "full_depth must be True or False, not 1"),
        ({"mode": "HSV"}, "mode must be one of RGB, L, RGBA, LA"),
        ({"size": (0, 3)}, "size must be a positive whole number"),
        ({"size": (3, 3, 3)}, "size must be a positive"),
        ({"mean": (0.1, 0.2)}, "mean needs 1 or 3 finite numbers for mode RGB"),
        ({"mean": "gray"}, "mean must be numbers"),
        ({"std": (0.0,)}, "std must be positive"),
        ({"interpolation": "magic"}, "interpolation must be one of"),
        ({"sise": 3}, "unknown field 'sise': expected fields of mode, size"),
    ],
)
def test_a_wrong_value_is_named(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Preprocessing.from_mapping(fields, "here")


def test_the_stored_form_makes_the_same_preprocessing_again() -> None:
    made = Preprocessing(size=(6, 8), resize=12, **IMAGENET)
    assert Preprocessing.from_mapping(made.to_dict(), "stored") == made
