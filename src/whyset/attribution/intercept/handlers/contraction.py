"""Contractions of a tensor with constants, such as `x @ w`: linear maps, which get the rule of a linear operation.

Every contraction is written as an einsum of the tensor and one constant, and brought to the form of `F.linear`, or of a
grouped convolution if both share a batch dimension.
"""

import math
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.rule_edge import apply_rule
from whyset.attribution.intercept.layers import Geometry
from whyset.attribution.intercept.operations import Contraction
from whyset.attribution.intercept.session import Session

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def contraction(session: Session, call: Call) -> Any | None:
    """Run a contraction of one tensor that depends on the input with constants; None if it is not one."""
    found = _as_einsum(call)
    if found is None:
        return None
    labels, operands, out = found
    position = [i for i, operand in enumerate(operands) if any(operand is t for t in call.dependents)]
    if len(position) != 1 or len(operands) < 2:
        return None
    x, of_x = operands[position[0]], labels[position[0]]
    constants = [(t, names) for i, (t, names) in enumerate(zip(operands, labels, strict=True)) if i != position[0]]
    if len(set(of_x)) < len(of_x) or any(len(set(names)) < len(names) for _, names in constants):
        return None  # a diagonal
    weight, of_weight = _merge_constants(constants, of_x + out)
    sizes = dict(zip(of_x, x.shape, strict=True)) | dict(zip(of_weight, weight.shape, strict=True))
    summed = [n for n in of_x if n in of_weight and n not in out]
    if not summed or any(n not in of_weight and n not in out for n in of_x):
        return None  # an outer or element-wise product
    return _run(session, call, x, of_x, weight, of_weight, out, sizes)


def _merge_constants(constants: list[tuple[Tensor, str]], kept: str) -> tuple[Tensor, str]:
    """Contract the constants with each other, over the labels that neither the tensor nor the output has."""
    if len(constants) == 1 and set(constants[0][1]) <= set(kept):
        return constants[0]
    names = "".join(dict.fromkeys(n for _, own in constants for n in own if n in kept))
    equation = ",".join(own for _, own in constants) + "->" + names
    return torch.einsum(equation, *(t for t, _ in constants)), names


def _run(
    session: Session, call: Call, x: Tensor, of_x: str, weight: Tensor, of_weight: str, out: str, sizes: dict[str, int]
) -> Any:
    shared = [n for n in of_x if n in of_weight and n in out]
    summed = [n for n in of_x if n in of_weight and n not in out]
    free = [n for n in of_x if n not in of_weight]
    made = [n for n in of_weight if n not in of_x]
    groups = math.prod(sizes[n] for n in shared)
    size_in, size_out = (math.prod(sizes[n] for n in part) for part in (summed, made))
    w = _arrange(weight, of_weight, shared + made + summed)
    inner = shared + made
    if shared:
        geometry = Geometry((1,), (0,), (1,), False, (0,), groups)
        w = w.reshape(groups * size_out, size_in, 1)
        shape_x: tuple[int, ...] = (-1, groups * size_in, 1)
        shape_y: tuple[int, ...] = (-1, groups * size_out, 1)
    else:
        geometry, w = None, w.reshape(size_out, size_in)
        lead = tuple(sizes[n] for n in free)
        shape_x, shape_y = (*lead, size_in), (*lead, size_out)
    with session:
        x = _reshape(_arrange(x, of_x, free + shared + summed), shape_x)
    result = apply_rule(
        session, call, x, w, None, geometry, lambda y: _reshape(_arrange(y, out, free + inner), shape_y)
    )
    full_shape = tuple(sizes[n] for n in free + inner)
    if result.shape == full_shape and list(out) == free + inner:
        return result
    with session:
        # As the output of the call itself, it can be viewed.
        return _arrange(_reshape(result, full_shape), "".join(free + inner), list(out)).contiguous()


def _arrange(t: Tensor, names: str, order: list[str]) -> Tensor:
    return t if list(names) == order else t.permute([names.index(n) for n in order])


