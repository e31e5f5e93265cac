"""Groups over several views: their order, and which are the same."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from whyset.analysis.view_groups import ViewGroup, merge_groups, sort_groups
from whyset.store.evidence import ClusterEvidence


def make_group(view: str, rows: Sequence[int], contrast: float | None = None) -> ViewGroup:
    here, elsewhere = (contrast, None if contrast is None else 0.0)
    evidence = ClusterEvidence(0, len(rows), detail_coherence=here, detail_coherence_elsewhere=elsewhere)
    return ViewGroup("00000", "cat", view, f"spray.{view}", "kmeans", np.array(sorted(rows), np.int64), evidence)


def test_the_jaccard_index_is_intersection_over_union() -> None:
    assert make_group("a", range(0, 6)).jaccard(make_group("b", range(4, 8))) == pytest.approx(2 / 8)


def test_the_largest_contrast_is_first_and_an_unknown_one_last() -> None:
    groups = [make_group("a", [0], value) for value in (0.1, None, -0.2, 0.7)]
    assert [one.contrast for one in sort_groups(groups)] == [0.7, 0.1, -0.2, None]


def test_a_group_of_three_views_is_listed_once_with_the_most_similar_view_first() -> None:
    groups = [make_group("maps", range(10)), make_group("spectrum", range(6)), make_group("channels:a", range(9))]
    (merged,) = merge_groups(groups)
    assert merged.group.view == "maps"
    assert [(other.view, overlap) for other, overlap in merged.also] == [("channels:a", 0.9), ("spectrum", 0.6)]


def test_a_group_belongs_to_the_one_with_the_larger_overlap() -> None:
    groups = [make_group("maps", range(6)), make_group("maps", range(6, 20)), make_group("spectrum", range(5, 20))]
    first, second = merge_groups(groups)
    assert (first.also, [other.view for other, _ in second.also]) == ((), ["spectrum"])


def test_clusters_of_one_view_and_groups_with_less_than_half_in_common_stay_apart() -> None:
    groups = [make_group("maps", range(10)), make_group("maps", range(10)), make_group("spectrum", range(6, 20))]
    assert [one.also for one in merge_groups(groups)] == [(), (), ()]
    assert merge_groups([]) == ()


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sets(st.integers(0, 8), min_size=1)), max_size=8))
def test_every_group_is_listed_exactly_once(given_groups: list[tuple[str, set[int]]]) -> None:
    groups = [make_group(view, sorted(rows)) for view, rows in given_groups]
    listed = [group for one in merge_groups(groups) for group in (one.group, *(other for other, _ in one.also))]
    assert sorted(map(id, listed)) == sorted(map(id, groups))
