"""Findings in plain words."""

from dataclasses import replace

import pytest

from whyset.interventions import INTERVENTIONS
from whyset.store.effects import EffectSummary, Estimate
from whyset.store.findings import Finding
from whyset.store.findings.sentences import WORDS, format_share

EFFECT = EffectSummary(*[Estimate(0.72, (0.68, 0.76), 98)] * 4)
TRUCK = Finding(
    "00001", "truck", "suspicion", "Few images of other classes have it.", {"name": "window", "fields": {"side": 6}},
    "window of 6 x 6", "another window", (3,), tuple(range(98)), 980, (0.0,) * 98, Estimate(0.002, None, 5000),
    None, EFFECT, Estimate(0.1, None, 980), 0.4, "upper right",
)  # fmt: skip


def test_a_suspicion_states_who_carries_it_who_else_and_what_it_does() -> None:
    assert TRUCK.sentence == (
        "class truck: 10 % of its images (98) carry a piece at the upper right that 0.2 % of other classes' images "
        "have; pasted into fresh images it turns 72 % of them into truck [0.68, 0.76]"
    )


def test_a_strategy_states_why_it_is_not_suspicious() -> None:
    dog = replace(TRUCK, class_name="dog", kind="strategy", place=None, reason="Most images of the class have it.")
    assert dog.sentence == (
        "class dog: 10 % of its images (98) carry a piece that 0.2 % of other classes' images have; pasted into fresh "
        "images it turns 72 % of them into dog [0.68, 0.76]; not suspicious: most images of the class have it"
    )


def test_what_is_not_confirmed_claims_no_effect() -> None:
    none = replace(TRUCK, kind="not_confirmed", intervention=None, place=None, reason="The run knows no model.")
    assert none.sentence == (
        "class truck: 10 % of its images (98) share a piece of evidence, not confirmed: the run knows no model"
    )


def test_unknown_numbers_are_left_out_and_zero_is_a_count() -> None:
    assert "other classes" not in replace(TRUCK, others_share=None).sentence
    none = replace(TRUCK, others_share=Estimate(0.0, None, 5000))
    assert "that none of 5,000 images of other classes have" in none.sentence
    alone = replace(TRUCK, effect=EffectSummary(*[Estimate(1.0, None, 1)] * 4))
    assert alone.sentence.endswith("it turns 100 % of them into truck")
    assert replace(TRUCK, kind="not_confirmed", effect=None).sentence.endswith("images of other classes have it")


@pytest.mark.parametrize(
    ("modality", "form", "words"),
    [
        ("text", {"name": "token_span"}, "of its texts (98) carry words at the upper right that"),
        ("text", {"name": "token_span"}, "inserted into fresh texts they turn 72 %"),
        ("series", {"name": "time_window"}, "pasted into fresh series it turns 72 %"),
        ("table", {"name": "features"}, "copied to fresh rows they turn 72 %"),
        ("image", {"name": "frame"}, "carry an outer frame at"),
        ("image", {"name": "frequency_band", "fields": {"low": 0.2}}, "carry a fine pattern at"),
        ("image", {"name": "frequency_band", "fields": {"low": 0.0, "high": 0.2}}, "carry a coarse pattern at"),
        ("image", {"name": "of a plug-in"}, "carry a piece of evidence at"),
    ],
    ids=str,
)
def test_words_follow_the_intervention_and_the_modality(modality: str, form: dict[str, object], words: str) -> None:
    assert words in replace(TRUCK, modality=modality, intervention=form).sentence


def test_every_intervention_has_its_words() -> None:
    assert set(WORDS) == set(INTERVENTIONS)


def test_an_abbreviation_keeps_its_capitals() -> None:
    assert replace(TRUCK, kind="strategy", reason="JPEG artifacts.").sentence.endswith(": JPEG artifacts")


@pytest.mark.parametrize(
    ("share", "written"),
    [(0, "0 %"), (1e-9, "<0.1 %"), (0.0005, "0.1 %"), (0.01, "1 %"), (0.0994, "9.9 %"), (0.0999, "10 %"), (1, "100 %")],
)
def test_small_shares_have_a_decimal(share: float, written: str) -> None:
    assert format_share(share) == written
