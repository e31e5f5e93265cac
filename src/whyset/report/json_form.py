"""The report as JSON."""

import json
from dataclasses import asdict

from whyset.report.definitions import DEFINITIONS
from whyset.report.written import Report


def as_json(report: Report) -> str:
    """Write the report as JSON: the fields of `Report` and what the scores mean; what is not known is null."""
    added = {"notices": report.notices, "definitions": [asdict(part) for part in DEFINITIONS]}
    content = {"schema": "2.0", **asdict(report), **added}
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
