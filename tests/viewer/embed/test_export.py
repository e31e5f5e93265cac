"""The static export as a file: what is in it, what is refused, and what never leaves the computer."""

import asyncio
import base64
import hashlib
import json
import os
import re
import runpy
import shutil
import zlib
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from whyset.errors import InputError
from whyset.store import Run
from whyset.viewer.embed import page as page_module
from whyset.viewer.embed.archive import COLUMNS, LOSSLESS, sprite
from whyset.viewer.embed.export import export_html
from whyset.viewer.embed.local import LocalViewer
from whyset.viewer.embed.record import read_array

SUPPORT = Path(__file__).parents[2] / "support"


def block_of(text: str, name: str) -> bytes:
    found = re.search(rf'<script type="text/plain" data-block="{name}">([^<]*)</script>', text)
    assert found
    return zlib.decompress(base64.b64decode(found[1]), -15)


def contents_of(file: Path) -> dict:
    return json.loads(block_of(file.read_text("utf-8"), "contents"))


@pytest.fixture(scope="module")
def file(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_html(run, tmp_path_factory.mktemp("export") / "page.html")


def test_the_page_may_run_its_own_script_and_load_nothing(file: Path) -> None:
    text = file.read_text("utf-8")
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert len(scripts) == len(styles) == 1
    for allowed, inside in (("script-src", scripts[0]), ("style-src", styles[0])):
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert f"{allowed} 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert not re.search(r'(src|href)="', text.replace(scripts[0], ""))


def test_the_same_run_gives_the_same_bytes(file: Path, run: Run, tmp_path: Path) -> None:
    assert export_html(run, tmp_path / "again.html").read_bytes() == file.read_bytes()


def test_a_copy_of_the_run_in_another_place_at_another_time_gives_the_same_bytes(
    file: Path, run: Run, tmp_path: Path
) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / run.path.parent.name / run.path.name))
    for path in copied.rglob("*"):
        os.utime(path, (1_000_000_000, 1_000_000_000))
    assert export_html(copied, tmp_path / "again.html").read_bytes() == file.read_bytes()


def test_a_page_of_a_damaged_analysis_says_so_and_names_the_file_within_the_run(run: Run, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(run.path, tmp_path / "copy"))
    category = copied / "analyses" / "spray" / "00001" / "category.json"
    category.write_bytes(category.read_bytes().replace(b"0", b"1", 1))
    answers = contents_of(export_html(copied, tmp_path / "page.html"))["answers"]
    (place,) = (place for place in answers if place.endswith("/analyses/spray"))
    problems = [row["problem"] for row in answers[place]["categories"] if row["id"] == "00001"]
    assert answers[place]["notices"][0].startswith("2 of 3 classes are finished (not: 00001); q-values are withheld")
    assert len(problems) == 1
    assert problems[0].startswith("analyses/spray/00001/category.json is damaged: ")
    assert str(tmp_path) not in json.dumps(answers)


def test_maps_are_the_servers_bytes(file: Path, run: Run) -> None:
    held = contents_of(file)["pictures"]["runs/sample/maps"]
    answer = LocalViewer([run.path]).get(f"runs/sample/maps?indices={','.join(map(str, held['rows']))}")
    assert (held["shape"], held["form"], len(held["rows"])) == ([12, 18], "scaled", 58)
    assert block_of(file.read_text("utf-8"), str(held["blocks"][0])) == answer.body


def test_words_and_exact_relevance_of_texts_are_held(tmp_path: Path) -> None:
    runs = SimpleNamespace(**runpy.run_path(str(SUPPORT / "modality_runs.py"), run_name="modality_runs"))
    run = runs.analyzed(runs.text_run(tmp_path / "text"))
    file = export_html(run, tmp_path / "page.html")
    held = contents_of(file)
    words, exact = held["lists"]["runs/text/tokens"], held["pictures"]["runs/text/relevance"]
    assert words["values"] == run.tokens(np.array(words["rows"]))
    numbers = np.frombuffer(block_of(file.read_text("utf-8"), str(exact["blocks"][0])), "<f4")
    np.testing.assert_array_equal(numbers.reshape(len(exact["rows"]), -1), run.relevance[exact["rows"]])


def test_slices_and_whole_volumes_are_held(tmp_path: Path) -> None:
    runs = SimpleNamespace(**runpy.run_path(str(SUPPORT / "modality_runs.py"), run_name="modality_runs"))
    run = runs.analyzed(runs.volume_run(tmp_path / "volume"))
    file = export_html(run, tmp_path / "page.html", quality=100)
    held = contents_of(file)["pictures"]
    shapes = {name.removeprefix("runs/volume/"): part["shape"] for name, part in held.items()}
    assert shapes == {
        "maps": [9, 13],
        "inputs": [9, 13, 2],
        "volumes": [6, 9, 13],
        "input-volumes": [6, 9, 13, 2],
    }
    inputs = held["runs/volume/input-volumes"]
    block = block_of(file.read_text("utf-8"), str(inputs["blocks"][0]))
    pixels = np.frombuffer(block, np.uint8).reshape(len(inputs["rows"]), 6, 9, 13, 2)
    np.testing.assert_array_equal(pixels, run.inputs[inputs["rows"]].transpose(0, 2, 3, 4, 1))


