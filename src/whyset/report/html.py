"""The report as one HTML file with embedded heatmaps; the template is `page.html.jinja`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from whyset.analysis.views import MAPS, describe_view
from whyset.modality import MODALITIES
from whyset.printable import printable
from whyset.report.class_rows import ClassRow, ClusterRow
from whyset.report.colored_words import ColoredWord, color_words
from whyset.report.definitions import DEFINITIONS
from whyset.report.evaluations import HEADINGS
from whyset.report.evidence_lines import describe_class, describe_evidence
from whyset.report.finding_cards import make_cards
from whyset.report.findings import finding_notices
from whyset.report.numbers import format_counts, number, small, with_p
from whyset.report.pictures import EigenvalueChart, ReportHeatmaps, contact_sheet, draw_spectrum
from whyset.report.report import Report
from whyset.report.shifted_clusters import find_shifted_clusters
from whyset.report.top_features import find_top_features
from whyset.report.words import (
    check_lines,
    class_cells,
    class_headings,
    counts_differ,
    data_issues,
    have_views,
    relevance_rows,
    summary,
    suspicion,
    write_legend,
)
from whyset.store import Category

MEDOIDS = 3
CLASSES = 10

Terms = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class RankedClass:
    """A line of the ranking; `anchor` is the id of the section of the class, or None."""

    rank: int
    anchor: str | None
    name: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Heatmap:
    """A heatmap with its caption."""

    uri: str
    alt: str
    caption: str


@dataclass(frozen=True)
class TypicalSample:
    """A sample close to the center of its cluster; `input` is None if the run does not store images.

    A text has `words` with their relevance as background instead of a strip.
    """

    index: int
    name: str
    input: str | None
    relevance: str | None
    words: tuple[ColoredWord, ...] = ()


@dataclass(frozen=True)
class ClusterCard:
    """A cluster: its heatmaps (mean, difference from the rest), its most typical samples, its scores.

    `top` are its words, columns or channels with the most relevance, named by `top_name`; `shifted` are notes on other
    clusters from which it differs mainly in place, `also` are the other views that find the same group.
    """

    name: str
    counts: str
    heatmaps: tuple[Heatmap, ...]
    samples: tuple[TypicalSample, ...]
    scores: Terms
    enriched: tuple[str, ...]
    top_name: str
    top: tuple[str, ...]
    shifted: tuple[str, ...]
    also: tuple[str, ...]
    is_strip: bool


@dataclass(frozen=True)
class ClassSection:
    """A class with its clusters, or with the reason why it has none; `further` are groups in other views."""

    id: str
    rank: int
    name: str
    problem: str | None = None
    scores: str = ""
    spectrum: EigenvalueChart | None = None
    evidence: Terms = ()
    clusters: tuple[ClusterCard, ...] = ()
    further: tuple[str, ...] = ()


def as_html(report: Report, pictures: ReportHeatmaps, classes: int = CLASSES) -> str:
    """Write the report as a self-contained page.

    Parameters
    ----------
    report : Report
        The report of a run and one of its analyses.
    pictures : ReportHeatmaps
        The heatmaps of the same run and analysis.
    classes : int, default 10
        The number of classes that are shown with heatmaps, the first of the ranking.

    Returns
    -------
    str
        The page, in HTML.
    """
    shown = report.classes[:classes]
    both, views = counts_differ(report.classes), have_views(report.classes)
    hidden = len(report.classes) - classes
    environment = Environment(
        loader=PackageLoader("whyset.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show_controls,
    )
    return environment.get_template("page.html.jinja").render(
        title=f"Strategies of {report.model}",
        style=files("whyset.report").joinpath("page.css").read_text(encoding="utf-8"),
        summary=summary(report),
        notices=report.notices,
        conclusions=report.conclusions,
        findings=make_cards(pictures.run, report.findings),
        finding_notices=finding_notices(report.findings),
        suspicion=suspicion(report),
        checks=check_lines(report),
        sheet=contact_sheet(pictures.run),
        n_samples=f"{pictures.run.sample_count:,}",
        headings=("rank", *class_headings(both, views)),
        ranking=[_rank(row, both, views, row in shown) for row in report.classes],
        legend=write_legend(report.classes),
        note=_sentence(pictures.note) if pictures.note else None,
        classes=(_describe_class(report, pictures, row) for row in shown),
        n_left_out=f"{hidden:,}" if hidden > 0 else None,
        fixes=report.fixes,
        evaluations=report.evaluations,
        evaluation_headings=HEADINGS,
        relevance=relevance_rows(report),
        data_issues=data_issues(report),
        definitions=DEFINITIONS,
        provenance=(("run", report.run), *report.provenance),
    )


def _show_controls(value: Any) -> Any:
    """Escape control characters in texts, such as those that reverse a line; the markup of the page has none."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}. The viewer shows them with their inputs."


