"""Which metric chooses a method that finds the evidence, where it is known: cues of networks of benchmarks/cues.

    WHYSET_DATA=data python -m benchmarks.known_evidence measure --cells cells --records known
    python -m benchmarks.known_evidence report --records known

Test images of other classes that turn into a class when its cue is inserted are explained for this class: only the
pixels of the cue differ from those of the image that was not predicted so. The area under the ROC curve of the
relevance as a detector of these pixels measures an explanation independently of other metrics. For each cue, all
presets of `whyset.tune` are measured by this and by other metrics. Only networks of the half for design take part.
Cues that are measured are kept; `report` writes benchmarks/results/known-evidence-cpu-<date>.md.
"""

import argparse
import json
import os
import platform
import warnings
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

import whyset
from whyset.attribution.methods import GradientMethod, Method
from whyset.errors import WhysetError
from whyset.evaluation import METRICS, as_metric
from whyset.evaluation.tuning.presets import resolve_presets
from whyset.runner import Preprocessing
from whyset.runner.composites import NamedComposite
from whyset.store.files import replace_file

from .cues.cells import Cell, load_cell
from .cues.design import list_networks
from .cues.images import ImageSet, as_input, open_images
from .cues.marks import CUES
from .cues.networks import predict

RESULTS = Path(__file__).resolve().parent / "results"
KINDS = ("corner", "moving", "tag", "frame")
"""Kinds of cue that replace few pixels, whose place is known."""
USED = 0.2
"""Test images that a cue has to turn, as in benchmarks/cues."""
TRUTH = "localization_auc"
CHOOSING = (
    "relevance_gain:patch_size=4",
    "most_relevant_first:patch_size=4",
    "least_relevant_first:patch_size=4",
    "road",
    "infidelity",
    "max_sensitivity:n_samples=3",
    "efficient_mprt",
    "random_logit",
    "complexity",
    "completeness",
)
"""The metrics that could choose a method without knowing the evidence."""


def measure_cell(name: str, cells: Path, data: Path, records: Path, most: int) -> None:
    """Measure all presets on each used cue of a network."""
    cell = load_cell(cells / name, data)
    images = open_images(cell.spec, cells, data)
    for cue in cell.spec.cues:
        file = records / f"{name}-{cue.label}.json"
        if cue.kind not in KINDS or cell.fooled[cue.label] < USED or file.is_file():
            continue
        x, masks = draw_turned(cell, images, cue.label, cue.kind, most)
        target = torch.full((len(x),), cue.label)
        means = {text: _measure(cell.model, method, x, target, masks) for text, method in list_presets(cell).items()}
        content = {"network": name, "label": cue.label, "kind": cue.kind, "n_samples": len(x), "means": means}
        replace_file(file, json.dumps(content, indent=1).encode())
        print(f"{name}: {cue.kind} of class {cue.label}, {len(x)} images", flush=True)


def draw_turned(
    cell: Cell, images: ImageSet, label: int, kind: str, most: int
) -> tuple[torch.Tensor, NDArray[np.bool_]]:
    """Return test images that the cue turns into its class, as inputs, and the pixels of the cue."""
    test, labels = images.get_test(cell.spec.seed)
    hosts = np.flatnonzero(labels != label)
    marked = CUES[kind](test[hosts], (cell.spec.seed, 5, label))
    before, after = (predict(cell.model, one, images) for one in (test[hosts], marked.images))
    turned = np.random.default_rng(0).permutation(np.flatnonzero((after == label) & (before != label)))[:most]
    return as_input(marked.images[turned], images.mean, images.std), marked.region[turned]


def list_presets(cell: Cell) -> dict[str, Method]:
    """Return the presets of `whyset.tune` by name."""
    codec = Preprocessing(mean=cell.mean, std=cell.std)
    return {
        name: GradientMethod(NamedComposite(given).make(codec)) if isinstance(given, str) else given
        for name, given in resolve_presets(None).items()
    }


def _measure(
    model: torch.nn.Module, method: Method, x: torch.Tensor, target: torch.Tensor, masks: NDArray[np.bool_]
) -> dict[str, float | None] | str:
    """Return the mean of each metric, or why the method could not be measured."""
    metrics = [as_metric(text) for text in (TRUTH, *CHOOSING)]
    options: dict[str, Any] = {"model": model, "x": x, "target": target, "masks": masks, "metrics": metrics}
    try:
        found = whyset.evaluate({"method": method}, **options, progress=False)
        means = {metric.name: found.get_values("method", metric.name).mean for metric in metrics}
    except WhysetError as error:
        return str(error)
    return {name: None if mean is None else mean.value for name, mean in means.items()}


