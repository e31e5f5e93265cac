"""How the lineage of the output of an operation follows from those of its arguments: one function per `Descent`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import Tensor

from whyset.attribution.intercept.ancestry import Ancestry, number
from whyset.attribution.intercept.descent_of_exponentials import (
    find_dims,
    find_terms,
    multiply_exponential,
    view_sum,
)
from whyset.attribution.intercept.descent_of_moves import (
    find_moved_offset,
    item,
    join,
    linear_map,
    pad,
    part,
    triangle,
    view,
)
from whyset.attribution.intercept.exponentials import Exponential
from whyset.attribution.intercept.frozen import change
from whyset.attribution.intercept.lineage import Lineage, Segments, guards, root
from whyset.attribution.intercept.operations import Arithmetic, Contraction, Descent


def descend(a: Ancestry) -> Lineage:
    """Return the lineage of the output of an operation."""
    known = [lineage for lineage in a.lineages if lineage is not None]
    rule = _RULES.get(a.operation.descent)
    if rule is None or not known:
        return root(a.value)
    found = rule(a, known)
    return _follow(a, known, found) if a.operation.descent in _ELEMENTWISE else found


def _follow(a: Ancestry, known: list[Lineage], found: Lineage) -> Lineage:
    """Add what the output is a function of, element by element."""
    if found.softmax and a.operation.descent is Descent.EXP:
        return found
    linear, product = a.operation.descent in _LINEAR, a.operation.descent is Descent.MULTIPLY
    origins = known[0].origins.union(*(lineage.origins for lineage in known[1:]))
    nonlinear = not linear or any(lineage.nonlinear for lineage in known) or _masks_itself(a, origins)
    if linear and len(known) > 1 and not product and len(origins) > 1:
        return change(found, origins=frozenset({a.value}), nonlinear=False)
    nonlinear = nonlinear or (product and len(known) > 1)
    softmax = len(known) == 1 and known[0].softmax and (not nonlinear or a.operation.descent is Descent.GUARD)
    if (origins, nonlinear, softmax) == (found.origins, found.nonlinear, found.softmax):
        return found
    return change(found, origins=origins, nonlinear=nonlinear, softmax=softmax)


def _masks_itself(a: Ancestry, origins: frozenset[int]) -> bool:
    """Check if a mask follows from the tensor that it masks, as in `x * (x > 0)`, which is a ReLU."""
    if not a.has_masks:
        return False
    of_masks = frozenset[int]().union(*(a.mask_origins(value) for value in (*a.constants, *a.options.values())))
    return bool(of_masks) and of_masks <= origins


def _cast(a: Ancestry, known: list[Lineage]) -> Lineage:
    return known[0]


def _scatter(a: Ancestry, known: list[Lineage]) -> Lineage:
    """Sum values of a nonlinear function, such as exponentials, that have the same index: a statistic."""
    x, dim, index = known[0], a.option(1, "dim"), a.option(2, "index")
    sums = a.operation.name != "scatter_reduce" or a.option(4, "reduce") == "sum"
    if len(known) > 1 or a.lineages[0] is not None or not x.nonlinear or not sums or not isinstance(index, Tensor):
        return root(a.value)
    dim = dim % a.output.dim()
    summed = x.value if x.exponential is not None else None
    found = change(
        x, value=a.value, level=x.level + 1, exponential=None, normalized=False, offset=find_moved_offset(a, known)
    )
    return change(found, summed=summed, terms=None, segments=Segments(dim, index, a.output.shape[dim]))


def _common_offset(known: list[Lineage]) -> float:
    """Return the offset that all tensors have, 0 if they have different ones."""
    first, *others = (lineage.offset for lineage in known)
    if isinstance(first, Tensor) or any(isinstance(offset, Tensor) or offset != first for offset in others):
        return 0.0
    return first


def _reduce(a: Ancestry, known: list[Lineage]) -> Lineage:
    x = known[0]
    descent = a.operation.descent
    if descent is Descent.LOGSUMEXP:
        return change(_begin_function(a, known), summed=x.elements)
    base = change(x, value=a.value, level=x.level + 1, exponential=None, summed=None, normalized=False)
    base = change(base, degree=x.degree * a.operation.power, offset=_reduce_offset(a, x))
    if descent is Descent.NORM:
        return change(base, nonlinear=True)
    if x.exponential is not None and descent in (Descent.SUM, Descent.MEAN):
        dims = find_dims(a, a.dependent) if descent is Descent.SUM else ()
        return change(base, summed=x.value, terms=find_terms(a, x, x.exponential), dims=dims)
    return base


def _begin_function(a: Ancestry, known: list[Lineage]) -> Lineage:
    """A new root that is a nonlinear function of elements of one tensor."""
    origins = known[0].origins if len(known) == 1 else frozenset({a.value})
    return change(root(a.value), origins=origins, nonlinear=True)


def _reduce_offset(a: Ancestry, x: Lineage) -> float | Tensor:
    if isinstance(x.offset, Tensor):
        return a.move()
    if a.operation.descent in (Descent.AVERAGE, Descent.MEAN, Descent.MAX, Descent.MIN):
        return x.offset
    if a.operation.descent is Descent.SUM:
        return x.offset * a.dependent.numel() / max(a.output.numel(), 1)
    return find_moved_offset(a, [x])


def _sum(a: Ancestry, known: list[Lineage]) -> Lineage:
    """Add or subtract two operands; a constant with several elements is a bias, which does not shift the offset."""
    if len(known) == 1:
        return _shift(a, known[0])
    x, y = known[0], known[1]
    offset = a.image(x.offset) if x is y else _apply(a, x.offset, y.offset)
    if (
        a.operation.arithmetic is Arithmetic.SUBTRACT
        and y.summed == x.elements
        and y.exponential is None
        and y.level == 0
    ):
        return change(root(a.value), normalized=True)
    if x.roots == y.roots and x.degree == y.degree and x.logarithm == y.logarithm:
        return Lineage(a.value, x.roots, offset, min(x.level, y.level), x.degree, x.logarithm, whole=x.whole)
    whole = x.whole or x.roots
    if whole == (y.whole or y.roots) and x.degree == y.degree != 1 and not x.logarithm and not y.logarithm:
        return Lineage(a.value, whole, offset, max(x.level, y.level, 1), x.degree)  # a sum over parts, as of squares
    return root(a.value, offset)


def _shift(a: Ancestry, x: Lineage) -> Lineage:
    constant = a.constants[0] if a.constants else a.options.get("other")
    bias = isinstance(constant, Tensor) and constant.numel() > 1
    offset = (
        a.image(x.offset)
        if not bias
        else (-x.offset if a.operation.arithmetic is Arithmetic.SUBTRACT_FROM else x.offset)
    )
    return change(x, value=a.value, offset=offset, exponential=None, normalized=False)


def _apply(a: Ancestry, x0: float | Tensor, y0: float | Tensor) -> float | Tensor:
    """Combine the offsets of two operands; that of a quotient whose divisor is 0, but for a guard, counts as 0."""
    y0 = a.options.get("alpha", 1) * y0
    match a.operation.arithmetic:
        case Arithmetic.ADD:
            return x0 + y0
        case Arithmetic.SUBTRACT:
            return x0 - y0
        case Arithmetic.SUBTRACT_FROM:
            return y0 - x0
        case Arithmetic.MULTIPLY:
            return x0 * y0
    return 0.0 if isinstance(y0, Tensor) or guards(y0) else x0 / y0


def _product(a: Ancestry, known: list[Lineage]) -> Lineage:
    if len(known) == 1:
        return _scale(a, known[0])
    x, y = known[0], known[1]
    offset = _apply(a, x.offset, y.offset)
    sign = 1.0 if a.operation.arithmetic is Arithmetic.MULTIPLY else -1.0
    if x.logarithm or y.logarithm:
        return root(a.value, offset)
    whole = x.whole if x.roots == y.roots else frozenset[int]()
    degree = x.degree + sign * y.degree
    return Lineage(a.value, x.roots | y.roots, offset, min(x.level, y.level), degree, whole=whole)


def _scale(a: Ancestry, x: Lineage) -> Lineage:
    """Multiply by a constant, divide by it, or divide it."""
    multiplies = a.operation.arithmetic is Arithmetic.MULTIPLY
    if not multiplies and a.lineages[0] is None:
        inverse = _power(a, [x], -1.0)
        return inverse if number(a.given[0]) == 1 else change(inverse, summed=None)
    offset = 0.0 if x.at_zero else a.image(x.offset)
    degree = x.degree
    if x.logarithm:
        factor = number(a.constants[0]) if a.constants else None
        if not factor:
            return root(a.value, offset)
        degree *= factor if multiplies else 1 / factor
    exponential = multiply_exponential(x)
    kept = change(
        x, value=a.value, offset=offset, degree=degree, summed=None, normalized=False, exponential=exponential
    )
    if x.total is None or not a.constants or number(a.constants[0]) is None:
        return kept
    return change(kept, summed=x.summed, terms=view_sum(a, x), dims=())


def _power(a: Ancestry, known: list[Lineage], power: float) -> Lineage:
    x = known[0]
    if x.logarithm:
        return root(a.value, a.image(x.offset))
    summed = x.summed if power == -1.0 else None
    changed = change(x, value=a.value, offset=a.image(x.offset), degree=x.degree * power)
    return change(changed, exponential=None, normalized=False, summed=summed)


def _pow(a: Ancestry, known: list[Lineage]) -> Lineage:
    power = number(a.option(1, "exponent")) if a.lineages[0] is not None else None
    return root(a.value, a.image(known[0].offset)) if power is None else _power(a, known, power)


def _negate(a: Ancestry, known: list[Lineage]) -> Lineage:
    x = known[0]
    if x.logarithm:
        return change(x, value=a.value, offset=a.image(x.offset), degree=-x.degree)
    return _power(a, known, 1.0)


def _guard(a: Ancestry, known: list[Lineage]) -> Lineage:
    """A lower bound guards a divisor; an upper one makes another function."""
    if a.option(2, "max") is not None:
        return _function(a, known)
    return change(_power(a, known, 1.0), summed=known[0].summed)


def _log(a: Ancestry, known: list[Lineage]) -> Lineage:
    x = known[0]
    if x.total is not None:
        return change(root(a.value), summed=x.total.exponential.number)
    if x.logarithm:
        return _function(a, known)
    return change(_power(a, known, 1.0), logarithm=True, exponential=None, summed=None)


def _exp(a: Ancestry, known: list[Lineage]) -> Lineage:
    x = known[0]
    if x.normalized:
        return change(root(a.value), softmax=True)
    if x.logarithm:
        return change(x, value=a.value, offset=a.image(x.offset), logarithm=False)
    return change(root(a.value, a.image(x.offset)), exponential=Exponential(a.hold(a.given[0]), x.elements))


def _function(a: Ancestry, known: list[Lineage]) -> Lineage:
    return root(a.value, a.image(known[0].offset))


def _select(a: Ancestry, known: list[Lineage]) -> Lineage:
    """Choose between values element by element; a constant in place of some is their offset."""
    if len(known) == 1:
        return _fill(a, known[0])
    return root(a.value, _common_offset(known))


def _fill(a: Ancestry, x: Lineage) -> Lineage:
    constants = a.constants[1:]  # after the mask
    constant = number(constants[0] if constants else a.options.get("value", a.options.get("other")))
    same = not isinstance(x.offset, Tensor) and constant == x.offset
    kept = change(x, value=a.value, offset=x.offset if same else a.image(x.offset), summed=None, normalized=False)
    return change(kept, exponential=multiply_exponential(x) if constant == 0 else None)


def _extreme(a: Ancestry, known: list[Lineage]) -> Lineage:
    """The larger or smaller of two tensors."""
    if len(known) == 1:
        other = a.constants[0] if a.constants else None
        if isinstance(other, Tensor) and other.numel() > 1:
            return root(a.value)
        return _power(a, known, 1.0) if a.operation.descent in (Descent.LARGER, Descent.MAX) else _function(a, known)
    return root(a.value)


def _extreme_or_reduce(a: Ancestry, known: list[Lineage]) -> Lineage:
    if len(a.given) > 1 and isinstance(a.given[1], Tensor):
        return _extreme(a, known)
    return _reduce(a, known)


def _contract(a: Ancestry, known: list[Lineage]) -> Lineage:
    """The contraction of a tensor with itself, element by element, is a statistic of degree two."""
    same = len(known) == 2 and known[0].value == known[1].value
    if not same or not _contracts_elements(a):
        return root(a.value)
    return Lineage(a.value, known[0].roots, 0.0, known[0].level + 1, 2 * known[0].degree)


def _contracts_elements(a: Ancestry) -> bool:
    if a.operation.contraction is not Contraction.EINSUM:
        return True
    left, _, right = str(a.given[0]).replace(" ", "").partition("->")
    first, _, second = left.partition(",")
    return first == second and set(right) < set(first)


_RULES: Mapping[Descent, Callable[[Ancestry, list[Lineage]], Lineage]] = MappingProxyType(
    {
        Descent.CAST: _cast,
        Descent.VIEW: view,
        Descent.PAD: pad,
        Descent.TRIANGLE: triangle,
        Descent.MAP: linear_map,
        Descent.ITEM: item,
        Descent.PART: part,
        Descent.JOIN: join,
        Descent.REDUCE: _reduce,
        Descent.NORM: _reduce,
        Descent.AVERAGE: _reduce,
        Descent.MEAN: _reduce,
        Descent.SUM: _reduce,
        Descent.LOGSUMEXP: _reduce,
        Descent.MAX: _extreme_or_reduce,
        Descent.MIN: _extreme_or_reduce,
        Descent.LARGER: _extreme,
        Descent.SMALLER: _extreme,
        Descent.ADD: _sum,
        Descent.MULTIPLY: _product,
        Descent.NEGATE: _negate,
        Descent.POW: _pow,
        Descent.POWER: lambda a, known: _power(a, known, a.operation.power),
        Descent.GUARD: _guard,
        Descent.LOG: _log,
        Descent.EXP: _exp,
        Descent.FUNCTION: _function,
        Descent.SELECT: _select,
        Descent.CONTRACT: _contract,
        Descent.SCATTER: _scatter,
        Descent.DISTANCE: _begin_function,
        Descent.LOG_SOFTMAX: lambda a, known: change(_begin_function(a, known), normalized=True),
        Descent.SOFTMAX: lambda a, known: change(root(a.value), softmax=True),
    }
)
_LINEAR = frozenset((Descent.CAST, Descent.ADD, Descent.MULTIPLY, Descent.NEGATE, Descent.SELECT, Descent.TRIANGLE))
_ELEMENTWISE = _LINEAR | {
    Descent.POW,
    Descent.POWER,
    Descent.GUARD,
    Descent.LOG,
    Descent.EXP,
    Descent.FUNCTION,
    Descent.LARGER,
    Descent.SMALLER,
}
