"""Image files: their EXIF orientation, and 16 bits or floats per channel at full depth."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps

import whyset
from whyset.errors import RunMismatchError
from whyset.runner import FolderSource, ModelSource, Preprocessing, rerun
from whyset.runner.image_files import is_deep, turn_upright

UPRIGHT = {
    1: lambda stored: stored,
    2: lambda stored: stored[:, ::-1],
    3: lambda stored: stored[::-1, ::-1],
    4: lambda stored: stored[::-1],
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: stored[::-1, ::-1].swapaxes(0, 1),
    8: lambda stored: np.rot90(stored),
}
"""The image as it is to be shown, by what EXIF 2.32 says of row 0 and column 0 of the stored one."""

NOISE = np.random.default_rng(0).integers(0, 65536, (5, 7, 4), dtype=np.uint16)
COLORS = NOISE[..., :3]


def save(image: Image.Image, orientation: int | None, form: str = "JPEG", **more: object) -> BytesIO:
    file, exif = BytesIO(), Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    image.save(file, form, exif=exif, **more)
    return file


def png(image: NDArray[np.uint16], exif: bytes = b"") -> bytes:
    """Write a PNG of 16 bits per channel, (H, W, C), as its specification says; Pillow writes gray ones only."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    height, width, channels = image.shape
    color = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in image)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0))
    more = chunk(b"eXIf", exif) if exif else b""
    return b"\x89PNG\r\n\x1a\n" + header + more + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(image: NDArray[np.uint16], order: str, *, deflate: bool = False) -> bytes:
    """Write a TIFF of 16 bits per channel in one strip, little-endian ("<") or big-endian (">")."""
    height, width, channels = image.shape
    pixels = image.astype(f"{order}u2").tobytes()
    pixels = zlib.compress(pixels) if deflate else pixels
    tags = [256, 257, 258, 259, 262, 273, 277, 278, 279]
    end = 8 + 2 + 12 * len(tags) + 4
    strip = end + 2 * channels
    values = [width, height, end, 8 if deflate else 1, 2, strip, channels, height, len(pixels)]
    entries = b"".join(
        struct.pack(f"{order}HHII", tag, 4, 1, value)
        if tag != 258
        else struct.pack(f"{order}HHII", tag, 3, channels, end)
        for tag, value in zip(tags, values, strict=True)
    )
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HIH", 42, 8, len(tags))
    return head + entries + bytes(4) + struct.pack(f"{order}{channels}H", *[16] * channels) + pixels


