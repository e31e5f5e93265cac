"""A model that wraps another one and has its modules by the same paths."""

from collections.abc import Iterator
from typing import Any

from torch import nn


class TransparentModel(nn.Module):
    """Base of the models that change what another one returns; layers are named as in the wrapped model.

    >>> inner = nn.Sequential(nn.Linear(4, 3)).eval()
    >>> TransparentModel(inner).get_submodule("0") is inner[0]
    True
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.wrapped = model
        self.training = model.training  # not `train`, which would change the mode of its parts

    def named_modules(
        self, memo: set[nn.Module] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, nn.Module]]:
        """Yield the modules of the wrapped model by their paths in it."""
        yield from self.wrapped.named_modules(memo, prefix, remove_duplicate)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the wrapped model, such as a layer."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name == "wrapped":
                raise
            return getattr(self.wrapped, name)
