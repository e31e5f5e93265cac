"""Operations that consist of others, run step by step."""

import string
from collections.abc import Callable, Mapping
from functools import reduce
from itertools import groupby
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.attention import ATTENTION, written_attention
from whyset.attribution.intercept.session import Session
from whyset.errors import InputError


def compound(session: Session, call: Call) -> Any:
    """Run the operations that a call consists of."""
    with session:
        return STEPS[call.name](call)


def _lerp(call: Call) -> Any:
    start, end, weight = (call.argument(i, name) for i, name in enumerate(("input", "end", "weight")))
    return start + weight * (end - start)


def _glu(call: Call) -> Any:
    value, gate = call.argument(0, "input").chunk(2, call.argument(1, "dim", -1))
    return value * torch.sigmoid(gate)


def _addcmul(call: Call) -> Any:
    x, a, b = (call.argument(i, name) for i, name in enumerate(("input", "tensor1", "tensor2")))
    return x + _times(a * b, call.kwargs.get("value", 1))


def _addcdiv(call: Call) -> Any:
    x, a, b = (call.argument(i, name) for i, name in enumerate(("input", "tensor1", "tensor2")))
    return x + _times(a / b, call.kwargs.get("value", 1))


def _times(x: Any, factor: Any) -> Any:
    return x if not isinstance(factor, Tensor) and factor == 1 else x * factor


def _cosine_similarity(call: Call) -> Any:
    a, b = call.argument(0, "x1"), call.argument(1, "x2")
    dim, eps = call.argument(2, "dim", 1), call.argument(3, "eps", 1e-8)
    a, b = (t / torch.linalg.vector_norm(t, dim=dim, keepdim=True).clamp_min(eps) for t in (a, b))
    return (a * b).sum(dim)


def _vecdot(call: Call) -> Any:
    """Contract one dimension; the others are broadcast from the last one on."""
    a, b = call.argument(0, "x"), call.argument(1, "y")
    names = string.ascii_lowercase[: max(a.dim(), b.dim())]
    left, right = (names[len(names) - t.dim() :] for t in (a, b))
    out = names.replace(names[call.argument(2, "dim", -1)], "")
    return torch.einsum(f"{left},{right}->{out}", a.conj() if a.is_complex() else a, b)


def _prod(call: Call) -> Any:
    """Multiply one after the other."""
    x, dim = call.argument(0, "input"), call.argument(1, "dim")
    factors = x.flatten().unbind(0) if dim is None else x.unbind(dim)
    result = factors[0]
    for factor in factors[1:]:
        result = result * factor
    return result.unsqueeze(dim) if dim is not None and call.argument(2, "keepdim", False) else result


def _var_mean(call: Call) -> tuple[Tensor, Tensor]:
    x, options = _statistic(call)
    return x.var(**options), x.mean(options.get("dim"), keepdim=options.get("keepdim", False))


def _std_mean(call: Call) -> tuple[Tensor, Tensor]:
    x, options = _statistic(call)
    return x.std(**options), x.mean(options.get("dim"), keepdim=options.get("keepdim", False))


def _statistic(call: Call) -> tuple[Tensor, dict[str, Any]]:
    """Return the tensor and the options of a statistic, whose second positional argument may be `unbiased`."""
    x, *rest = call.args
    options = dict(call.kwargs)
    if rest and isinstance(rest[0], bool):
        options["unbiased"] = rest[0]
    elif rest:
        options |= dict(zip(("dim", "unbiased", "keepdim"), rest, strict=False))
    if "unbiased" in options:
        options["correction"] = int(options.pop("unbiased"))
    options.setdefault("dim", None)
    return x, options


def _convolution(call: Call) -> Any:
    """Run `aten.convolution`, the form of convolutions in exported graphs."""
    names = ("input", "weight", "bias", "stride", "padding", "dilation", "transposed", "output_padding", "groups")
    given = call.arguments(names)
    functions = torch.nn.functional
    kind = f"conv{'_transpose' if given['transposed'] else ''}{given['weight'].dim() - 2}d"
    options = {name: given[name] for name in ("stride", "padding", "dilation", "groups")}
    options |= {"output_padding": given["output_padding"]} if given["transposed"] else {}
    return getattr(functions, kind)(given["input"], given["weight"], given["bias"], **options)


def _flash_attention(call: Call) -> tuple[Tensor, None]:
    """Run the form of fused attention in exported graphs."""
    given = call.arguments(("query", "key", "value", "dropout_p", "is_causal"))
    return torch.nn.functional.scaled_dot_product_attention(**given), None


