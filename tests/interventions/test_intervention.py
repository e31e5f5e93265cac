"""The contract of all interventions: identities, unchanged arguments, no dependence on the batch, stored forms."""

import copy

import numpy as np
import pytest
import torch

from whyset.errors import InputError
from whyset.interventions import (
    INTERVENTIONS,
    Amplitude,
    BlurFill,
    FrequencyBand,
    InputIntervention,
    Intervention,
    Phase,
    RadialSpectrum,
    Region,
    RegionIntervention,
    StatisticIntervention,
    TokenSpan,
    Window,
    as_intervention,
    intervention_from_dict,
    list_interventions,
    parse_intervention,
)
from whyset.modality import MODALITIES

INPUTS = [name for name, kind in INTERVENTIONS.items() if name != "layer_channels"]
REGIONS = [name for name, kind in INTERVENTIONS.items() if issubclass(kind, RegionIntervention)]
FLOATS = [name for name in INPUTS if INTERVENTIONS[name].modalities != ("text",)]


def close(a, b):
    return torch.allclose(a.double(), b.double(), rtol=0, atol=1e-10)


def outputs(example, evidence, rows=slice(None)):
    model, x, host = example.model, example.x[rows], example.host[rows]
    return example.intervention.insert_output(model, x, evidence[rows], host)


def test_evidence_inserted_into_its_own_sample_changes_nothing(example):
    output = example.intervention.insert_output(example.model, example.x, example.evidence, example.x)
    assert close(output, example.model(example.x))


def test_evidence_inserted_into_a_host_changes_it_but_not_into_the_sample(example):
    output = outputs(example, example.evidence)
    for other in (example.host, example.x):
        plain = example.model(other)
        assert (output != plain).flatten(1).any(1).all()


@pytest.mark.parametrize("fill", ["host", "constant", "mean", "blur", "inpainting", "deletion"])
def test_a_removal_changes_every_sample(example, fill):
    if fill not in example.intervention.fills:
        with pytest.raises(InputError, match="choose one of"):
            example.intervention.remove_output(example.model, example.x, example.evidence, fill, example.host)
        return
    output = example.intervention.remove_output(example.model, example.x, example.evidence, fill, example.host)
    assert (output != example.model(example.x)).flatten(1).any(1).all()


@pytest.mark.parametrize("name", REGIONS)
@pytest.mark.parametrize("seed", range(3))
def test_an_insertion_is_undone_by_a_removal_with_the_host(make, name, seed):
    example = make(name, seed=seed)
    changed = example.intervention.insert(example.x, example.evidence, example.host)
    assert torch.equal(example.intervention.remove(changed, example.evidence, "host", example.host), example.host)


@pytest.mark.parametrize("name", REGIONS)
def test_all_values_after_an_insertion_are_those_of_sample_or_host(make, name):
    example = make(name)
    changed = example.intervention.insert(example.x, example.evidence, example.host)
    from_sample = changed == example.x
    assert torch.equal(torch.where(from_sample, example.x, example.host), changed)
    assert torch.equal(from_sample, example.evidence.mask.expand_as(changed) | (example.x == example.host))


def test_a_result_does_not_depend_on_the_other_samples_of_the_batch(example):
    for evidence in (example.evidence, example.null()):
        together = outputs(example, evidence)
        for row in range(len(example.x)):
            assert close(outputs(example, evidence, slice(row, row + 1)), together[row : row + 1])


def test_evidence_and_null_do_not_depend_on_the_other_samples_of_the_batch(example):
    evidence, null = example.evidence, example.null()
    for row in range(len(example.x)):
        one = slice(row, row + 1)
        alone = example.intervention.select(example.x[one], example.relevance[one])
        alone_null = example.intervention.null(example.x[one], alone, seeds=[row], others=example.others[one])
        assert all(torch.equal(a, b) for a, b in zip(alone._tensors(), evidence[one]._tensors(), strict=True))
        assert all(torch.equal(a, b) for a, b in zip(alone_null._tensors(), null[one]._tensors(), strict=True))


def test_nothing_that_is_given_is_changed(example):
    before = copy.deepcopy(example)
    evidence = example.evidence
    given = copy.deepcopy(evidence)
    example.null()
    outputs(example, evidence)
    for fill in example.intervention.fills:
        example.intervention.remove_output(example.model, example.x, evidence, fill, example.host)
    for name in ("x", "relevance", "host", "others"):
        assert torch.equal(getattr(example, name), getattr(before, name))
    assert all(torch.equal(a, b) for a, b in zip(evidence._tensors(), given._tensors(), strict=True))
    assert not any(module._forward_hooks for module in example.model.modules())


