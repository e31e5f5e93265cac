"""Provenance of a run and an analysis: everything needed to repeat them."""

import json
from collections.abc import Mapping

from whyset.store import Analysis, Run


def provenance(run: Run, analysis: Analysis) -> tuple[tuple[str, str], ...]:
    """Return names and values, without unknown ones."""
    config = run.config
    values = {
        "model": config.model,
        "weights (SHA-256)": config.weights_hash,
        **_method(run),
        "target": json.dumps(config.target),
        "preprocessing": json.dumps(dict(config.preprocessing)),
        "data set": config.dataset,
        "data set's fingerprint": config.dataset_fingerprint,
        "maps": f"{' x '.join(map(str, run.relevance.shape[1:]))}, {config.dtype}",
        "seed": str(config.seed),
        "versions": ", ".join(f"{name} {version}" for name, version in config.versions.items()),
        "configuration of the run": config.hash,
        "analysis": analysis.name,
        "steps": str(analysis.config.get("steps") or ""),
        "configuration of the analysis": json.dumps(analysis.config.get("pipeline")),
    }
    return tuple((name, value) for name, value in values.items() if value)


def _method(run: Run) -> dict[str, str]:
    """Return the composite, or another method with its parameters."""
    stored = run.config.attributor
    if stored is None:
        return {"composite": describe_method(run)}
    return {"method": describe_method(run), "parameters of the method": json.dumps(stored.get("fields"))}


def describe_method(run: Run) -> str:
    """Return the composite of a run with its parameters, "gradient" without one, or the text of another method."""
    return run.config.method if run.config.composite is None else _call(run.config.composite)


def _call(stored: Mapping[str, object]) -> str:
    name, fields = str(stored.get("name")), stored.get("fields")
    values = fields.items() if isinstance(fields, Mapping) else ()
    given = ", ".join(f"{field}={value}" for field, value in values)
    return f"{name}({given})" if given else name
