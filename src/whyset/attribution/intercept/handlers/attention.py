"""Fused attention `softmax(qkᵀ)v`."""

import math
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.flow import total
from whyset.attribution.intercept.losses import softmax_gradient
from whyset.attribution.intercept.session import Session
from whyset.attribution.ledger import Cause

ATTENTION = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")
"""The arguments by position."""


def attention(session: Session, call: Call) -> Any:
    """Run fused attention `softmax(qkᵀ)v`: half to the weights and half to v, the weights' half shared by q and k."""
    if call.depends(call.argument(3, "attn_mask")) or session.create_graph:
        with session:  # step by step: the fused kernels have no second derivative
            return written_attention(call.arguments(ATTENTION))
    q, k, v = (call.argument(i, name) for i, name in enumerate(ATTENTION[:3]))
    scores = [t for t in (q, k) if call.depends(t)]
    if session.composite.gates_are_constant and call.depends(v):
        shares = (0.0, 0.0, 1.0)
        session.note(call, "attention weights are constant: all to values")
    else:
        to_value = 0.5 if scores and call.depends(v) else 1.0
        to_scores = (1 - to_value if call.depends(v) else 1.0) / max(len(scores), 1)
        shares = (to_scores, to_scores, to_value)
        session.note(call, f"{to_scores:g} to queries and keys each, {to_value:g} to values")
    # The same tensor may be query, key and value: shares go by position, not by tensor.
    given = [session.share(t, part) if call.depends(t) else t for t, part in zip((q, k, v), shares, strict=True)]
    result = call.func(*given, *call.args[3:], **_without_qkv(call))
    to_weights = sum(part for t, part in zip((q, k), shares, strict=False) if call.depends(t))
    session.account(result, lambda c: _attention_loss(call, c, to_weights))
    return session.finish(call, result, behind_linear=True)


def _attention_loss(call: Call, c: Tensor, to_weights: float) -> dict[Cause, float]:
    """Return what the softmax keeps: the weights' part of `c · y` without `∂/∂s · s`, where s are the scores."""
    given = call.arguments(ATTENTION)
    scores, v = _scores(given | {name: given[name].detach().double() for name in ATTENTION[:3]})
    p = _mask(scores, given.get("attn_mask"), bool(given.get("is_causal"))).softmax(-1)
    p = torch.nan_to_num(p)  # a row without any score
    g = softmax_gradient(c.double() @ v.mT, p, -1)
    return {Cause.NONLINEARITY: to_weights * (total(c, p @ v) - total(g, scores))}


def _scores(given: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Return the scores of attention without a mask, and the values; grouped heads are repeated."""
    q, k, v, scale = given["query"], given["key"], given["value"], given.get("scale")
    if given.get("enable_gqa"):
        k, v = (t.repeat_interleave(q.shape[-3] // t.shape[-3], -3) for t in (k, v))
    return q @ k.mT * (q.shape[-1] ** -0.5 if scale is None else scale), v


def _mask(scores: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
    if causal:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if mask is None:
        return scores
    return scores.masked_fill(~mask, -math.inf) if mask.dtype == torch.bool else scores + mask


def written_attention(given: dict[str, Any]) -> Tensor:
    """Compute attention step by step from its arguments by name."""
    scores, v = _scores(given)
    mask, causal = given.get("attn_mask"), bool(given.get("is_causal"))
    weights = _softmax_of_rows(_mask(scores, mask, causal))
    return torch.dropout(weights, given.get("dropout_p", 0.0), True) @ v


def _softmax_of_rows(scores: Tensor) -> Tensor:
    """Return the softmax of each row; zeros, as those of the fused kernels, for a row without any score."""
    empty = (scores.detach() == -math.inf).all(-1, keepdim=True)
    if not empty.any():
        return scores.softmax(-1)
    return scores.masked_fill(empty, 0.0).softmax(-1).masked_fill(empty, 0.0)


def _without_qkv(call: Call) -> dict[str, Any]:
    return {name: value for name, value in call.kwargs.items() if name not in ATTENTION[:3]}
