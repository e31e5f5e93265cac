"""The expression of a project is anybody's: none holds the import up, and each means what `re` says it means."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from whyset.store.virelay import label_expression
from whyset.store.virelay.label_expression import LabelExpressionError, match_labels

PATHS = [("/data/class_00012/a.png", "class_00012/a.png"), ("/data/other/\udcff.png", "other/\udcff.png"), ("", "")]


@pytest.mark.parametrize(
    "text", [r"^.*/class_(\d+)/", r"class_(\d+)/", r"(/data)?.*", r"(x)|.*", "(o)?", r"(?i)/DATA/(\w+)"]
)
def test_the_first_group_of_the_first_match(text: str) -> None:
    found = [next(filter(None, (re.match(text, path) for path in paths)), None) for paths in PATHS]
    assert match_labels(text, PATHS) == [match and match[1] for match in found]


@pytest.mark.filterwarnings("ignore::FutureWarning")  # of sets that may mean something else one day
@settings(max_examples=8, deadline=None)
@given(st.text(max_size=12))
def test_any_text_is_matched_or_refused(text: str) -> None:
    try:
        expected = re.compile(text).groups > 0
    except (re.error, OverflowError):
        expected = False
    try:
        match_labels(text, PATHS)
    except LabelExpressionError:
        assert not expected
    else:
        assert expected


@pytest.mark.parametrize("text", [r"(a+)+$", r"(a|a)*$", r"((?:a*)*)*b"])
def test_an_expression_that_tries_forever_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_expression, "LEAST_SECONDS", 2.0)
    with pytest.raises(LabelExpressionError, match=r"not done with 1 paths after 2 s.*reads each path once"):
        match_labels(text, [("a" * 60 + "!",)])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("(", "is not a regular expression: missing"),
        ("a{99999999999}()", "is not a regular expression"),
        ("(" * 5000, "is not a regular expression"),
        ("a", "has no group: the first one is the label"),
    ],
)
def test_what_is_no_expression_says_why(text: str, words: str) -> None:
    with pytest.raises(LabelExpressionError, match=words):
        match_labels(text, PATHS)
