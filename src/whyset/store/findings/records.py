"""Records of findings: groups of samples that share a piece of evidence, ranked over all classes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from whyset.modality import IMAGE
from whyset.printable import short_dataclass_repr
from whyset.store.effects.records import EffectSummary, Estimate
from whyset.store.evidence.records import PYDANTIC
from whyset.store.findings.sentences import describe_finding
from whyset.store.jsonfile import canonical

FINDINGS_SCHEMA = "1.0"
"""Version of the stored form; a new optional field raises the minor number."""

Kind = Literal["suspicion", "strategy", "not_confirmed"]
"""A suspicion is specific evidence with a confirmed effect; a strategy has an effect and is not suspicious."""


@dataclass(frozen=True)
class FoundExample:
    """One sample whose evidence was inserted into one host.

    Parameters
    ----------
    row, host_row : int
        The rows of the sample and of the host in the run.
    index : int
        The place of the changed host in the array of examples; -1 if it is not stored.
    region : tuple of pairs of int, or None
        The evidence in the sample `row`, for each position axis of the input: its first position, and the one after
        its last. None for statistics of whole samples.
    before, after : int
        The predicted classes of the host before and after the insertion, as numbers of outputs.
    probability_before, probability_after : float
        The probability of the class of the finding, before and after.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    row: int
    host_row: int
    index: int
    region: tuple[tuple[int, int], ...] | None
    before: int
    after: int
    probability_before: float
    probability_after: float


@dataclass(frozen=True, repr=False)
class Finding:
    """A group of samples of one class that share a piece of evidence, and what the evidence does to predictions.

    Parameters
    ----------
    class_id, class_name : str
        The class, as in the effects.
    kind : {"suspicion", "strategy", "not_confirmed"}
        Whether the evidence is suspicious, a strategy that is not, or was not confirmed by an experiment.
    reason : str
        Why it is of this kind, as a sentence.
    intervention : Mapping or None
        The stored form of the intervention that moves the evidence; None if no intervention confirmed it.
    text, null_text : str
        Descriptions of the evidence, such as "window of 6 x 6", and of its null.
    seeds : tuple of int
        The rows with large effects that define the evidence.
    rows : tuple of int
        The rows of the class that carry the evidence.
    n_samples : int
        The number of samples of the class.
    scores : tuple of float
        The score of each of `rows` under the concept vector of the seeds.
    others_share : Estimate or None
        The share of the samples of other classes whose score exceeds the threshold of `rows`.
    specificity : Estimate or None
        How rarely other classes have the evidence, from 0 to 1.
    effect : EffectSummary or None
        The effect on fresh hosts; None if it was not measured.
    prevalence : Estimate
        The share of the samples of the class that carry the evidence.
    score : float or None
        The score by which findings are ranked.
    place : str or None
        Where the regions agree, such as "upper right"; None if they do not.
    examples : tuple of FoundExample
        Samples and hosts that show it.
    modality : str, default "image"
        The modality of the run, which names its samples.
    exclusiveness : float or None
        How much more often the class has the evidence than other classes, `lift / (lift + 30)`.
    independence : float or None
        How little the rest of the class differs from other classes under the concept vector, `1 − |2 AUROC − 1|`.
    """

    __pydantic_config__: ClassVar = PYDANTIC

    class_id: str
    class_name: str
    kind: Kind
    reason: str
    intervention: Mapping[str, Any] | None
    text: str
    null_text: str
    seeds: tuple[int, ...]
    rows: tuple[int, ...]
    n_samples: int
    scores: tuple[float, ...]
    others_share: Estimate | None
    specificity: Estimate | None
    effect: EffectSummary | None
    prevalence: Estimate
    score: float | None
    place: str | None
    examples: tuple[FoundExample, ...] = ()
    modality: str = IMAGE
    exclusiveness: float | None = None
    independence: float | None = None

    def __repr__(self) -> str:
        return short_dataclass_repr(self)

    @property
    def id(self) -> str:
        """The class and a hash of the evidence and its seeds: the same search of the same run gives the same id.

        It has twelve hexadecimal digits after the class, such as "00002-5f0c3a9be1d4".
        """
        defined = {"class": self.class_id, "intervention": self.intervention, "text": self.text, "seeds": self._origin}
        return f"{self.class_id}-{hashlib.sha256(canonical(defined)).hexdigest()[:12]}"

    @property
    def _origin(self) -> list[int]:
        """The rows that define the evidence; those of a cluster without seeds are its own."""
        return sorted(self.seeds or self.rows)

    @property
    def sentence(self) -> str:
        """The finding in plain words, from its numbers."""
        return describe_finding(self)
