"""The written report of a run: a value first, then text, Markdown, HTML or JSON. No torch."""

from whyset.report.attributes import read_attributes
from whyset.report.class_rows import ClassRow, class_row, rank, ranked_classes
from whyset.report.cluster_rows import ClusterRow, cluster_rows, first_suspicious, most_coherent, most_suspicious
from whyset.report.enriched import Enriched
from whyset.report.heatmaps import Heatmaps
from whyset.report.html import as_html
from whyset.report.json_form import as_json
from whyset.report.markdown import as_markdown
from whyset.report.pictures import Pictures
from whyset.report.text import as_text, class_table, rendered
from whyset.report.words import reason_to_look
from whyset.report.written import Report, report

__all__ = [
    "ClassRow",
    "ClusterRow",
    "Enriched",
    "Heatmaps",
    "Pictures",
    "Report",
    "as_html",
    "as_json",
    "as_markdown",
    "as_text",
    "class_row",
    "class_table",
    "cluster_rows",
    "first_suspicious",
    "most_coherent",
    "most_suspicious",
    "rank",
    "ranked_classes",
    "read_attributes",
    "reason_to_look",
    "rendered",
    "report",
]
