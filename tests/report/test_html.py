import base64
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from whyset.report import as_html, report
from whyset.report.pictures import ReportHeatmaps
from whyset.store import CategoryResult, Run
from whyset.store.evidence import from_info

OUTSIDE = re.compile(r"(?:src|href)=\"(?!data:|#)|url\(|@import|<script|<link")


class Page(HTMLParser):
    """What stands in a page: its tags, texts and pictures."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.images: list[dict[str, str | None]] = []
        self.text: list[str] = []
        self.ids: set[str | None] = set()
        self.targets: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened.append(tag)
        given = dict(attrs)
        self.ids.add(given.get("id"))
        if tag == "img":
            self.images.append(given)
        if tag == "a":
            self.targets.add((given["href"] or "").removeprefix("#"))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def written(run: Run, name: str = "spray", classes: int = 10) -> str:
    return as_html(report(run, name), ReportHeatmaps(run, run.analysis(name)), classes)


def test_the_page_needs_no_other_file_and_every_picture_opens(run: Run) -> None:
    page = written(run)
    assert not OUTSIDE.search(page)
    found = Page(page)
    assert found.targets <= found.ids
    assert len(found.images) > 9
    for image in found.images:
        assert image["alt"]
        data = base64.b64decode((image["src"] or "").removeprefix("data:image/png;base64,"))
        with Image.open(BytesIO(data)) as picture:
            assert picture.size == (18, 12)  # not square, so that sides cannot be swapped unseen


def test_a_medoid_is_shown_with_its_input_and_its_map(run: Run) -> None:
    pictures = ReportHeatmaps(run, run.analysis("spray"))
    shown, relevance = pictures.sample(2)
    assert shown is not None
    with Image.open(BytesIO(base64.b64decode(shown.split(",")[1]))) as picture:
        np.testing.assert_array_equal(np.asarray(picture), run.inputs[2].transpose(1, 2, 0))
    assert relevance in written(run) or shown != relevance


def test_names_like_markup_are_shown_as_they_are(run: Run) -> None:
    page = written(run)
    assert "dog <b>&amp;" not in page
    text = "".join(Page(page).text)
    assert "dog <b>&amp;" in text
    for row in report(run).classes:
        assert row.name in text


def test_scores_definitions_and_provenance_are_on_the_page(run: Run) -> None:
    text = "".join(Page(written(run)).text)
    for word in ("separability", "Benjamini, Hochberg 1995", "sample.py:network", run.config.hash, "EpsilonPlusFlat"):
        assert word in text
    assert "1 sample without a label is left out" in text


def test_only_the_first_classes_come_with_pictures(run: Run) -> None:
    assert len(Page(written(run, classes=1)).images) < len(Page(written(run)).images)
    page = written(run, classes=0)
    assert "3 further classes are ranked above and not shown in detail" in page
    assert 'class="cards"' not in page


def test_a_class_without_clusters_says_why(run: Run) -> None:
    writer = run.analysis_writer("few", {})
    writer.write(CategoryResult("00000", "cat", {"index": np.arange(2)}, from_info({"problem": "Too <few> samples"})))
    assert "Too &lt;few&gt; samples" in written(run, "few")


def differing(run: Run, preprocessing: tuple[str, ...]) -> list[str]:
    """Pictures of where the only cluster differs from the rest: in the first of 6 rows of 9 cells."""
    fields = {"pooling": 9, "preprocessing": [{"name": name, "fields": {}} for name in preprocessing]}
    writer = run.analysis_writer("differs", {"pipeline": {"name": "Spray", "fields": fields}})
    mean, mask = np.full((1, 6 * 9), 1.0, np.float32), np.zeros((1, 6 * 9), np.uint8)
    mask[0, :9] = 1
    cluster = {"id": 0, "size": 3, "medoids": [1]}
    info = {"default_clustering": "kmeans", "clusterings": {"kmeans": {"clusters": [cluster]}}, "size": 3}
    columns = {"index": np.arange(3), "difference.kmeans": mean, "difference_mask.kmeans": mask}
    writer.write(CategoryResult("00000", "cat", columns, from_info(info)))
    pictures = ReportHeatmaps(run, run.analysis("differs"))
    return pictures.differences(pictures.analysis.category("cat"))


@pytest.mark.parametrize("part", ["Histogram", "FourierMagnitude"])
def test_features_that_have_no_place_are_not_shown_as_a_map(run: Run, part: str) -> None:
    assert differing(run, ("Absolute", part)) == []


def test_where_a_cluster_differs_is_faded_elsewhere(run: Run) -> None:
    (uri,) = differing(run, ("Absolute",))
    with Image.open(BytesIO(base64.b64decode(uri.split(",")[1]))) as picture:
        pixels = np.asarray(picture)
    assert pixels.shape == (6, 9, 3)
    assert (pixels[0] == [255, 0, 0]).all()
    assert (pixels[1:, :, 1] > 200).all()


@pytest.mark.browser
def test_the_page_reads_well_in_light_dark_and_print(run: Run, tmp_path: Path, browser) -> None:
    file = tmp_path / "report.html"
    file.write_text(written(run), encoding="utf-8")
    grounds, problems = set(), []
    for scheme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme=scheme)
        page.on("console", lambda message: problems.append(message.text))
        page.on("request", lambda request: problems.append(request.url) if request.url.startswith("http") else None)
        page.goto(file.as_uri())
        grounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.set_viewport_size({"width": 360, "height": 640})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "wider than a phone"
        assert page.pdf()[:4] == b"%PDF"
        page.close()
    assert len(grounds) == 2
    assert problems == []
