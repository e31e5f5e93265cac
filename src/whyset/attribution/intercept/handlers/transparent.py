"""Calls with the plain gradient, and the path of the relevance twin through them."""

from typing import Any

from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.activation import activation, find_lineage
from whyset.attribution.intercept.handlers.constants import merge_constant
from whyset.attribution.intercept.session import Session

# These functions are applied to the twin as well ...
_MOVING = frozenset(
    """view reshape view_as reshape_as flatten unflatten ravel permute transpose t T mT swapaxes swapdims movedim
    moveaxis squeeze unsqueeze expand expand_as broadcast_to repeat tile narrow slice
    select getitem index_select flip fliplr
    flipud rot90 pad constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d
    replication_pad2d replication_pad3d contiguous clone to type float double half bfloat16 cpu cuda type_as cat concat
    concatenate stack split chunk unbind roll pixel_shuffle pixel_unshuffle as_strided pad_sequence
    _pack_padded_sequence _pad_packed_sequence""".split()
)
# ... and these, which shift or scale each element by a constant, are not.
_AFFINE = frozenset(
    "add sub subtract rsub mul multiply div divide true_divide truediv dropout alpha_dropout feature_dropout".split()
)


# These return elements unchanged, often as views of their input or as the input itself: they lose no relevance.
CONSERVING = _MOVING - frozenset(
    "repeat tile pad constant_pad_nd reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d "
    "replication_pad2d "
    "replication_pad3d cat concat concatenate stack pad_sequence _pad_packed_sequence".split()
) | frozenset(
    "dropout alpha_dropout feature_dropout data detach alias real imag conj view_as_real view_as_complex diagonal "
    "split_with_sizes tensor_split".split()
)


# Their plain gradient is f(x)/x if the offset of x is 0.
_PIECEWISE = frozenset("leaky_relu prelu rrelu abs absolute".split())


# Constants that these add get a part of the relevance that a rule states.
_PADDING = frozenset(("pad", "constant_pad_nd"))


# Functions for a twin inside the network: none that adds or scales elements.
_MOVING_INSIDE = _MOVING & CONSERVING


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
    if call.name in _PIECEWISE and len(call.dependents) == 1 and not find_lineage(call, call.dependents[0]).at_zero:
        return activation(session, call)
    session.note(call, "plain gradient")
    result = run_conserving(session, call) if call.name in CONSERVING else session.run(call)
    inside = any(call.records[id(t)].behind_linear for t in call.dependents)
    moving = _MOVING_INSIDE if inside else _MOVING
    twin = move_twin(session, call) if call.name in moving else get_twin(call, result)
    return session.finish(call, result, twin=twin)


def move_twin(session: Session, call: Call) -> Any:
    """Apply the call to the twins of its arguments; None if an argument has none."""
    twins = {id(t): call.records[id(t)].twin for t in call.dependents}
    if not session.needs_twin or any(twin is None for twin in twins.values()):
        return None
    moved = call.map_tensors(lambda t: twins.get(id(t), t))  # type: ignore[arg-type,return-value]  # no twin is None
    result = moved.run()
    if call.name in _PADDING and isinstance(result, Tensor):
        session.account_stated(result, moved)
    return result


def get_twin(call: Call, result: Any) -> Tensor | None:
    """Return the twin after an element-wise affine operation with constants, None after other operations."""
    if call.name not in _AFFINE or len(call.dependents) != 1 or not isinstance(result, Tensor):
        return None
    known = call.records[id(call.dependents[0])]
    if known.twin is None or (known.behind_linear and "dropout" not in call.name):
        return None
    # A constant added to the input shifts it, as a normalization does; one added to a function keeps a share.
    if call.name in ("add", "sub", "subtract", "rsub") and known.lineage is not None and known.lineage.nonlinear:
        return None
    return known.twin.expand(result.shape).to(result.dtype)
