"""How often a class counts as more than one group, by several tests: on data of one group, and with planted groups.

    python benchmarks/null_models.py --cells CELLS --data DATA --runs RUNS --out benchmarks/results/null-models-DATE.md

`--cells` is a folder with the clean networks of the benchmark of cues (resnet20-clean-00 to -04), whose training images
are explained into `--runs`; without it, classes of networks are left out. Every network has ten classes. Even classes
and even seeds were used to choose the test and its constants; `--half report` (the default) uses the odd ones.

Rows have `--samples` samples. The tests compared draw 19 surrogates for `--compared` data sets of a kind, so 0.05 is
their smallest p; the default of an analysis draws up to 99 for `--sets` data sets, so 0.01 is its smallest.
"""

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from planted import BASE
from scipy.ndimage import gaussian_filter
from scipy.stats import beta
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits

from whyset.analysis import Spray
from whyset.analysis.processors import KNearestNeighbors, SymmetricNeighbors
from whyset.analysis.scores import Bottleneck, CopulaSurrogates, Segment, compute_sequential_p, p_value

SIDE, K, DRAWS = 28, 10, 19
SPRAY = Spray()
NETWORKS = 5


def normalize(maps):
    rows = maps.reshape(len(maps), -1)
    return (rows / np.abs(rows).sum(axis=1, keepdims=True)).astype(np.float32)


def draw_image_like(rng, n):
    """Smooth Gaussian fields, some around a common field, some without their negative values."""
    width = rng.choice([1.0, 2.0, 4.0])
    maps = gaussian_filter(rng.normal(size=(n, SIDE, SIDE)), (0, width, width))
    if rng.random() < 0.5:
        common = gaussian_filter(rng.normal(size=(1, SIDE, SIDE)), (0, 3, 3))
        maps += 10 * rng.uniform(0, 1.5) * maps.std() * common
    return normalize(np.maximum(maps, 0) + 1e-6 if rng.random() < 0.5 else maps)


def draw_sparse(rng, n):
    """Skewed relevance, most of it in few cells, more in some places than in others; half of it smooth."""
    profile = gaussian_filter(rng.gamma(1, size=(1, SIDE, SIDE)), (0, 4, 4))
    maps = rng.gamma(rng.choice([0.1, 0.3, 1.0]), size=(n, SIDE, SIDE)) * profile
    return normalize((gaussian_filter(maps, (0, 1, 1)) if rng.random() < 0.5 else maps) + 1e-9)


def draw_skewed(rng, n):
    """Independent skewed features, few of them large, divided by their sum."""
    dimensions = rng.choice([40, 200, 784])
    rows = rng.gamma(rng.choice([0.3, 1.0]), size=(n, dimensions)) * np.arange(1, dimensions + 1) ** -0.7
    return (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)


def draw_low_rank(rng, n):
    """2 to 10 factors, half of them with heavy tails, and noise, in 300 dimensions."""
    rank = rng.integers(2, 11)
    factors = rng.normal(size=(n, rank)) * np.arange(1, rank + 1) ** -0.5
    if rng.random() < 0.5:
        factors /= np.sqrt(rng.chisquare(4, size=(n, 1)) / 4)
    rows = factors @ rng.normal(size=(rank, 300)) + rng.choice([0.1, 0.5, 1.0]) * rng.normal(size=(n, 300))
    return rows.astype(np.float32)


