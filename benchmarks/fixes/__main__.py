"""Which fix removes what a network uses, where the answer is known: networks of benchmarks/cues, fixed from findings.

    WHYSET_DATA=data python -m benchmarks.fixes score --cells cells --runs scores --scores fixes
    python -m benchmarks.fixes report --scores fixes --half design

`score` fixes each used cue of the networks of one half that have a run with findings: the folder `--runs` is that of
the scores of `benchmarks.cues score --methods findings`. Cues that were scored before are kept. `--half test` is for
the end, once. A fix knows the first finding of the class only; the true cue judges it, on test images. `report` writes
benchmarks/results/fixes-cpu-<date>.md.
"""

import argparse
import os
from pathlib import Path

import torch

from benchmarks.cues.design import list_networks

from .report import write_report
from .scoring import METHODS, STANDARD, score_network

RESULTS = Path(__file__).resolve().parents[1] / "results"


def main(given: list[str] | None = None) -> None:
    arguments = _parse(given)
    torch.set_num_threads(1)  # sums over threads differ in the last digits
    if arguments.command == "report":
        print(write_report(arguments.scores, arguments.half, arguments.out))
        return
    data = Path(os.environ.get("WHYSET_DATA", "data"))
    methods = METHODS if arguments.methods == "compared" else STANDARD
    for spec in list_networks():
        chosen = spec.half == arguments.half and spec.cues and spec.base == "resnet20"
        if chosen and (not arguments.only or spec.name in arguments.only):
            score_network(spec.name, arguments.cells, arguments.runs, data, arguments.scores, methods)


def _parse(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="fixes", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("command", choices=["score", "report"])
    parser.add_argument("--cells", type=Path, default=Path("cells"), help="folder of the networks")
    parser.add_argument("--runs", type=Path, default=Path("scores"), help="folder with the runs of the networks")
    parser.add_argument("--scores", type=Path, default=Path("fixes"), help="folder of the results")
    parser.add_argument("--half", choices=["design", "test"], default="design")
    parser.add_argument("--only", nargs="+", metavar="NETWORK", help="names of networks")
    parser.add_argument("--methods", choices=["compared", "standard"], default="compared")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the report")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
