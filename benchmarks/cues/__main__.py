"""Which method finds what a network uses, where the answer is known: cues in shares of classes, and clean networks.

    WHYSET_DATA=data python -m benchmarks.cues make --cells cells
    WHYSET_DATA=data python -m benchmarks.cues score --cells cells --scores scores --methods effects k-means
    python -m benchmarks.cues report --scores scores --half design
    python -m benchmarks.cues small --scores scores

`make` trains the networks of the design that the folder does not have yet, about 80 seconds each on one core; heads of
EfficientNet-Lite0 need WHYSET_LITE0 (see photographs.py) and take seconds. `score` applies methods to the networks
of one half that they were not applied to yet: by default the half for development; `--half test` is for the end, once
for each method. `report` writes benchmarks/results/cues-cpu-<date>.md and a figure, with `--base` for one kind of
network, as cues-<base>-cpu-<date>.md. `small` does all of it for two
networks of scikit-learn's digits and three methods, in less than a minute.
"""

import argparse
import os
import time
from collections.abc import Iterable
from pathlib import Path

import torch

from .cells import load_cell, make_network
from .design import NetworkSpec, list_networks
from .digits import list_small
from .observed import Observed
from .rankers import METHODS
from .report import write_report
from .scoring import locate, score_network, write_result

RESULTS = Path(__file__).resolve().parents[1] / "results"
IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SMALL_METHODS = ("spectral-signatures", "k-means", "window-relevance")


def main(given: list[str] | None = None) -> None:
    arguments = _parse(given)
    torch.set_num_threads(1)  # sums over threads differ in the last digits
    data = Path(os.environ.get("WHYSET_DATA", "data"))
    if arguments.command == "report":
        print(write_report(arguments.scores, arguments.half, arguments.out, arguments.images, arguments.base))
        return
    small = arguments.command == "small"
    specs = list_small() if small else list_networks()
    if arguments.only:
        specs = [spec for spec in specs if spec.name.startswith(tuple(arguments.only))]
    if arguments.command in ("make", "small"):
        make(specs, arguments.cells, data)
    if arguments.command in ("score", "small"):
        halves = ("design", "test") if small else (arguments.half,)
        chosen = [spec for spec in specs if spec.half in halves]
        score(chosen, SMALL_METHODS if small else arguments.methods, arguments.cells, arguments.scores, data)


def make(specs: Iterable[NetworkSpec], cells: Path, data: Path) -> None:
    """Train the networks that the folder does not have."""
    for spec in specs:
        if not (cells / spec.name / "cell.json").is_file():
            began = time.process_time()
            record = make_network(spec, cells, data)
            used = ", ".join(f"{cue.kind} {cue.share:.0%} {record['fooled'][str(cue.label)]:.2f}" for cue in spec.cues)
            measured = f"accuracy {record['accuracy']:.3f}, {time.process_time() - began:.0f} s"
            print(f"{spec.name} ({spec.half}): {measured}; {used}", flush=True)


def score(specs: Iterable[NetworkSpec], methods: Iterable[str], cells: Path, scores: Path, data: Path) -> None:
    """Apply methods to the networks that exist and that they were not applied to."""
    for spec in specs:
        missing = [name for name in methods if not locate(scores, spec.name, name).is_file()]
        if not missing or not (cells / spec.name / "cell.json").is_file():
            continue
        cell = load_cell(cells / spec.name, data)
        observed = Observed(cell, scores / spec.name / "runs")
        for name in missing:
            began = measure_seconds()
            found = METHODS[name].rank(observed)
            result = score_network(cell, name, found, measure_seconds() - began)
            write_result(scores, result)
            print(f"{spec.name} {name}: {result.seconds:.0f} s", flush=True)


def measure_seconds() -> float:
    """Return the processor time of this process and of finished ones that it started, such as CoRelAy's."""
    return sum(os.times()[:4])


def _parse(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="cues", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["make", "score", "report", "small"])
    parser.add_argument("--cells", type=Path, default=Path("cells"), help="folder of the networks")
    parser.add_argument("--scores", type=Path, default=Path("scores"), help="folder of the scores and the runs")
    parser.add_argument("--only", nargs="+", metavar="PREFIX", help="networks whose names begin so")
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), metavar="METHOD")
    parser.add_argument("--half", choices=["design", "test"], default="design")
    parser.add_argument("--base", choices=["resnet20", "lite0"], default="", help="report networks of one base only")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the report")
    parser.add_argument("--images", type=Path, default=IMAGES, help="folder of the figure")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
