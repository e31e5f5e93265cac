"""The report of `real_networks.py`: every method against the best one, and the treatments of biases, with intervals."""

import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from whyset.evaluation import FlippingCurves, PixelFlipping, compare_paired

RESULTS = Path(__file__).resolve().parent / "results"
TITLES = {
    "lite0": "EfficientNet-Lite0, photographs",
    "lite0-blur": "EfficientNet-Lite0, photographs, flipped to a blur",
    "resnet20": "ResNet-20, test images of CIFAR-10",
    "resnet56": "ResNet-56, test images of CIFAR-10",
}
HEADINGS = (
    "method", "images", "gain", "minus the best", "most first", "least first", "arrived", "largest", "not finite",
    "seconds per image",
)  # fmt: skip
BIAS_HEADINGS = (
    "bias relevance", "images", "arrived", "gain", "minus (a)", "most first", "minus (a)", "least first", "minus (a)",
)  # fmt: skip
BIAS_NAMES = {
    "{}": "(a) stays at the biases",
    '{}, zero_params="bias"': '(b) `zero_params="bias"`',
    "{}, redistributed": "(c) `BiasRedistribution`",
    "{}, with bias maps": "(d) added as resized bias maps",
}
PAIRS = (  # methods whose difference is of interest by itself
    ("zennit EpsilonPlus", "epsilon_plus"),
    ("zennit EpsilonPlusFlat", "epsilon_plus_flat"),
    ("zennit EpsilonAlpha2Beta1", "epsilon_alpha2_beta1"),
    ("zennit EpsilonAlpha2Beta1Flat", "epsilon_alpha2_beta1_flat"),
    ("zennit EpsilonGammaBox", "epsilon_gamma_box"),
    ("epsilon_plus, with bias maps", "epsilon_gamma_box"),
    ("epsilon_plus", "epsilon_gamma_box"),
    ('epsilon_plus, zero_params="bias"', "epsilon_gamma_box"),
    ("epsilon_plus, redistributed", "epsilon_gamma_box"),
    ("epsilon_plus_flat", "epsilon_gamma_box"),
    ("zennit EpsilonPlusFlat", "epsilon_gamma_box"),
    ("captum Saliency", "epsilon_gamma_box"),
    ("gradient x input", "epsilon_gamma_box"),
    ("random order", "epsilon_gamma_box"),
    ("random order", "gradient x input"),
)
PAIR_HEADINGS = ("method", "minus", "images", "gain", "most first", "least first")
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Measured:
    """One method on one network; arrays have one element for each image, in the order of all methods."""

    method: str
    curves: FlippingCurves | None
    finite: NDArray[np.bool_]
    arrived: Values
    largest: Values
    maps: tuple[str, ...]
    seconds: float
    problem: str = ""

    @property
    def n_images(self) -> int:
        return len(self.finite)

    @property
    def gain(self) -> Values:
        assert self.curves is not None
        return self.curves.relevance_gain

    @property
    def most_first(self) -> Values:
        assert self.curves is not None
        return self.curves.area_most_relevant_first

    @property
    def least_first(self) -> Values:
        assert self.curves is not None
        return self.curves.area_least_relevant_first


SCORES: tuple[Callable[[Measured], Values], ...] = (
    lambda of: of.gain,
    lambda of: of.most_first,
    lambda of: of.least_first,
)


def read_record(record: Path) -> dict[str, list[Measured]]:
    """Return the methods of every network; a method counts until its first missing chunk."""
    lines: dict[tuple[str, str], dict[int, Any]] = {}
    for line in map(json.loads, record.read_text().splitlines()):
        lines.setdefault((line["network"], line["method"]), {})[line["chunk"]] = line
    found: dict[str, list[Measured]] = {}
    for (network, method), chunks in lines.items():
        complete = [chunks[i] for i in range(len(chunks)) if all(j in chunks for j in range(i + 1))]
        found.setdefault(network, []).append(_join(method, complete))
    return found


def _join(method: str, chunks: Sequence[Mapping[str, Any]]) -> Measured:
    problems = [chunk["problem"] for chunk in chunks if "problem" in chunk]
    if problems or not chunks:
        none = np.empty(0)
        return Measured(method, None, none.astype(bool), none, none, (), 0.0, next(iter(problems), "not measured"))
    parts = [
        FlippingCurves(
            np.array(chunk["fractions"]),
            np.zeros(chunk["n"], np.int64),
            np.array(chunk["most_relevant_first"]).T,
            np.array(chunk["least_relevant_first"]).T,
        )
        for chunk in chunks
    ]
    finite, arrived, largest = (
        np.concatenate([np.array(chunk[name]) for chunk in chunks]) for name in ("finite", "arrived", "largest")
    )
    seconds = sum(chunk["seconds_explaining"] for chunk in chunks) / len(finite)
    maps = tuple(chunk["map"] for chunk in chunks)
    return Measured(method, FlippingCurves.concatenate(parts), finite, arrived, largest, maps, seconds)


def write_report(record: Path, flipping: Mapping[str, PixelFlipping]) -> Path:
    """Write the results of all networks of a record as a page."""
    lines = [f"# Explanation methods on real networks, {date.today()}", "", *_introduction()]
    for network, methods in read_record(record).items():
        lines += ["", f"## {TITLES[network]}", "", _describe(flipping[network]), "", *method_table(methods)]
        lines += ["", f"### Pairs: {TITLES[network]}", "", *pair_table(methods)]
        lines += ["", f"### Bias relevance: {TITLES[network]}", "", *bias_tables(methods)]
    file = RESULTS / f"real-networks-cpu-{date.today()}.md"
    file.write_text("\n".join(lines) + "\n")
    return file


