"""Protocols of the session for handlers, and of the composite for a session.

The interception imports handlers, `inplace` and `capture`, so these cannot import it and use the protocols.
"""

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from whyset.attribution.intercept.autograd import Edge, SavedOutput
from whyset.attribution.intercept.call import Call
from whyset.attribution.intercept.layers import WeightCache
from whyset.attribution.intercept.lineage import Lineage
from whyset.attribution.intercept.losses import Amounts, Losses, Rounding
from whyset.attribution.intercept.recorder import Recorder
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.intercept.tracking import Tracker
from whyset.attribution.rules import ReLURule, Rule


class RuleChoice(Protocol):
    """The part of a composite that a session uses; `whyset.attribution.composites.Composite` documents it."""

    @property
    def multiply_by_input(self) -> bool: ...
    @property
    def gates_are_constant(self) -> bool: ...
    @property
    def on_unknown(self) -> str: ...
    @property
    def relu(self) -> ReLURule | None: ...
    @property
    def looks_at_modules(self) -> bool: ...
    @property
    def needs_twin(self) -> bool: ...
    @property
    def states_inside(self) -> bool: ...
    def choose(self, site: OperationSite) -> tuple[Rule | None, str]: ...


class Observer(Protocol):
    """The part of a session that records inside a model use."""

    tracker: Tracker

    def while_active(self, hook: Callable[[Tensor], Tensor | None]) -> Callable[[Tensor], Tensor | None]: ...


class Session(Observer, Protocol):
    """One forward pass under interception; `Interception` and its base `Tracer` document it."""

    composite: RuleChoice
    recorder: Recorder | None
    cache: WeightCache
    create_graph: bool
    needs_twin: bool
    states_inside: bool

    @property
    def index(self) -> int: ...
    def __enter__(self) -> Any: ...
    def __exit__(self, *exception: Any) -> Any: ...

    def note(self, call: Call, reason: str, rule: Rule | None = None, *, merged: Rule | None = None) -> None: ...
    def where(self, call: Call) -> str: ...
    def descend(self, call: Call, output: Tensor) -> Lineage: ...
    def warn(self, call: Call, message: str) -> None: ...
    def choose(self, call: Call, first: bool, reaches_twin: bool) -> Rule | None: ...
    def run(self, call: Call, *, account: bool = True) -> Any: ...
    def unknown(self, call: Call) -> Any: ...
    def finish(
        self,
        call: Call,
        result: Any,
        *,
        dependent: bool = True,
        twin: Any = None,
        behind_linear: bool | None = None,
        kept: Tensor | None = None,
    ) -> Any: ...

    def switch(
        self,
        y: Tensor,
        edge: Edge,
        *xs: Tensor,
        losses: Losses | None = None,
        rounding: Rounding | None = None,
        stated: bool = False,
        kept: SavedOutput | None = None,
    ) -> Tensor: ...
    def share(self, x: Tensor, part: float) -> Tensor: ...
    def preactivation_port(self, z: Tensor) -> Tensor: ...
    def account(self, y: Tensor, losses: Callable[[Tensor], Amounts]) -> None: ...
    def account_written(self, y: Tensor, constants: Tensor) -> None: ...
    def account_stated(self, twin: Tensor, call: Call) -> None: ...
    def watch(self, output: Tensor) -> None: ...
