"""Fixes without training on networks with planted cues: what the true cue does before and after each fix.

    WHYSET_DATA=data python -m benchmarks.fixes.without_training --cells cells --runs scores --out fixes

Each used cue of the networks that have a run with findings is fixed by the first finding of its class, on 70 % of the
samples of the run, and judged by the true cue on test images. A line of JSON for each fix is appended to
`without_training.jsonl`; fixes that it has are kept.
"""

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import whyset
from benchmarks.cues.cells import Cell, load_cell
from benchmarks.cues.design import PlantedCue
from benchmarks.cues.images import ImageSet, open_images
from benchmarks.cues.observed import Observed
from benchmarks.cues.scoring import USED
from whyset.errors import InputError
from whyset.fixing.fix_methods import parse_fix_method
from whyset.fixing.from_run import open_fix_task
from whyset.store import Run

from .judge import Judgment, judge

METHODS = (
    "reactive_p_clarc:samples=transplants",
    "restore",
    "p_clarc",
    "reactive_p_clarc",
    "suppress_channels:count=2",
)


def main(given: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=Path, required=True, help="folder of the networks")
    parser.add_argument("--runs", type=Path, required=True, help="folder with the runs of the networks")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--only", nargs="+", help="names of networks")
    parser.add_argument("--methods", nargs="+", default=METHODS, help="methods with their options")
    arguments = parser.parse_args(given)
    torch.set_num_threads(1)  # sums over threads differ in the last digits
    data = Path(os.environ.get("WHYSET_DATA", "data"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    file = arguments.out / "without_training.jsonl"
    names = arguments.only or sorted(path.name for path in arguments.runs.iterdir())
    for name in names:
        run = arguments.runs / name / "runs" / "relevance"
        if (run / "findings").is_dir():
            score_network(load_cell(arguments.cells / name, data), run, arguments.methods, file, arguments.cells, data)


def score_network(cell: Cell, path: Path, methods: tuple[str, ...], file: Path, cells: Path, data: Path) -> None:
    """Fix each used cue by each method, and append the results."""
    images, run = open_images(cell.spec, cells, data), whyset.open_run(path)
    for cue in cell.spec.cues:
        done = {(one["network"], one["label"], one["method"]) for one in read_lines(file)}
        left = [each for each in methods if (cell.spec.name, cue.label, each) not in done]
        if cell.fooled[cue.label] >= USED and left:
            for result in score_cue(cell, run, cue, left, images):
                with file.open("a") as lines:
                    lines.write(json.dumps(result) + "\n")


def score_cue(cell: Cell, run: Run, cue: PlantedCue, methods: list[str], images: ImageSet) -> Iterator[dict[str, Any]]:
    """Yield what each method does to one cue."""
    found = next((one for one in run.findings() if int(one.class_id) == cue.label), None)
    known = {"network": cell.spec.name, "kind": cue.kind, "label": cue.label, "share": cue.share}
    if found is None:
        yield from ({**known, "method": each, "problem": "no finding of the class"} for each in methods)
        return
    marked = set(cell.marked[cue.label].tolist())
    known |= {"finding": found.id, "finding_kind": found.kind, "n_rows": len(found.rows)}
    known |= {"purity": len(marked & set(found.rows)) / len(found.rows)}
    alone = replace(cell, spec=replace(cell.spec, cues=(cue,)))
    before = judge(alone, cell.model, images)
    source = Observed(cell, run.path.parent).source
    with open_fix_task(run, found, model=cell.model, dataset=source, progress=False) as task:
        for each in methods:
            began = time.perf_counter()
            try:
                fixed = parse_fix_method(each).apply(task.making)
            except InputError as error:
                yield {**known, "method": each, "problem": str(error)}
                continue
            seconds = time.perf_counter() - began
            after = summarize(judge(alone, fixed, images), cue.label)
            yield {
                **known,
                "method": each,
                "seconds": seconds,
                "before": summarize(before, cue.label),
                "after": after,
                "notes": list(fixed.notes),
            }


def summarize(found: Judgment, label: int) -> dict[str, float]:
    """Return the shares of a judgment for one cue."""
    return {
        "fooled": found.fooled[label],
        "marked_accuracy": found.marked_accuracy[label],
        "accuracy": found.accuracy,
        "own_class": found.class_accuracy[label],
    }


def read_lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.is_file() else []


if __name__ == "__main__":
    main()
