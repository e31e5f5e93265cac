"""The report as one HTML file with its pictures inside."""

from collections.abc import Iterator, Sequence
from importlib.resources import files

from whyset.report.class_rows import ClassRow
from whyset.report.cluster_rows import ClusterRow
from whyset.report.contact_sheet import contact_sheet
from whyset.report.definitions import DEFINITIONS
from whyset.report.escaping import escape
from whyset.report.evidence_lines import describe_class, describe_evidence
from whyset.report.numbers import counted, number, small, with_p
from whyset.report.pictures import Pictures
from whyset.report.spectrum import spectrum_picture
from whyset.report.words import (
    LEGEND,
    check_lines,
    class_cells,
    class_headings,
    counts_differ,
    data_issues,
    relevance_rows,
    summary,
    suspicion,
)
from whyset.report.written import Report
from whyset.store import Category

MEDOIDS = 3
CLASSES = 10


def as_html(report: Report, pictures: Pictures, classes: int = CLASSES) -> str:
    """Write the report as a page that needs no other file; the first `classes` classes come with pictures."""
    title = f"Strategies of {report.model}"
    shown = report.classes[:classes]
    parts = [
        f"<header><h1>{escape(title)}</h1><p>{escape(summary(report))}</p>",
        *(f'<p class="notice">{escape(notice)}</p>' for notice in report.notices),
        f'<p class="finding">{escape(suspicion(report))}</p></header>',
        _list_of("Checks", check_lines(report)),
        contact_sheet(pictures.run),
        _ranking(report, shown),
        f'<p class="note">{escape(_sentence(pictures.note))}</p>' if pictures.note else "",
        *(_class(report, pictures, row) for row in shown),
        _left_out(report, classes),
        _relevance(report),
        _list_of("Data issues", data_issues(report)),
        _definitions(),
        _provenance(report),
    ]
    style = files("whyset.report").joinpath("page.css").read_text(encoding="utf-8")
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta name="color-scheme" content="light dark"><title>{escape(title)}</title><style>{style}</style>'
    )
    body = "\n".join(part for part in parts if part)
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body><main>\n{body}\n</main></body>\n</html>\n'


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}. The viewer shows them with their inputs."


def _ranking(report: Report, shown: Sequence[ClassRow]) -> str:
    rows, both = [], counts_differ(report.classes)
    for row in report.classes:
        name, *others = map(escape, class_cells(row, both))
        linked = f'<a href="#{escape(row.id)}">{name}</a>' if row in shown else name
        cells = "".join(f"<td>{cell}</td>" for cell in others)
        rows.append(f'<tr><td>{row.rank}</td><th scope="row">{linked}</th>{cells}</tr>')
    headings = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in ("rank", *class_headings(both)))
    table = f'<table class="ranking"><thead><tr>{headings}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
    return f'<section><h2>Classes</h2><div class="wide">{table}</div><p class="note">{escape(LEGEND)}</p></section>'


def _class(report: Report, pictures: Pictures, row: ClassRow) -> str:
    """Write the section of one class."""
    head = f'<section id="{escape(row.id)}"><h2>{row.rank}. {escape(row.name)}</h2>'
    clusters = report.clusters_of(row)
    if row.problem is not None or not clusters:
        return f"{head}<p>{escape(row.problem or 'No clusters were found.')}</p></section>"
    category = pictures.analysis.category(row.id)
    said = (
        f"{counted(row.n_explanations, row.n_samples)} in {row.n_clusters} clusters; separability "
        f"{number(row.separability)} ({with_p(row.p_value)}, q {_equals(small(row.q_value))}), stability "
        f"{number(row.stability)}, silhouette {number(row.silhouette)}."
    )
    cards = "".join(_cards(pictures, category, clusters))
    figure = spectrum_picture(category, row)
    more = f"<details><summary>All scores of the class</summary>{_terms(describe_class(category.evidence))}</details>"
    about = f'<div class="about"><p>{escape(said)}</p>{figure}</div>{more}'
    return f'{head}{about}<div class="cards">{cards}</div></section>'