def _native_layer_norm(call: Call) -> tuple[Tensor, None, None]:
    return torch.nn.functional.layer_norm(*call.args), None, None


def _native_group_norm(call: Call) -> tuple[Tensor, None, None]:
    x, weight, bias, _, _, _, groups, eps = call.args
    return torch.nn.functional.group_norm(x, groups, weight, bias, eps), None, None


def _math_attention(call: Call) -> tuple[Tensor, None]:
    """Run the form of attention in exported graphs that is not fused; the weights that it returns too are not used."""
    return written_attention(call.arguments(ATTENTION)), None


def _chain(call: Call) -> Any:
    """Contract neighbors that are constants, which are one linear map, and then from left to right."""
    given = list(call.args[0] if isinstance(call.args[0], list | tuple) else call.args)
    runs = [list(run) for _, run in groupby(given, call.depends)]
    factors = [t for run in runs for t in (run if call.depends(run[0]) else [reduce(torch.matmul, run)])]
    return reduce(torch.matmul, factors)


def _addbmm(call: Call) -> Any:
    """Sum the products of all batches, and add the first argument."""
    summand, a, b = (call.argument(i, name) for i, name in enumerate(("input", "batch1", "batch2")))
    y = _times(torch.einsum("bij,bjk->ik", a, b), call.kwargs.get("alpha", 1))
    return _times(summand, call.kwargs.get("beta", 1)) + y


def _grouped_mm(call: Call) -> Any:
    """Multiply the rows of each group by the matrix of the group, as mixtures of experts do."""
    names = ("mat_a", "mat_b", "offs", "bias", "out_dtype")
    a, b, ends, bias, dtype = (call.argument(i, name) for i, name in enumerate(names))
    if ends is None:
        y = torch.bmm(a, b)
    elif a.dim() == 2 and b.dim() == 3:
        groups = a.tensor_split(ends[:-1].tolist())
        y = torch.cat([part @ matrix for part, matrix in zip(groups, b, strict=True)])
    else:
        raise InputError(
            f"{call.name}: expected rows (n, in) and matrices (groups, in, out), got {tuple(a.shape)} and "
            f"{tuple(b.shape)}; multiply the groups one by one"
        )
    y = y if bias is None else y + bias
    return y if dtype is None else y.to(dtype)


def _batch_norm_of_batch(call: Call) -> tuple[Tensor, None, None]:
    """Run the form of instance norms, and of batch norms with statistics of the batch, in exported graphs."""
    x, weight, bias, *rest = call.args
    mean, variance, training, momentum, eps = rest if len(rest) == 5 else (None, None, *rest)
    if not training:
        return torch.nn.functional.batch_norm(x, mean, variance, weight, bias, False, momentum, eps), None, None
    joined = x.transpose(0, 1).flatten(1)[None]  # all samples as one, whose channels are normalized
    y = torch.nn.functional.instance_norm(joined, weight=weight, bias=bias, eps=eps)[0]
    return y.unflatten(1, (len(x), *x.shape[2:])).transpose(0, 1), None, None


def _native_batch_norm(call: Call) -> tuple[Tensor, None, None]:
    x, weight, bias, mean, variance, momentum, eps = call.args
    return torch.nn.functional.batch_norm(x, mean, variance, weight, bias, False, momentum, eps), None, None


STEPS: Mapping[str, Callable[[Call], Any]] = MappingProxyType(
    {
        "lerp": _lerp,
        "glu": _glu,
        "addcmul": _addcmul,
        "addcdiv": _addcdiv,
        "cosine_similarity": _cosine_similarity,
        "linalg_vecdot": _vecdot,
        "prod": _prod,
        "var_mean": _var_mean,
        "std_mean": _std_mean,
        "convolution": _convolution,
        "_scaled_dot_product_flash_attention_for_cpu": _flash_attention,
        "_scaled_dot_product_attention_math": _math_attention,
        "chain_matmul": _chain,
        "linalg_multi_dot": _chain,
        "addbmm": _addbmm,
        "_grouped_mm": _grouped_mm,
        "grouped_mm": _grouped_mm,
        "_native_batch_norm_legit": _batch_norm_of_batch,
        "native_layer_norm": _native_layer_norm,
        "native_group_norm": _native_group_norm,
        "_native_batch_norm_legit_no_training": _native_batch_norm,
    }
)
