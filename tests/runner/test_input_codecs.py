"""A preprocessing that does not fit the data is an error before anything is computed, never ignored."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import TensorDataset

import whyset as ws
from whyset.errors import InputError
from whyset.progress import Silent
from whyset.runner import ModelSource, Preprocessing
from whyset.runner.input_codecs import RawCodec
from whyset.runner.sources import ArraySource

COUNT = 10
GRAY, COLOR = Preprocessing(mode="L"), Preprocessing(mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.2))


class Never(nn.Module):
    """A model that must not run."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise AssertionError("the model ran")


def data(kind: str, x: np.ndarray, place: Path) -> Any:
    if kind == "file":
        with h5py.File(place / "x.h5", "w") as file:
            file["images"] = x
        return place / "x.h5"
    return TensorDataset(torch.tensor(x)) if kind == "TensorDataset" else x


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random((COUNT, *shape)).astype("f4")


@pytest.mark.parametrize("kind", ["array", "TensorDataset", "file"])
@pytest.mark.parametrize("x", [floats(4), floats(2, 9), np.ones((COUNT, 5), np.int64)], ids=["table", "series", "ids"])
def test_a_preprocessing_of_anything_but_images_is_refused(x: np.ndarray, kind: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the preprocessing is for images, but the data are series, rows of tables"):
        ws.explain(Never(), data(kind, x, tmp_path), tmp_path / "run", preprocessing=COLOR, composite="gradient")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("composite", ["gradient", "epsilon_gamma_box"])
@pytest.mark.parametrize("kind", ["array", "TensorDataset", "file"])
@pytest.mark.parametrize(("channels", "given"), [(1, COLOR), (2, COLOR), (3, GRAY), (4, COLOR)])
def test_another_number_of_channels_is_refused(
    channels: int, given: Preprocessing, kind: str, composite: str, tmp_path: Path
) -> None:
    x = data(kind, floats(channels, 6, 5), tmp_path)
    message = (
        rf"for {given.channels} channels \(mode {given.mode}\), but the images have {channels}: \({channels}, 6, 5\)"
    )
    with pytest.raises(InputError, match=message):
        ws.explain(Never(), x, tmp_path / "run", preprocessing=given, composite=composite)
    assert not (tmp_path / "run").exists()


MODEL = """
from torch import nn
PREPROCESSING = {"mean": (0.5,), "std": (0.2,)}
def model():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
"""


class Messages(Silent):
    """A progress display that keeps its messages."""

    def __init__(self) -> None:
        object.__setattr__(self, "lines", [])

    def info(self, line: str) -> None:
        self.lines.append(line)  # type: ignore[attr-defined]


def test_what_a_model_file_states_is_left_out_with_a_word_and_what_options_say_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(MODEL.replace("LazyLinear(2)", "Linear(4, 2)"))
    spec, said = f"{tmp_path / 'net.py'}:model", Messages()
    run = ws.explain(ModelSource(spec), floats(4), tmp_path / "run", progress=said)
    assert len(run) == COUNT
    assert any("the preprocessing stated with the model is for images" in line for line in said.lines)
    with pytest.raises(InputError, match="--mean"):
        ws.explain(ModelSource(spec, preprocessing={"mean": (0.1,)}), floats(4), tmp_path / "other")


def test_a_source_of_ones_own_must_fit_its_inputs(tmp_path: Path) -> None:
    for x, wrong in ((floats(4), GRAY), (floats(3, 6, 5), RawCodec()), (floats(2, 6, 5), COLOR)):
        source = ArraySource(x)
        source.preprocessing = wrong
        with pytest.raises(InputError, match="preprocessing"):
            ws.explain(Never(), source, tmp_path / "run", composite="gradient")


def test_a_preprocessing_that_fits_shows_the_images(tmp_path: Path) -> None:
    x = (floats(3, 6, 5) - np.array(COLOR.mean, "f4")[:, None, None]) / 0.2
    run = ws.explain(nn.Sequential(nn.Flatten(), nn.Linear(90, 2)), x, tmp_path / "run", preprocessing=COLOR)
    assert np.array_equal(np.asarray(run.inputs), COLOR.undo(x))