def _equals(written: str) -> str:
    return f"{written[0]} {written[1:]}" if written[0] in "<>" else f"= {written}"


def _cards(pictures: Pictures, category: Category, clusters: Sequence[ClusterRow]) -> Iterator[str]:
    """Yield one card per cluster: what it looks at, where it differs, its most typical samples, its figures."""
    means = pictures.mean_maps(category) if pictures.possible else []
    differences = pictures.differences(category) if pictures.possible else []
    for cluster in clusters:
        evidence, number_of = cluster.evidence, cluster.evidence.id
        name = f"cluster {number_of} of class {cluster.class_name}"
        maps = [
            _picture(uris[number_of], f"{what} of {name}", caption)
            for uris, what, caption in (
                (means, "Mean relevance", "mean map"),
                (differences, "Mean relevance inside minus outside", "minus the rest"),
            )
            if number_of < len(uris)
        ]
        typical = [_sample(pictures, index) for index in evidence.medoids[:MEDOIDS]] if pictures.possible else []
        shown = "".join(f'<div class="maps">{"".join(row)}</div>' for row in (maps, typical) if row)
        heading = f"<h3>Cluster {number_of}<small>{counted(evidence.n_explanations, evidence.n_samples)}</small></h3>"
        yield f'<article class="card">{heading}{shown}{_figures(cluster)}</article>'


def _sample(pictures: Pictures, index: int) -> str:
    shown, relevance = pictures.sample(index)
    name = f"sample {index}, {pictures.run.ids[index]}"
    pair = [f'<img src="{shown}" alt="Input of {escape(name)}">'] if shown else []
    pair.append(f'<img src="{relevance}" alt="Relevance of {escape(name)}">')
    return (
        f'<figure class="pair">{"".join(pair)}<figcaption title="{escape(name)}">sample {index}</figcaption></figure>'
    )


def _picture(uri: str, alt: str, caption: str) -> str:
    return f'<figure><img src="{uri}" alt="{escape(alt)}"><figcaption>{escape(caption)}</figcaption></figure>'


def _figures(cluster: ClusterRow) -> str:
    """Write a cluster's scores as a list of terms; what is not known is left out."""
    found = "".join(f"<li>{escape(str(one))}</li>" for one in cluster.enriched)
    more = f'<p class="more">More frequent here:</p><ul>{found}</ul>' if found else ""
    return _terms(list(describe_evidence(cluster.evidence))) + more


def _terms(scores: Sequence[tuple[str, str]]) -> str:
    terms = "".join(f"<div><dt>{escape(label)}</dt><dd>{escape(text)}</dd></div>" for label, text in scores)
    return f"<dl>{terms}</dl>"


def _left_out(report: Report, classes: int) -> str:
    count = len(report.classes) - classes
    return f'<p class="note">{count:,} further classes are ranked above without pictures.</p>' if count > 0 else ""


def _list_of(heading: str, lines: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<section><h2>{escape(heading)}</h2><ul>{items}</ul></section>" if lines else ""


def _relevance(report: Report) -> str:
    rows = relevance_rows(report)
    terms = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in rows)
    return f'<section><h2>Relevance</h2><dl class="provenance">{terms}</dl></section>' if rows else ""


def _definitions() -> str:
    headings = "".join(f'<th scope="col">{name}</th>' for name in ("score", "definition", "source", "compared with"))
    rows = "".join(
        f'<tr><th scope="row">{escape(part.score)}</th><td>{escape(part.formula)}</td><td>{escape(part.source)}</td>'
        f"<td>{escape(part.compared_with)}</td></tr>"
        for part in DEFINITIONS
    )
    table = f'<table class="text"><thead><tr>{headings}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<section><h2>What the scores mean</h2><div class="wide">{table}</div></section>'


def _provenance(report: Report) -> str:
    told = (("run", report.run), *report.provenance)
    terms = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in told)
    return f'<section><h2>Provenance</h2><dl class="provenance">{terms}</dl></section>'
