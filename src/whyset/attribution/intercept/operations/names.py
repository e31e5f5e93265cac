"""Names of torch functions, without the underscores of in-place and operator forms."""

from types import MappingProxyType

from torch._ops import OpOverload, OpOverloadPacket

from whyset.attribution.intercept.operations.table import OPERATIONS

_IN_PLACE_OPERATORS = frozenset(
    "__iadd__ __isub__ __imul__ __itruediv__ __idiv__ __ipow__ __imatmul__ __setitem__".split()
)
_ALIASES = MappingProxyType(
    {"iadd": "add", "isub": "sub", "imul": "mul", "itruediv": "div", "idiv": "div", "ipow": "pow", "imatmul": "matmul"}
)
_REFLECTED = MappingProxyType(
    {"radd": "add", "rmul": "mul", "rmatmul": "matmul", "rpow": "pow", "rdiv": "div", "rtruediv": "div"}
)


def raw_name(func: object) -> str:
    """Return the name of a torch function; for a property of tensors (`x.T`, `x.shape`) that of the property."""
    if isinstance(func, OpOverload | OpOverloadPacket):
        return str(getattr(func, "overloadpacket", func).__name__)
    name = str(getattr(func, "__name__", type(func).__name__))
    return str(getattr(getattr(func, "__self__", None), "__name__", name)) if name == "__get__" else name


def canonical_name(name: str) -> str:
    """Return the name in the table, without the underscores of in-place and operator forms."""
    if name in OPERATIONS:
        return name
    if name.startswith("__") and name.endswith("__"):
        bare = name[2:-2]
        return _ALIASES.get(bare) or _REFLECTED.get(bare) or bare
    return name.removesuffix("_")


def is_in_place(name: str) -> bool:
    """Check if a function writes into its first argument."""
    if name in OPERATIONS:
        return False
    return name in _IN_PLACE_OPERATORS or (name.endswith("_") and not name.endswith("__"))
