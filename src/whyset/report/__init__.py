"""The report of a run as a value, and its text, Markdown, HTML and JSON forms. Does not import torch."""

from whyset.report.attributes import read_attributes
from whyset.report.class_rows import ClassRow, ClusterRow, Ranking, rank_classes
from whyset.report.heatmaps import Heatmaps
from whyset.report.html import as_html
from whyset.report.json_form import as_json
from whyset.report.markdown import as_markdown
from whyset.report.pictures import ReportHeatmaps
from whyset.report.report import Report, report
from whyset.report.text import as_text

__all__ = [
    "ClassRow",
    "ClusterRow",
    "Heatmaps",
    "Ranking",
    "Report",
    "ReportHeatmaps",
    "as_html",
    "as_json",
    "as_markdown",
    "as_text",
    "rank_classes",
    "read_attributes",
    "report",
]
