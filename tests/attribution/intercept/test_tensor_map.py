"""A mapping from tensors follows the life of its tensors, and keeps neither them nor itself alive."""

import gc
import weakref

import torch

from whyset.attribution.intercept.tensor_map import TensorMap


def test_a_tensor_finds_its_own_value_and_an_equal_tensor_finds_none():
    first, equal = torch.ones(2), torch.ones(2)
    known = TensorMap()
    known[first] = "first"
    assert known.get(first) == "first"
    assert known.get(equal) is None
    assert first in known
    assert equal not in known


def test_an_entry_is_removed_with_its_tensor():
    known, tensor = TensorMap(), torch.ones(2)
    known[tensor] = "one"
    known[tensor] = "another"  # the second value takes the place of the first
    assert len(known) == 1
    assert known.get(tensor) == "another"
    del tensor
    assert len(known) == 0


def test_a_tensor_that_only_the_graph_holds_keeps_its_entry():
    known, x = TensorMap(), torch.ones(2, requires_grad=True)
    y = x.exp()
    z = y.sin()  # autograd saves y, so its Python object goes and comes back
    known[y] = "saved"
    del y
    gc.collect()
    assert known.get(z.grad_fn._saved_self) == "saved"


def test_a_removed_tensor_has_no_weak_reference_left():
    known, a, b = TensorMap(), torch.zeros(2), torch.ones(2)
    known[a] = "a"
    assert known.pop(a) == "a"
    assert known.pop(a) is None
    torch.utils.swap_tensors(a, b)  # refused for tensors with weak references
    assert a.tolist() == [1.0, 1.0]


def test_the_map_and_its_values_go_without_a_garbage_collection():
    gc.disable()
    try:
        known, tensor, value = TensorMap(), torch.ones(2), torch.ones(3)
        known[tensor] = value
        gone = weakref.ref(value)
        del known, value
        assert gone() is None
    finally:
        gc.enable()
