"""Records of fixes: each fix of a finding with what it changes on held-out samples, and which one is recommended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from whyset.arguments import name_unknown
from whyset.errors import InputError
from whyset.printable import printable, short_dataclass_repr
from whyset.store.effects.records import Estimate
from whyset.store.evidence.records import PYDANTIC
from whyset.store.jsonfile import JSON
from whyset.store.layout import safe_name
from whyset.store.sealed_json import digest_json

FIX_SCHEMA = "1.2"
"""Version of the stored form; a new optional field raises the minor number."""


@dataclass(frozen=True)
class ListedFix:
    """A fix that is compared: its id, which names its file, and its method as a text and in the stored form.

    `method` is None in files of before 1.2.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    id: str
    text: str
    method: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, form: Mapping[str, JSON], text: str) -> "ListedFix":
        """Return the entry of a method with this stored form; equal methods have equal ids.

        >>> ListedFix.of({"name": "restore", "fields": {}}, "restore").id
        'restore-437d0d8c'
        """
        return cls(safe_name(f"{form['name']}-{digest_json(form).partition(':')[2][:8]}", "fix"), text, form)


@dataclass(frozen=True)
class HeldOutData:
    """Other data than that of a run, whose samples judge fixes.

    Parameters
    ----------
    name : str
        The path, or the kind of object.
    fingerprint : str
        A hash that changes when the data does.
    n_of_run, n_unusable : int
        The numbers of samples that do not judge: samples of the run as well, and those without a label or unreadable.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    name: str
    fingerprint: str
    n_of_run: int
    n_unusable: int


@dataclass(frozen=True)
class FixSplit:
    """The division of samples into those that make a fix and those that judge it.

    With other data, all samples of the run make the fix, except for some of the class of the finding, whose evidence is
    inserted into samples of the other data.

    Parameters
    ----------
    seed : int
        The seed of the division and of all other random choices.
    held_out : float
        The share of the samples that judge; with other data, the share of the class whose evidence is inserted.
    n_making, n_judging : int
        The numbers of samples.
    n_carriers_making, n_carriers_judging : int
        The numbers of those with the evidence.
    n_hosts : int
        The number of judging samples of other classes that evidence is inserted into.
    holdout : HeldOutData or None
        The other data that judges; None: samples of the run.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    seed: int
    held_out: float
    n_making: int
    n_judging: int
    n_carriers_making: int
    n_carriers_judging: int
    n_hosts: int
    holdout: HeldOutData | None = None


@dataclass(frozen=True)
class ClassChange:
    """The accuracy of a class on judging samples without the evidence: before, of the control, and after the fix.

    `control` is that of equal training without the fix, or None for fixes that are compared with the given model.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    label: int
    name: str
    n_samples: int
    before: float
    control: float | None
    after: float


@dataclass(frozen=True)
class HeldOutShares:
    """Shares of held-out samples by one model, with intervals of 95 %: without the evidence, and with it.

    Parameters
    ----------
    accuracy : Estimate
        The accuracy on samples without the evidence.
    own_class : Estimate or None
        The same for the class of the finding; None if there is none.
    inserted : Estimate
        The accuracy on samples of other classes with the evidence inserted.
    removed : Estimate or None
        The share of the samples with the evidence that are predicted as their class when the content of a sample of
        another class takes its place; None if it has nowhere to fit.
    necessity : Estimate or None
        Of the samples with the evidence that are predicted as their class, the share that is not when it is removed;
        None if there is none.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    accuracy: Estimate
    own_class: Estimate | None
    inserted: Estimate
    removed: Estimate | None
    necessity: Estimate | None


