"""A small run folder with an analysis, made through the store: `python tests/support/sample_run.py FOLDER`.

60 samples of 3 classes, 12 x 18 pixels (sides differ), sample 23 failed, sample 41 without a label, names that HTML
would misread, a corner mark on half of the horses, two clusterings (one with noise, one with an empty cluster).
With an `order` the rows show the same samples in another order, explained by another composite that divides them
differently.
"""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from whyset.store import CategoryResult, Run, RunConfig
from whyset.store.create import create_run
from whyset.store.default_arrays import standard_arrays
from whyset.store.evidence import from_info
from whyset.store.samples import samples_table
from whyset.store.shards import write_shard

CLASSES = ("cat", "dog <b>&amp;", "horse")
SAMPLES, SHARD_ROWS = 60, 16
CHANNELS, HEIGHT, WIDTH = 3, 12, 18
FAILED, UNLABELED, STRANGE = 23, 41, 7
REASON = "relevance is not finite"
CONTRAST = {
    "inside": 0.9,
    "inside_interval": [0.7, 0.97],
    "outside": 0.6,
    "outside_interval": [0.5, 0.7],
    "p_value": 0.04,
}
DIFFERENCE = {"p_value": 0.005, "threshold": 4.2, "share": 0.25, "channels": []}
ENRICHED = {
    "cluster": 0,
    "attribute": "prediction",
    "value": "2",
    "inside": 8,
    "size": 9,
    "outside": 2,
    "others": 9,
    "p_value": 0.005,
    "q_value": 0.03,
    "odds_ratio": 28.0,
}
"""Evidence of cluster 0, by the names of analyses before format 2.0."""


def make_sample_run(
    path: Path,
    *,
    shards: Collection[int] = (0, 1, 2, 3),
    analyses: Collection[str] = ("spray",),
    order: Sequence[int] | None = None,
    further: Mapping[str, Sequence[object]] | None = None,
    origin: Mapping[str, object] | None = None,
) -> Run:
    """Make the run with these of its four shards committed and an analysis under each of these names.

    Row r shows the sample `order[r]`, or sample r. `further` columns have one value for each row. `origin` is
    added to that in run.json; if it names a fix, marked horses are predicted as cats, and their relevance is half.
    """
    samples = np.arange(SAMPLES) if order is None else np.array(order)
    labels = [None if sample == UNLABELED else sample % 3 for sample in samples.tolist()]
    ids = _ids()
    table = samples_table([ids[sample] for sample in samples], labels, further=further)
    shape = (CHANNELS, HEIGHT, WIDTH)
    config = _config("EpsilonPlusFlat" if order is None else "EpsilonGammaBox")
    fixed = "fixed" in (origin or {})
    if origin is not None:
        weights = "sha256:fixed" if fixed else config.weights_hash
        config = replace(config, origin={**config.origin, **origin}, weights_hash=weights)
    run = create_run(path, config, table, standard_arrays(shape, input_shape=shape))
    values = {name: array[samples] for name, array in sample_values().items()}
    if order is not None:
        values["attribution/input"] = 10 * values["attribution/input"] ** 2
    if fixed:
        marked = (samples % 3 == 2) & (samples % 2 == 0)
        values["prediction"] = np.where(marked, 0, values["prediction"])
        values["attribution/input"] = np.where(marked[:, None, None, None], 0.5, 1) * values["attribution/input"]
    for shard in shards:
        start, stop = run.shard_range(shard)
        failures = {FAILED: REASON} if start <= FAILED < stop else {}
        write_shard(run, shard, {name: array[start:stop] for name, array in values.items()}, failures)
    for name in analyses:
        writer = run.analysis_writer(name, {"neighbors": 10, "seed": 0})
        for label in range(len(CLASSES)):
            writer.write(category(label, values["attribution/input"], samples))
    return run


def sample_values() -> dict[str, np.ndarray]:
    """What the run stores: blobs as inputs, relevance on the blob, or on the mark where there is one."""
    random = np.random.default_rng(0)
    index = np.arange(SAMPLES)
    label, marked = index % 3, (index % 3 == 2) & (index % 2 == 0)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    center = np.stack([3 + 3 * label, 4 + 5 * label], axis=1)[:, :, None, None]
    blob = np.exp(-((rows - center[:, 0]) ** 2 + (columns - center[:, 1]) ** 2) / 8)
    mark = ((rows < 3) & (columns >= WIDTH - 3)) * marked[:, None, None]
    shade = np.clip(60 + 150 * blob + 200 * mark, 0, 255)[:, None] * np.array([1.0, 0.8, 0.6])[:, None, None]
    focus = np.where(marked[:, None, None], mark, blob)[:, None] / CHANNELS
    relevance = focus + random.normal(0, 0.05, (SAMPLES, CHANNELS, HEIGHT, WIDTH))
    prediction = np.where(index % 10 == 9, (label + 1) % 3, label)
    return {
        "attribution/input": relevance.astype(np.float32),
        "input": (shade * random.uniform(0.9, 1, shade.shape)).astype(np.uint8),
        "target": label,
        "prediction": prediction,
        "confidence": random.uniform(0.4, 1, SAMPLES).astype(np.float32),
    }


