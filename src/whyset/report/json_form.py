"""The report as JSON."""

import json
from dataclasses import asdict

from whyset.report.written import Report


def as_json(report: Report) -> str:
    """Write the report as JSON: the fields of `Report`; what is not known is null."""
    return json.dumps({"schema": "1.0", **asdict(report)}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
