"""The report as JSON."""

import json
from dataclasses import asdict

from whyset.printable import is_printable
from whyset.report.definitions import DEFINITIONS
from whyset.report.report import Report


def as_json(report: Report) -> str:
    """Write the report as JSON: the fields of `Report`, sentences and definitions; unknown values are null.

    Parameters
    ----------
    report : Report
        The report of a run and one of its analyses.

    Returns
    -------
    str
        The JSON text, indented.
    """
    added = {
        "notices": report.notices,
        "conclusions": report.conclusions,
        "definitions": [asdict(part) for part in DEFINITIONS],
    }
    content = {"schema": "2.4", **asdict(report), **added}
    for stored, finding in zip(content["findings"]["findings"], report.findings.findings, strict=True):
        stored["id"] = finding.id
        stored["sentence"] = finding.sentence
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
    return "".join(char if is_printable(char) or char == "\n" else json.dumps(char)[1:-1] for char in text) + "\n"
