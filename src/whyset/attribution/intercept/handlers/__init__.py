"""Handlers: `HANDLERS` maps each kind of operation to the function that runs its calls."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.handlers.activation import activation, relu
from whyset.attribution.intercept.handlers.attention import attention
from whyset.attribution.intercept.handlers.batch_norm import batch_norm
from whyset.attribution.intercept.handlers.complex_numbers import complex_numbers
from whyset.attribution.intercept.handlers.compound import compound
from whyset.attribution.intercept.handlers.linear import linear
from whyset.attribution.intercept.handlers.norm import norm
from whyset.attribution.intercept.handlers.product import product, quadratic, quotient
from whyset.attribution.intercept.handlers.recurrent import recurrent
from whyset.attribution.intercept.handlers.transparent import transparent
from whyset.attribution.intercept.operations import OperationKind
from whyset.attribution.intercept.session import Session

HANDLERS: Mapping[OperationKind, Callable[[Session, Call], Any]] = MappingProxyType(
    {
        OperationKind.LINEAR: linear,
        OperationKind.BATCH_NORM: batch_norm,
        OperationKind.RELU: relu,
        OperationKind.ACTIVATION: activation,
        OperationKind.PRODUCT: product,
        OperationKind.ATTENTION: attention,
        OperationKind.QUOTIENT: quotient,
        OperationKind.COMPOUND: compound,
        OperationKind.NORM: norm,
        OperationKind.QUADRATIC: quadratic,
        OperationKind.RECURRENT: recurrent,
        OperationKind.COMPLEX: complex_numbers,
        OperationKind.TRANSPARENT: transparent,
    }
)
