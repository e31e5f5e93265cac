from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.errors import BrokenRunError, InputError
from whyset.store import RunConfig
from whyset.store.config import flatten, require_same, require_same_config
from whyset.testing.store import example_config

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(), part, max_size=3),
    max_leaves=8,
)


def test_a_configuration_comes_back_from_json_with_its_hash():
    config = example_config(composite=None, versions={"torch": "2.13"})
    again = RunConfig.from_json(config.to_json(), Path("run.json"))
    assert again == config
    assert again.hash == config.hash


def test_the_hash_depends_on_what_determines_results_and_on_nothing_else():
    config = example_config()
    assert config.hash != example_config(seed=1).hash
    assert config.hash == example_config(dataset="elsewhere", versions={"torch": "3"}, origin={"by": "me"}).hash


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shard_rows": 0}, "shard_rows is 0"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"composite": {"epsilon": float("nan")}}, r"'composite'.*\['epsilon'\] is nan"),
        ({"preprocessing": {"mean": object()}}, r"'preprocessing'.*\['mean'\] is a object"),
    ],
)
def test_values_that_cannot_be_stored_are_refused_by_name(changes, message):
    with pytest.raises(InputError, match=message):
        example_config(**changes)


def test_a_field_of_a_newer_minor_version_is_passed_over_and_a_lost_one_is_not():
    stored = example_config().to_json()
    assert RunConfig.from_json(stored | {"later": 1}, Path("run.json")) == example_config()
    del stored["model"]
    with pytest.raises(BrokenRunError, match=r"run.json.*model"):
        RunConfig.from_json(stored, Path("run.json"))


@given(JSON)
def test_equal_values_are_the_same(value):
    require_same(value, value, Path("run"))


@given(st.dictionaries(st.text("ab", min_size=1), st.integers(), min_size=1), st.data())
def test_a_difference_is_named(value, data):
    key = data.draw(st.sampled_from(sorted(value)))
    with pytest.raises(InputError, match=key):
        require_same(value, value | {key: value[key] + 1}, Path("run"))


def test_options_that_choose_other_data_are_named_with_its_fingerprint():
    stored = example_config(dataset_fingerprint="a", origin={"input": "scan", "limit": 5})
    changed = example_config(dataset_fingerprint="b", origin={"input": "row", "limit": 5})
    with pytest.raises(InputError, match=r"run: input is 'scan' there and 'row' here; dataset_fingerprint is 'a' "):
        require_same_config(stored, changed, Path("run"))
    require_same_config(stored, example_config(dataset_fingerprint="a", origin={"limit": 9}), Path("run"))


def test_leaves_have_dotted_names():
    assert dict(flatten({"a": {"b": [1, {}]}, "c": []})) == {"a.b.0": 1, "a.b.1": {}, "c": []}
