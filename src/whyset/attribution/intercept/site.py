"""One linear operation as a composite sees it when it chooses a rule."""

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class OperationSite:
    """Where a linear operation stands: `index` is its place in order of execution, as in the plan.

    `operation` is the torch function's name ("conv2d", "linear"), `path` and `module` those of the innermost running
    module ("" and None outside of any), and `first` tells that no linear operation lies upstream.
    """

    index: int
    operation: str
    path: str
    module: nn.Module | None
    first: bool