def _reshape(t: Tensor, shape: tuple[int, ...]) -> Tensor:
    return t if t.shape == shape else t.reshape(shape)


def _as_einsum(call: Call) -> tuple[list[str], list[Tensor], str] | None:
    """Return the labels of each operand, the operands, and the labels of the output."""
    form = call.operation.contraction
    if form is Contraction.EINSUM:
        return _parse(call)
    if len(call.tensors) != 2:
        return None
    a, b = call.tensors
    if form is Contraction.MATMUL:
        return _matmul(call, a, b)
    if form is Contraction.INNER and a.dim() and b.dim():
        left, right = _LETTERS[: a.dim()], _LETTERS[a.dim() : a.dim() + b.dim() - 1] + _LETTERS[a.dim() - 1]
        return [left, right], [a, b], left[:-1] + right[:-1]
    return _tensordot(call, a, b) if form is Contraction.TENSORDOT else None


def _matmul(call: Call, a: Tensor, b: Tensor) -> tuple[list[str], list[Tensor], str] | None:
    row, column, inner = "x" if a.dim() > 1 else "", "y" if b.dim() > 1 else "", "z"
    batch = max(a.dim(), b.dim(), 2) - 2
    names = _LETTERS[:batch]
    labels, operands = [], []
    for t, other, end in ((a, b, row + inner), (b, a, inner + column)):
        lead = t.dim() - len(end)
        own = names[batch - lead :] if lead else ""
        both = [i for i in range(lead) if other.dim() - 2 >= lead - i]
        if call.depends(t):
            if any(t.shape[i] == 1 < other.shape[i - t.dim()] for i in both):
                return None  # one matrix of the tensor, for each of several constant ones
            wide = []
        else:  # one constant matrix, broadcast or expanded
            wide = [i for i in both if t.shape[i] == 1 or (t.stride(i) == 0 and t.shape[i] == other.shape[i - t.dim()])]
        operands.append(t[tuple(0 if i in wide else slice(None) for i in range(lead))] if wide else t)
        labels.append("".join(n for i, n in enumerate(own) if i not in wide) + end)
    return labels, operands, names + row + column


def _tensordot(call: Call, a: Tensor, b: Tensor) -> tuple[list[str], list[Tensor], str]:
    dims = call.argument(2, "dims", 2)
    if isinstance(dims, Tensor):
        dims = dims.tolist()
    if isinstance(dims, int):
        of_a, of_b = [*range(a.dim() - dims, a.dim())], [*range(dims)]
    else:
        of_a, of_b = ([part] if isinstance(part, int) else list(part) for part in dims)
    left = _LETTERS[: a.dim()]
    right = list(_LETTERS[a.dim() : a.dim() + b.dim()])
    for i, j in zip(of_a, of_b, strict=True):
        right[j] = left[i]
    contracted = {left[i] for i in of_a}
    out = "".join(n for n in left + "".join(right) if n not in contracted)
    return [left, "".join(right)], [a, b], out


def _parse(call: Call) -> tuple[list[str], list[Tensor], str] | None:
    equation, *operands = call.args
    if len(operands) == 1 and isinstance(operands[0], list | tuple):
        operands = list(operands[0])
    if not isinstance(equation, str) or not all(isinstance(t, Tensor) for t in operands):
        return None
    left, arrow, out = equation.replace(" ", "").partition("->")
    labels = left.split(",")
    if "." in equation:
        rest = [n for n in _LETTERS + _LETTERS.upper() if n not in equation]
        extra = [t.dim() - len(names.replace("...", "")) for t, names in zip(operands, labels, strict=True)]
        widest = rest[: max(extra)]
        labels = [
            names.replace("...", "".join(widest[len(widest) - e :]) if e else "")
            for names, e in zip(labels, extra, strict=True)
        ]
        out = out.replace("...", "".join(widest))
    if not arrow:
        every = "".join(labels)
        out = ("".join(widest) if "." in equation else "") + "".join(
            sorted(n for n in set(every) if every.count(n) == 1)
        )
    sizes: dict[str, int] = {}
    for t, names in zip(operands, labels, strict=True):
        for n, size in zip(names, t.shape, strict=True):
            if sizes.setdefault(n, size) != size:
                return None  # a broadcast dimension of size 1
    return labels, operands, out


