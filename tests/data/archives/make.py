"""Make the archived run of the format that this version writes: python tests/data/archives/make.py

Archives stand for what released versions wrote: they are made once per version of the format and never again. Beside
each lies `<run>.sha256.json`, the hashes of its arrays as they are read, so that a test knows them without making them.
"""

import hashlib
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from whyset.store.standard import RELEVANCE_COLUMNS

from whyset.store import CategoryResult, Check, Run, open_run
from whyset.store.checks import write_checks
from whyset.store.commits import Tally
from whyset.store.create import create_run
from whyset.store.evidence import from_info
from whyset.store.layout import ARRIVED, LARGEST, SCHEMA
from whyset.store.losses import ShardLosses
from whyset.store.shards import write_shard
from whyset.testing.store import example_rows, example_run

HERE = Path(__file__).parent


def make(path: Path) -> Run:
    """Seven samples with two targets each and named channels, four layers, two of them with concepts; a sample and a
    single row fail.
    """
    with TemporaryDirectory() as folder:
        template = example_run(
            Path(folder) / "run",
            samples=7,
            shard_rows=8,
            target=("label", "top:1"),
            targets_per_sample=2,
            layers=("conv", "blocks.1", "tokens", "head"),
            concepts=("conv", "head"),
            features=("radar", "infrared"),
            output="logit before softmax",
            origin={"command": "explain", "made_by": "tests/data/archives/make.py"},
        )
        arrays = [spec for spec in template.arrays if spec.name not in template.own_arrays]
        run = create_run(path, template.config, template.samples, [*arrays, *RELEVANCE_COLUMNS])
    losses, tallies = ShardLosses(1, {"bias": 0.25, "rule": -0.5}), {"labels": Tally(1, 4)}
    write_shard(run, 0, _rows(run, 0), {2: "unreadable", 3: "unreadable"}, {"device": "cpu"}, losses, tallies)
    write_shard(run, 1, _rows(run, 1), {13: "the relevance is not finite"}, {"device": "cpu"})
    write_checks(run.path, [Check("labels", "warning", 1, 4, "1 of 4 labels differs")])
    columns = {"index": np.array([2, 5]), "clustering.kmeans": np.array([0, 1])}
    info = {"default_clustering": "kmeans", "scores": {"separability": None}}
    run.analysis_writer("spray", {"k": 2}).write(CategoryResult("00001", "dog", columns, from_info(info)))
    return run


def _rows(run: Run, shard: int) -> dict[str, np.ndarray]:
    start, stop = run.shard_range(shard)
    measured = {ARRIVED: np.linspace(-1, 2, stop - start), LARGEST: np.geomspace(0.1, 1e6, stop - start)}
    return example_rows(run, shard) | {name: values.astype(np.float32) for name, values in measured.items()}


def hashes(run: Run) -> dict[str, str]:
    """SHA-256 of every array as it is read, little-endian and in C order."""
    arrays = {spec.name: np.asarray(run.array(spec.name)) for spec in run.arrays}
    return {
        name: hashlib.sha256(a.astype(a.dtype.newbyteorder("<")).tobytes()).hexdigest() for name, a in arrays.items()
    }


if __name__ == "__main__":
    place = HERE / f"run-{SCHEMA}"
    if place.exists():
        raise SystemExit(f"{place} is there already, and archives are never made again")
    made = make(place)
    for lease in (place / "leases").glob("*"):
        lease.unlink()
    (HERE / f"run-{SCHEMA}.sha256.json").write_text(json.dumps(hashes(open_run(place)), indent=1) + "\n")
    print(f"{place}: {[str(problem) for problem in made.verify()] or 'sound'}")
