"""WavFolderSource: the values of every kind of WAV file, what must agree, and runs over sounds."""

import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.io import wavfile
from torch import nn

import whyset
from whyset.errors import InputError, WhysetError
from whyset.runner import Labels, ModelSource, Preprocessing, WavFolderSource, rerun
from whyset.runner.sources import FolderSource, source_at

RATE = 8000
Folder = Callable[..., Path]


def write(path: Path, sound: NDArray[np.integer], bits: int, rate: int = RATE) -> None:
    """Write integers (T,) or (T, channels) by the standard library."""
    path.parent.mkdir(parents=True, exist_ok=True)
    width = bits // 8
    frames = sound if sound.ndim == 2 else sound[:, None]
    offset = 128 if bits == 8 else 0
    content = b"".join((int(v) + offset).to_bytes(width, "little", signed=bits > 8) for v in frames.ravel())
    with wave.open(str(path), "wb") as file:
        file.setnchannels(frames.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(content)


@pytest.fixture
def sounds(tmp_path: Path) -> Folder:
    """Make `<class>/<number>.wav` of 16 bits; lengths, rates and channels can be given for each."""

    def make(lengths=(50, 50), rates=(RATE,), channels=(1,), classes=("bark", "meow")) -> Path:  # type: ignore[no-untyped-def]
        random = np.random.default_rng(0)
        for name in classes:
            for number, length in enumerate(lengths):
                shape = (length, channels[number % len(channels)])
                sound = random.integers(-(2**15), 2**15, shape)
                write(tmp_path / "data" / name / f"{number}.wav", sound, 16, rates[number % len(rates)])
        return tmp_path / "data"

    return make


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
@pytest.mark.parametrize("channels", [1, 2])
def test_integers_are_scaled_by_their_largest_value(tmp_path: Path, bits: int, channels: int) -> None:
    half = 2 ** (bits - 1)
    sound = np.random.default_rng(bits).integers(-half, half, (40, channels))
    sound[:3, 0] = (-half, 0, half - 1)
    write(tmp_path / "a.wav", sound, bits)
    source = WavFolderSource(tmp_path)
    x, label = source[0]
    assert (x.dtype, tuple(x.shape), label, source.rate) == (torch.float32, (channels, 40), None, RATE)
    assert np.array_equal(x.numpy(), (sound.T / half).astype(np.float32))
    assert x[0, :2].tolist() == [-1.0, 0.0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_are_taken_as_they_are(tmp_path: Path, dtype: str) -> None:
    sound = np.random.default_rng(0).normal(0, 3, (30, 2)).astype(dtype)
    wavfile.write(tmp_path / "a.wav", RATE, sound)
    assert np.array_equal(WavFolderSource(tmp_path)[0][0].numpy(), sound.T.astype(np.float32))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("extensible", [False, True])
def test_other_forms_of_the_header_are_read(tmp_path: Path, order: str, extensible: bool) -> None:
    """Extensible headers, big-endian files, texts before and after the sound, and no byte of padding at the end."""
    sound = np.random.default_rng(0).integers(-(2**15), 2**15, 21).astype(np.int16)

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack(f"{order}I", len(content)) + content

    head = struct.pack(f"{order}HHIIHH", 0xFFFE if extensible else 1, 1, RATE, 2 * RATE, 2, 16)
    if extensible:
        pcm = struct.pack(f"{order}IHH", 1, 0, 16) + bytes.fromhex("800000aa00389b71")
        head += struct.pack(f"{order}HHI", 22, 16, 4) + pcm
    text = chunk(b"LIST", b"INFOISFT" + struct.pack(f"{order}I", 4) + b"test")
    content = chunk(b"fmt ", head) + text + chunk(b"data", sound.astype(f"{order}i2").tobytes()) + text
    riff = (b"RIFF" if order == "<" else b"RIFX") + struct.pack(f"{order}I", 4 + len(content))
    (tmp_path / "a.wav").write_bytes(riff + b"WAVE" + content)
    assert np.array_equal(WavFolderSource(tmp_path)[0][0].numpy()[0], sound / np.float32(2**15))


def test_a_sound_of_an_odd_number_of_bytes_needs_no_padding(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", np.array([-128, 0, 127]), 8)
    path = tmp_path / "a.wav"
    path.write_bytes(path.read_bytes()[: 44 + 3])
    assert WavFolderSource(tmp_path)[0][0].tolist() == [[-1.0, 0.0, 127 / 128]]


def test_classes_ids_and_labels_are_those_of_folders_of_images(sounds: Folder) -> None:
    source = WavFolderSource(sounds())
    assert source.ids == ["bark/0.wav", "bark/1.wav", "meow/0.wav", "meow/1.wav"]
    assert (source.labels.tolist(), source.class_names) == ([0, 0, 1, 1], ("bark", "meow"))
    assert source[3][1] == 1
    turned = WavFolderSource(source.path, Labels.of(["meow", "bark"]))
    assert turned.labels.tolist() == [1, 1, 0, 0]
    flat = WavFolderSource(source.path / "bark")
    assert (flat.labels.tolist(), flat.class_names) == ([-1, -1], None)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"rates": (8000, 8000, 16000), "lengths": (9, 9, 9)},
            r"differ in their rate: 4 with 8,000 samples per second \(bark/0.wav, bark/1.wav, meow/0.wav, ...\); "
            r"2 with 16,000 samples per second \(bark/2.wav, meow/2.wav\): resample them to one rate",
        ),
        ({"channels": (1, 2)}, r"differ in their channels: .*2 with 2 channels \(bark/1.wav, meow/1.wav\): mix them"),
        ({"lengths": (50, 60)}, r"differ in their length: .*\(bark/1.wav, meow/1.wav\): cut or pad .* by --seconds"),
    ],
)
def test_files_that_differ_are_named_with_the_remedy(sounds: Folder, fields: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        WavFolderSource(sounds(**fields))


def test_a_length_cuts_the_end_or_appends_zeros(sounds: Folder) -> None:
    source = WavFolderSource(sounds(lengths=(30, 50, 40), channels=(2,)), seconds=40 / RATE)
    for index, name in enumerate(source.ids):
        x, whole = source[index][0].numpy(), wavfile.read(source.path / name)[1].T / np.float32(2**15)
        assert x.shape == (2, 40)
        kept = min(40, whole.shape[1])
        assert np.array_equal(x[:, :kept], whole[:, :kept])
        assert not x[:, kept:].any()
    assert source.notes == ["to 40 samples, 2 of 6 sounds are cut and 2 are padded with zeros"]
    assert source.fingerprint() != WavFolderSource(source.path, seconds=41 / RATE).fingerprint()


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf"), True, "1", 1e-9])
def test_an_impossible_length_is_refused(sounds: Folder, seconds: object) -> None:
    with pytest.raises(InputError, match="seconds is"):
        WavFolderSource(sounds(), seconds=seconds)  # type: ignore[arg-type]


def cut(content: bytes) -> bytes:
    return content[:-10]


def overlong(content: bytes) -> bytes:
    return content.replace(b"data" + struct.pack("<I", 100), b"data" + struct.pack("<I", 0xFFFFFFFF))


@pytest.mark.parametrize("damage", [cut, overlong, lambda _: b"", lambda _: b"RIFF", lambda _: b"no sound" * 9])
def test_a_damaged_file_fails_alone(sounds: Folder, damage: Callable[[bytes], bytes]) -> None:
    folder = sounds(lengths=(50, 50, 50))
    broken = folder / "bark" / "1.wav"
    broken.write_bytes(damage(broken.read_bytes()))
    source = WavFolderSource(folder)
    assert (len(source), source.rate, source.length) == (6, RATE, 50)
    run = whyset.explain(make_net(50), source, folder.parent / "run", progress=False)
    assert [failure.index for failure in run.failures] == [1]
    assert run.config.rate == RATE


def test_a_folder_without_a_readable_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"none of 1 WAV files can be read; a\.wav: "):
        WavFolderSource(tmp_path)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(InputError, match=r"holds no WAV files \(\.wav, \.wave\)"):
        WavFolderSource(tmp_path)