def method_table(methods: Sequence[Measured]) -> list[str]:
    """Return all methods, the best first, compared on the images that both have."""
    measured = [method for method in methods if method.curves is not None]
    n_common = min(method.n_images for method in measured)
    ranked = sorted(measured, key=lambda method: -_mean(method, lambda of: of.gain, n_common))
    rows = [_row(method, ranked[0]) for method in ranked]
    rows += [(method.method, *[""] * 8, method.problem) for method in methods if method.curves is None]
    return [*_table(HEADINGS, rows), "", *_equal_maps(ranked, n_common)]


def _row(method: Measured, best: Measured) -> tuple[str, ...]:
    use = method.finite
    return (
        method.method,
        str(method.n_images),
        f"{method.gain[use].mean():.3f}",
        "the best" if method is best else compare(method, best, lambda of: of.gain),
        *(f"{area[use].mean():.3f}" for area in (method.most_first, method.least_first)),
        f"{np.median(method.arrived[use]):.3g}",
        f"{method.largest[use].max():.3g}",
        str(int((~use).sum())),
        f"{method.seconds:.2f}",
    )


def compare(method: Measured, other: Measured, values: Callable[[Measured], Values]) -> str:
    """Return the paired difference on the images of both whose relevance is finite."""
    n = min(method.n_images, other.n_images)
    use = method.finite[:n] & other.finite[:n]
    return str(compare_paired(values(method)[:n][use], values(other)[:n][use])) if use.sum() > 1 else "-"


def pair_table(methods: Sequence[Measured]) -> list[str]:
    """Return the differences between two methods, on the images of both."""
    by_name = {method.method: method for method in methods if method.curves is not None}
    rows = [_pair_row(by_name[one], by_name[other]) for one, other in PAIRS if one in by_name and other in by_name]
    return _table(PAIR_HEADINGS, rows)


def _pair_row(one: Measured, other: Measured) -> tuple[str, ...]:
    """Return the names of two methods, the number of images, and the differences of gain and areas."""
    n = min(one.n_images, other.n_images)
    return one.method, other.method, str(n), *(compare(one, other, values) for values in SCORES)


def bias_tables(methods: Sequence[Measured]) -> list[str]:
    """Return the treatments of biases of every preset that was measured with more than one."""
    by_name = {method.method: method for method in methods if method.curves is not None}
    lines: list[str] = []
    for preset in by_name:
        chosen = {
            label: by_name[name.format(preset)] for name, label in BIAS_NAMES.items() if name.format(preset) in by_name
        }
        if len(chosen) > 1:
            rows = [_bias_row(label, method, by_name[preset]) for label, method in chosen.items()]
            lines += [f"{preset}:", "", *_table(BIAS_HEADINGS, rows), ""]
    return lines[:-1]


def _bias_row(label: str, method: Measured, reference: Measured) -> tuple[str, ...]:
    use = method.finite
    cells = [label, str(method.n_images), f"{np.median(method.arrived[use]):.3g}"]
    for values in SCORES:
        difference = "" if method is reference else compare(method, reference, values)
        cells += [f"{values(method)[use].mean():.3f}", difference]
    return tuple(cells)


def _equal_maps(ranked: Sequence[Measured], n_common: int) -> list[str]:
    groups: dict[tuple[str, ...], list[str]] = {}
    shortest = min(len(method.maps) for method in ranked)
    for method in ranked:
        groups.setdefault(method.maps[:shortest], []).append(method.method)
    lines = [f"{' and '.join(names)} give bitwise the same relevance." for names in groups.values() if len(names) > 1]
    return [f"All methods have the first {n_common} images. " + " ".join(lines)]


def _mean(method: Measured, values: Callable[[Measured], Values], n: int) -> float:
    use = method.finite[:n]
    return float(values(method)[:n][use].mean()) if use.any() else -np.inf


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(cells)} |" for cells in (headings, ["---"] * len(headings), *rows)]


def _describe(flipping: PixelFlipping) -> str:
    return (
        f"Patches of {flipping.patch_size} x {flipping.patch_size} pixels, {flipping.steps} equal steps, imputer "
        f"{flipping.imputer!r}" + (", the value 0 of the normalized input." if flipping.imputer == "constant" else ".")
    )


def _introduction() -> list[str]:
    return [
        f"{platform.machine()} CPU, one thread, Python {platform.python_version()}, torch {torch.__version__}.",
        "",
        "The explained class is the predicted one, and its probability is followed. Most first, least first: the mean "
        "probability while the most or the least relevant patches are flipped first. Gain: least minus most first, the "
        "larger the better; 0 is expected of a random order. Differences are paired on the same images, with a 95 % "
        "BCa bootstrap interval; intervals are not corrected for the number of methods. Methods with different numbers "
        "of images are compared on those of both, so differences can be compared and means cannot. Arrived: median of "
        "the sum of the relevance divided by the explained logit, which means nothing for gradients and random maps. "
        "Largest: the largest absolute relevance divided by the absolute logit, over all images. Zennit starts with a "
        "relevance of 1 instead of the logit, so both are smaller by this factor. Not finite: images whose relevance "
        "is not finite, which are left out. Seconds per image are processor time of the explanation.",
    ]