def elementwise_einsum(session: Session, call: Call) -> Any | None:
    """Run an einsum of two tensors without a sum as the element-wise product that it is; None for another call."""
    found = _parse(call) if call.operation.contraction is Contraction.EINSUM else None
    if found is None or len(found[1]) != 2:
        return None
    labels, operands, out = found
    if set("".join(labels)) != set(out) or any(len(set(names)) < len(names) for names in labels):
        return None
    with session:
        a, b = (_spread(t, names, out) for t, names in zip(operands, labels, strict=True))
        return a * b


def einsum_of_one(session: Session, call: Call) -> Any | None:
    """Run an einsum of one tensor as the diagonals, sums and orders of dimensions that it is; None for another call."""
    found = _parse(call) if call.operation.contraction is Contraction.EINSUM else None
    if found is None or len(found[1]) != 1:
        return None
    (names,), (t,), out = found
    with session:
        for n in dict.fromkeys(names):
            while names.count(n) > 1:
                first, second = [i for i, other in enumerate(names) if other == n][:2]
                t = t.diagonal(dim1=first, dim2=second)
                names = names[:first] + names[first + 1 : second] + names[second + 1 :] + n
        summed = [i for i, n in enumerate(names) if n not in out]
        t = t.sum(summed) if summed else t
        kept = "".join(n for n in names if n in out)
        # A view, as that of torch, also if nothing moves.
        return t.permute([kept.index(n) for n in out])


def _spread(t: Tensor, names: str, out: str) -> Tensor:
    """Order the dimensions as in `out`, with size 1 for those that the tensor does not have."""
    ordered = _arrange(t, names, [n for n in out if n in names])
    for position, n in enumerate(out):
        ordered = ordered if n in names else ordered.unsqueeze(position)
    return ordered


def contract_and_add(session: Session, call: Call) -> Any | None:
    """Run `beta · input + alpha · (a @ b)` as a contraction and a sum; None if both factors depend on the input."""
    if call.operation.contraction is not Contraction.ADDED:
        return None
    summand, a, b = call.argument(0, "input"), *(call.argument(*factor) for factor in call.operation.factors)
    alpha, beta = call.kwargs.get("alpha", 1), call.kwargs.get("beta", 1)
    if call.depends(a) == call.depends(b):
        return None
    if _is_bias(call, summand, b):
        weight = b if alpha == 1 else b * alpha
        scaled = summand.flatten() if beta == 1 else summand.flatten() * beta
        return apply_rule(session, call, a, weight.mT, scaled.expand(b.shape[-1]), None)
    with session:
        y = torch.matmul(a, b)
        y = y if alpha == 1 else y * alpha
        return y if beta == 0 else (summand if beta == 1 else summand * beta) + y


def bilinear_map(session: Session, call: Call) -> Any | None:
    """Run `F.bilinear` with one constant input as the linear map of the other one that it is; None for another call."""
    if call.name != "bilinear":
        return None
    names = ("input1", "input2", "weight", "bias")
    a, b, weight, bias = (call.argument(i, name) for i, name in enumerate(names))
    if call.depends(a) == call.depends(b) or call.depends(weight):
        return None
    with session:
        y = torch.einsum("...i,oij,...j->...o", a, weight, b)
        return y if bias is None else y + bias


def _is_bias(call: Call, summand: Any, b: Tensor) -> bool:
    """Check if a summand is a bias: a constant per output of `x @ b`."""
    if call.name != "addmm" or call.depends(summand) or call.depends(b):
        return False
    return bool(summand.numel() == b.shape[-1] and (summand.dim() == 0 or summand.shape[-1] == b.shape[-1]))
