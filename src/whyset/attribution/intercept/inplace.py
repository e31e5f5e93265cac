"""Calls that write into a tensor (`relu_`, `+=`, `x[:, 0] = 0`), without overwriting tensors that rules have saved.

Most are computed out of place, and the tensor object of the caller is swapped with the result, so every reference to it
sees the new value. If the target is a view, has live views, or cannot be swapped, the tensors that rules have saved are
copied and the real call runs.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.activation import mergeable, relu
from whyset.attribution.intercept.lineage import Lineage
from whyset.attribution.intercept.operations import OPERATIONS, Descent, Loss, Operation, OperationKind
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import CONSTANT, TensorRecord, carries_gradient

_OWNERS = 3
"""Owners of the memory of an output: the tensor of the operation, that of the switch, and the storage object that is
made to count them. With more, something else, such as a tensor that autograd has saved, still needs the values."""


def write(session: Session, call: Call) -> Any:
    """Run an in-place call; its target is the first argument."""
    target: Tensor = call.args[0]
    twin = out_of_place(call.operation)
    moves = call.kind is OperationKind.TRANSPARENT and call.operation.descent is not Descent.SCATTER
    if twin is None or (not call.depends(target) and moves):
        return _write_really(session, call, target)
    if not call.depends(target):
        return _write_copy(session, call, twin, target)
    placeholder = torch.empty(0)
    if _has_live_alias(session, target) or not _swap(session, target, placeholder):
        return _write_copy(session, call, twin, target)
    old = placeholder  # after the swap, the object of the caller holds the placeholder, and this one the old value
    try:
        args = tuple(old if arg is target else arg for arg in call.args)
        if _is_spent(session, call, old):
            records = {**call.records, id(old): session.tracker.get(old)}
            result = relu(session, Call.of(call.func, call.operation, args, call.kwargs, records))
        else:
            with session:
                result = twin(*args, **call.kwargs)
        result = result.to(old.dtype) if result.dtype != old.dtype else result
    except BaseException:
        _swap(session, target, old)
        raise
    if result is old or not _swap(session, target, result):
        _swap(session, target, old)
        if result is not old:
            return _write_copy(session, call, twin, target)
    return target


def _is_spent(session: Session, call: Call, old: Tensor) -> bool:
    """Check if a ReLU may overwrite the old value.

    It may if it is merged with the linear operation before it, which then needs only the result of the ReLU, and if
    nothing else uses the memory.
    """
    if call.kind is not OperationKind.RELU or mergeable(session, session.tracker.get(old)) is None:
        return False
    owners = torch._C._storage_Use_Count(old.untyped_storage()._cdata)
    return bool(owners <= _OWNERS)


def out_of_place(operation: Operation) -> Any:
    """Return the out-of-place function of an in-place call; None for item assignment, `copy_` and `zero_`."""
    if operation.only_in_place:
        return None
    homes = (torch.Tensor, torch, torch._C._nn)
    return next((getattr(home, operation.name) for home in homes if hasattr(home, operation.name)), None)


def _swap(session: Session, a: Tensor, b: Tensor) -> bool:
    """Swap two tensors and their records; False, with nothing changed, if torch refuses."""
    if a._is_view() or b._is_view():
        return False
    # The records hold weak references, and torch swaps only tensors without weak references.
    record_a, record_b = session.tracker.forget(a), session.tracker.forget(b)
    held_a, held_b = session.tracker.forget_held(a), session.tracker.forget_held(b)
    try:
        torch.utils.swap_tensors(a, b)
        record_a, record_b = record_b, record_a
        held_a, held_b = held_b, held_a
        return True
    except RuntimeError:
        return False
    finally:
        for tensor, record, held in ((a, record_a, held_a), (b, record_b, held_b)):
            session.tracker.move_held(held, tensor)
            if record is not None:
                session.tracker.records[tensor] = record


def _has_live_alias(session: Session, target: Tensor) -> bool:
    record = session.tracker.records.get(target)
    return target._is_view() or (record is not None and any(alias() is not None for alias in record.aliases))


def _write_copy(session: Session, call: Call, twin: Any, target: Tensor) -> Any:
    """Compute from a copy of the target, then write the result into the target."""
    old = target.clone()
    session.tracker.set(old, replace(call.records[id(target)], produced=None, kept=None, aliases=()))
    args = tuple(old if arg is target else arg for arg in call.args)
    with session:
        result = twin(*args, **call.kwargs)
    of_result = session.tracker.get(result) if isinstance(result, Tensor) else CONSTANT
    records = {**call.records, id(result): of_result}
    copying = Call.of(torch.Tensor.copy_, OPERATIONS["copy"], (target, result), {}, records)
    return _write_really(session, copying, target)


def _write_really(session: Session, call: Call, target: Tensor) -> Any:
    """Run the call unchanged, after copying the tensors that rules have saved of the memory it writes."""
    for tensor in {id(t): t for t in (target, target._base) if t is not None}.values():
        record = session.tracker.records.get(tensor)
        if record is not None and record.kept is not None:
            # The saved tensor object stays, and `.data` does not count as a write: autograd accepts it in backward.
            record.kept.data = record.kept.data.clone()
            session.tracker.records[tensor] = replace(record, kept=None)
    session.tracker.copy_held(target)
    session.note(call, "plain gradient")
    memory = target if target._base is None else target._base
    constants = _find_constants(session, call, target, memory)
    result = call.run()
    if constants is not None and carries_gradient(memory):
        session.account_written(memory, constants)
    known = [call.records[id(t)] for t in call.tensors]
    written = TensorRecord(
        dependent=any(record.dependent for record in known),
        behind_linear=any(record.behind_linear for record in known),
        aliases=call.records[id(target)].aliases,
    )
    for owner in (target, target._base):
        if owner is not None and (written.dependent or owner in session.tracker.records):
            session.tracker.set(
                owner, replace(written, lineage=_find_copied_lineage(call)) if owner is target else written
            )
    return result


def _find_constants(session: Session, call: Call, target: Tensor, memory: Tensor) -> Tensor | None:
    """Return what the memory of the target holds after a call whose dependent values are 0; None without a ledger."""
    if session.recorder is None or call.operation.loss is not Loss.CONSTANT:
        return None
    record = session.tracker.records.get(memory)
    constants = torch.empty_strided(memory.size(), memory.stride(), dtype=memory.dtype, device=memory.device)
    if record is not None and record.dependent:
        constants.zero_()
    else:
        constants.copy_(memory.detach())
    part = constants if target is memory else _view_alike(constants, target, memory)
    call.map_tensors(lambda t: part if t is target else torch.zeros_like(t) if call.depends(t) else t.detach()).run()
    return constants


def _view_alike(memory: Tensor, target: Tensor, base: Tensor) -> Tensor:
    """Return the view of a memory that the target is of its base; the dtypes of `z.real` and its base z differ."""
    offset = target.storage_offset() - base.storage_offset() * base.element_size() // target.element_size()
    empty = torch.empty(0, dtype=target.dtype, device=target.device)
    part = empty.set_(memory.untyped_storage(), offset, target.size(), target.stride())
    part = part.conj() if target.is_conj() else part
    return torch._neg_view(part) if target.is_neg() else part


def _find_copied_lineage(call: Call) -> Lineage | None:
    """Return the lineage of what `copy_` writes over the whole target; None if other values are written."""
    source = call.args[1] if call.name == "copy" and len(call.args) > 1 else None
    if source is None or not call.depends(source) or source.shape != call.args[0].shape:
        return None
    return call.records[id(source)].lineage
