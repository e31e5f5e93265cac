"""Calls that write into a tensor (`relu_`, `+=`, `x[:, 0] = 0`), done so that nothing that a rule has saved is lost.

Most are computed out of place and the result is put into the caller's tensor: every name for that object then sees the
new value. Where the target is a view, has live views, or something holds on to it, the tensors that rules keep get
memory of their own and the real call runs.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.activation import mergeable, relu
from whyset.attribution.intercept.operations import OperationKind
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import CONSTANT, TensorRecord

_OWNERS = 3
"""Of the memory of an operation's output: the operation's own tensor, the switch's, and the storage asked for it."""


def write(session: Session, call: Call) -> Any:
    """Run an in-place call; its target is the first argument, which is returned (None for item assignment)."""
    target: Tensor = call.args[0]
    twin = out_of_place(call.name)
    if twin is None or (not call.depends(target) and call.kind is OperationKind.TRANSPARENT):
        return _write_really(session, call, target)
    if not call.depends(target):
        return _write_copy(session, call, twin, target)
    placeholder = torch.empty(0)
    if _has_live_alias(session, target) or not _swap(session, target, placeholder):
        return _write_copy(session, call, twin, target)
    old = placeholder  # the caller's object now holds the placeholder, and this one the caller's old value
    try:
        args = tuple(old if arg is target else arg for arg in call.args)
        if _is_spent(session, call, old):
            result = relu(
                session, replace(call, args=args, records={**call.records, id(old): session.tracker.get(old)})
            )
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
    """Tell whether a ReLU may overwrite the old value: it is merged with the linear operation in front of it, which
    then needs the ReLU's result only, and nothing else has that memory.
    """
    if call.kind is not OperationKind.RELU or mergeable(session, old) is None:
        return False
    owners = torch._C._storage_Use_Count(old.untyped_storage()._cdata)
    return bool(owners <= _OWNERS)


def out_of_place(name: str) -> Any:
    """Find the function that computes what the in-place call writes, None where there is none (item assignment,
    `copy_`, `zero_`).
    """
    if name in ("setitem", "copy", "zero", "fill", "detach"):
        return None
    homes = (torch.Tensor, torch, torch._C._nn)
    return next((getattr(home, name) for home in homes if hasattr(home, name)), None)


def _swap(session: Session, a: Tensor, b: Tensor) -> bool:
    """Exchange two tensors and what is known of them; False, with nothing changed, where torch refuses."""
    if a._is_view() or b._is_view():
        return False
    record_a, record_b = session.tracker.forget(a), session.tracker.forget(b)
    try:
        torch.utils.swap_tensors(a, b)
        record_a, record_b = record_b, record_a
        return True
    except RuntimeError:
        return False
    finally:
        for tensor, record in ((a, record_a), (b, record_b)):
            if record is not None:
                session.tracker.records[tensor] = record


def _has_live_alias(session: Session, target: Tensor) -> bool:
    record = session.tracker.records.get(target)
    return target._is_view() or (record is not None and any(alias() is not None for alias in record.aliases))


def _write_copy(session: Session, call: Call, twin: Any, target: Tensor) -> Any:
    """Compute from a copy of the target, then write the result into it for real."""
    old = target.clone()
    session.tracker.set(old, replace(call.records[id(target)], produced=None, kept=None, aliases=()))
    args = tuple(old if arg is target else arg for arg in call.args)
    with session:
        result = twin(*args, **call.kwargs)
    copying = Call(torch.Tensor.copy_, "copy", OperationKind.TRANSPARENT, (target, result), {}, {**call.records})
    copying.records[id(result)] = session.tracker.get(result) if isinstance(result, Tensor) else CONSTANT
    return _write_really(session, copying, target)


def _write_really(session: Session, call: Call, target: Tensor) -> Any:
    """Run the call as it is, after what rules keep of the written memory has been given memory of its own."""
    for tensor in {id(t): t for t in (target, target._base) if t is not None}.values():
        record = session.tracker.records.get(tensor)
        if record is not None and record.kept is not None:
            record.kept.data = record.kept.data.clone()
            session.tracker.records[tensor] = replace(record, kept=None)
    session.note(call, "plain gradient")
    result = call.run()
    known = [call.records[id(t)] for t in call.tensors]
    written = TensorRecord(
        dependent=any(record.dependent for record in known),
        behind_linear=any(record.behind_linear for record in known),
        aliases=call.records[id(target)].aliases,
    )
    for owner in (target, target._base):
        if owner is not None and (written.dependent or owner in session.tracker.records):
            session.tracker.set(owner, written)
    return result