def read(content: bytes, **fields: object) -> NDArray[np.float32]:
    with Image.open(BytesIO(content)) as image:
        return Preprocessing(**fields).read(image).numpy()  # type: ignore[arg-type]


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [None, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
def test_the_orientation_of_the_file_is_applied(form: str, orientation: int | None) -> None:
    shown = np.kron(np.random.default_rng(1).integers(0, 256, (3, 4, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    file = save(Image.fromarray(shown), orientation, form, **({} if form == "TIFF" else {"quality": 95}))
    with Image.open(file) as image, Image.open(BytesIO(file.getvalue())) as same:
        found = Preprocessing().read(image).numpy().transpose(1, 2, 0)
        assert np.array_equal(found, np.asarray(ImageOps.exif_transpose(same).convert("RGB")))
    expected = UPRIGHT.get(orientation or 1, UPRIGHT[1])(shown)
    assert found.shape == expected.shape
    limit = 0 if form in ("PNG", "TIFF") else 60  # of what JPEG and WebP lose; another orientation is far beyond
    assert np.abs(found.astype(int) - expected).mean() <= limit / 4
    assert np.abs(found.astype(int) - expected)[4::8, 4::8].max() <= limit


def test_resizing_and_cropping_come_after_the_orientation() -> None:
    shown = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    fitted = Preprocessing(size=(10, 8), resize=12)
    with Image.open(save(Image.fromarray(shown), 6, "PNG")) as turned:
        assert torch.equal(fitted.read(turned), fitted.read(Image.fromarray(np.rot90(shown, -1).copy())))


def test_an_orientation_is_left_alone_where_that_is_stated() -> None:
    shown = np.random.default_rng(2).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    with Image.open(save(Image.fromarray(shown), 6, "PNG")) as image:
        pixels = Preprocessing(exif_orientation=False).read(image)
    assert np.array_equal(pixels.numpy().transpose(1, 2, 0), shown)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("damaged", [b"Exif\0\0", b"Exif\0\0XX*\0", b"Exif\0\0II*\0\x08\0\0\0\xff\xff", b"MM"])
def test_an_image_with_damaged_metadata_is_read_as_it_is_stored(damaged: bytes) -> None:
    shown = Image.fromarray(np.random.default_rng(2).integers(0, 256, (8, 16, 3), dtype=np.uint8))
    file = BytesIO()
    shown.save(file, "JPEG", exif=damaged)
    with Image.open(file) as image, Image.open(BytesIO(file.getvalue())) as same:
        assert np.array_equal(np.asarray(turn_upright(image)), np.asarray(same))


@pytest.mark.parametrize(
    "content",
    [
        png(COLORS),
        tiff(COLORS, "<"),
        tiff(COLORS, ">"),
        tiff(COLORS, "<", deflate=True),
        tiff(COLORS, ">", deflate=True),
    ],
    ids=["png", "tiff", "big-endian tiff", "deflated tiff", "deflated big-endian tiff"],
)
def test_sixteen_bits_of_colors_reach_the_model_whole(content: bytes) -> None:
    values = read(content) * 65535
    assert np.array_equal(np.rint(values), COLORS.transpose(2, 0, 1))
    assert np.abs(values - np.rint(values)).max() < 0.01
    upper = read(content, full_depth=False)
    assert upper.dtype == np.uint8
    assert np.array_equal(upper, COLORS.transpose(2, 0, 1) >> 8)


def test_sixteen_bits_of_colors_with_opacity_are_read_whole() -> None:
    assert np.array_equal(np.rint(read(png(NOISE), mode="RGBA") * 65535), NOISE.transpose(2, 0, 1))
    assert np.array_equal(np.rint(read(png(NOISE)) * 65535), COLORS.transpose(2, 0, 1)), "without opacity, as in 8 bits"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_deep_files_are_turned_upright_too(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    for image in (COLORS, COLORS[..., :1]):
        found = read(png(image, content), mode="RGB" if image.shape[-1] == 3 else "L").transpose(1, 2, 0)
        assert np.array_equal(np.rint(found * 65535), UPRIGHT[orientation](image))


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_gray_files_of_sixteen_bits_are_read_whole(form: str) -> None:
    file = BytesIO()
    Image.fromarray(COLORS[..., 0]).save(file, form)
    assert np.array_equal(np.rint(read(file.getvalue(), mode="L")[0] * 65535), COLORS[..., 0])


def test_portable_gray_maps_of_sixteen_bits_are_read_whole() -> None:
    content = b"P5 7 5 65535\n" + COLORS[..., 0].astype(">u2").tobytes()
    assert np.array_equal(np.rint(read(content, mode="L")[0] * 65535), COLORS[..., 0])


def test_floats_of_a_file_are_taken_as_they_are() -> None:
    values, file = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32), BytesIO()
    Image.fromarray(values).save(file, "TIFF")
    assert np.array_equal(read(file.getvalue(), mode="L")[0], values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            png(NOISE[..., :2]),
            r"16 bits per channel in a form that is read with 8 only \(LA;16B\): convert it to an RGB",
        ),
        (b"P6 7 5 65535\n" + COLORS.astype(">u2").tobytes(), r"read with 8 only \(PPM;16\)"),
    ],
)
def test_files_whose_depth_would_be_lost_are_refused(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        read(content)
    assert read(content, full_depth=False).dtype == np.uint8


@pytest.mark.parametrize("value", [-1, 65536])
def test_integers_of_more_than_sixteen_bits_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match=r"expected 16 bits, 0 to 65535; convert it to floats"):
        Preprocessing(mode="L").read(Image.fromarray(np.full((2, 3), value, np.int32)))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_images_of_eight_bits_are_not_deep(mode: str) -> None:
    assert not is_deep(Image.new(mode, (3, 2)))


def make_folder(path: Path) -> Path:
    """Make a folder of two classes: images of 8 bits, some of them turned by their EXIF, and a deep one in each."""
    random = np.random.default_rng(3)
    for name in ("cat", "dog"):
        (path / name).mkdir(parents=True)
        for number in range(3):
            shown = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
            (path / name / f"{number}.png").write_bytes(save(shown, 1 + 5 * (number % 2), "PNG").getvalue())
        deep = random.integers(0, 65536, (8, 8, 3), dtype=np.uint16)
        (path / name / "deep.png").write_bytes(png(deep))
        (path / name / "broken.png").write_bytes(png(deep)[:60])
    return path


def make_net() -> torch.nn.Module:
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 2))


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_run_over_files_of_all_depths_has_the_outputs_of_a_loop(tmp_path: Path) -> None:
    preprocessing, net = Preprocessing(mean=(0.4,), std=(0.3,)), make_net()
    source = FolderSource(make_folder(tmp_path / "data"), preprocessing)
    run = whyset.explain(net, source, tmp_path / "run", composite=None, dtype="float32", progress=False)
    assert run.config.preprocessing["exif_orientation"] is True
    assert sorted(run.samples["id"][failure.index].as_py() for failure in run.failures) == [
        "cat/broken.png",
        "dog/broken.png",
    ]
    weights = net[1].weight.detach().reshape(2, 3, 8, 8)
    assert run.inputs is not None
    for row, name in enumerate(source.ids):
        if "broken" in name:
            continue
        with Image.open(source.path / name) as image:
            x = preprocessing.forward(image)
        label = 0 if name.startswith("cat") else 1
        expected = weights[label]  # the gradient of a linear model
        torch.testing.assert_close(torch.from_numpy(run.relevance[[row]][0]), expected, rtol=0, atol=1e-6)
        assert np.array_equal(run.inputs[[row]][0], preprocessing.undo(x)), "what is shown is what the model saw"


