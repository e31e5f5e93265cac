"""Complex numbers: the linear maps that they are, with the plain gradient; equal shares in products.

The gradient of a complex tensor z in torch is `c = ∂/∂Re z + i ∂/∂Im z`, so `Re(conj(z) · c)` is the relevance of its
real and imaginary part together. Of a linear map over the real numbers, as the Fourier transforms, conj, real and imag
are, the plain gradient conserves it. So does that of |z|, which is homogeneous of degree one. In a product `a · b` the
gradient gives `Re(conj(a) · c · conj(b)) = Re(conj(ab) · c)`, the whole relevance, to each factor: a share of it, as
for real numbers, conserves.
"""

from typing import Any, NoReturn

from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.flow import total
from whyset.attribution.intercept.handlers.transparent import run_conserving
from whyset.attribution.intercept.operations import Arithmetic, OperationKind
from whyset.attribution.intercept.session import Session
from whyset.attribution.intercept.tracking import carries_gradient
from whyset.attribution.ledger import Cause
from whyset.errors import UnknownOperationError


def has_complex(call: Call) -> bool:
    """Check if a call has a complex argument, or returns a complex value."""
    # A generator would take longer, at every call of a model.
    for tensor in call.tensors:
        if tensor.is_complex():
            return True
    for value in (*call.args, *call.kwargs.values()):
        if type(value) is complex:
            return True
    return call.kind is OperationKind.COMPLEX


def complex_numbers(session: Session, call: Call) -> Any:
    """Run a call on complex numbers; UnknownOperationError: it is not linear in them."""
    if call.kind is OperationKind.COMPLEX:
        return _complex(session, call)
    if call.kind is OperationKind.TRANSPARENT and call.operation.complex_linear:
        return _linear_map(session, call)
    if call.kind is OperationKind.PRODUCT:
        return _product(session, call)
    if call.kind is OperationKind.QUOTIENT:
        return _quotient(session, call)
    if call.kind is OperationKind.LINEAR:
        return _layer(session, call)
    return refuse(session, call)


def refuse(session: Session, call: Call) -> NoReturn:
    raise UnknownOperationError(
        f"{session.where(call)}: {call.name!r} is not linear in complex numbers, and no rule is known for it. Write it "
        "with real numbers: the real and imaginary part (z.real, z.imag) or the magnitude (z.abs())"
    )


def _linear_map(session: Session, call: Call, behind_linear: bool | None = None) -> Any:
    session.note(call, "complex numbers: plain gradient")
    result = run_conserving(session, call) if call.operation.conserves else session.run(call)
    return session.finish(call, result, behind_linear=behind_linear)


def _complex(session: Session, call: Call) -> Any:
    """Run a Fourier transform, which is a linear operation without a rule, or make a complex number."""
    transforms = call.name.startswith("fft_") or "stft" in call.name
    angle = call.name == "polar" and call.depends(call.argument(1, "angle"))
    if angle or (transforms and len(call.dependents) > 1):
        refuse(session, call)  # a window that depends on the input, for example
    return _linear_map(session, call, behind_linear=True if transforms else None)


def _product(session: Session, call: Call) -> Any:
    factors = [factor for factor in call.factors if call.depends(factor)]
    return _share(
        session, call, factors, behind_linear=None if call.operation.arithmetic is Arithmetic.MULTIPLY else True
    )


def _share(session: Session, call: Call, factors: list[Tensor], behind_linear: bool | None) -> Any:
    """Run a product, with equal shares for the factors that depend on the input."""
    if len(factors) < 2:
        return _linear_map(session, call, behind_linear)
    part, shared = 1 / len(factors), {id(factor) for factor in factors}
    session.note(call, f"complex numbers: 1/{len(factors)} to each of {len(factors)} factors")
    held = call.map_tensors(lambda t: session.share(t, part) if id(t) in shared else t)
    return session.finish(call, session.run(held), behind_linear=behind_linear)


def _quotient(session: Session, call: Call) -> Any:
    denominator = call.argument(1, "other")
    if not call.depends(denominator):
        return _linear_map(session, call)
    session.note(call, "complex numbers: the denominator is a constant")
    held = call.map_tensors(lambda t: session.share(t, 0) if t is denominator else t)
    dependent = any(call.depends(t) for t in call.tensors if t is not denominator)
    return session.finish(call, session.run(held), dependent=dependent)


def _layer(session: Session, call: Call) -> Any:
    """Run a linear layer or a convolution; the rules are defined for real numbers, so it has the plain gradient."""
    x, weight, bias = (call.argument(i, name) for i, name in enumerate(("input", "weight", "bias")))
    result = _share(session, call, [factor for factor in (x, weight) if call.depends(factor)], behind_linear=True)
    if isinstance(bias, Tensor) and not call.depends(bias) and carries_gradient(result):
        channels = bias if call.name == "linear" else bias.view(-1, *[1] * (weight.dim() - 2))
        session.account(result, lambda c: {Cause.BIAS: total(channels.expand_as(c), c)})
    return result
