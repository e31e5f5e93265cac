"""Calls with the plain gradient, and the path of the relevance twin through them."""

from typing import Any

from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.activation import activation, find_lineage
from whyset.attribution.intercept.handlers.constants import merge_constant
from whyset.attribution.intercept.operations import Twin
from whyset.attribution.intercept.session import Session


def run_conserving(session: Session, call: Call) -> Any:
    """Run a call that loses no relevance, without a probe, so that views remain views that the model may write into."""
    if session.recorder is not None:
        session.recorder.entries[session.index].conserving = True
    return call.run()


def transparent(session: Session, call: Call) -> Any:
    """Run a call with its plain gradient."""
    merged = merge_constant(session, call)
    if merged is not None:
        return merged
    if call.operation.piecewise and len(call.dependents) == 1 and not find_lineage(call, call.dependents[0]).at_zero:
        return activation(session, call)
    session.note(call, "plain gradient")
    result = run_conserving(session, call) if call.operation.conserves else session.run(call)
    inside = any(call.records[id(t)].behind_linear for t in call.dependents)
    # Inside the network a twin passes no function that adds or scales elements.
    moved = call.operation.twin in (Twin.MOVED, Twin.PADDED) and (call.operation.conserves or not inside)
    twin = move_twin(session, call) if moved else get_twin(call, result)
    return session.finish(call, result, twin=twin)


def move_twin(session: Session, call: Call) -> Any:
    """Apply the call to the twins of its arguments; None if an argument has none."""
    twins = {id(t): call.records[id(t)].twin for t in call.dependents}
    if not session.needs_twin or any(twin is None for twin in twins.values()):
        return None
    moved = call.map_tensors(lambda t: twins.get(id(t), t))  # type: ignore[arg-type,return-value]  # no twin is None
    result = moved.run()
    if call.operation.twin is Twin.PADDED and isinstance(result, Tensor):
        session.account_stated(result, moved)
    return result


def get_twin(call: Call, result: Any) -> Tensor | None:
    """Return the twin after an element-wise affine operation with constants, None after other operations."""
    path = call.operation.twin
    if path not in (Twin.SHIFTED, Twin.SCALED, Twin.KEPT):
        return None
    if len(call.dependents) != 1 or not isinstance(result, Tensor):
        return None
    known = call.records[id(call.dependents[0])]
    if known.twin is None or (known.behind_linear and path is not Twin.KEPT):
        return None
    # A constant added to the input shifts it, as a normalization does; one added to a function keeps a share.
    if path is Twin.SHIFTED and known.lineage is not None and known.lineage.nonlinear:
        return None
    return known.twin.expand(result.shape).to(result.dtype)
