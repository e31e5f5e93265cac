"""The report states how much relevance arrives and what is suspicious, and shows inputs as they are stored."""

import base64
import json
import re
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import whyset as ws
from whyset.attribution.composites import EpsilonPlus
from whyset.attribution.methods import SmoothGradMethod
from whyset.report import as_html, as_json, as_markdown, as_text, report
from whyset.report.pictures import ReportHeatmaps, contact_sheet
from whyset.report.relevance import Distribution, describe_losses, summarize_columns, summarize_relevance
from whyset.store import Check, Run
from whyset.store.checks import check_relevance, write_checks
from whyset.store.losses import Losses


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    images = np.random.default_rng(0).random((40, 3, 8, 8)).astype(np.float32)
    images[:20] *= 0.2
    data, out = (images, np.arange(40) // 20), tmp_path_factory.mktemp("runs") / "run"
    run = ws.explain(net, data, out, composite=EpsilonPlus(), class_names=["<cat>", "dog"])
    ws.analyze(run, ws.Spray())
    write_checks(run.path, [Check("labels", "warning", 3, 40, "3 of 40 labels <differ>")])
    return run


def test_the_report_of_another_method_names_it_and_claims_no_conservation(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Tanh(), nn.Flatten(), nn.Linear(4 * 36, 2)).eval()
    images = np.random.default_rng(0).random((30, 3, 8, 8)).astype(np.float32)
    method = SmoothGradMethod(n_iter=3, statistic="variance")
    run = ws.explain(net, (images, np.arange(30) // 15), tmp_path / "run", method=method)
    ws.analyze(run, ws.Spray(surrogates=5, resamplings=2))
    made = report(run)
    assert made.method == "VarGrad, 3 noisy copies, noise level 0.1"
    facts = dict(made.provenance)
    assert facts["method"] == made.method
    assert json.loads(facts["parameters of the method"])["statistic"] == "variance"
    assert "composite" not in facts
    for text in (as_text(made), as_markdown(made)):
        assert "VarGrad, 3 noisy copies" in text
        assert "share of the output that arrives" not in text
        assert "losses, as shares" not in text


def test_a_summary_counts_what_is_beyond_the_limits() -> None:
    arrived = np.array([1.0, 0.5, -2.0, 400.0, np.nan, np.inf])
    summary = summarize_columns(arrived, np.array([0.1, 0.2, 0.3, 0.4, 5.0, 1.0]), None)
    assert (summary.explanations, summary.too_large, summary.lost) == (6, 2, 1)
    assert summary.arrived == Distribution(-2.0, -0.125, 0.75, 100.75, 400.0)
    assert summarize_columns(np.full(2, np.nan), np.ones(2), None).arrived is None


def test_checks_and_summary_count_the_same_explanations() -> None:
    arrived = np.array([0.5, 100.0, 101.0, -101.0, 0.01, 0.009, -3.0, np.nan, np.inf, 1.0], np.float32)
    largest = np.array([0.5, 100.0, 2.0, 2.0, 0.01, 0.5, np.nan, 500.0, 1.0, 100.5], np.float32)
    summary = summarize_columns(arrived, largest, None)
    counts = {check.name: check.count for check in check_relevance(arrived, largest)}
    assert counts == {"relevance_too_large": summary.too_large, "relevance_lost": summary.lost}
    assert (summary.too_large, summary.lost) == (4, 3)


def test_losses_in_words() -> None:
    losses = Losses(4, {"bias": 0.25, "rule": -0.5, "stabilizer": 1e-6})
    assert describe_losses(losses) == "rule -50 %, bias 25 % (mean of 4 measured)"
    assert describe_losses(Losses(0, reason="no ledger")) == "not measured: no ledger"


def write_page(run: Run) -> str:
    return as_html(report(run), ReportHeatmaps(run, run.analysis()))


FORMS = {"text": lambda run: as_text(report(run)), "markdown": lambda run: as_markdown(report(run)), "page": write_page}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_states_checks_distribution_and_losses(explained: Run, form: str) -> None:
    page = re.sub(r"[\\\s]+", " ", FORMS[form](explained).replace("&lt;", "<").replace("&gt;", ">"))
    assert re.search(r"warning: 3 of 40 labels ?<differ ?>", page)
    median = summarize_relevance(explained).arrived.median
    assert f"median {median:.3g}, quartiles" in page
    assert "explanations beyond the limits" in page
    assert re.search(r"bias -?[\d.e+]+ %.*\(mean of 2 measured\)", page)


def test_the_json_report_has_all_of_it(explained: Run) -> None:
    told = json.loads(as_json(report(explained)))
    assert told["checks"][-1] == {
        "name": "labels", "severity": "warning", "count": 3, "total": 40, "message": "3 of 40 labels <differ>",
    }  # fmt: skip
    assert told["relevance"]["explanations"] == 40
    assert told["relevance"]["losses"]["measured"] == 2


def test_the_contact_sheet_shows_inputs_as_they_are_stored(explained: Run) -> None:
    sheet = contact_sheet(explained)
    pictures = [one.uri.removeprefix("data:image/png;base64,") for one in sheet]
    rows = np.linspace(0, 39, 24).round().astype(int)
    assert len(pictures) == 24
    for picture, row in zip(pictures, rows, strict=True):
        shown = np.asarray(Image.open(BytesIO(base64.b64decode(picture))))
        assert np.array_equal(shown, explained.inputs[row].transpose(1, 2, 0))
    wrong = (explained.column("prediction") != explained.labels)[rows]
    assert [one.wrong for one in sheet] == wrong.tolist()


def test_the_page_opens_with_the_contact_sheet(explained: Run) -> None:
    page = as_html(report(explained), ReportHeatmaps(explained, explained.analysis()))
    assert page.index("<h2>Checks") < page.index("<h2>Inputs") < page.index("<h2>Classes")
    assert page.count('class="wrong"') == sum(one.wrong for one in contact_sheet(explained)) > 0
    assert "&lt;cat&gt;" in page
    assert "<cat>" not in page


def test_no_sheet_where_no_images_are_kept(tmp_path: Path) -> None:
    table = np.random.default_rng(0).random((9, 5)).astype(np.float32)
    run = ws.explain(nn.Linear(5, 2).eval(), (table, np.zeros(9, int)), tmp_path / "table")
    assert contact_sheet(run) == []
    images = np.random.default_rng(0).random((4, 1, 3, 3)).astype(np.float32)
    net = nn.Sequential(nn.Flatten(), nn.Linear(9, 2)).eval()
    assert contact_sheet(ws.explain(net, images, tmp_path / "none", inputs=False)) == []
    assert len(contact_sheet(ws.explain(net, images, tmp_path / "some"))) == 4
