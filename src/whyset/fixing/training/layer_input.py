"""The input that a layer takes in a call of its model."""

from typing import Any, Self

from torch import Tensor, nn

from whyset.errors import InputError


class LayerInput:
    """Record the input that a module takes, in a `with` block; afterwards its `value` is that of the last call.

    Parameters
    ----------
    model : torch.nn.Module
        The model.
    path : str
        The path of the module in it.

    Raises
    ------
    InputError
        The model has no such module; with the value: it was not called.

    Examples
    --------
    >>> import torch
    >>> model = nn.Sequential(nn.ReLU(), nn.Linear(2, 3))
    >>> with LayerInput(model, "1") as taken:
    ...     output = model(torch.tensor([[-1.0, 2.0]]))
    >>> taken.value
    tensor([[0., 2.]])
    """

    def __init__(self, model: nn.Module, path: str) -> None:
        modules = dict(model.named_modules())
        if path not in modules or path == "":
            raise InputError(f"layer {path!r}: expected the path of a module, one of {', '.join(list(modules)[1:])}")
        self.path, self._module = path, modules[path]
        self._taken: Tensor | None = None

    def __enter__(self) -> Self:
        self._handle = self._module.register_forward_pre_hook(self._take)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    @property
    def value(self) -> Tensor:
        """The input (n, channels, ...)."""
        if self._taken is None:
            raise InputError(f"layer {self.path!r}: it was not called by the model: choose a layer that is")
        return self._taken

    def _take(self, _: nn.Module, given: tuple[Any, ...]) -> None:
        if not given or not isinstance(given[0], Tensor) or given[0].dim() < 2:
            raise InputError(f"layer {self.path!r}: expected one that takes a tensor (n, channels, ...)")
        self._taken = given[0]
