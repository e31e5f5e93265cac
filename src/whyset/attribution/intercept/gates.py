"""Gates: factors of a product that a composite may hold constant."""

from enum import IntEnum

from whyset.attribution.intercept.operations import GATES, OperationKind


class GateRank(IntEnum):
    """How much of a gate a factor is. Of factors with different ranks, those of the lowest carry the relevance.

    A bounded gate (sigmoid, softmax) only scales its partner, also if that is the output of an activation, as in
    `sigmoid(o) * tanh(c)`. The output of another activation is a gate to a factor without one, as in `silu(a) * b`.
    """

    NONE = 0
    ACTIVATION = 1
    BOUNDED = 2


_BOUNDED = GATES | {"sigmoid", "expit", "special_expit", "hardsigmoid"}


def find_gate_rank(name: str, kind: OperationKind | None) -> GateRank:
    """Return the rank of the output of an operation, from its name and kind."""
    if name in _BOUNDED:
        return GateRank.BOUNDED
    return GateRank.ACTIVATION if kind in (OperationKind.ACTIVATION, OperationKind.RELU) else GateRank.NONE