def test_the_place_of_the_run_stays_at_home(file: Path, run: Run) -> None:
    contents = contents_of(file)
    assert str(run.path.parent) not in json.dumps(contents)
    assert "origin" not in contents["answers"]["runs/sample"]["summary"]  # of model and data


def test_some_rows_are_held_with_the_medoids(run: Run, sample: SimpleNamespace, tmp_path: Path) -> None:
    category = run.analysis("spray").category("horse")
    clusterings = category.evidence.clusterings.values()
    medoids = {row for clustering in clusterings for cluster in clustering.clusters for row in cluster.medoids}
    held = contents_of(export_html(run, tmp_path / "page.html", categories=["horse"], rows=[2, 5, 0]))
    assert set(held["rows"]) == {2, 5} | medoids  # 0 is a cat
    assert [row["name"] for row in held["answers"]["runs/sample/analyses/spray"]["categories"]] == ["horse"]
    columns = {
        column["name"]: column["shape"] for column in held["answers"]["runs/sample/analyses/spray/00002"]["columns"]
    }
    assert columns["index"] == [len({2, 5} | medoids)]
    assert columns["mean_map.kmeans"][0] == 3  # of clusters, not of samples


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"limit": 57}, "expected at most 57 in one page, got 58 samples of 3 classes: take fewer classes"),
        ({"categories": ["zebra"]}, "has no category 'zebra'; it has cat"),
        ({"analysis": "none"}, "has no analysis 'none'"),
        ({"rows": [60]}, "rows: expected 0 to 59, got 60 to 60"),
        ({"rows": [[1]]}, "expected integers in one dimension"),
        ({"rows": [23]}, "none of the 1 rows is in 3 classes"),
        ({"thumbnails": 4}, "expected thumbnails of 8 to 512 pixels"),
        ({"quality": 0}, "a quality of 1 to 100, got 64 and 0"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(run: Run, tmp_path: Path, settings: dict, told: str) -> None:
    with pytest.raises(InputError, match=re.escape(told)):
        export_html(run, tmp_path / "page.html", **settings)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_replaced_only_when_told(run: Run, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("mine")
    with pytest.raises(InputError, match="exists: choose another name, or replace it"):
        export_html(run, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == "mine"
    assert "<title>whyset" in export_html(run, tmp_path / "page.html", replace=True).read_text("utf-8")
    with pytest.raises(InputError, match="is a folder: name a file"):
        export_html(run, tmp_path)
    with pytest.raises(InputError, match=r"none for page\.html does not exist"):
        export_html(run, tmp_path / "none" / "page.html")


def test_a_run_without_a_built_viewer_says_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = SimpleNamespace(add_block=lambda data: 0, contents=dict, blocks=[])
    with pytest.raises(InputError, match="is missing: install whyset again, or run"):
        "".join(page_module.page(archive, "", tmp_path))
    for name in ("standalone.js", "standalone.css"):
        (tmp_path / name).write_text("x = '</SCRIPT'")
    with pytest.raises(InputError, match="cannot be put into a page"):
        "".join(page_module.page(archive, "", tmp_path))


def test_the_application_answers_in_this_process_as_over_http(client: TestClient, run: Run, half: Run) -> None:
    local = LocalViewer([run.path, half.path])
    for path in ("runs", "runs/sample/maps?indices=1,2&size=9", "runs/none", "runs/sample/samples?indices=a", "../x"):
        here, there = local.ask(path), client.get(f"/api/{path}")
        assert (here.status, here.body) == (there.status_code, there.content)
    with pytest.raises(InputError, match="run 'none' not found"):
        local.get("runs/none")


def test_it_can_be_asked_where_a_loop_runs_already(run: Run) -> None:
    async def ask() -> int:
        return LocalViewer([run.path]).ask("runs").status

    with ThreadPoolExecutor(1) as thread:  # this one may hold the loop of a browser that other tests opened
        assert thread.submit(asyncio.run, ask()).result() == 200


def test_columns_are_read_back_whatever_they_traveled_as(run: Run) -> None:
    answer = LocalViewer([run.path]).get("runs/sample/analyses/spray/00002/columns/index")
    expected = run.analysis("spray").category("horse").column("index")
    np.testing.assert_array_equal(read_array(answer), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_lossless_sprite_keeps_every_value_in_its_place(channels: int, tmp_path: Path) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (COLUMNS + 2, 5, 7, channels), np.uint8)
    (tmp_path / "sprite.webp").write_bytes(sprite(pictures, LOSSLESS))
    sheet = np.asarray(Image.open(tmp_path / "sprite.webp").convert("RGB"))
    assert sheet.shape == (10, COLUMNS * 7, 3)
    np.testing.assert_array_equal(sheet[5:10, 7:14, :channels], pictures[COLUMNS + 1])


def test_where_to_begin_is_told_only_of_a_class_that_is_held(run: Run, file: Path, tmp_path: Path) -> None:
    at = "runs/sample/analyses/spray"
    finding = contents_of(file)["answers"][at]["finding"]
    others = [category.id for category in run.analysis("spray").categories if category.id != finding["category"]]
    held = contents_of(export_html(run, tmp_path / "page.html", categories=others))
    assert held["answers"][at]["finding"] is None


def test_inputs_beyond_one_answer_of_the_server_are_held(
    run: Run, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("maps", "embed.record"):
        monkeypatch.setattr(f"whyset.viewer.{module}.MOST_BYTES", 24 * 12 * 18 * 3)
    again = export_html(run, tmp_path / "page.html")  # 58 samples in three answers, one block
    assert again.read_bytes() == file.read_bytes()


def test_ids_of_tokens_have_one_type_in_all_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = SimpleNamespace(**runpy.run_path(str(SUPPORT / "modality_runs.py"), run_name="modality_runs"))
    run = runs.analyzed(runs.text_run(tmp_path / "text"))
    monkeypatch.setattr("whyset.viewer.embed.record.PER_BLOCK", 2)
    file = export_html(run, tmp_path / "page.html")
    held = contents_of(file)["pictures"]["runs/text/inputs"]
    assert held["dtype"] == "int32"
    blocks = b"".join(block_of(file.read_text("utf-8"), str(block)) for block in held["blocks"])
    np.testing.assert_array_equal(np.frombuffer(blocks, "<i4").reshape(-1, *held["shape"]), run.inputs[held["rows"]])


def test_findings_are_held_for_the_chosen_rows(sample: SimpleNamespace, found: ModuleType, tmp_path: Path) -> None:
    run = sample.make_sample_run(tmp_path / "found")
    found.write_sample_findings(run)
    whole = export_html(run, tmp_path / "page.html", quality=100)
    held = contents_of(whole)
    cards = held["answers"]["runs/found/findings"]["findings"]
    assert [one["class_name"] for one in cards] == ["horse", "cat", "dog <b>&amp;"]
    assert [each["place"] for each in cards[0]["examples"]] == [0, 1]
    stored = held["pictures"]["runs/found/findings/examples"]
    assert (stored["rows"], stored["shape"]) == ([0, 1], [12, 18, 3])
    with Image.open(BytesIO(block_of(whole.read_text("utf-8"), str(stored["blocks"][0])))) as tiles:
        first = np.asarray(tiles)[:12, :18]
    np.testing.assert_array_equal(first, found.change_hosts(run)[0].transpose(1, 2, 0))
    some = contents_of(export_html(run, tmp_path / "some.html", categories=["horse"], rows=[2, 5]))
    (horse,) = some["answers"]["runs/found/findings"]["findings"]
    assert set(horse["rows"]) <= set(some["rows"])
    assert horse["examples"] == []  # the hosts are cats and dogs
    assert "runs/found/findings/examples" not in some["pictures"]
    bare = contents_of(export_html(run, tmp_path / "bare.html", inputs=False))
    assert [each["place"] for each in bare["answers"]["runs/found/findings"]["findings"][0]["examples"]] == [None, None]


def test_changed_series_and_slices_of_volumes_are_held(
    modality_runs: ModuleType, found: ModuleType, tmp_path: Path
) -> None:
    made = {"series": modality_runs.series_run, "volume": modality_runs.volume_run}
    series, volume = (modality_runs.analyzed(make(tmp_path / name)) for name, make in made.items())
    found.write_series_finding(series)
    found.write_volume_finding(volume, with_changed=True)
    slices = np.stack([one[:, 4] for one in (volume.inputs[0], volume.inputs[1], found.change_volume(volume)[0])])
    for run, expected in (
        (series, found.change_series(series)[:1]),  # the other host did not change
        (volume, slices.transpose(0, 2, 3, 1)[None]),
    ):
        file = export_html(run, tmp_path / f"{run.path.name}.html")
        held = contents_of(file)["pictures"][f"runs/{run.path.name}/findings/examples"]
        stored = block_of(file.read_text("utf-8"), str(held["blocks"][0]))
        dtype = {"float32": "<f4", "uint8": "u1"}[held["dtype"]]
        np.testing.assert_array_equal(np.frombuffer(stored, dtype).reshape(-1, *held["shape"]), expected)