@dataclass(frozen=True, repr=False)
class TriedFix:
    """A fix of the finding.

    Parameters
    ----------
    id : str
        Names its file, and the method.
    text : str
        The description of the method with its parameters.
    title : str
        The name of the method in tables.
    method : Mapping
        The stored form of the method.
    changes_weights : bool
        True if a copy of the model was trained further.
    control : str or None
        The description of the equal training that costs are compared with; None: the given model.
    turned, null : Estimate or None
        The shares of hosts that the evidence, and that of the rest of the class, turn into the class after the fix.
    reduced, regained, accuracy, own_class : Estimate or None
        What it changes, as in `whyset.fixing.HeldOutChange`; None if it is not defined.
    relevance : Estimate or None
        The share of the positive relevance of held-out carriers that is on their evidence after the fix; None if the
        evidence has no place, or the method of the run does not explain the fixed model.
    classes : tuple of ClassChange
        The accuracy of each class.
    seconds : float
        The time to make the fix.
    notes : tuple of str
        How the fix was chosen, such as its layer.
    file, sha256 : str or None
        The file with the fix, and its hash.
    problem : str or None
        Why it could not be made; otherwise None.
    shares : HeldOutShares or None
        Accuracies with and without the evidence after the fix; None in files of before 1.2.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    id: str
    text: str
    title: str
    method: Mapping[str, Any]
    changes_weights: bool
    control: str | None = None
    turned: Estimate | None = None
    null: Estimate | None = None
    reduced: Estimate | None = None
    regained: Estimate | None = None
    accuracy: Estimate | None = None
    own_class: Estimate | None = None
    classes: tuple[ClassChange, ...] = ()
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    file: str | None = None
    sha256: str | None = None
    problem: str | None = None
    relevance: Estimate | None = None
    shares: HeldOutShares | None = None

    def __repr__(self) -> str:
        return short_dataclass_repr(self)


@dataclass(frozen=True, repr=False)
class FixComparison:
    """The fixes of a finding, compared on the same held-out samples.

    Parameters
    ----------
    finding : str
        The id of the finding.
    sentence : str
        The finding in plain words.
    class_name : str
        The name of its class.
    label : int
        The class as an output of the model.
    split : FixSplit
        The samples that made and judged the fixes.
    effect : float
        `turned - null` of the given model, which a fix has to reduce.
    turned, null : Estimate
        The shares of hosts that the evidence, and that of the rest of the class, turn into the class before a fix.
    weights_hash, layers_hash : str
        The hashes of the model that was fixed.
    origin : str
        A hash of the evidence, its samples, the model and the split: fixes of another origin are not compared.
    listed : tuple of ListedFix
        All fixes that are compared.
    fixes : tuple of TriedFix
        Those that are finished, in this order.
    recommended : str or None
        The id of the recommended fix; None if none helped.
    reason : str
        The reason as a sentence.
    relevance : Estimate or None
        The share of the positive relevance of held-out carriers that is on their evidence before a fix; None if the
        evidence has no place.
    shares : HeldOutShares or None
        Accuracies with and without the evidence before a fix; None in files of before 1.2.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    finding: str
    sentence: str
    class_name: str
    label: int
    split: FixSplit
    effect: float
    turned: Estimate
    null: Estimate
    weights_hash: str
    layers_hash: str
    origin: str
    listed: tuple[ListedFix, ...]
    fixes: tuple[TriedFix, ...] = ()
    recommended: str | None = None
    reason: str = ""
    relevance: Estimate | None = None
    shares: HeldOutShares | None = None

    def __repr__(self) -> str:
        best = self.recommended or ("none helped" if self.is_finished else "not finished")
        what = f"{len(self.fixes)} of {len(self.listed)} fixes, recommended: {best}"
        return printable(f"<fixes of finding {self.finding}: {what}>", keep="")

    @property
    def is_finished(self) -> bool:
        """True if all listed fixes are finished."""
        return not self.unfinished

    @property
    def unfinished(self) -> list[ListedFix]:
        """The listed fixes that are not finished."""
        done = {one.id for one in self.fixes}
        return [one for one in self.listed if one.id not in done]

    def get(self, key: str | None = None) -> TriedFix:
        """Return the fix of this id, name or description, by default the recommended one.

        InputError: there is none, or several, or none is recommended, or it could not be made.
        """
        if key is None and self.recommended is None:
            raise InputError(f"no fix of finding {self.finding} is recommended ({self.reason}): choose one by its name")
        wanted = self.recommended if key is None else key
        found = [one for one in self.fixes if wanted in (one.id, one.text)]
        found = found or [one for one in self.fixes if wanted == one.method["name"]]
        if not found:
            raise name_unknown(f"fix of finding {self.finding}", str(wanted), [one.id for one in self.fixes])
        if len(found) > 1:
            ids = ", ".join(one.id for one in found)
            raise InputError(f"finding {self.finding} has several fixes {wanted!r}: choose one of {ids}")
        if found[0].problem is not None:
            raise InputError(f"fix {found[0].id} of finding {self.finding} was not made: {found[0].problem}")
        return found[0]