@pytest.mark.parametrize("name", FLOATS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_results_have_shape_and_type_of_the_input(make, name, dtype):
    for modality in INTERVENTIONS[name].modalities:
        example = make(name, dtype=dtype, modality=modality)
        evidence = example.evidence
        results = [example.intervention.insert(example.x, evidence, example.host)]
        results += [
            example.intervention.remove(example.x, evidence, f, example.host) for f in example.intervention.fills
        ]
        assert {(result.shape, result.dtype) for result in results} == {(example.x.shape, dtype)}
        assert all(result.isfinite().all() for result in results)


@pytest.mark.parametrize("name", [name for name, kind in INTERVENTIONS.items() if not kind.null_needs_others])
@pytest.mark.parametrize("seed", range(5))
def test_the_null_is_as_large_as_the_evidence_and_apart_from_it(make, name, seed):
    example = make(name, seed=seed)
    evidence, null = example.evidence, example.null()
    assert torch.equal(null.size, evidence.size)
    assert (evidence.size > 0).all()
    possible = name != "top_pixels"  # scattered pixels may meet in every shift
    assert not possible or float(evidence.overlap(null).max()) == 0


@pytest.mark.parametrize("name", [name for name, kind in INTERVENTIONS.items() if not kind.null_needs_others])
def test_other_seeds_draw_other_nulls(make, name):
    example = make(name)
    drawn = [example.null(seeds=[number] * len(example.x)).mask for number in range(20)]
    assert torch.equal(drawn[3], example.null(seeds=[3] * len(example.x)).mask)
    assert any(not torch.equal(drawn[0], other) for other in drawn)


@pytest.mark.parametrize("name", [name for name, kind in INTERVENTIONS.items() if kind.null_needs_others])
def test_the_null_of_a_statistic_is_the_evidence_of_another_sample(make, name):
    example = make(name)
    other = example.intervention.select(example.others)
    assert all(torch.equal(a, b) for a, b in zip(example.null()._tensors(), other._tensors(), strict=True))


def test_evidence_can_be_repeated_for_several_hosts(example):
    rows = [0, 0, 2, 1, 2]
    repeated = example.evidence[rows]
    assert len(repeated) == len(rows)
    output = example.intervention.insert_output(example.model, example.x[rows], repeated, example.host[rows])
    assert close(output, outputs(example, example.evidence)[rows])


@pytest.mark.parametrize("name", [name for name in REGIONS if name != "frame"])
def test_a_sample_without_positive_relevance_has_no_evidence_and_leaves_its_host_unchanged(make, name):
    example = make(name)
    relevance = example.relevance.clone()
    relevance[1] = -relevance[1].abs()
    evidence = example.intervention.select(example.x, relevance)
    assert (evidence.size > 0).tolist() == [True, False, True]
    assert torch.equal(example.intervention.insert(example.x, evidence, example.host)[1], example.host[1])
    null = example.intervention.null(example.x, evidence, seeds=[0, 1, 2])
    assert (null.size > 0).tolist() == [True, False, True]


def test_relevance_is_summed_over_channels_before_its_positive_part(make):
    relevance = torch.zeros(3, 2, 9, 11)
    relevance[:, 0, 2, 2], relevance[:, 1, 2, 2] = 5.0, -5.0
    relevance[:, 0, 7, 7] = 1.0
    example = make("window")
    by_channel = example.intervention.select(example.x, relevance)
    assert by_channel.mask[:, 0, 7, 7].all()
    assert not by_channel.mask[:, 0, 2, 2].any()
    for summed in (relevance.sum(1), relevance.sum(1, keepdim=True)):
        assert torch.equal(example.intervention.select(example.x, summed).mask, by_channel.mask)


# Names and stored forms


def test_the_table_has_each_intervention_by_its_name():
    assert all(kind.name == name and issubclass(kind, Intervention) for name, kind in INTERVENTIONS.items())
    assert {name for modality in MODALITIES for name in list_interventions(modality)} == set(INTERVENTIONS)


def test_every_intervention_declares_its_modalities_fills_and_null(example):
    assert set(example.intervention.modalities) <= set(MODALITIES)
    assert example.intervention.fills
    assert example.intervention.null_text
    assert example.intervention.describe()


def test_an_intervention_is_rebuilt_from_its_stored_form(example):
    assert intervention_from_dict(example.intervention.to_dict()) == example.intervention


def test_numbers_of_numpy_are_stored_as_those_of_python():
    for band in (FrequencyBand(low=np.float32(0.25)), FrequencyBand(0, 1)):
        assert {type(value) for value in band.to_dict()["fields"].values()} <= {float, int, bool, type(None)}
    with pytest.raises(InputError, match="finite"):
        FrequencyBand(low=np.nan)


def test_the_repr_of_evidence_is_one_short_line(example):
    assert repr(example.evidence).count("\n") == 0
    assert len(repr(example.evidence)) < 120


def test_names_and_instances_are_resolved():
    assert as_intervention("top_pixels") == parse_intervention("top_pixels")
    assert as_intervention(Window(side=6)) == parse_intervention("window:side=6")
    assert parse_intervention("token_span:length=2:special=1,2") == TokenSpan(length=2, special=(1, 2))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: as_intervention("windw"), "did you mean window"),
        (lambda: as_intervention("window"), "needs side"),
        (lambda: as_intervention(Window), "got the class Window"),
        (lambda: parse_intervention("window"), "needs side"),
        (lambda: parse_intervention("window:side=large"), "expected"),
        (lambda: parse_intervention("window:sides=3"), "has no option"),
        (lambda: intervention_from_dict({"name": "window", "fields": {"width": 3}}), "stored form"),
        (lambda: intervention_from_dict({"name": "window"}), "stored form"),
        (lambda: intervention_from_dict({"name": "other", "fields": {}}), "unknown intervention"),
    ],
)
def test_a_wrong_name_or_option_is_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()


