"""The files of effects in a run: one folder for each test, `effects.json`, and one sealed file for each class."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version

import pyarrow as pa

from whyset.command import command
from whyset.errors import BrokenRunError, InputError
from whyset.printable import printable
from whyset.store.analyses import ListedClass
from whyset.store.commits import hash_commits
from whyset.store.effects.codec import class_effects_from_json, plan_from_json, to_json
from whyset.store.effects.records import EFFECTS_SCHEMA, ClassEffects, EffectPlan
from whyset.store.effects.table import make_table
from whyset.store.files import explain_disk_errors
from whyset.store.jsonfile import JSON, canonical, create_json, replace_json, seal_json
from whyset.store.layout import EFFECTS, list_records, safe_name
from whyset.store.remote import AnyPath
from whyset.store.sealed_json import digest_json, read_sealed
from whyset.store.summary_table import make_summary_table

HEAD = "effects.json"
MISSING = "it is not finished; test the effects again"
OUTDATED = "it was computed with another configuration of this test; test the effects again"
OTHER_COMMITS = "it was computed from other commits of the run than the rest of this test; test the effects again"
UNFINISHED_KINDS = {MISSING: "unfinished", OUTDATED: "outdated", OTHER_COMMITS: "outdated"}


@dataclass(frozen=True)
class TestedClass:
    """The effects in one class; `problem` states why they cannot be trusted or were not computed, or is None."""

    __test__ = False  # not a test of pytest

    id: str
    name: str
    effects: ClassEffects = field(default_factory=ClassEffects)
    problem: str | None = None


@dataclass(frozen=True, repr=False)
class Effects:
    """A test of effects: its configuration, its plan, and the effects in each class.

    `problem` states why a run was not tested, or is None; such a test is not stored.

    Examples
    --------
    >>> from whyset import open_run
    >>> open_run("runs/small").effects().table.column_names[:3]    # doctest: +SKIP
    ['class', 'intervention', 'samples']
    """

    run: AnyPath
    name: str
    config: Mapping[str, JSON] = field(default_factory=dict)
    plan: EffectPlan | None = None
    listed: tuple[ListedClass, ...] = ()
    config_hash: str = ""
    data: str | None = None
    n_rows: int | None = None
    not_tested: Mapping[str, str] = field(default_factory=dict)
    """The interventions that were left out, with the reasons."""
    problem: str | None = None

    def __repr__(self) -> str:
        what = f"not tested: {self.problem}" if self.problem else f"{len(self.listed):,} classes"
        return printable(f"<effects {self.name!r} of {self.run}: {what}>", keep="")

    def _repr_html_(self) -> str:
        """The table that notebooks show: the largest fresh effect of the candidates of each class."""
        facts = [
            (one.name, one.problem or one.effects.problem or describe_largest(one.effects)) for one in self.classes
        ]
        return make_summary_table(f"Effects {self.name} of {self.run}", facts[:20])

    @property
    def path(self) -> AnyPath:
        return self.run / EFFECTS / self.name

    @cached_property
    def classes(self) -> list[TestedClass]:
        """The effects in each class, in order; an unfinished or damaged one has a `problem`."""
        return [self._read(one) for one in self.listed]

    @property
    def table(self) -> pa.Table:
        """Table with one line for each class and intervention; see `whyset.store.effects.table`."""
        return make_table([(one.name, one.effects) for one in self.classes if one.problem is None])

    @property
    def outdated(self) -> bool:
        """True if the run has other commits now than those that the effects were computed from."""
        return self.data is not None and self.data != hash_commits(self.run)

    def get_class(self, key: str) -> TestedClass:
        """Return the class of this id or name."""
        found = [one for one in self.classes if key in (one.id, one.name)]
        if len(found) != 1:
            names = ", ".join(one.name for one in self.listed[:12])
            raise InputError(f"effects {self.name!r} have no class {key!r}; they have {names or 'none'}")
        return found[0]

    def _read(self, listed: ListedClass) -> TestedClass:
        file = self.path / f"{listed.id}.json"
        if not file.is_file():
            return TestedClass(listed.id, listed.name, problem=MISSING)
        try:
            return read_class(file, listed, self.config_hash, self.data, self.n_rows)
        except BrokenRunError as error:
            return TestedClass(listed.id, listed.name, problem=f"{error}; {advise_again(self.run, self.name)}")


@dataclass(frozen=True)
class EffectsWriter:
    """Writes the classes of one test of effects; it can be sent to workers."""

    path: AnyPath
    config_hash: str
    data: str

    def has(self, listed: ListedClass) -> bool:
        """True if the class is finished and undamaged, with this configuration and from the same rows."""
        file = self.path / f"{listed.id}.json"
        try:
            return file.is_file() and read_class(file, listed, self.config_hash, self.data).problem is None
        except BrokenRunError:
            return False

    def write(self, listed: ListedClass, effects: ClassEffects) -> None:
        """Write the effects in a class, sealed by a checksum; the file appears whole."""
        content: dict[str, JSON] = {
            "schema": EFFECTS_SCHEMA,
            "id": safe_name(listed.id, "class id"),
            "name": listed.name,
            "config_hash": self.config_hash,
            "data": self.data,
            "effects": to_json(effects, f"effects in class {listed.name!r}"),
        }
        with explain_disk_errors(self.path):
            replace_json(self.path / f"{listed.id}.json", seal_json(content))


def open_writer(
    run: AnyPath, name: str, config: Mapping[str, JSON], classes: Sequence[ListedClass], given: "Planned"
) -> EffectsWriter:
    """Begin a test of effects, or continue one with the same configuration, commits, classes and plan."""
    path = run / EFFECTS / safe_name(name, "effects")
    data = hash_commits(run)
    head: dict[str, JSON] = {
        "schema": EFFECTS_SCHEMA,
        "name": name,
        "config": config,
        "plan": to_json(given.plan),
        "not_tested": dict(given.not_tested),
        "config_hash": digest_json({"config": config, "sizes": given.plan.sizes, "not_tested": dict(given.not_tested)}),
        "data": data,
        "classes": [{"id": one.id, "name": one.name} for one in classes],
        "versions": {package: version(package) for package in ("whyset", "numpy", "torch")},
    }
    sealed = seal_json(head)
    with explain_disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        if not (path / HEAD).exists():
            with suppress(FileExistsError):  # another process of the same job was first
                create_json(path / HEAD, sealed)
        elif find_plan(run, name, config, classes) is None:
            replace_json(path / HEAD, sealed)
    stored = open_effects(run, name)
    return EffectsWriter(path, stored.config_hash, data)


@dataclass(frozen=True)
class Planned:
    """A plan, and the interventions that are left out, with the reasons."""

    plan: EffectPlan
    not_tested: Mapping[str, str] = field(default_factory=dict)


def find_plan(run: AnyPath, name: str, config: Mapping[str, JSON], classes: Sequence[ListedClass]) -> "Planned | None":
    """Return the plan of a test that can be continued: of this configuration, these classes and these commits."""
    try:
        stored = open_effects(run, name)
    except (BrokenRunError, InputError):
        return None  # a missing or damaged one is replaced
    same = canonical(dict(stored.config)) == canonical(config) and list(stored.listed) == list(classes)
    if not same or stored.plan is None or stored.outdated:
        return None
    return Planned(stored.plan, stored.not_tested)


def read_class(
    file: AnyPath, listed: ListedClass, config_hash: str, data: str | None, n_rows: int | None = None
) -> TestedClass:
    """Read the effects in a class; BrokenRunError if the file is damaged. An outdated one has a problem."""
    stored = read_sealed(file, EFFECTS_SCHEMA)
    if stored.get("id") != listed.id:
        raise BrokenRunError(f"{file} is damaged: expected the class {listed.id!r}, got {stored.get('id')!r}")
    if stored.get("config_hash") != config_hash:
        return TestedClass(listed.id, listed.name, problem=OUTDATED)
    if stored.get("data") != data:
        return TestedClass(listed.id, listed.name, problem=OTHER_COMMITS)
    try:
        effects = class_effects_from_json(stored.get("effects"), n_rows)
    except BrokenRunError as error:
        raise BrokenRunError(f"{file}: {error}") from error
    return TestedClass(listed.id, listed.name, effects)


def list_effects(run: AnyPath) -> list[str]:
    """List the names of the tests of effects in a run."""
    return list_records(run / EFFECTS, HEAD)


def open_effects(run: AnyPath, name: str = "effects", n_rows: int | None = None) -> Effects:
    """Open a test of effects of a run.

    InputError: it does not exist, or a newer whyset wrote it. BrokenRunError: effects.json is damaged.
    """
    file = run / EFFECTS / safe_name(name, "effects") / HEAD
    if not file.is_file():
        raise InputError(
            f"{run} has no effects {name!r}; it has {', '.join(list_effects(run)) or 'none yet'}: "
            f"{command('test-effects', run)} measures them"
        )
    stored = read_sealed(file, EFFECTS_SCHEMA, advise_again(run, name))
    try:
        listed = tuple(ListedClass(safe_name(one["id"], "class id"), str(one["name"])) for one in stored["classes"])
        plan = plan_from_json(stored["plan"])
        not_tested = {str(key): str(value) for key, value in stored["not_tested"].items()}
        config, config_hash, data = dict(stored["config"]), str(stored["config_hash"]), str(stored["data"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise BrokenRunError(f"{file} is damaged: {error!r}; {advise_again(run, name)}") from error
    return Effects(run, name, config, plan, listed, config_hash, data, n_rows, not_tested)


def advise_again(run: AnyPath, name: str = "effects") -> str:
    """Return the advice for damaged effects."""
    return f"test the effects again: {command('test-effects', run, name=name)} with the same options"


def describe_largest(effects: ClassEffects) -> str:
    """Describe the largest fresh effect of candidates of a class."""
    if not effects.interventions:
        return "not tested"
    best = max(effects.interventions, key=lambda one: one.candidate_effect.turned.value)
    return f"{best.text}: {best.candidate_effect.turned.value:.2f} of fresh hosts"