def test_a_sound_of_no_samples_fails_alone(sounds: Folder) -> None:
    folder = sounds()
    write(folder / "bark" / "0.wav", np.zeros((0, 1), int), 16)
    source = WavFolderSource(folder, seconds=10 / RATE)
    with pytest.raises(ValueError, match="has 0 samples"):
        source[0]
    assert source[1][0].shape == (1, 10)


def test_a_folder_of_sounds_is_found_by_its_files(sounds: Folder) -> None:
    folder = sounds()
    (folder / "bark" / "notes.txt").write_text("x")
    found = source_at(folder, Preprocessing(), None)
    assert isinstance(found, WavFolderSource)
    assert found.notes == ["1 files without the suffix of a WAV file are ignored"]
    (folder / "bark" / "cover.png").write_bytes(b"x")
    assert isinstance(source_at(folder, Preprocessing(), None), FolderSource)


def make_net(length: int, channels: int = 1) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(channels * length, 2))


def test_a_run_stores_the_sound_and_its_rate(sounds: Folder, tmp_path: Path) -> None:
    folder, net = sounds(lengths=(50, 50), channels=(2,)), make_net(50, 2)
    run = whyset.explain(net, folder, tmp_path / "run", method="input_times_gradient", dtype="float32", progress=False)
    source = WavFolderSource(folder)
    assert (run.modality, run.config.rate, run.classes) == ("series", RATE, ["bark", "meow"])
    assert run.inputs is not None
    for row in range(len(source)):
        x, label = source[row]
        assert np.array_equal(run.inputs[[row]][0], x.numpy())
        expected = x * net[1].weight[label].detach().reshape(2, 50)
        torch.testing.assert_close(torch.from_numpy(run.relevance[[row]][0]), expected, rtol=0, atol=1e-7)


def test_a_preprocessing_of_images_is_refused(sounds: Folder, tmp_path: Path) -> None:
    with pytest.raises(WhysetError, match="preprocessing is for images"):
        whyset.explain(make_net(50), sounds(), tmp_path / "run", preprocessing=Preprocessing(), progress=False)


MODEL = """
from torch import nn


def net(num_classes=2):
    return nn.Sequential(nn.Flatten(), nn.Linear(40, num_classes))
"""


def test_a_run_is_repeated_with_its_length(sounds: Folder, tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(MODEL)
    weights = tmp_path / "weights.pt"
    torch.save(make_net(40).state_dict(), weights)
    source = WavFolderSource(sounds(lengths=(30, 50)), seconds=40 / RATE)
    model = ModelSource(f"{tmp_path / 'model.py'}:net", weights)
    run = whyset.explain(model, source, tmp_path / "run", progress=False)
    again = rerun(tmp_path / "run", tmp_path / "again", progress=False)
    assert again.config_hash == run.config_hash
    assert np.array_equal(again.relevance[:], run.relevance[:])