# Wrong input


def test_samples_of_another_modality_are_refused(example):
    if example.intervention.name == "layer_channels":  # of any modality
        return
    for wrong in (torch.rand(2, 3, 4, 5, 6, 7), torch.rand(3), [1.0, 2.0]):
        with pytest.raises(InputError, match=r"expected .* \(n, .* got"):
            example.intervention.select(wrong, wrong)


@pytest.mark.parametrize("name", INPUTS)
def test_hosts_and_evidence_of_another_shape_are_refused(make, name):
    example = make(name)
    with pytest.raises(InputError, match="expected one host for each sample"):
        example.intervention.insert(example.x, example.evidence, example.host[:2])
    with pytest.raises(InputError, match="expected evidence of each of the 3 samples, got 2"):
        example.intervention.insert(example.x, example.evidence[:2], example.host)
    with pytest.raises(InputError, match="expected evidence of each of the 3 samples, got 2"):
        example.intervention.remove(example.x, example.evidence[:2], "host", example.host)
    with pytest.raises(InputError, match="host="):
        example.intervention.remove(example.x, example.evidence, "host")


def test_missing_relevance_seeds_and_others_are_refused(example):
    intervention = example.intervention
    if intervention.needs_relevance:
        with pytest.raises(InputError, match="expected relevance"):
            intervention.select(example.x, None)
        with pytest.raises(InputError, match="expected relevance"):
            intervention.select(example.x, example.relevance[:2])
        with pytest.raises(InputError, match="NaN or inf in 1 of 3"):
            intervention.select(example.x, example.relevance.index_fill(0, torch.tensor(1), torch.nan))
    if isinstance(intervention, StatisticIntervention):
        with pytest.raises(InputError, match="expected others="):
            example.null(others=None)
    else:
        for seeds in (None, [1, 2]):
            with pytest.raises(InputError, match="expected a seed for each of the 3 samples"):
                example.null(seeds=seeds)


def test_the_overlap_is_the_share_of_the_region_that_is_covered():
    mask = torch.tensor([[True, True, True, True, False], [False] * 5])
    other = torch.tensor([[True, False, False, False, True], [True] * 5])
    assert Region(mask).overlap(Region(other)).tolist() == [0.25, 0.0]


def test_a_model_can_be_a_function_with_any_output(make):
    example = make("window")
    output = example.intervention.insert_output(lambda x: [x.shape], example.x, example.evidence, example.host)
    assert output == [(3, 2, 9, 11)]


def test_hosts_have_the_type_of_the_samples() -> None:
    x = torch.rand(2, 1, 4, 4)
    part = Window(side=2)
    with pytest.raises(InputError, match=r"like the samples torch\.float32 .* got torch\.uint8"):
        part.insert(x, part.select(x, x), torch.zeros(2, 1, 4, 4, dtype=torch.uint8))


def test_evidence_is_that_of_the_same_intervention_and_samples() -> None:
    x = torch.rand(2, 3, 4, 4)
    with pytest.raises(InputError, match="expected evidence as Region, got Statistic"):
        Window(side=2).insert(x, Amplitude().select(x), x)
    with pytest.raises(InputError, match="expected evidence as Statistic, got Region"):
        Amplitude().insert(x, Window(side=2).select(x, x), x)
    larger = torch.rand(2, 3, 6, 6)
    evidence = Window(side=2).select(larger, larger)
    with pytest.raises(InputError, match=r"expected a region of samples .* got a mask \(2, 1, 6, 6\)"):
        Window(side=2).insert(x, evidence, x)


@pytest.mark.parametrize(
    "part", [FrequencyBand(low=0.1), RadialSpectrum(), Amplitude(), Phase(), Window(side=2)], ids=repr
)
def test_no_samples_have_no_evidence(part: Intervention) -> None:
    x = torch.rand(0, 3, 8, 8)
    assert isinstance(part, InputIntervention)
    assert part.insert(x, part.select(x, x), x).shape == x.shape
    assert BlurFill().compute(x, torch.zeros(0, 1, 8, 8, dtype=torch.bool), None).shape == x.shape
