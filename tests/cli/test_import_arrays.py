"""`whyset import-arrays`: one file, or several, become a run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import zarr

import whyset as ws
from whyset.cli import main

COUNT = 12
RNG = np.random.default_rng(0)
MAPS = RNG.normal(size=(COUNT, 7, 5, 3)).astype(np.float32)
ARRAYS: dict[str, Any] = {
    "relevance": MAPS,
    "images": RNG.integers(0, 256, (COUNT, 7, 5, 3), np.uint8),
    "labels": np.array(["cat", "dog"] * 6),
    "predictions": np.array(["cat"] * 12),
    "confidence": np.linspace(0, 1, COUNT),
    "ids": np.array([f"photo {number}" for number in range(COUNT)]),
}


def save_npz(path: Path, arrays: dict[str, Any]) -> None:
    np.savez(path, **arrays)


def save_h5(path: Path, arrays: dict[str, Any]) -> None:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values.astype(h5py.string_dtype()) if values.dtype.kind == "U" else values


def save_zarr(path: Path, arrays: dict[str, Any]) -> None:
    group = zarr.open_group(path, mode="w")
    for name, values in arrays.items():
        group.create_array(name, data=values)


SAVE: dict[str, Callable[[Path, dict[str, Any]], None]] = {"npz": save_npz, "h5": save_h5, "zarr": save_zarr}


@pytest.mark.parametrize("kind", SAVE)
def test_all_arrays_of_one_file_are_read(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SAVE[kind](tmp_path / f"maps.{kind}", ARRAYS)
    out = tmp_path / "run"
    options = ["--dtype", "float32", "--target", "prediction", "--method", "Grad-CAM", "--model", "net"]
    assert main(["import-arrays", str(tmp_path / f"maps.{kind}"), "--out", str(out), *options]) == 0
    told = capsys.readouterr()
    assert "relevance from relevance; inputs from images; labels from labels" in told.out + told.err
    assert f"{out} is complete; next: whyset analyze {out}" in told.out
    run = ws.open_run(out)
    np.testing.assert_array_equal(run.relevance[:], MAPS.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(run.inputs[:], ARRAYS["images"].transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(run.column("confidence"), ARRAYS["confidence"].astype(np.float32))
    assert run.labels.tolist() == [0, 1] * 6
    assert run.column("target").tolist() == run.column("prediction").tolist() == [0] * 12
    assert (run.classes, run.ids) == (["cat", "dog"], ARRAYS["ids"].tolist())
    assert (run.config.method, run.config.model, run.config.dataset) == (
        "Grad-CAM",
        "net",
        str(tmp_path / f"maps.{kind}"),
    )


def test_arrays_of_several_files_are_read(tmp_path: Path) -> None:
    np.save(tmp_path / "maps.npy", MAPS.transpose(0, 3, 1, 2))
    np.save(tmp_path / "images.npy", ARRAYS["images"])
    np.save(tmp_path / "labels.npy", np.arange(COUNT) % 2)
    save_h5(tmp_path / "more.h5", {"mine": np.zeros(COUNT, int), "other": np.ones(COUNT)})
    (tmp_path / "names.json").write_text(json.dumps(["cat", "dog"]))
    options = {
        "inputs": "images.npy", "labels": "labels.npy", "predictions": "more.h5:mine", "target": "more.h5:mine",
        "confidence": "more.h5:other", "class-names": "names.json", "out": "run",
    }  # fmt: skip
    given = [part for name, value in options.items() for part in (f"--{name}", str(tmp_path / value))]
    assert main(["import-arrays", str(tmp_path / "maps.npy"), *given]) == 0
    run = ws.open_run(tmp_path / "run")
    assert (run.classes, run.labels.tolist(), run.config.target) == (["cat", "dog"], [0, 1] * 6, "given")
    assert run.column("confidence").tolist() == [1.0] * COUNT
    assert run.inputs is not None


def test_series_tables_and_texts_are_described_in_the_file(tmp_path: Path) -> None:
    words = np.array([["a", "b", "c"], ["d", "", ""]])
    save_h5(tmp_path / "t.h5", {"relevance": np.ones((2, 3)), "tokens": words})
    save_h5(
        tmp_path / "s.h5", {"relevance": np.ones((2, 2, 9)), "rate": np.array(50), "features": np.array(["x", "y"])}
    )
    save_npz(tmp_path / "f.npz", {"maps": np.ones((2, 3)), "features": np.array(["u", "v", "w"])})
    for name, modality in (("t.h5", "text"), ("s.h5", "series"), ("f.npz", "table")):
        assert main(["import-arrays", str(tmp_path / name), "--out", str(tmp_path / modality)]) == 0
        assert ws.open_run(tmp_path / modality).modality == modality
    assert ws.open_run(tmp_path / "text").tokens([0, 1]) == [["a", "b", "c"], ["d"]]
    series = ws.open_run(tmp_path / "series").config
    assert (series.rate, series.features) == (50.0, ("x", "y"))


def test_float_images_are_shown_by_mean_and_std(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", {"maps": np.ones((2, 3, 4, 5)), "x": np.zeros((2, 3, 4, 5), np.float32)})
    options = ["--mean", "0.2,0.4,0.6", "--std", "1,1,1"]
    assert main(["import-arrays", str(tmp_path / "a.npz"), "--out", str(tmp_path / "run"), *options]) == 0
    assert ws.open_run(tmp_path / "run").inputs[0][:, 0, 0].tolist() == [51, 102, 153]


WRONG: dict[str, tuple[list[str], str]] = {
    "an unknown ending": (["maps.txt"], "ends in one of .npy, .npz"),
    "no file": (["none.npy"], "does not exist"),
    "a folder": (["folder.npz"], "is a folder"),
    "not numpy's": (["text.npz"], "cannot be read"),
    "not hdf5": (["text.h5"], "cannot be read"),
    "pickled": (["pickled.npy"], "cannot be read"),
    "truncated": (["short.npy"], "cannot be read"),
    "no relevance": (["other.npz"], "expected one of relevance, attribution"),
    "an unknown array": (["maps.npz", "--labels", "mine"], "'mine' is neither an array in"),
    "an unknown array of another file": (["maps.npz", "--labels", "other.npz:mine"], "expected an array 'mine'"),
    "several arrays": (["maps.npz", "--confidence", "two.npz"], "name it as"),
    "axes with two meanings": (["flat.npy"], "state modality"),
    "only NaN": (["nan.npy"], "none of the 3 relevance maps is finite"),
    "a modality": (["maps.npz", "--modality", "video"], "modality is 'video'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_files_are_named_in_one_line(
    case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_npz(Path("maps.npz"), ARRAYS)
    save_npz(Path("other.npz"), {"first": MAPS})
    save_npz(Path("two.npz"), {"first": MAPS, "second": MAPS})
    np.save("flat.npy", MAPS[..., 0])
    np.save("nan.npy", np.full((3, 4), np.nan))
    np.save("pickled.npy", np.array([{}, {}], object))
    Path("short.npy").write_bytes(Path("flat.npy").read_bytes()[:-9])
    for name in ("maps.txt", "text.npz", "text.h5"):
        Path(name).write_text("text")
    Path("folder.npz").mkdir()
    before = sorted(tmp_path.iterdir())
    arguments, match = WRONG[case]
    assert main(["import-arrays", *arguments, "--out", "run"]) == 2
    told = capsys.readouterr().err
    assert match in told
    assert told.startswith("whyset: ")
    if case != "only NaN":  # its failures are recorded
        assert sorted(tmp_path.iterdir()) == before