def _rank(row: ClassRow, both: bool, views: bool, has_section: bool) -> RankedClass:
    name, *cells = class_cells(row, both, views)
    return RankedClass(row.rank, row.id if has_section else None, name, tuple(cells))


def _describe_class(report: Report, pictures: ReportHeatmaps, row: ClassRow) -> ClassSection:
    clusters = report.get_clusters(row)
    if row.problem is not None or not clusters:
        return ClassSection(row.id, row.rank, row.name, row.problem or "No clusters were found.")
    if row.analysis not in (None, pictures.analysis.name):
        pictures = replace(pictures, analysis=pictures.run.analysis(row.analysis))
    category = pictures.analysis.category(row.id)
    corrected = "" if row.p_corrected == row.p_value else f", corrected for views {small(row.p_corrected)}"
    view = "" if row.view in (None, MAPS) else f" in the view {describe_view(row.view)}"
    scores = (
        f"{format_counts(row.n_explanations, row.n_samples)} in {row.n_clusters} clusters{view}; separability "
        f"{number(row.separability)} ({with_p(row.p_value)}{corrected}, q {_equals(small(row.q_value))}), stability "
        f"{number(row.stability)}, silhouette {number(row.silhouette)}."
    )
    return ClassSection(
        row.id,
        row.rank,
        row.name,
        scores=scores,
        spectrum=draw_spectrum(category, row),
        evidence=describe_class(category.evidence),
        clusters=tuple(_cards(pictures, category, clusters)),
        further=tuple(map(str, report.get_further(row))),
    )


def _equals(text: str) -> str:
    return f"{text[0]} {text[1:]}" if text[0] in "<>" else f"= {text}"


def _cards(pictures: ReportHeatmaps, category: Category, clusters: Sequence[ClusterRow]) -> Iterator[ClusterCard]:
    means = pictures.mean_maps(category) if pictures.possible else []
    differences = pictures.differences(category) if pictures.possible else []
    tops = {top.cluster: top for top in find_top_features(pictures.run, category)}
    pairs = find_shifted_clusters(pictures.run, category)
    for cluster in clusters:
        evidence, at = cluster.evidence, cluster.evidence.id
        name = f"cluster {at} of class {cluster.class_name}"
        heatmaps = (
            Heatmap(uris[at], f"{what} of {name}", caption)
            for uris, what, caption in (
                (means, "Mean relevance", "mean map"),
                (differences, "Mean relevance inside minus outside", "minus the rest"),
            )
            if at < len(uris)
        )
        typical = evidence.medoids[:MEDOIDS] if pictures.possible else ()
        yield ClusterCard(
            name=f"Cluster {at}",
            counts=format_counts(evidence.n_explanations, evidence.n_samples),
            heatmaps=tuple(heatmaps),
            samples=tuple(_sample(pictures, index) for index in typical),
            scores=tuple(describe_evidence(evidence)),
            enriched=tuple(str(one) for one in cluster.enriched),
            top_name=tops[at].what if at in tops else "",
            top=tuple(map(str, tops[at].features)) if at in tops else (),
            shifted=tuple(str(pair) for pair in pairs if at in pair.clusters),
            also=cluster.also,
            is_strip=MODALITIES[pictures.run.modality].thumbnail == "strip",
        )


def _sample(pictures: ReportHeatmaps, index: int) -> TypicalSample:
    name = f"sample {index}, {pictures.run.ids[index]}"
    words = color_words(pictures.run, index) if MODALITIES[pictures.run.modality].inputs == "ids" else ()
    if words:
        return TypicalSample(index, name, None, None, words)
    shown, relevance = pictures.sample(index)
    return TypicalSample(index, name, shown or None, relevance)
