"""The report of a run as a value, and its text, Markdown, HTML and JSON forms. Does not import torch."""

from whyset.report.attributes import read_attributes
from whyset.report.class_rows import ClassRow, Ranking, rank_classes, rank_rows, read_class_row
from whyset.report.cluster_rows import ClusterRow, cluster_rows, first_suspicious, most_coherent, most_suspicious
from whyset.report.enrichment import Enriched
from whyset.report.evidence_lines import FORMATTERS, Formatter, describe_class, describe_evidence
from whyset.report.heatmaps import Heatmaps
from whyset.report.html import as_html
from whyset.report.json_form import as_json
from whyset.report.markdown import as_markdown
from whyset.report.pictures import ReportHeatmaps
from whyset.report.report import Report, report
from whyset.report.text import as_text, class_table, render
from whyset.report.words import reason_to_look

__all__ = [
    "FORMATTERS",
    "ClassRow",
    "ClusterRow",
    "Enriched",
    "Formatter",
    "Heatmaps",
    "Ranking",
    "Report",
    "ReportHeatmaps",
    "as_html",
    "as_json",
    "as_markdown",
    "as_text",
    "class_table",
    "cluster_rows",
    "describe_class",
    "describe_evidence",
    "first_suspicious",
    "most_coherent",
    "most_suspicious",
    "rank_classes",
    "rank_rows",
    "read_attributes",
    "read_class_row",
    "reason_to_look",
    "render",
    "report",
]