def test_a_run_that_ignored_the_orientation_is_continued_only_with_the_same_pixels(tmp_path: Path) -> None:
    folder, net = make_folder(tmp_path / "data"), make_net()
    earlier = Preprocessing(exif_orientation=False, full_depth=False)
    whyset.explain(net, folder, tmp_path / "run", preprocessing=earlier, progress=False)
    stored = whyset.open_run(tmp_path / "run").config
    assert not {"exif_orientation", "full_depth"} & set(stored.preprocessing), "as runs of earlier versions"
    with pytest.raises(RunMismatchError, match=r"preprocessing\.exif_orientation is \(absent\) there and True here"):
        whyset.explain(net, folder, tmp_path / "run", preprocessing=Preprocessing(), progress=False)
    again = whyset.explain(net, folder, tmp_path / "run", preprocessing=earlier, progress=False)
    assert again.config_hash == stored.hash


def test_runs_of_arrays_do_not_depend_on_what_concerns_files(tmp_path: Path) -> None:
    images, net = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), dtype=np.uint8), make_net()
    run = whyset.explain(net, images, tmp_path / "run", preprocessing=Preprocessing(), progress=False)
    assert "exif_orientation" not in run.config.preprocessing


@pytest.mark.parametrize("form", [">u2", "<u2"])
@pytest.mark.parametrize("channels_first", [False, True])
def test_arrays_of_sixteen_bits_reach_the_model_whole(tmp_path: Path, form: str, channels_first: bool) -> None:
    images, net = np.random.default_rng(0).integers(0, 65536, (4, 8, 8, 3)).astype(form), make_net()
    given = images.transpose(0, 3, 1, 2) if channels_first else images
    run = whyset.explain(
        net,
        given,
        tmp_path / "run",
        preprocessing=Preprocessing(),
        method="input_times_gradient",
        target=1,
        dtype="float32",
        progress=False,
    )
    x = torch.from_numpy(images.astype(np.float32).transpose(0, 3, 1, 2) / np.float32(65535))
    expected = x * net[1].weight[1].detach().reshape(3, 8, 8)
    torch.testing.assert_close(torch.from_numpy(run.relevance[:]), expected, rtol=1e-6, atol=1e-7)
    assert run.inputs is not None
    assert np.array_equal(run.inputs[:], np.rint(images.transpose(0, 3, 1, 2) / 257))


MODEL = """
from torch import nn

PREPROCESSING = {"exif_orientation": False, "full_depth": False}


def net():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 2))
"""


def test_a_run_of_an_earlier_version_is_repeated_with_its_pixels(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    torch.save(make_net().state_dict(), tmp_path / "weights.pt")
    folder = make_folder(tmp_path / "data")
    model = ModelSource(f"{tmp_path / 'model.py'}:net", tmp_path / "weights.pt")
    run = whyset.explain(model, folder, tmp_path / "run", progress=False)
    assert "exif_orientation" not in run.config.preprocessing
    again = rerun(tmp_path / "run", tmp_path / "again", progress=False)
    assert again.config_hash == run.config_hash
    assert again.inputs is not None
    assert run.inputs is not None
    assert np.array_equal(again.inputs[:], run.inputs[:])
    turned = run.inputs[[run.ids.index("cat/1.png")]][0].transpose(1, 2, 0)
    with Image.open(folder / "cat" / "1.png") as stored:
        assert np.array_equal(turned, np.asarray(stored))


def test_floats_beyond_white_are_a_check_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for number in range(3):
        values = np.random.default_rng(number).normal(300, 50, (8, 8)).astype(np.float32)
        Image.fromarray(values).save(tmp_path / "data" / f"{number}.tif")
    run = whyset.explain(make_net(), tmp_path / "data", tmp_path / "run", preprocessing=Preprocessing(), progress=False)
    assert "input_range" in {check.name for check in run.checks}
