"""A row of the table of torch functions: everything that depends on which function a call runs."""

from dataclasses import dataclass
from enum import Flag, StrEnum, auto
from typing import Any


class OperationKind(StrEnum):
    """The handler that runs a call. TRANSPARENT calls run unchanged.

    For linear, piecewise linear and selecting operations the plain gradient is the right coefficient.
    """

    LINEAR = "linear"  # linear and (transposed) convolution: the composite chooses a rule
    BATCH_NORM = "batch norm"  # affine; merged into the linear operation directly before it
    ACTIVATION = "activation"  # c · f(x)/x
    PRODUCT = "product"  # equal shares to all factors that depend on the input
    ATTENTION = "attention"  # fused softmax(qkᵀ)v: shares ¼, ¼, ½
    QUOTIENT = "quotient"  # the denominator is a constant
    COMPOUND = "compound"  # run as the operations that it consists of
    NORM = "norm"  # layer, group, RMS, instance norm: the standard deviation is a constant
    QUADRATIC = "quadratic"  # homogeneous of degree two: half the gradient
    RECURRENT = "recurrent"  # one call runs a whole network over time: by the equations of its cells
    COMPLEX = "complex"  # Fourier transforms, and what makes complex numbers: linear maps
    RELU = "relu"  # plain gradient, unless a composite modifies it
    TRANSPARENT = "transparent"
    PLAIN = "plain"  # not an operation on values: shapes, dtypes, printing, backward itself


class Twin(StrEnum):
    """What happens to the relevance twin of a tensor."""

    MOVED = "the function is applied to the twin as well"
    PADDED = "moved, and constants that it adds get a part of the relevance that a rule states"
    SHIFTED = "kept, as long as a constant shifts the input and not a function of it"
    SCALED = "kept before the first linear operation"
    KEPT = "kept"
    LOST = "lost"


class Loss(StrEnum):
    """What keeps relevance if the call has its plain gradient."""

    NONE = "nothing"
    CONSTANT = "constants, c · f(0)"
    BIAS = "the shift, c · f(0)"
    HOMOGENEOUS = "constants among the arguments, t · ∂f/∂t"
    SOFTMAX = "the nonlinearity of the softmax"
    SOFTMIN = "the nonlinearity of the softmin"
    LOG_SOFTMAX = "the nonlinearity of the log-softmax"
    LOGSUMEXP = "the nonlinearity of the logarithm and the exponential"
    EXP = "the nonlinearity of the exponential of a log-softmax"
    PLACES = "the places that values are read at, which are not homogeneous, −g · ∂f/∂g"


class Descent(StrEnum):
    """How the lineage of the output follows from those of the arguments."""

    ROOT = auto()  # the output is a new root
    CAST = auto()
    VIEW = auto()
    PAD = auto()
    TRIANGLE = auto()  # zeros in place of some elements
    MAP = auto()  # a linear map of one tensor, or elements of several
    ITEM = auto()
    PART = auto()
    JOIN = auto()
    REDUCE = auto()  # a statistic
    NORM = auto()  # a statistic that is not linear: a norm, or a measure of spread
    DISTANCE = auto()  # a nonlinear function of elements
    AVERAGE = auto()  # a statistic with the offset of its elements
    MEAN = auto()
    SUM = auto()
    LOGSUMEXP = auto()
    MAX = auto()  # of two tensors, or a reduction
    MIN = auto()
    LARGER = auto()
    SMALLER = auto()
    ADD = auto()
    MULTIPLY = auto()  # and divide
    NEGATE = auto()
    POW = auto()
    POWER = auto()
    GUARD = auto()  # a lower bound
    LOG = auto()
    EXP = auto()
    FUNCTION = auto()  # another function of one tensor, element by element
    SELECT = auto()
    CONTRACT = auto()
    SCATTER = auto()  # sums of the elements with the same index
    SOFTMAX = auto()
    LOG_SOFTMAX = auto()


class Arithmetic(StrEnum):
    """The operator of a function of two operands."""

    ADD = "add"
    SUBTRACT = "sub"
    SUBTRACT_FROM = "rsub"
    MULTIPLY = "mul"
    DIVIDE = "div"


class Contraction(StrEnum):
    """The form of the arguments of a contraction, which is a linear map if all but one are constants."""

    EINSUM = auto()
    MATMUL = auto()
    INNER = auto()
    TENSORDOT = auto()
    ADDED = auto()  # to a summand


class Integers(Flag):
    """What a function does with ids and other tensors of integers; NONE takes them as positions."""

    NONE = 0
    LOOKUP = auto()  # reads a table at the positions that ids name
    CREATES = auto()  # takes shape, type and device from a tensor, but not its values
    LIKE = auto()  # takes only shape, type or device from its second argument
    POSITIONS = auto()  # returns positions or counts
    SCATTERS = auto()  # its third argument is an index: it says where values go, and is not a value
    ASSIGNS = auto()  # its second argument is such an index
    SUM = auto()
    QUOTIENT = auto()
    RECIPROCAL = auto()
    ARITHMETIC = auto()  # converts integers to floating point if another operand is
    CONTRACTS = auto()
    CONTRACTION = ARITHMETIC | CONTRACTS


@dataclass(frozen=True)
class Operation:
    """A torch function.

    Parameters
    ----------
    name : str
        The name without the underscores of in-place and operator forms: `relu`, `relu_`, `Tensor.relu` are `relu`; `+`,
        `+=` and `add_` are `add`.
    kind : OperationKind or None, default None
        The handler that runs its calls; None if no rule is known.
    twin : Twin, default Twin.LOST
        What happens to a relevance twin.
    conserves : bool, default False
        True if it returns elements unchanged, often as views of its input or as the input itself, and loses no
        relevance.
    loss : Loss, default Loss.NONE
        What keeps relevance if it has its plain gradient.
    descent : Descent, default Descent.ROOT
        The lineage of its output.
    power : float, default 1.0
        The power with which the output grows with its argument, for a power and a statistic.
    arithmetic : Arithmetic or None, default None
        Its operator.
    contraction : Contraction or None, default None
        The form of its arguments, if it can be a linear map of one of them.
    factors : tuple of (int, str), default ()
        The factors among the arguments of a product, by position and name; () for all.
    integers : Integers, default Integers.NONE
        What it does with tensors of integers.
    piecewise : bool, default False
        True if the plain gradient is f(x)/x, as long as the offset of x is 0.
    per_channel : bool, default False
        True if it has a parameter for each channel, so that its value depends on the shape of its argument.
    complex_linear : bool, default True
        False if its plain gradient is not relevance for complex numbers, as it is neither linear nor homogeneous.
    only_in_place : bool, default False
        True if its in-place form is not computed out of place.
    """

    name: str
    kind: OperationKind | None = None
    twin: Twin = Twin.LOST
    conserves: bool = False
    loss: Loss = Loss.NONE
    descent: Descent = Descent.ROOT
    power: float = 1.0
    arithmetic: Arithmetic | None = None
    contraction: Contraction | None = None
    factors: tuple[tuple[int, str], ...] = ()
    integers: Integers = Integers.NONE
    piecewise: bool = False
    per_channel: bool = False
    complex_linear: bool = True
    only_in_place: bool = False


def rows(names: str, kind: OperationKind | None = None, **fields: Any) -> tuple[Operation, ...]:
    """Return the rows of functions with the same treatment, from their names separated by spaces."""
    return tuple(Operation(name, kind, **fields) for name in names.split())
