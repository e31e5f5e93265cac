"""What people do with a run, done with its URL: in Python, on the command line, in the viewer."""

import json
import urllib.request

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.attribution.composites import EpsilonPlusFlat
from whyset.cli import main
from whyset.store import open_run
from whyset.testing.engines import read_stored_bytes
from whyset.viewer.serve import Server

MODEL = """
import torch
from torch import nn

PREPROCESSING = {"size": (4, 5), "mean": (0.5,) * 3, "std": (0.25,) * 3}

def net(num_classes=2):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, num_classes))
"""


@pytest.fixture
def explained(url):
    """Thirty samples of two classes, explained into an object store."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 2))
    samples = torch.rand(30, 3, 4, 5)
    return ws.explain(net, samples, out=url, composite=EpsilonPlusFlat(), target="prediction"), net, samples


def test_explain_and_analyze(explained, tmp_path):
    run, net, samples = explained
    local = ws.explain(net, samples, out=tmp_path / "run", composite=EpsilonPlusFlat(), target="prediction")
    assert read_stored_bytes(run) == read_stored_bytes(local)
    spray = ws.Spray(n_neighbors=3, surrogates=0)
    there, here = (ws.analyze(each, spray) for each in (str(run.path), local))
    assert [category.id for category in there.categories] == [category.id for category in here.categories]
    for category in there.categories:
        for column in category.columns:
            np.testing.assert_array_equal(category.column(column), here.category(category.id).column(column), column)
    assert open_run(str(run.path)).verify() == []


def test_the_viewer(explained):
    run = explained[0]
    with Server([str(run.path)]) as server:
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        opener.open(server.url).close()
        root = server.url.partition("?")[0]
        (row,) = json.load(opener.open(f"{root}api/runs"))
        detail = json.load(opener.open(f"{root}api/runs/{row['id']}"))
    assert row["name"].endswith(run.path.name)
    assert (detail["path"], detail["n_explanations"], detail["committed"]) == (str(run.path), 30, 30)


def test_the_command_line(url, tmp_path, capsys):
    (tmp_path / "net.py").write_text(MODEL)
    from PIL import Image

    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(15):
            pixels = random.integers(0, 256, (4, 5, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{number}.png")
    explain = ["explain", "--model", f"{tmp_path / 'net.py'}:net", "--data", str(tmp_path / "images"), "--out", url]
    assert main(explain) == 0
    assert f"{url} is complete" in capsys.readouterr().out
    assert main(explain) == 0
    assert "nothing to do" in capsys.readouterr().out
    assert main(["analyze", url, "--n-neighbors", "3", "--surrogates", "0"]) == 0
    assert f"whyset view {url}" in capsys.readouterr().out
    assert main(["report", url]) == 0
    assert main(["verify", url]) == 0
    assert f"{url}: 30 of 30 samples are present and intact" in capsys.readouterr().out
    for wrong, told in (
        (["verify", f"{url}-else"], "is not a run"),
        (["verify", "s3://no-such-bucket/run"], "the bucket does not exist"),
        (["verify", "ftp://host/run"], "expected s3://BUCKET/KEY"),
    ):
        assert main(wrong) == 2
        assert told in capsys.readouterr().err
