"""The parity table: every rule is its closed form and, where conventions agree, that of other packages."""

import pytest
import torch

from whyset.testing.linear_operations import LINEAR_OPERATIONS
from whyset.testing.parity import differences, relative, subjects, table, worst
from whyset.testing.peers import import_peer

EXACT = 1e-12


@pytest.fixture(scope="module")
def found():
    return list(differences())


@pytest.mark.parametrize("inputs", ["signed", "nonnegative"])
def test_every_rule_is_its_closed_form(found, inputs):
    largest = worst(found, "closed form", inputs)
    assert list(largest) == list(subjects())
    assert {rule: value for rule, value in largest.items() if value > EXACT} == {}


@pytest.mark.parametrize("inputs", ["signed", "nonnegative"])
def test_zennit_has_the_same_rules_but_for_norm(found, inputs):
    largest = worst(found, "zennit", inputs)
    assert largest.pop("Norm") > 0.1  # zennit's counts the bias among what is normalized
    assert len(largest) == len(subjects()) - 1
    assert {rule: value for rule, value in largest.items() if value > EXACT} == {}


@pytest.mark.skipif(import_peer("captum.attr") is None, reason="captum is not installed")
def test_captum_has_the_same_epsilon_rule(found):
    assert worst(found, "captum", "signed")["Epsilon"] < EXACT


def test_the_table_has_a_row_for_every_rule_and_operation(found):
    rows = table(found).splitlines()[2:]
    assert len(rows) == len(subjects()) * len(LINEAR_OPERATIONS)
    assert len({row.count("|") for row in rows}) == 1


def test_a_relative_difference_to_nothing_is_infinite():
    assert relative(torch.ones(2), torch.zeros(2)) == float("inf")
    assert relative(torch.zeros(2), torch.zeros(2)) == 0
