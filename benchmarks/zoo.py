"""Every model of a zoo is explained or refused with a reason: which run, how large relevance gets, and what is proven.

    python benchmarks/zoo.py --jobs 2
    python benchmarks/zoo.py --only small timm/resnet --stages maps ledger

Models are those of timm (the smallest of each module), torchvision and transformers (small configurations), and small
ones of further kinds, all with random weights. Each runs in a process of its own, under limits of time and memory, so a
crash ends one row. Records are collected as JSON lines in --records, and stages that are there are not measured again,
so that a series can be continued, and the costly stages added later. The table is written to
benchmarks/results/zoo-cpu-<date>.md, and those of the stages "zennit" and "peers" (LXT and autoLRP) next to it, with
zennit- and peers- before its name; where there are no other stages, they are the only tables. Packages that are not
installed are left out by --kinds. Beside a torch without GPU support, tests/support/torchvision_beside_cpu_torch must
be on PYTHONPATH.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from datetime import date
from pathlib import Path
from typing import Any

from zoo_models import KINDS, list_entries
from zoo_peers_report import write_peers
from zoo_report import write_report
from zoo_zennit_report import write_comparison

HERE = Path(__file__).resolve().parent
STAGES = ("maps", "times", "ledger", "rewrites", "zennit", "peers")
OTHERS = {"zennit", "peers"}  # stages with a table of their own
Record = dict[str, Any]


def measure_apart(name: str, settings: argparse.Namespace) -> Record:
    """Measure one model in a process of its own; what it had found when it was stopped is kept."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "record.json"
        command = [sys.executable, str(HERE / "zoo_measure.py"), name, str(file), "--memory", str(settings.memory)]
        command += ["--stages", *settings.stages]
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=settings.seconds)
            stopped = f"ended with code {ended.returncode}" if ended.returncode else ""
            reason = next(reversed(ended.stderr.strip().splitlines()), "") if stopped else ""
        except subprocess.TimeoutExpired:
            stopped, reason = f"took more than {settings.seconds:g} s", ""
        record: Record = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"name": name}
    record["stages"] = [*settings.stages]
    return record | {"stopped": f"{stopped}: {reason}".rstrip(": ")} if stopped else record


def read_records(file: Path) -> dict[str, Record]:
    """Read the records of earlier series; what was measured of a model at several times is one record.

    A line that was cut off is measured again.
    """
    records: dict[str, Record] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        records[record["name"]] = _merge(records.get(record["name"], {}), record)
    return records


def _merge(one: Record, other: Record) -> Record:
    """Merge two records of one model, where the later one has the say, except that stages add up."""
    both = {key: _merge(one[key], other[key]) for key in one.keys() & other.keys() if isinstance(one[key], dict)}
    stages = {"stages": [*one["stages"], *other["stages"]]} if "stages" in one and "stages" in other else {}
    return one | other | both | stages


def run_series(names: Iterable[str], settings: argparse.Namespace) -> Iterator[Record]:
    """Measure the stages of models that have no record yet, and append each record to the file."""
    known = read_records(settings.records)
    missing = [name for name in names if not {*settings.stages} <= {*known.get(name, {}).get("stages", ())}]
    settings.records.parent.mkdir(parents=True, exist_ok=True)
    cut_off = settings.records.is_file() and not settings.records.read_bytes().endswith(b"\n")
    with ThreadPoolExecutor(settings.jobs) as pool, settings.records.open("a", encoding="utf-8") as out:
        out.write("\n" if cut_off else "")
        for future in as_completed([pool.submit(measure_apart, name, settings) for name in missing[: settings.limit]]):
            record = future.result()
            out.write(json.dumps(record) + "\n")
            out.flush()
            yield record


def choose(kinds: Sequence[str], only: Sequence[str]) -> list[str]:
    """Return the names of the models: all of the kinds, or those that begin with one of `only`."""
    names = [entry.name for entry in list_entries(kinds)]
    return [name for name in names if any(name.startswith(start) for start in only)] if only else names


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=tuple(KINDS), default=list(KINDS))
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="models whose names begin with one")
    parser.add_argument("--limit", type=int, help="measure at most so many models, then write the table")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--stages", nargs="+", choices=STAGES, default=list(STAGES))
    parser.add_argument("--seconds", type=float, default=300, help="the most time for one model")
    parser.add_argument("--memory", type=float, default=12, help="the most address space of one model, in GB")
    parser.add_argument("--records", type=Path, default=Path("zoo.jsonl"), help="default: zoo.jsonl")
    parser.add_argument("--out", type=Path, default=HERE / "results" / f"zoo-cpu-{date.today()}.md")
    parser.add_argument("--note", default="", help="a sentence about the machine, as what else ran on it")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> None:
    settings = arguments(given)
    names = choose(settings.kinds, settings.only)
    for record in run_series(names, settings):
        print(record["name"], record.get("stopped") or record.get("stage"), f"{record.get('seconds')} s", flush=True)
    known = read_records(settings.records)
    records = [known[name] for name in names if name in known]
    if not {*settings.stages} <= OTHERS:
        write_report(settings.out, records, settings.note)
        print(f"written: {settings.out}")
    for prefix, write in (("zennit", write_comparison), ("peers", write_peers)):
        if any(prefix in record.get("stages", ()) for record in records):
            comparison = settings.out.with_name(f"{prefix}-{settings.out.name}")
            write(comparison, records, settings.note)
            print(f"written: {comparison}")


if __name__ == "__main__":
    main()