def write_report(records: Path, out: Path) -> None:
    """Write the report of all measured cues."""
    cues = [json.loads(file.read_text(encoding="utf-8")) for file in sorted(records.glob("*.json"))]
    n_networks = len({cue["network"] for cue in cues})
    machine = f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
    lines = [
        f"# Explanations where the evidence is known, {date.today()}",
        "",
        f"{machine}, one core. {len(cues)} used cues of {n_networks} networks (ResNet-20, CIFAR-10) of the half for "
        f"design of benchmarks/cues; {sum(cue['n_samples'] for cue in cues)} test images that a cue turned.",
        "",
        "## Presets",
        "",
        "The area under the ROC curve of the relevance as a detector of the pixels of the cue: 0.5 is expected of "
        "random relevance, 1 is best. Means over the cues of each kind, and over all.",
        "",
        *_write_presets(cues),
        "",
        "## Metrics as judges",
        "",
        "The rank correlation (Spearman, over presets) of each metric with this area, its mean over cues with an "
        "interval of 95 % by resampling networks; and the area of the preset that the metric chooses.",
        "",
        *_write_metrics(cues),
    ]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_presets(cues: list[dict[str, Any]]) -> Iterator[str]:
    kinds = [kind for kind in KINDS if any(cue["kind"] == kind for cue in cues)]
    counts = [sum(cue["kind"] == kind for cue in cues) for kind in kinds]
    heads = [f"{kind} ({count})" for kind, count in zip(kinds, counts, strict=True)]
    yield _line("preset", *heads, f"all ({len(cues)})")
    yield "|---|" + "--:|" * (len(kinds) + 1)
    areas = {name: [_get(cue, name, TRUTH) for cue in cues] for name in cues[0]["means"]}
    for name, of_cues in sorted(areas.items(), key=lambda item: -_mean(item[1])):
        of_kinds = [_mean([a for a, c in zip(of_cues, cues, strict=True) if c["kind"] == kind]) for kind in kinds]
        yield _line(name, *(f"{value:.2f}" for value in of_kinds), f"{_mean(of_cues):.2f}")


def _write_metrics(cues: list[dict[str, Any]]) -> Iterator[str]:
    yield _line("metric", "rank correlation", "area of its choice", "chosen most")
    yield "|---|---|--:|---|"
    rows = []
    for text in CHOOSING:
        name = text.partition(":")[0]
        found = [_judge(cue, name) for cue in cues]
        correlations = np.array([one[0] for one in found])
        names = [one[2] for one in found]
        most = max(set(names), key=names.count)
        low, high = _resample_networks(correlations, [cue["network"] for cue in cues])
        rows.append(
            (
                _mean(correlations),
                _line(
                    METRICS[name].title,
                    f"{_mean(correlations):+.2f} [{low:+.2f}, {high:+.2f}]",
                    f"{np.mean([one[1] for one in found]):.2f}",
                    f"{most} ({names.count(most)} of {len(cues)})",
                ),
            )
        )
    yield from (line for _, line in sorted(rows, reverse=True))
    every = [[_get(cue, name, TRUTH) for name in cue["means"]] for cue in cues]
    yield _line("the best preset of each cue", "", f"{np.mean([np.nanmax(one) for one in every]):.2f}", "")
    yield _line("a preset at random", "", f"{np.mean([_mean(one) for one in every]):.2f}", "")


def _judge(cue: Mapping[str, Any], metric: str) -> tuple[float, float, str]:
    """Return the rank correlation of a metric with the area over presets, and the area of its choice with its name."""
    sign = -1 if METRICS[metric].better == "lower" else 1
    names = [name for name in cue["means"] if not np.isnan(_get(cue, name, TRUTH) + _get(cue, name, metric))]
    values = np.array([sign * _get(cue, name, metric) for name in names])
    truth = np.array([_get(cue, name, TRUTH) for name in names])
    chosen = int(values.argmax())
    best = np.flatnonzero(values == values[chosen])  # equal ones: their mean
    correlation = float(stats.spearmanr(values, truth).statistic) if np.ptp(values) and np.ptp(truth) else float("nan")
    return correlation, float(truth[best].mean()), names[chosen]


def _resample_networks(values: NDArray[np.float64], networks: list[str]) -> tuple[float, float]:
    """Return the interval of 95 % of a mean over cues, by the bootstrap over networks."""
    random, names = np.random.default_rng(0), sorted(set(networks))
    of_network = {name: values[[one == name for one in networks]] for name in names}
    means = [_mean(np.concatenate([of_network[one] for one in random.choice(names, len(names))])) for _ in range(2000)]
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def _get(cue: Mapping[str, Any], name: str, metric: str) -> float:
    row = cue["means"][name]
    value = None if isinstance(row, str) else row[metric]
    return float("nan") if value is None else float(value)


def _mean(values: Sequence[float] | NDArray[np.float64]) -> float:
    """Return the mean of the known values; NaN if there is none."""
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main(given: list[str] | None = None) -> None:
    settings = _parse(given)
    if settings.command == "report":
        write_report(settings.records, settings.out)
        print(settings.out)
        return
    torch.set_num_threads(1)  # sums over threads differ in the last digits
    settings.records.mkdir(parents=True, exist_ok=True)
    data = Path(os.environ.get("WHYSET_DATA", "data"))
    for spec in list_networks():
        known = (settings.cells / spec.name / "cell.json").is_file()
        if known and spec.half == "design" and spec.cues and spec.base == "resnet20":
            measure_cell(spec.name, settings.cells, data, settings.records, settings.most)


def _parse(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    measure = commands.add_parser("measure", help="measure the presets on each cue")
    measure.add_argument("--cells", type=Path, default=Path("cells"), help="networks, of benchmarks.cues make")
    measure.add_argument("--most", type=int, default=32, help="images of each cue")
    report = commands.add_parser("report", help="write the report of what is measured")
    report.add_argument("--out", type=Path, default=RESULTS / f"known-evidence-cpu-{date.today()}.md")
    for one in (measure, report):
        one.add_argument("--records", type=Path, default=Path("known"), help="folder; default: known")
    return parser.parse_args(given)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
