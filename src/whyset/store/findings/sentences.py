"""Findings in plain words: one or two sentences from the numbers of the record."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from whyset.modality import MODALITIES, TABLE
from whyset.store.effects.records import EffectSummary, Estimate


class Described(Protocol):
    """The numbers of a finding that its sentence states; `whyset.store.findings.records.Finding` has them."""

    @property
    def class_name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def intervention(self) -> Mapping[str, Any] | None: ...
    @property
    def rows(self) -> tuple[int, ...]: ...
    @property
    def others_share(self) -> Estimate | None: ...
    @property
    def effect(self) -> EffectSummary | None: ...
    @property
    def prevalence(self) -> Estimate: ...
    @property
    def place(self) -> str | None: ...
    @property
    def modality(self) -> str: ...


@dataclass(frozen=True)
class EvidenceWords:
    """The words for the evidence of one intervention: "a piece", "it turns", "pasted into"."""

    noun: str
    verb: str = "pasted into"
    plural: bool = False

    @property
    def turns(self) -> str:
        return "they turn" if self.plural else "it turns"


_UNKNOWN = EvidenceWords("a piece of evidence", "inserted into")

WORDS: Mapping[str, EvidenceWords] = MappingProxyType(
    {
        "window": EvidenceWords("a piece"),
        "top_pixels": EvidenceWords("pixels", plural=True),
        "frame": EvidenceWords("an outer frame"),
        "color_statistics": EvidenceWords("colors", "transferred to", plural=True),
        "frequency_band": EvidenceWords("a fine pattern", "added to"),
        "radial_spectrum": EvidenceWords("a degree of sharpness, contrast or noise", "transferred to"),
        "amplitude": EvidenceWords("amplitudes of frequencies", "transferred to", plural=True),
        "phase": EvidenceWords("phases of frequencies", "transferred to", plural=True),
        "time_window": EvidenceWords("a segment"),
        "series_band": EvidenceWords("a band of frequencies", "transferred to"),
        "channels": EvidenceWords("channels", "transferred to", plural=True),
        "token_span": EvidenceWords("words", "inserted into", plural=True),
        "features": EvidenceWords("values of features", "copied to", plural=True),
        "layer_channels": EvidenceWords("activations of channels", "transferred to", plural=True),
    }
)
"""The words for the evidence of each intervention, by its name."""

_BAND = "frequency_band"
_COARSE = EvidenceWords("a coarse pattern", "added to")


def describe_finding(finding: Described) -> str:
    """Describe a finding: who carries the evidence, who else has it, and what it does to fresh hosts."""
    samples = name_samples(finding.modality)
    words = find_words(finding)
    carriers = f"class {finding.class_name}: {_count_carriers(finding, samples)}"
    if finding.kind == "not_confirmed":
        return f"{carriers} share {words.noun}{_name_place(finding)}, not confirmed: {_continue(finding.reason)}"
    others = _describe_others(finding, samples)
    sentence = f"{carriers} carry {words.noun}{_name_place(finding)}{others}{_describe_effect(finding, words, samples)}"
    return f"{sentence}; not suspicious: {_continue(finding.reason)}" if finding.kind == "strategy" else sentence


def find_words(finding: Described) -> EvidenceWords:
    """Return the words for the evidence of a finding; a band of low frequencies only is a coarse pattern."""
    form = finding.intervention or {}
    name, fields = form.get("name"), form.get("fields")
    if name == _BAND and isinstance(fields, Mapping) and not fields.get("low"):
        return _COARSE
    return WORDS.get(str(name), _UNKNOWN)


def name_samples(modality: str) -> str:
    """Return the plural noun for the samples of a modality."""
    if modality == TABLE:
        return "rows"
    return MODALITIES[modality].plural if modality in MODALITIES else "samples"


def _count_carriers(finding: Described, samples: str) -> str:
    return f"{format_share(finding.prevalence.value)} of its {samples} ({len(finding.rows):,})"


def _name_place(finding: Described) -> str:
    return f" at the {finding.place}" if finding.place else ""


def _describe_others(finding: Described, samples: str) -> str:
    if finding.others_share is None:
        return ""
    share = finding.others_share.value
    if share == 0:
        return f" that none of {finding.others_share.n_samples:,} {samples} of other classes have"
    return f" that {format_share(share)} of other classes' {samples} have"


def _describe_effect(finding: Described, words: EvidenceWords, samples: str) -> str:
    if finding.effect is None:
        return "; its effect was not measured"
    turned = finding.effect.turned
    return (
        f"; {words.verb} fresh {samples} {words.turns} {format_share(turned.value)} of them into {finding.class_name}"
        f"{_format_interval(turned)}"
    )


def _format_interval(estimate: Estimate) -> str:
    """Return the interval in brackets; nothing if there is none."""
    if estimate.interval is None:
        return ""
    low, high = estimate.interval
    return f" [{low:.2f}, {high:.2f}]"


def _continue(reason: str) -> str:
    """Return a sentence as the continuation of another: no capital unless the word has several, no period."""
    text = reason.strip().rstrip(".")
    lower = len(text) < 2 or not text[1].isupper()
    return text[:1].lower() + text[1:] if lower else text


def format_share(share: float) -> str:
    """Format a share in percent, with one decimal below 10 %; 0 and 100 only if they are exact.

    >>> format_share(0.102), format_share(0.002), format_share(0.0001), format_share(0.0), format_share(0.999)
    ('10 %', '0.2 %', '<0.1 %', '0 %', '>99 %')
    """
    percent = 100 * share
    if 0 < percent < 0.05:
        return "<0.1 %"
    if 99.5 <= percent < 100:
        return ">99 %"
    written = f"{percent:.1f}" if 0 < percent < 9.95 else f"{percent:.0f}"
    return f"{written.removesuffix('.0')} %"
