"""The report of the tuning benchmark: what tuning gained, and how far the metrics agree on the order of the presets."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import torch
from scipy import stats

from whyset.evaluation import METRICS
from whyset.store.tunings import HeldOutMetric, Tuning, read_tuning

LOWEST = 3


@dataclass(frozen=True)
class Measured:
    """A network: its tuning, and the means of the presets by each metric, none if they were not ranked."""

    title: str
    tuning: Tuning
    means: Mapping[str, Mapping[str, float | None]]

    @property
    def metrics(self) -> list[str]:
        return list(next(iter(self.means.values())))

    def rank(self, metric: str) -> dict[str, float]:
        """Return the rank of each preset by a metric, 1 for the best; equal ones share a rank."""
        known = {name: row[metric] for name, row in self.means.items() if name != self.tuning.tuned}
        defined = {name: value for name, value in known.items() if value is not None}
        sign = 1 if METRICS[metric].better == "lower" else -1
        ranks = stats.rankdata([sign * value for value in defined.values()])
        return dict(zip(defined, map(float, ranks), strict=True))

    def correlate(self, first: str, second: str) -> float:
        """Return Spearman's correlation of the ranks of the presets by two metrics."""
        a, b = self.rank(first), self.rank(second)
        common = [name for name in a if name in b]
        if len(common) < LOWEST:
            return float("nan")
        return float(stats.spearmanr([a[name] for name in common], [b[name] for name in common]).statistic)


def write_report(out: Path, records: Path, names: Sequence[str], note: str) -> None:
    """Write the report of the networks of these names."""
    found = [_read(records, name) for name in names]
    machine = f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
    lines = [
        f"# Tuning, {date.today()}",
        "",
        f"{machine}, one core. {note}".strip(),
        "",
        "`whyset tune` on the tuning samples of each network, with the default metric: the relevance gain. Differences "
        "are those on held-out samples, tuned minus preset, paired, with a bootstrap interval of 95 % and a p-value by "
        "random signs. The tuned configuration is the best of the coordinate search, whether it is recommended or not.",
        "",
        *_write_gains(found),
        "",
        "## Other metrics of the tuned configuration, on held-out samples",
        "",
        "Against the best preset: better, worse, or = without a significant difference.",
        "",
        *_write_others(found),
        "",
        "## Ranks of the presets by each metric",
        "",
        "On the first held-out samples; 1 is the best.",
    ]
    ranked = [one for one in found if one.means]
    for one in ranked:
        lines += ["", f"### {one.title}", "", *_write_ranks(one)]
    lines += ["", "## Rank correlations between metrics (Spearman, over presets)", "", *_write_correlations(ranked)]
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _read(records: Path, name: str) -> Measured:
    """Read a network; without ranks its title is its name."""
    ranks = records / f"{name}.ranks.json"
    stored = json.loads(ranks.read_text(encoding="utf-8")) if ranks.is_file() else {"title": name, "means": {}}
    return Measured(stored["title"], read_tuning(records / f"{name}.json"), stored["means"])


def _write_gains(found: Sequence[Measured]) -> Iterator[str]:
    heads = ("network", "best preset", "best composite", "tuned", "random", "tuned − preset", "tuned − composite")
    yield from _head(*heads, "recommended", "samples", "seconds")
    for one in found:
        tuning, first = one.tuning, one.tuning.held_out[0]
        on = tuning.tuned_on
        yield _line(
            one.title,
            f"{tuning.preset} ({_value(first.preset)})",
            str(tuning.composite),
            f"{tuning.tuned} ({_value(first.tuned)})",
            _value(first.random),
            _difference(first),
            _difference(tuning.against_composite),
            "tuned" if tuning.is_better else tuning.preset,
            f"{len(on.tuning_samples)} + {len(on.held_out_samples)}",
            f"{tuning.seconds:.0f}",
        )


def _write_others(found: Sequence[Measured]) -> Iterator[str]:
    titles = [METRICS[one.metric["name"]].title for one in found[0].tuning.held_out[1:]] if found else []
    yield from _head("network", *titles)
    signs = {"equal": "=", "unknown": "-"}
    for one in found:
        cells = [f"{signs.get(part.verdict, part.verdict)} ({_pair(part)})" for part in one.tuning.held_out[1:]]
        yield _line(one.title, *cells)


def _write_ranks(one: Measured) -> Iterator[str]:
    ranks = {metric: one.rank(metric) for metric in one.metrics}
    yield from _head("preset", *(METRICS[metric].title for metric in ranks))
    by_first = ranks[one.metrics[0]]
    for name in sorted(by_first, key=lambda name: by_first[name]):
        yield _line(name, *(f"{rank[name]:g}" if name in rank else "-" for rank in ranks.values()))


def _write_correlations(found: Sequence[Measured]) -> Iterator[str]:
    if not found:
        return
    pairs = list(combinations(found[0].metrics, 2))
    yield from _head("metrics", *(one.title for one in found), "mean")
    for first, second in pairs:
        values = [one.correlate(first, second) for one in found]
        title = f"{METRICS[first].title}, {METRICS[second].title}"
        yield _line(title, *(f"{value:+.2f}" for value in values), f"{np.nanmean(values):+.2f}")


def _head(*cells: str) -> Iterator[str]:
    yield _line(*cells)
    yield "|" + "---|" * len(cells)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _value(estimate: object) -> str:
    value = getattr(estimate, "value", None)
    return "-" if value is None else f"{value:.3f}"


def _pair(one: HeldOutMetric) -> str:
    values = [None if each is None else each.value for each in (one.tuned, one.preset)]
    return " and ".join("-" if value is None else f"{value:.3g}" for value in values)


def _difference(one: HeldOutMetric | None) -> str:
    if one is None or one.difference is None or one.interval is None or one.p_value is None:
        return "-"
    p = "p < 0.001" if one.p_value < 0.001 else f"p = {one.p_value:.3f}"
    return f"{one.difference:+.3f} [{one.interval[0]:+.3f}, {one.interval[1]:+.3f}], {p}"
