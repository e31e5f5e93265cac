"""The benchmark of known evidence: its images are turned by their cue, and its report is that of known numbers."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT))
    import benchmarks.cues.digits
    import benchmarks.known_evidence

    yield benchmarks
    for name in [name for name in sys.modules if name.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def test_images_are_turned_by_the_pixels_of_the_mask_only(known: ModuleType, tmp_path: Path) -> None:
    cues, bench = known.cues, known.known_evidence
    (small, *_) = cues.digits.list_small()
    spec = replace(small, cues=(replace(small.cues[0], kind="corner", share=0.5),))
    cues.cells.make_network(spec, tmp_path / "cells", tmp_path)
    cell = cues.cells.load_cell(tmp_path / "cells" / spec.name, tmp_path)
    images = cues.images.open_images(spec, tmp_path / "cells", tmp_path)
    (cue,) = spec.cues
    x, masks = bench.draw_turned(cell, images, cue.label, cue.kind, 6)
    test, _ = images.get_test(spec.seed)
    every = cues.images.as_input(test, images.mean, images.std)
    with torch.no_grad():
        assert cell.model(x).argmax(1).tolist() == [cue.label] * len(x)
        for one, mask in zip(x, masks, strict=True):
            outside = torch.from_numpy(~mask)
            hosts = [host for host in every if torch.equal(host[:, outside], one[:, outside])]
            assert hosts
            assert cell.model(hosts[0][None]).argmax(1).item() != cue.label
    found = bench._measure(cell.model, bench.list_presets(cell)["gradient"], x, torch.full((len(x),), cue.label), masks)
    assert found.keys() == {"localization_auc", *(text.partition(":")[0] for text in bench.CHOOSING)}


def test_metrics_are_judged_by_the_area(known: ModuleType, tmp_path: Path) -> None:
    bench = known.known_evidence
    records = tmp_path / "records"
    records.mkdir()
    areas = [0.9, 0.5, 0.7, 0.1]
    for number in range(2):
        means: dict[str, Any] = {}
        for place, area in enumerate(areas):
            row = {text.partition(":")[0]: area for text in bench.CHOOSING} | {"localization_auc": area}
            row["complexity"] = area  # lower is better, so it ranks the other way round
            row["random_logit"] = 0.3  # equal for all
            means[f"preset {place}"] = row
        means["refused"] = "it needs convolutions"
        content = {"network": f"net {number}", "label": 1, "kind": "tag", "n_samples": 4, "means": means}
        (records / f"{number}.json").write_text(json.dumps(content))
    cue = json.loads((records / "0.json").read_text())
    assert bench._judge(cue, "relevance_gain") == (pytest.approx(1), 0.9, "preset 0")
    assert bench._judge(cue, "complexity") == (pytest.approx(-1), 0.1, "preset 3")
    assert bench._judge(cue, "random_logit")[1] == pytest.approx(np.mean(areas))
    out = tmp_path / "report.md"
    bench.main(["report", "--records", str(records), "--out", str(out)])
    text = out.read_text()
    assert "2 used cues of 2 networks" in text
    assert "| relevance gain | +1.00 [+1.00, +1.00] | 0.90 | preset 0 (2 of 2) |" in text
    assert "| complexity | -1.00 [-1.00, -1.00] | 0.10 | preset 3 (2 of 2) |" in text
    assert "| refused | nan | nan |" in text
    assert "| the best preset of each cue |  | 0.90 |  |" in text
    assert "| a preset at random |  | 0.55 |  |" in text
