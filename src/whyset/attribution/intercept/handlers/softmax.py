"""Softmax, log-softmax and log-sum-exp that a model computes step by step: the plain gradient at the exponent."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.exponentials import Terms, pull_back, sum_of_own
from whyset.attribution.intercept.flow import total
from whyset.attribution.intercept.lineage import Lineage, Segments
from whyset.attribution.intercept.losses import softmax_gradient
from whyset.attribution.intercept.operations import OPERATIONS
from whyset.attribution.intercept.session import Session
from whyset.attribution.ledger import Cause


def written_softmax(session: Session, call: Call, exponential: Lineage, summed: Lineage) -> Any:
    """Run the exponential over its own sum."""
    e = exponential.exponential
    assert e is not None
    session.note(call, "softmax: plain gradient")
    y, views = call.run(), (*e.lead, *e.path)
    direct = summed.summed == exponential.value and bool(summed.dims)

    def gradient(c: Tensor, y: Tensor) -> Tensor:
        if summed.segments is not None:
            return _segment_gradient(c, y, summed.segments)
        if direct:
            return softmax_gradient(c, y, summed.dims)
        assert summed.terms is not None
        return c * y - y * sum_of_own(summed.terms, e, c * y)

    def edge(c: Tensor, y: Tensor, u: Tensor) -> tuple[Tensor]:
        g = gradient(c, y)
        return (pull_back(views, u.shape, g) if views else g,)

    def losses(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> dict[Cause, float]:
        return {Cause.NONLINEARITY: total(c, y) - total(xs[0], *edge(c, y, *xs))}

    out = session.switch(y, edge, e.exponent.tensor, losses=losses)
    return session.finish(replace(call, operation=OPERATIONS["softmax"]), out, kept=y)


def _segment_gradient(c: Tensor, y: Tensor, segments: Segments) -> Tensor:
    """Return the gradient of a softmax over the elements with the same index."""
    g, index = c * y, segments.spread(segments.index, y.shape)
    shape = [segments.size if d == segments.dim else size for d, size in enumerate(y.shape)]
    sums = g.new_zeros(shape).scatter_add(segments.dim, index, g)
    return g - y * sums.gather(segments.dim, index)


def written_logarithm(session: Session, call: Call, x: Lineage) -> Any | None:
    """Run the logarithm of a softmax, or of a sum of exponentials; None for that of another tensor."""
    if call.name != "log" or x.logarithm:
        return None
    if x.softmax:
        return _log_softmax(session, call)
    return None if x.total is None else _log_sum_exp(session, call, x.total, x.dims)


def _log_softmax(session: Session, call: Call) -> Any:
    """The softmax passes on its plain gradient, so the logarithm does too."""
    session.note(call, "log-softmax: plain gradient")
    y = session.run(call)
    value = y.detach().clone()  # the model may write into y before backward runs
    session.account(y, lambda c: {Cause.NONLINEARITY: total(c, value) - float(c.double().sum())})
    return session.finish(replace(call, operation=OPERATIONS["log_softmax"]), y)


def _log_sum_exp(session: Session, call: Call, terms: Terms, dims: tuple[int, ...]) -> Any:
    session.note(call, "log-sum-exp: plain gradient")
    y, lead = call.run(), terms.exponential.lead

    def gradient(c: Tensor, y: Tensor, u: Tensor, e: Tensor) -> Tensor:
        if terms.direct and dims:
            c, y = (_keep_dims(t, e, dims) for t in (c, y))
            return c * e / y.exp()
        g = e * pull_back(terms.path, e.shape, c / y.exp())
        return pull_back(lead, u.shape, g) if lead else g

    def edge(c: Tensor, y: Tensor, u: Tensor, e: Tensor) -> tuple[Tensor, None]:
        return gradient(c, y, u, e), None

    def losses(c: Tensor, y: Tensor, xs: Sequence[Tensor]) -> dict[Cause, float]:
        u, e = xs
        return {Cause.NONLINEARITY: total(c, y) - total(u, gradient(c, y, u, e))}

    held = terms.exponential.exponent.tensor, terms.multiple.tensor
    return session.finish(call, session.switch(y, edge, *held, losses=losses), kept=y)


def _keep_dims(t: Tensor, like: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Return a tensor with the dimensions of the sum, of size 1, so that it broadcasts with the terms."""
    return t.reshape([1 if d in dims else size for d, size in enumerate(like.shape)])
