"""One linear operation, as a composite sees it when it chooses a rule."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class OperationSite:
    """A linear operation of a model, as a composite sees it.

    Parameters
    ----------
    index : int
        The position of the operation in order of execution, as in the plan.
    operation : str
        The name of the torch function, such as "conv2d" or "linear".
    path : str
        The path of the innermost running module; "" outside of any.
    module : torch.nn.Module or None
        That module; None outside of any.
    first : bool
        True if no linear operation is upstream.
    """

    index: int
    operation: str
    path: str
    module: nn.Module | None
    first: bool
