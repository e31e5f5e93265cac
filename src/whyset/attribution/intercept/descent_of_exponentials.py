"""How exponentials, and sums of them, follow from the arguments of an operation."""

from torch import Tensor

from whyset.attribution.intercept.ancestry import Ancestry
from whyset.attribution.intercept.exponentials import Exponential, Terms
from whyset.attribution.intercept.frozen import change
from whyset.attribution.intercept.lineage import Lineage


def view_exponential(a: Ancestry, x: Lineage) -> Exponential | None:
    e = x.exponential
    if e is None or a.output is a.dependent:
        return e
    if e.multiple is None:
        return change(e, multiple=a.hold(a.dependent), value=x.value, path=(a.step(),))
    return change(e, path=(*e.path, a.step()))


def view_sum(a: Ancestry, x: Lineage) -> Terms | None:
    return None if x.terms is None else change(x.terms, path=(*x.terms.path, a.step()))


def multiply_exponential(x: Lineage) -> Exponential | None:
    """Return the exponential of a constant multiple of an exponential, or of a view of one."""
    e = x.exponential
    return e if e is None or e.multiple is None else Exponential(e.exponent, e.number, (*e.lead, *e.path))


def find_terms(a: Ancestry, x: Lineage, e: Exponential) -> Terms:
    held = a.hold(a.dependent) if e.multiple is None else e.multiple
    return Terms(e, held, x.value if e.value is None else e.value, (*e.path, a.step()))


def find_dims(a: Ancestry, x: Tensor) -> tuple[int, ...]:
    dim = a.option(1, "dim", "axis")
    if dim is None or (isinstance(dim, list | tuple) and not dim):
        return tuple(range(x.dim()))
    return tuple(d % x.dim() for d in ((dim,) if isinstance(dim, int) else dim))
