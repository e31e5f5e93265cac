"""The `repr` of every object that users meet fits ten lines of a terminal."""

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import whyset as ws
from whyset.analysis import Spray
from whyset.analysis.processors import PROCESSORS
from whyset.attribution import STFT, fit_patterns
from whyset.attribution.attributors import (
    HSIC,
    RISE,
    XRAI,
    BiLRP,
    BlurIG,
    Captum,
    Conditional,
    Contrastive,
    ExtremalPerturbation,
    Gradient,
    GuidedIG,
    Inspection,
    IntegratedGradients,
    Occlusion,
    PatternAttributor,
    SmoothGrad,
    Sobol,
)
from whyset.attribution.composites import COMPOSITES, EpsilonPlus, PatternNet, PrunedLRP
from whyset.attribution.methods import CaptumMethod, ConditionalMethod, PatternNetMethod
from whyset.report import report

NEEDED = {
    "Resize": {"height": 4, "width": 6},
    "ClusteringEstimator": {"estimator": "sklearn.cluster:Birch"},
    "EmbeddingEstimator": {"estimator": "sklearn.manifold:Isomap"},
    "EpsilonGammaBox": {"low": -1.0, "high": 1.0},
    "DeepTaylorBox": {"low": -1.0, "high": 1.0},
}


def deep_network() -> nn.Module:
    torch.manual_seed(0)
    layers = [layer for _ in range(60) for layer in (nn.Linear(6, 6), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(6, 3)).eval()


def attribution_objects() -> Iterator[Any]:
    net, x = deep_network(), torch.rand(4, 6)
    plan = EpsilonPlus().plan(net, x)
    yield from (plan, plan.steps[0])
    attribute = Gradient(net, EpsilonPlus())
    with attribute.record("0", "60") as record, attribute.ledger() as ledger:
        attribute(x, [0, 1, 2, 0])
    yield from (attribute, record, ledger, ledger.rows[0])
    yield from (Gradient(net), SmoothGrad(net), IntegratedGradients(net), Occlusion(net), Captum(net, "Saliency"))
    yield from (kind(net) for kind in (GuidedIG, BlurIG, XRAI, RISE, Sobol, HSIC, ExtremalPerturbation))
    yield Conditional(net, EpsilonPlus(), [{"0": [1]}] * 50)
    patterns = fit_patterns(net, [x])
    yield from (patterns, PatternNet(patterns), PatternAttributor(net, patterns), PatternNetMethod(patterns=patterns))
    yield from (Contrastive(net), Inspection(net), Inspection(net, transform=STFT()), PrunedLRP(EpsilonPlus(), 0.5))
    yield CaptumMethod("DeepLift", {"baselines": np.zeros((1, 3, 64, 64))})
    yield ConditionalMethod({f"layer{number}": list(range(9)) for number in range(50)})
    similarity = BiLRP(net, EpsilonPlus())
    yield from (similarity, similarity(torch.rand(100, 6), torch.rand(100, 6)))
    yield from (kind(**NEEDED.get(kind.__name__, {})) for kind in COMPOSITES.values())


def stored_objects(folder: Path) -> Iterator[Any]:
    rng = np.random.default_rng(0)
    data = (rng.random((60, 6)).astype(np.float32), rng.integers(0, 3, 60))
    run = ws.explain(deep_network(), data, folder, composite="epsilon_plus", target="label")
    analysis = ws.analyze(run, Spray(n_neighbors=5, surrogates=5, resamplings=2))
    yield from (run, run.config, run.relevance, run.labels, run.checks, analysis, report(run))
    for found in analysis.categories:
        yield from (found, found.evidence)
        if found.evidence.clustering is not None:
            yield from (found.evidence.clustering, found.evidence.clustering.clusters[0])


def analysis_objects() -> Iterator[Any]:
    yield from (Spray(), Spray().pipeline(), Spray().preparation())
    yield from (kind(**NEEDED.get(kind.__name__, {})) for kind in PROCESSORS.values())


@pytest.mark.parametrize("room", ["attribution", "analysis", "stored"])
def test_the_repr_of_every_object_fits_ten_lines(room: str, tmp_path: Path) -> None:
    objects = {"attribution": attribution_objects, "analysis": analysis_objects}
    made = list(stored_objects(tmp_path / "run") if room == "stored" else objects[room]())
    assert len(made) > 6
    long = {type(one).__name__: count for one in made if (count := count_lines(repr(one))) > 10}
    assert long == {}


def count_lines(text: str, width: int = 120) -> int:
    return sum(max(1, len(textwrap.wrap(line, width))) for line in text.splitlines())