def draw_curved(rng, n):
    """A circle, a half circle, a swiss roll, an S, a sphere or a shape that moves, with little to much noise."""
    kind, noise, t = rng.integers(6), rng.choice([0.01, 0.05, 0.2]), rng.random(n)
    if kind == 5:
        y, x = np.mgrid[:SIDE, :SIDE]
        top, left = (6 + 16 * t)[:, None, None], (14 + 6 * np.sin(2 * np.pi * t))[:, None, None]
        maps = np.exp(-((y - top) ** 2 + (x - left) ** 2) / 2 / rng.uniform(2, 4) ** 2)
        return normalize(maps + noise * np.abs(rng.normal(size=maps.shape)))
    across, ball = rng.random(n), rng.normal(size=(n, 3))
    roll, bend = 1.5 * np.pi * (1 + 2 * t), 3 * np.pi * (t - 0.5)
    points = (
        np.c_[np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)],
        np.c_[np.cos(np.pi * t), np.sin(np.pi * t)],
        np.c_[roll * np.cos(roll), roll * np.sin(roll), 21 * across] / 10,
        np.c_[np.sin(bend), np.sign(bend) * (np.cos(bend) - 1), 2 * across],
        ball / np.linalg.norm(ball, axis=1, keepdims=True),
    )[kind]
    axes = np.linalg.qr(rng.normal(size=(100, points.shape[1])))[0]
    return (points @ axes.T + noise / np.sqrt(10) * rng.normal(size=(n, 100))).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Networks:
    """The prepared maps of the classes of clean networks, by network and label."""

    classes: dict
    half: int

    @classmethod
    def read(cls, cells, data, runs, half):
        from cues.cells import load_cell
        from cues.observed import Observed

        classes = {}
        for number in range(NETWORKS):
            seen = Observed(load_cell(cells / f"resnet20-clean-0{number}", data), runs / f"resnet20-clean-0{number}")
            for label, rows in seen.each_class():
                mixed = rows[np.random.default_rng(label).permutation(len(rows))]
                classes[number, label] = SPRAY.preparation().run({"maps": seen.maps[mixed][:, None]}, seed=0)[
                    "features"
                ]
        return cls(classes, half)

    def subsample(self, number, n):
        """The maps of a class of this half; every class is taken once before it is taken again, with other maps."""
        part, place = divmod(number, NETWORKS * 5)
        own = self.classes[place // 5, 2 * (place % 5) + self.half]
        parts = len(own) // n
        return own[(part % parts) * n : (part % parts + 1) * n]


def add_mark(rows, rng, share, strength):
    """A mark of 3 x 3 cells takes a share `strength` of the relevance in some of the maps."""
    maps = rows.reshape(-1, SIDE, SIDE).copy()
    top, left = rng.choice([1, SIDE - 4], 2)
    marked = slice(0, round(share * len(maps)))
    maps[marked] *= 1 - strength
    maps[marked, top : top + 3, left : left + 3] += strength / 9
    return normalize(maps)


def list_kinds(networks):
    """Each kind of data, by name: a function of the number of the data set, its generator and the number of samples."""
    one = {
        "image-like": draw_image_like, "sparse": draw_sparse, "skewed": draw_skewed, "low rank": draw_low_rank,
        "curved": draw_curved,
    }  # fmt: skip
    kinds = {name: (lambda _, rng, n, draw=draw: draw(rng, n)) for name, draw in one.items()}
    bases = {"image-like": kinds["image-like"]}
    if networks:
        bases["clean networks"] = kinds["clean networks"] = lambda number, _, n: networks.subsample(number, n)
    for base, draw in bases.items():
        for share in (0.05, 0.1, 0.3):
            for strength in (0.1, 0.2):
                kinds[f"{base}, mark of {strength:.0%} of the relevance in {share:.0%}"] = (
                    lambda number, rng, n, draw=draw, share=share, strength=strength: add_mark(
                        draw(number, rng, n), rng, share, strength
                    )
                )
    for distance in (4.0, 5.0, 6.0, 8.0):
        two = replace(BASE, clusters=2, size=150, distance=distance)
        kinds[f"two clusters at distance {distance:.0f}"] = lambda number, _, n, two=two: two.drawn(number)[0]
    return kinds


@dataclass(frozen=True)
class Draw:
    """Separability and bottleneck of a data set, computed as in an analysis, with the neighbors and clusters."""

    separability: float
    bottleneck: float
    width: float
    neighbors: object
    labels: np.ndarray

    @classmethod
    def of(cls, rows, seed):
        found = SPRAY.pipeline().until("separability").run({"features": rows}, seed=seed)
        graph = Bottleneck()(found["affinity"], seed=seed)
        return cls(
            found["separability"], graph.depth, graph.width, found["neighbors"], found["clustering.kmeans"].labels
        )


def smooth_neighbors(rows, neighbors, rng):
    """A smoothed bootstrap that keeps the geometry: each row between a row and one of its nearest neighbors."""
    first = rng.integers(len(rows), size=len(rows))
    second = neighbors.indices[first, rng.integers(K, size=len(rows))]
    share = rng.random((len(rows), 1))
    return ((1 - share) * rows[first] + share * rows[second]).astype(np.float32)


def compare_halves(rows, seed):
    """Clusters of one half, continued by neighbors to the other, against the clusters there: p by permutation."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(rows))
    halves = [rows[np.sort(part)] for part in np.array_split(mixed, 2)]
    first, second = (Draw.of(half, seed).labels for half in halves)
    continued = KNeighborsClassifier(K).fit(halves[0], first).predict(halves[1])
    null = [adjusted_rand_score(rng.permutation(continued), second) for _ in range(DRAWS)]
    return p_value(adjusted_rand_score(continued, second), np.array(null))


def compute_default(rows, seed, most=99):
    """The p-value of an analysis, and the number of surrogates drawn."""
    neighbors, null = KNearestNeighbors(K)(rows), Segment()
    found = Bottleneck()(SymmetricNeighbors()(neighbors), seed=seed)
    test = compute_sequential_p(found.depth, null(neighbors, found.width, seed=seed), most)
    return test.p_value, len(test.draws)


def compare_tests(rows, seed):
    """The p-values of tests that were compared, each with 19 surrogates."""
    own, null = Draw.of(rows, seed), Segment()
    copula = [Draw.of(draw, seed + number) for number, draw in enumerate(CopulaSurrogates(DRAWS)(rows, seed=seed), 1)]
    rng = np.random.default_rng(seed)
    smooth = [Draw.of(smooth_neighbors(rows, own.neighbors, rng), seed).separability for _ in range(DRAWS)]
    curves = [null.draw(own.neighbors, 0.0, child).depth for child in np.random.SeedSequence(seed).spawn(DRAWS)]
    return {
        "separability, copula": p_value(own.separability, np.array([one.separability for one in copula])),
        "separability, smoothed neighbors": p_value(own.separability, np.array(smooth)),
        "agreement of halves, permutation": compare_halves(rows, seed),
        "bottleneck, copula": p_value(own.bottleneck, np.array([one.bottleneck for one in copula])),
        "bottleneck, curve": p_value(own.bottleneck, np.array(curves)),
        "bottleneck, segment": compute_default(rows, seed, DRAWS)[0],
    }


def draw_sets(kind, name, count, half, samples) -> Iterator[tuple[np.ndarray, int]]:
    """The data sets of a kind, with a seed each."""
    for number in range(count):
        seed = 2 * number + half
        yield kind(number, np.random.default_rng([sum(name.encode()), seed]), samples), seed


def format_share(hits, count):
    """A share with its exact interval of 95 % (Clopper, Pearson 1934)."""
    low = 0.0 if hits == 0 else beta.ppf(0.025, hits, count - hits + 1)
    high = 1.0 if hits == count else beta.ppf(0.975, hits + 1, count - hits)
    return f"{hits / count:.2f} [{low:.2f}, {high:.2f}]"


def write_comparison(kinds, options, write: Callable[[str], None]):
    heads = None
    for name, kind in kinds.items():
        sets = draw_sets(kind, name, options.compared, options.half_number, options.samples)
        found = [compare_tests(rows, seed) for rows, seed in sets]
        if heads is None:
            heads = list(found[0])
            write(f"\n| {options.compared} data sets of a kind, share with p = 0.05 | {' | '.join(heads)} |")
            write(f"|---|{'--:|' * len(heads)}")
        write(f"| {name} | {' | '.join(f'{np.mean([p[head] < 0.051 for p in found]):.2f}' for head in heads)} |")


def write_default(kinds, options, write: Callable[[str], None]):
    write("\n| test of an analysis, up to 99 surrogates | data sets | p = 0.01 | p <= 0.05 | mean p | surrogates | s |")
    write(f"|---|{'--:|' * 6}")
    for name, kind in kinds.items():
        count = options.sets if "mark" not in name and "clusters" not in name else options.compared
        before = time.process_time()
        sets = draw_sets(kind, name, count, options.half_number, options.samples)
        p, draws = np.array([compute_default(rows, seed) for rows, seed in sets]).T
        shares = [format_share(int((p <= level + 1e-9).sum()), count) for level in (0.01, 0.05)]
        each = (time.process_time() - before) / count
        write(f"| {name} | {count} | {' | '.join(shares)} | {p.mean():.2f} | {draws.mean():.0f} | {each:.2f} |")


def main(given=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--half", choices=("design", "report"), default="report")
    parser.add_argument("--samples", type=int, default=300)
    parser.add_argument("--sets", type=int, default=50)
    parser.add_argument("--compared", type=int, default=15)
    parser.add_argument("--only", action="append", help="kinds, by the beginning of their names")
    parser.add_argument("--parts", default="default,compared")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args(given)
    options.half_number = int(options.half == "report")

    def write(line):
        print(line, flush=True)
        if options.out is not None:
            with options.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    networks = options.cells and Networks.read(options.cells, options.data, options.runs, options.half_number)
    kinds = {
        name: kind
        for name, kind in list_kinds(networks).items()
        if not options.only or name.startswith(tuple(options.only))
    }
    parts = {"default": write_default, "compared": write_comparison}
    write(f"# Tests of the separability, {options.samples} samples, {options.half} half")
    write(f"\nOne thread of {platform.processor() or platform.machine()}; s is processor time.")
    with threadpool_limits(1):
        for part in options.parts.split(","):
            parts[part](kinds, options, write)


if __name__ == "__main__":
    main()
