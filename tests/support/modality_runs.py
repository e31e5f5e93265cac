"""Small runs of every modality with an analysis: `python tests/support/modality_runs.py FOLDER`.

40 samples of 2 classes each. Half of the class "odd" has another strategy: a bump in a series, a first token, a column
of a table. Shapes differ in every axis; texts have different lengths; names would be misread as HTML.
"""

import sys
from pathlib import Path

import numpy as np

from whyset import Spray, analyze
from whyset.analysis.processors import PCA
from whyset.store import Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.modality import get_modality
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

CLASSES = ("even", "odd")
SAMPLES = 40
POSITIONS, LONG, TOKENS, COLUMNS = 90, 4000, 12, 20
VOXELS = (6, 9, 13)
SERIES_NAMES = ("x <b>", "y")
PLANTED = "zzz<i>"
FEATURES = tuple(f"column {number} & <b>" if number == 3 else f"column {number}" for number in range(COLUMNS))


def make(
    path: Path,
    values: dict[str, np.ndarray],
    tokens: list[list[str]] | None = None,
    *,
    composite: str | None = None,
    **config: object,
) -> Run:
    """A complete run of these maps and inputs, not yet analyzed; that of another composite has their magnitudes."""
    if composite is not None:
        values = {**values, "attribution/input": np.abs(values["attribution/input"])}
    maps, inputs = values["attribution/input"], values.get("input")
    modality = get_modality(config.get("modality"), maps.shape[1:])
    kept = RunConfig(
        model="m", weights_hash="w", composite=composite and {"name": composite, "fields": {}}, target="label",
        preprocessing={}, dataset_fingerprint="d", class_names=CLASSES, shard_rows=64, **config,
    )  # fmt: skip
    ids = [f"{modality}/{sample}" for sample in range(SAMPLES)]
    arrays = standard_arrays(
        maps.shape[1:], input_shape=None if inputs is None else inputs.shape[1:], modality=modality
    )
    labels = np.arange(SAMPLES) % 2
    run = create_run(path, kept, samples_table(ids, labels.tolist(), tokens=tokens), arrays)
    columns = {"target": labels, "prediction": labels, "confidence": np.linspace(0.5, 1, SAMPLES, dtype=np.float32)}
    write_shard(run, 0, {**values, **columns})
    return run


def analyzed(run: Run) -> Run:
    analyze(run, Spray(embeddings=(PCA(),), surrogates=0, resamplings=0))
    return run


def special() -> np.ndarray:
    """Which samples of the class "odd" have the other strategy."""
    return np.arange(SAMPLES) % 4 == 3


def series_run(path: Path, positions: int = POSITIONS, rate: float = 50.0, **config: object) -> Run:
    """Two channels; the relevance is on a wave, or on a bump near the beginning of the first channel."""
    random, time = np.random.default_rng(1), np.arange(positions) / positions
    wave = np.sin(12 * time + random.uniform(0, 1, (SAMPLES, 2, 1)))
    bump = np.exp(-((time - 0.15) ** 2) / 0.001) * special()[:, None, None] * np.array([[3.0], [0.0]])
    focus = np.where(special()[:, None, None], bump, wave * (time > 0.5)) + random.normal(0, 0.05, wave.shape)
    focus[0, 1, positions // 3] = 7.5  # an extreme at one position only
    values = {"attribution/input": focus.astype(np.float32), "input": (wave + bump).astype(np.float32)}
    return make(path, values, features=SERIES_NAMES, rate=rate, **config)


def text_run(path: Path, *, words: bool = True, **config: object) -> Run:
    """5 to 12 tokens; half of the class "odd" begins with a planted one, which has all relevance."""
    random = np.random.default_rng(2)
    ids = random.integers(1, 30, (SAMPLES, TOKENS)).astype(np.int32)
    ids[special(), 0] = 30
    lengths = 5 + np.arange(SAMPLES) % (TOKENS - 4)
    relevance = random.normal(0, 0.1, ids.shape)
    relevance[np.arange(SAMPLES), 2 + np.arange(SAMPLES) % 3] = -1.0
    relevance[special()] *= 0.1
    relevance[special(), 0] = 2.0
    relevance[np.arange(TOKENS) >= lengths[:, None]] = 0
    ids[np.arange(TOKENS) >= lengths[:, None]] = 0
    texts = [
        [PLANTED if id == 30 else f"word{id}" for id in row[:length]] for row, length in zip(ids, lengths, strict=True)
    ]
    values = {"attribution/input": relevance.astype(np.float32), "input": ids}
    return make(path, values, texts if words else None, modality="text", **config)


def table_run(path: Path) -> Run:
    """20 named columns; the relevance is on column 3, or on column 11."""
    random = np.random.default_rng(3)
    inputs = random.normal(0, 10, (SAMPLES, COLUMNS))
    relevance = random.normal(0, 0.05, inputs.shape)
    relevance[~special(), 3] -= 1.0
    relevance[special(), 11] += 1.5
    values = {"attribution/input": relevance.astype(np.float32), "input": inputs.astype(np.float32)}
    return make(path, values, features=FEATURES)


def image_run(path: Path, channels: int) -> Run:
    """Images of 9 x 13 pixels with this many channels."""
    random = np.random.default_rng(channels)
    shape = (SAMPLES, channels, 9, 13)
    inputs = random.integers(0, 256, shape).astype(np.uint8)
    relevance = random.normal(0, 0.1, shape)
    relevance[special(), :, :3, :3] += 1
    names = tuple(f"band {number}" for number in range(channels)) if channels not in (1, 3, 4) else ()
    return make(path, {"attribution/input": relevance.astype(np.float32), "input": inputs}, features=names)


def volume_run(path: Path, *, inputs: bool = True, **config: object) -> Run:
    """Two channels of 6 x 9 x 13 voxels; the relevance is in slice 4, or in a corner of slice 1."""
    random = np.random.default_rng(7)
    shape = (SAMPLES, 2, *VOXELS)
    pixels = random.integers(0, 256, shape).astype(np.uint8)
    relevance = random.normal(0, 0.05, shape)
    relevance[~special(), 0, 4, 3:6, 5:11] += 1
    relevance[special(), 1, 1, :3, :3] -= 2
    values = {"attribution/input": relevance.astype(np.float32)} | ({"input": pixels} if inputs else {})
    return make(path, values, **config)


def make_all(folder: Path) -> dict[str, Run]:
    """One run each by its name."""
    return {
        "series": series_run(folder / "series"),
        "long": series_run(folder / "long", LONG),
        "text": text_run(folder / "text"),
        "table": table_run(folder / "table"),
        "volume": volume_run(folder / "volume"),
        **{f"channels-{count}": image_run(folder / f"channels-{count}", count) for count in (1, 2, 4, 5)},
    }


if __name__ == "__main__":
    print(*(analyzed(run).path for run in make_all(Path(sys.argv[1])).values()), sep="\n")
