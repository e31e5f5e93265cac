"""The configuration: its forms, its stored form, and fills."""

from whyset.effects import EffectTest
from whyset.interventions import BlurFill, ColorStatistics, Window, intervention_from_dict
from whyset.store.jsonfile import require_json


def test_texts_names_and_parts_are_the_same_interventions():
    given = EffectTest(interventions=["window:side=6,4", "color_statistics"]).interventions
    assert given == (Window(side=(6, 4)), ColorStatistics())
    assert EffectTest(interventions=given) == EffectTest(interventions=["window:side=6,4", "color_statistics"])
    assert EffectTest(interventions="color_statistics").interventions == (ColorStatistics(),)


def test_the_stored_form_rebuilds_the_interventions():
    test = EffectTest(interventions=["window:side=6,4", "color_statistics"], fill="blur:sigma=4")
    stored = test.to_dict(test.interventions)
    require_json(stored)
    assert tuple(map(intervention_from_dict, stored["interventions"])) == test.interventions
    assert stored["fill"] == {"name": "blur", "fields": {"sigma": 4.0}}


def test_evidence_that_a_fill_cannot_replace_is_replaced_by_the_host():
    test = EffectTest(fill="blur:sigma=4")
    assert test.get_fill(Window(side=3)) == BlurFill(sigma=4.0)
    assert test.get_fill(ColorStatistics()).name == "host"


def test_each_sample_needs_hosts_for_both_stages_the_null_and_removal():
    assert EffectTest(n_selection_hosts=3, n_hosts=5).n_needed_hosts == 3 + 10 + 2
