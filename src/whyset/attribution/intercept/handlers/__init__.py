"""What interception does with each kind of call: `HANDLERS` maps a kind to the function that runs such a call."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.activation import activation, relu
from whyset.attribution.intercept.handlers.batch_norm import batch_norm
from whyset.attribution.intercept.handlers.linear import linear
from whyset.attribution.intercept.handlers.norm import norm
from whyset.attribution.intercept.handlers.product import attention, normaliser, product, quadratic, quotient
from whyset.attribution.intercept.handlers.transparent import recurrent, transparent
from whyset.attribution.intercept.operations import Kind
from whyset.attribution.intercept.session import Session

HANDLERS: Mapping[Kind, Callable[[Session, Call], Any]] = MappingProxyType(
    {
        Kind.LINEAR: linear,
        Kind.BATCH_NORM: batch_norm,
        Kind.RELU: relu,
        Kind.ACTIVATION: activation,
        Kind.PRODUCT: product,
        Kind.ATTENTION: attention,
        Kind.QUOTIENT: quotient,
        Kind.NORMALISER: normaliser,
        Kind.NORM: norm,
        Kind.QUADRATIC: quadratic,
        Kind.RECURRENT: recurrent,
        Kind.TRANSPARENT: transparent,
    }
)
