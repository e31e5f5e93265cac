"""The files of findings in a run: `findings.json`, sealed, and one array with the changed hosts of its examples."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt
import pyarrow as pa

from whyset.command import command
from whyset.errors import BrokenRunError, InputError
from whyset.printable import printable
from whyset.store.boundary import MOST_NOTES
from whyset.store.commits import hash_commits
from whyset.store.findings.codec import RunLimits, findings_from_json
from whyset.store.findings.examples import StoredExamples, read_examples
from whyset.store.findings.records import FINDINGS_SCHEMA, Finding
from whyset.store.findings.table import make_table
from whyset.store.geometry import RunGeometry
from whyset.store.jsonfile import JSON
from whyset.store.layout import FINDINGS, INPUT, list_records, safe_name
from whyset.store.remote import AnyPath
from whyset.store.sealed_json import read_sealed
from whyset.store.summary_table import make_summary_table

HEAD = "findings.json"
_SHOWN = 20


@dataclass(frozen=True, repr=False)
class Findings:
    """The findings in a run, in rank order; it can be iterated over.

    Parameters
    ----------
    run : Path
        The folder of the run.
    name : str, default "findings"
        The name of the search.
    effects_name : str, default "effects"
        The test of effects that the search began with.
    config : Mapping
        The configuration of the search.
    findings : tuple of Finding
        The findings, the most important first.
    n_searched : int
        The number of classes that were searched.
    not_searched : Mapping of str to str
        The classes that were not searched, by id, with the reasons.
    problem : str or None
        Why nothing could be confirmed, such as a run without a model; otherwise None.
    data : str or None
        The hash of the commits that the findings were computed from; None before they are stored.
    stored_examples : StoredExamples or None
        The description of the array of examples; None if there is none.

    Examples
    --------
    >>> from whyset import open_run
    >>> for finding in open_run("runs/small").findings():    # doctest: +SKIP
    ...     print(finding.sentence)
    """

    run: AnyPath
    name: str = "findings"
    effects_name: str = "effects"
    config: Mapping[str, JSON] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    n_searched: int = 0
    not_searched: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    data: str | None = None
    stored_examples: StoredExamples | None = None

    def __repr__(self) -> str:
        what = f"{len(self):,} findings in {self.n_searched:,} searched classes"
        return printable(f"<findings {self.name!r} of {self.run}: {self.problem or what}>", keep="")

    def __len__(self) -> int:
        return len(self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __getitem__(self, rank: int) -> Finding:
        return self.findings[rank]

    def get(self, id: str) -> Finding:
        """Return the finding with this id, or the only one whose id begins so; InputError: there is not exactly one."""
        found = [one for one in self.findings if one.id.startswith(id)]
        if not id or len({one.id for one in found}) != 1:
            known = ", ".join(one.id for one in self.findings[:_SHOWN]) or "none"
            what = f"{len(found)} findings whose ids begin with" if id and found else "no finding"
            raise InputError(f"findings {self.name!r} of {self.run} have {what} {id!r}: the ids are {known}")
        return found[0]

    def _repr_html_(self) -> str:
        """The table that notebooks show: the sentences of the first findings."""
        facts = [(f"{rank}. {one.kind.replace('_', ' ')}", one.sentence) for rank, one in enumerate(self, 1)]
        if self.problem:
            facts.insert(0, ("problem", self.problem))
        return make_summary_table(f"Findings {self.name} of {self.run}", facts[:_SHOWN])

    @property
    def path(self) -> AnyPath:
        return self.run / FINDINGS / self.name

    @property
    def table(self) -> pa.Table:
        """Table with one line for each finding; see `whyset.store.findings.table`."""
        return make_table(self.findings)

    @property
    def outdated(self) -> bool:
        """True if the run has other commits now than those that the findings were computed from."""
        return self.data is not None and self.data != hash_commits(self.run)

    def examples(self) -> npt.NDArray[Any] | None:
        """Read the changed hosts of all examples, as the model saw them: shape (n, ...) and type of `run.inputs`.

        `FoundExample.index` is the place in it; None if the run has no examples. BrokenRunError: it is damaged.
        """
        if self.stored_examples is None:
            return None
        return read_examples(self.path, self.stored_examples, search_again(self.run, self.name))


def list_findings(run: AnyPath) -> list[str]:
    """List the names of the searches for findings in a run."""
    return list_records(run / FINDINGS, HEAD)


def open_findings(run: RunGeometry, name: str = "findings") -> Findings:
    """Open the findings in a run.

    InputError: they do not exist, or a newer whyset wrote them. BrokenRunError: findings.json is damaged.
    """
    file = run.path / FINDINGS / safe_name(name, "findings") / HEAD
    if not file.is_file():
        raise InputError(
            f"{run.path} has no findings {name!r}; it has {', '.join(list_findings(run.path)) or 'none yet'}: "
            f"{command('find', run.path)} searches for them"
        )
    advice = search_again(run.path, name)
    stored = read_sealed(file, FINDINGS_SCHEMA, advice, MOST_NOTES)
    try:
        examples = None if stored["examples"] is None else StoredExamples.from_json(stored["examples"])
        limits = find_limits(run, None if examples is None else examples.shape[0])
        return Findings(
            run.path,
            name,
            effects_name=str(stored["effects"]),
            config=dict(stored["config"]),
            findings=findings_from_json(stored["findings"], limits),
            n_searched=int(stored["n_searched"]),
            not_searched={str(key): str(value) for key, value in stored["not_searched"].items()},
            problem=None if stored["problem"] is None else str(stored["problem"]),
            data=str(stored["data"]),
            stored_examples=examples,
        )
    except BrokenRunError as error:
        raise BrokenRunError(f"{file}: {error}; {advice}") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BrokenRunError(f"{file} is damaged: {error!r}; {advice}") from error


def find_limits(run: RunGeometry, n_examples: int | None) -> RunLimits:
    """Return the limits of the numbers in findings; the positions are known if the run stores its inputs."""
    inputs = next((spec.shape for spec in run.arrays if spec.name == INPUT), None)
    positions = None if inputs is None else inputs[1:] if len(inputs) > 1 else inputs
    return RunLimits(len(run), positions, n_examples or 0)


def search_again(run: AnyPath, name: str = "findings") -> str:
    """Return the advice for damaged findings."""
    return f"search again: {command('find', run, name=name)} with the same options"
