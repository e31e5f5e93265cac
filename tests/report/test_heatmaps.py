"""Heatmaps as files: pictures bit for bit, names that stay inside the folder, montages with a row for each run."""

from base64 import b64decode
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import whyset
from whyset.errors import InputError
from whyset.image import colorize
from whyset.report import Heatmaps
from whyset.report.pictures import ReportHeatmaps
from whyset.store import Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard


def test_a_picture_is_the_input_and_the_map_side_by_side(run: Run, tmp_path: Path) -> None:
    path, montage = Heatmaps().write([run], tmp_path / "out", [5])
    assert path == (tmp_path / "out" / run.ids[5]).with_suffix(".png")
    assert montage.name == "montage-0000.png"
    picture = np.asarray(Image.open(path))
    assert run.inputs is not None
    assert (picture[:, :18] == run.inputs[5].transpose(1, 2, 0)).all()
    assert (picture[:, 20:] == colorize(run.relevance[5])).all()


def test_all_explained_samples_are_written_once(run: Run, tmp_path: Path) -> None:
    written = list(Heatmaps(columns=0).write([run], tmp_path))
    assert len(set(written)) == 59  # of 60, one failed
    assert sorted(written) == sorted(tmp_path.rglob("*.png"))


def test_runs_and_color_maps_stand_side_by_side(run: Run, tmp_path: Path) -> None:
    (path,) = Heatmaps(("bwr", "00f,80:000,0f0"), columns=0, side=36).write([run, run], tmp_path, [2])
    assert Image.open(path).size == (5 * 36 + 4 * 2, 24)


def test_together_shows_a_weaker_map_weaker(run: Run, tmp_path: Path) -> None:
    first, second = (
        np.asarray(Image.open(path))[:, 20:]
        for path in Heatmaps(together=True, columns=0).write([run], tmp_path, [0, 2])
    )
    scale = np.abs(run.relevance[[0, 2]].sum(axis=1)).max()
    assert (first == colorize(run.relevance[0], scale=scale)).all()
    assert (second == colorize(run.relevance[2], scale=scale)).all()


@pytest.mark.parametrize(("form", "count"), [("svg", 3), ("pdf", 3)])
def test_montages_hold_so_many_columns(run: Run, tmp_path: Path, form: str, count: int) -> None:
    list(Heatmaps(columns=2, montage=form).write([run], tmp_path, [0, 1, 2, 3, 5]))
    assert len(list(tmp_path.glob(f"montage-*.{form}"))) == count


def test_ids_never_lead_out_of_the_folder_nor_onto_each_other(tmp_path: Path) -> None:
    ids = ["../../up.png", "/root.png", "a/b.png", "a/b.jpg", "a\\b:c.png", ".hidden", "x", "x.8.png", "x.png"]
    ids += ["montage-0000", "a" * 300, "a" * 299 + "b", "con.png", "b/NUL/c", "\x1b[31m\u202e.png"]
    config = RunConfig(
        model="m",
        weights_hash="h",
        composite=None,
        target="label",
        preprocessing={},
        dataset_fingerprint="f",
        class_names=("one",),
        shard_rows=16,
    )
    run = create_run(tmp_path / "run", config, samples_table(ids, [0] * len(ids)), standard_arrays((1, 2, 3)))
    columns = {name: np.zeros(len(ids), int) for name in ("target", "prediction")}
    confidence = np.ones(len(ids), np.float32)
    maps = np.ones((len(ids), 1, 2, 3), np.float32)
    write_shard(run, 0, {"attribution/input": maps, "confidence": confidence, **columns})
    written = [path.resolve() for path in Heatmaps(columns=20).write([run], tmp_path / "out")]
    assert len(set(written)) == len(ids) + 1
    assert not any({"con", "nul"} & {part.split(".")[0].lower() for part in path.parts} for path in written)
    assert all(path.is_relative_to(tmp_path / "out") for path in written)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([60], "does not have row 60: expected 0 to 59"),
        ([-1], "does not have row -1: expected 0 to 59"),
        ([23], "row 23 .* not explained"),
    ],
)
def test_rows_that_cannot_be_shown_are_refused_before_anything_is_written(
    run: Run, tmp_path: Path, rows: list[int], told: str
) -> None:
    with pytest.raises(InputError, match=told):
        list(Heatmaps().write([run], tmp_path / "out", rows))
    assert not (tmp_path / "out").exists()


def test_a_run_of_other_samples_is_refused(run: Run, tmp_path: Path) -> None:
    config = run.config
    other = create_run(tmp_path / "other", config, samples_table(["elsewhere"], [0]), standard_arrays((3, 12, 18)))
    with pytest.raises(InputError, match="lacks 1 of 1 samples"):
        list(Heatmaps().write([run, other], tmp_path / "out", [0]))


@pytest.mark.parametrize(
    "fields", [{"color_maps": ()}, {"color_maps": ("jett",)}, {"columns": -1}, {"side": 0}, {"montage": "gif"}]
)
def test_impossible_forms_are_refused(fields: dict) -> None:
    with pytest.raises(InputError):
        Heatmaps(**fields)


def test_a_text_is_drawn_without_its_padding(tmp_path: Path) -> None:
    relevance = np.array([[1.0, 2, 0, 0], [1, 2, 3, 4]], np.float32)
    run = whyset.from_arrays(relevance, tokens=[["a", "b"], ["c", "d", "e", "f"]], out=tmp_path / "run")
    widths = [Image.open(path).width for path in Heatmaps(columns=0).write([run], tmp_path / "maps")]
    assert widths == [2, 4]
    drawn = ReportHeatmaps(run, None).sample(0)[1]  # type: ignore[arg-type]  # a sample needs no analysis
    assert Image.open(BytesIO(b64decode(drawn.partition(",")[2]))).width == 2
