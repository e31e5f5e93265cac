"""The report as JSON."""

import json
from dataclasses import asdict

from whyset.report.definitions import DEFINITIONS
from whyset.report.written import Report


def as_json(report: Report) -> str:
    """Write the report as JSON: the fields of `Report` and what the scores mean; what is not known is null."""
    return (
        json.dumps(
            {"schema": "1.1", **asdict(report), "definitions": [asdict(part) for part in DEFINITIONS]},
            indent=2,
            ensure_ascii=False,
            allow_nan=False,
        )
        + "\n"
    )
