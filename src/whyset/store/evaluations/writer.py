"""The writing of evaluations: each finished metric at once, so that an interrupted one continues."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version

from whyset.errors import BrokenRunError, InputError
from whyset.store.commits import hash_commits
from whyset.store.evaluations.codec import to_json
from whyset.store.evaluations.files import HEAD, ListedMetric, open_evaluation, read_metric
from whyset.store.evaluations.records import EVALUATION_SCHEMA, EvaluatedSamples, MetricValues
from whyset.store.files import explain_disk_errors
from whyset.store.jsonfile import JSON, create_json, replace_json, seal_json
from whyset.store.layout import EVALUATIONS, safe_name
from whyset.store.remote import AnyPath
from whyset.store.sealed_json import digest_json


@dataclass(frozen=True)
class EvaluationWriter:
    """Writes the metrics of one evaluation; `replaces` is True if it began by replacing another one of this name."""

    path: AnyPath
    config_hash: str
    data: str
    n_samples: int
    replaces: bool = False

    def find(self, listed: ListedMetric) -> MetricValues | None:
        """Return a metric that is finished and undamaged, on the same samples; one that has a problem is None."""
        file = self.path / f"{listed.id}.json"
        if not file.is_file():
            return None
        try:
            found = read_metric(file, listed, self.config_hash, self.data, self.n_samples)
        except BrokenRunError:
            return None
        return found.values if found.problem is None else None

    def write(self, listed: ListedMetric, values: MetricValues) -> None:
        """Write a metric, sealed by a checksum; the file appears whole."""
        content: dict[str, JSON] = {
            "schema": EVALUATION_SCHEMA,
            "id": listed.id,
            "config_hash": self.config_hash,
            "data": self.data,
            "values": to_json(values, f"metric {listed.text!r}"),
        }
        with explain_disk_errors(self.path):
            replace_json(self.path / f"{listed.id}.json", seal_json(content))


def open_writer(
    run: AnyPath, name: str, samples: EvaluatedSamples, metrics: Sequence[ListedMetric]
) -> EvaluationWriter:
    """Begin an evaluation, or continue one of the same samples and commits, whose other metrics are kept."""
    path = run / EVALUATIONS / safe_name(name, "evaluation")
    data, stored = hash_commits(run), to_json(samples)
    config_hash = digest_json(stored)
    kept = _find_listed(run, name, config_hash, data)
    listed = tuple(dict.fromkeys((*kept, *metrics)))
    head: dict[str, JSON] = {
        "schema": EVALUATION_SCHEMA,
        "name": name,
        "samples": stored,
        "metrics": [{"id": one.id, "text": one.text} for one in listed],
        "config_hash": config_hash,
        "data": data,
        "versions": {package: version(package) for package in ("whyset", "numpy", "torch")},
    }
    with explain_disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        replaces = not kept and (path / HEAD).exists()
        if not (path / HEAD).exists():
            with suppress(FileExistsError):  # another process was first, and lists its metrics
                create_json(path / HEAD, seal_json(head))
        elif kept != listed:
            replace_json(path / HEAD, seal_json(head))
        if not kept:
            _remove_others(path, listed)
    return EvaluationWriter(path, config_hash, data, len(samples.rows), replaces)


def _find_listed(run: AnyPath, name: str, config_hash: str, data: str) -> tuple[ListedMetric, ...]:
    """Return the metrics of a stored evaluation of the same samples and commits; none if it is another or damaged."""
    try:
        stored = open_evaluation(run, name)
    except (BrokenRunError, InputError):
        return ()
    return stored.listed if (stored.config_hash, stored.data) == (config_hash, data) else ()


def _remove_others(path: AnyPath, listed: Sequence[ListedMetric]) -> None:
    """Remove the metrics of an evaluation that was replaced."""
    known = {HEAD, *(f"{one.id}.json" for one in listed)}
    for name in [file.name for file in path.glob("*.json")]:
        if name not in known:
            (path / name).unlink(missing_ok=True)