def category(label: int, relevance: np.ndarray, samples: np.ndarray) -> CategoryResult:
    """The analysis of one class; its last k-means cluster is empty, its first HDBSCAN points are noise."""
    members = np.flatnonzero((samples % 3 == label) & (samples != UNLABELED) & (np.arange(SAMPLES) != FAILED))
    moved = (samples[members] % 5 == 0) & bool((samples != np.arange(SAMPLES)).any())
    strategy = (samples[members] % 2 ^ moved).astype(np.int32)
    density = np.where(np.arange(len(members)) < 3, -1, strategy).astype(np.int32)
    random = np.random.default_rng(label)
    gap = 6.0 if label == 2 else 1.5
    points = random.normal(0, 1, (len(members), 2)) + gap * strategy[:, None]
    own = [relevance[members[strategy == cluster]].sum(axis=1) for cluster in (0, 1)]
    maps, magnitudes = ([f(one).mean(axis=0) for one in own] for f in (np.positive, np.abs))
    columns = {
        "index": members,
        "embedding.tsne": points.astype(np.float32),
        "embedding.spectral": random.normal(0, 1, (len(members), 3)).astype(np.float32),
        "eigenvalues": np.array([1.0, 0.9, 0.4 - 0.1 * label, 0.2, 0.1]),
        "clustering.kmeans": strategy,
        "clustering.hdbscan": density,
        "mean_map.kmeans": np.stack([*maps, np.zeros_like(maps[0])]).astype(np.float32),
        "mean_abs_map.kmeans": np.stack([*magnitudes, np.zeros_like(maps[0])]).astype(np.float32),
    }
    return CategoryResult(f"{label:05d}", CLASSES[label], columns, from_info(_info(label, members, strategy, density)))


def herd(count: int) -> CategoryResult:
    """A class of all explained samples with `count` clusters, most of them empty, noise, and missing values."""
    members = np.array([i for i in range(SAMPLES) if i != FAILED])
    assigned = np.where(members < 3, -1, (members % 7) * (count // 7)).astype(np.int32)
    random = np.random.default_rng(7)
    places = random.normal(0, 1, (len(members), 2)).astype(np.float32)
    places[4] = np.nan
    silhouettes = np.where(assigned < 0, np.nan, random.uniform(-1, 1, len(members))).astype(np.float32)
    columns = {
        "index": members,
        "embedding.tsne": places,
        "clustering.kmeans": assigned,
        "silhouette.kmeans": silhouettes,
    }
    described = {"k": count, "selected_by": "given", "noise": 3, "clusters": _clusters(members, assigned, count)}
    info = {
        "size": len(members),
        "clusterings": {"kmeans": described},
        "default_clustering": "kmeans",
        "embeddings": {"tsne": {"dimensions": 2}},
        "default_embedding": "tsne",
    }
    return CategoryResult("00003", "herd", columns, from_info(info))


def _info(label: int, members: np.ndarray, strategy: np.ndarray, density: np.ndarray) -> dict:
    return {
        "size": len(members),
        "label": label,
        "clusterings": {
            "kmeans": {
                "k": 3,
                "selected_by": "eigengap",
                "noise": 0,
                "silhouette": 0.41,
                "clusters": _clusters(members, strategy, 3),
                "stability": {"adjusted_rand": 0.93, "range": [0.85, 1.0], "runs": 20, "recovery": [0.97, 0.92]},
                "enrichment": {"tests": 12, "smallest": [ENRICHED]},
            },
            "hdbscan": {"k": 2, "selected_by": "density", "noise": 3, "clusters": _clusters(members, density, 2)},
        },
        "default_clustering": "kmeans",
        "default_embedding": "tsne",
        "embeddings": {"tsne": {"dimensions": 2}, "spectral": {"dimensions": 3}},
        "scores": {
            "separability": {"value": 1.0 + 2 * label, "p_value": None if label == 0 else 0.01, "surrogates": 99},
            "eigengap": {"value": 0.5 + 0.1 * label, "clusters": 2, "clear": label != 0},
            "accuracy": 0.9,
        },
        "components": 1,
        "isolated": 0,
        "treatment": ["1 sample without a label is left out"] if label == UNLABELED % 3 else [],
    }


def _clusters(members: np.ndarray, assigned: np.ndarray, count: int) -> list[dict]:
    return [_cluster(number, members[assigned == number]) for number in range(count)]


def _cluster(number: int, samples: np.ndarray) -> dict:
    known = len(samples) > 0
    scores = {"purity": 1.0, "accuracy": 0.9, "mean_confidence": 0.7, "separability": 2.5, "silhouette": 0.4}
    shown = scores if known else dict.fromkeys(scores)
    if number == 0:
        shown |= {"accuracy_contrast": CONTRAST, "confidence_contrast": CONTRAST, "difference": DIFFERENCE}
    return {"id": number, "size": len(samples), **shown, "medoids": samples[:8].tolist()}


def _ids() -> list[str]:
    ids = [f"{CLASSES[index % 3].split()[0]}/{1000 + 7 * index}.png" for index in range(SAMPLES)]
    ids[STRANGE] = 'dog/Ünlü "<img src=x onerror=alert(1)>".png'
    return ids


def _config(composite: str) -> RunConfig:
    return RunConfig(
        model="sample.py:network",
        weights_hash="sha256:0",
        composite={"name": composite, "fields": {"epsilon": 1e-6}},
        target="label",
        preprocessing={"size": [HEIGHT, WIDTH], "mode": "RGB"},
        dataset_fingerprint="sha256:1",
        class_names=CLASSES,
        shard_rows=SHARD_ROWS,
        dataset="sample images",
    )


if __name__ == "__main__":
    print(make_sample_run(Path(sys.argv[1])).path)
