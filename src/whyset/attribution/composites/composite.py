"""The base of composites, which choose the rule of each linear operation of a model."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from whyset.arguments import TypedFields
from whyset.attribution.composites.matchers import (
    LayerMap,
    check_layer_map,
    describe,
    freeze_map,
    looks_at_classes,
    matches,
)
from whyset.attribution.intercept.autograd import Boundary
from whyset.attribution.intercept.containers import map_tensors, tensors_in
from whyset.attribution.intercept.mode import Interception
from whyset.attribution.intercept.refusals import refuse_unseen
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.intercept.tracking import carries_gradient
from whyset.attribution.plan import Plan, PlanStep
from whyset.attribution.rules import ReLURule, Rule
from whyset.errors import InputError

ON_UNKNOWN = ("warn", "raise", "gradient")


@dataclass(frozen=True)
class Composite(TypedFields):
    """Base of the composites: `choose` returns the rule of every linear operation.

    Other operations are treated by their kind.

    Parameters
    ----------
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.

    Raises
    ------
    InputError
        `on_unknown` is none of these.
    """

    on_unknown: str = field(default="warn", kw_only=True)

    multiply_by_input: ClassVar[bool] = True
    gates_are_constant: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.on_unknown not in ON_UNKNOWN:
            raise InputError(
                f"{type(self).__name__}(on_unknown={self.on_unknown!r}): expected one of "
                f"{', '.join(map(repr, ON_UNKNOWN))}"
            )

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        """Return the rule of one linear operation, None for the plain gradient, and the reason for it."""
        raise NotImplementedError

    @property
    def relu(self) -> ReLURule | None:
        """The change to the gradient at ReLUs; None for their plain gradient."""
        return None

    @property
    def looks_at_modules(self) -> bool:
        """True if `choose` needs the module or the index; otherwise its choice holds for all calls of a function."""
        return True

    @property
    def needs_twin(self) -> bool:
        """True if a rule of this composite may return relevance, which then goes straight to the marked input."""
        return True

    @property
    def states_inside(self) -> bool:
        """True if a rule may return relevance after the first linear operation.

        That relevance goes to the pre-activation before the operation, so ReLUs are not merged with linear operations.
        """
        return self.needs_twin

    def check(self, model: nn.Module) -> None:
        """Check that the composite fits the model, for example that the model has every module that it names."""

    @contextmanager
    def context(self, model: nn.Module) -> Iterator[Interception]:
        """Propagate relevance in backward passes inside the `with` block.

        The gradient that is passed to `backward` at the output of the model is relevance, and so is the `.grad` of the
        input.

        >>> from whyset.attribution.composites import EpsilonPlus
        >>> model = nn.Sequential(nn.Linear(2, 3, bias=False), nn.ReLU(), nn.Linear(3, 1, bias=False)).eval()
        >>> x = torch.tensor([[1.0, 2.0]], requires_grad=True)
        >>> with EpsilonPlus().context(model):
        ...     output = model(x)
        ...     output.backward(output.detach())
        >>> bool(torch.isclose(x.grad.sum(), output.sum(), rtol=1e-3))
        True
        """
        self.check(model)
        refuse_unseen(model)
        session = Interception(self, model)
        before = model.register_forward_pre_hook(
            lambda _, args, kwargs: _mark_all(session, args, kwargs), with_kwargs=True
        )
        after = model.register_forward_hook(lambda _, __, output: _add_boundaries(session, output))
        try:
            with session.propagating(), session.watching():
                yield session
        finally:
            before.remove()
            after.remove()

    def plan(self, model: nn.Module, *inputs: Any, **named_inputs: Any) -> Plan:
        """List every operation of the model in order of execution, with its rule and the reason."""
        self.check(model)
        refuse_unseen(model)
        steps: list[PlanStep] = []
        session = Interception(self, model, steps=steps)

        def mark(tensor: Tensor) -> Tensor:
            floating = tensor.is_floating_point()
            return session.add_input(next(numbers), tensor.detach().requires_grad_() if floating else tensor.clone())

        numbers = count()
        with torch.enable_grad(), session.watching():
            output = model(*map_tensors(mark, inputs), **map_tensors(mark, named_inputs))
        session.check_output(output)
        return Plan(tuple(steps))


def _mark_all(session: Interception, args: Any, kwargs: Any) -> tuple[Any, Any]:
    def mark(tensor: Tensor) -> Tensor:
        return session.mark(tensor) if carries_gradient(tensor) else tensor

    if not any(carries_gradient(tensor) for tensor in tensors_in((args, kwargs))):
        raise InputError(
            "no input of the model can receive relevance: pass a floating point tensor with requires_grad=True "
            "(integer inputs are explained at the output of their embedding), outside of torch.no_grad()"
        )
    return map_tensors(mark, args), map_tensors(mark, kwargs)


def _add_boundaries(session: Interception, output: Any) -> Any:
    session.check_output(output)

    def add_boundary(tensor: Tensor) -> Tensor:
        if not carries_gradient(tensor):
            return tensor
        bounded: Tensor = Boundary.apply(tensor, session)  # type: ignore[no-untyped-call]
        session.tracker.ends.add(bounded.grad_fn)  # computations with the output do not belong to the model
        return bounded

    return map_tensors(add_boundary, output) if session.composite.multiply_by_input else output


@dataclass(frozen=True)
class LayerComposite(Composite):
    """Base of the composites that choose by the kind of layer; maps of the user go before those of the preset.

    Parameters
    ----------
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule that go before those of the preset (see `LayerMapComposite`).
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.
    """

    layer_map: LayerMap = field(default=(), kw_only=True)
    first_map: LayerMap = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("layer_map", "first_map"):
            object.__setattr__(self, name, freeze_map(getattr(self, name)))
        check_layer_map(self, self.layer_map)
        check_layer_map(self, self.first_map)

    def layers(self) -> LayerMap:
        """Return the map of the preset."""
        return ()

    def first_layers(self) -> LayerMap:
        """Return the map of the preset for the first linear operation."""
        return ()

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        for matcher, rule, reason in self._entries[site.first]:
            if matches(matcher, site):
                return rule, reason
        return None, "no entry: plain gradient"

    @cached_property
    def _entries(self) -> tuple[tuple[tuple[Any, Rule, str], ...], ...]:
        """The entries of all maps in order, for later and for first operations; a user's map goes before a preset's."""
        later = ((self.layer_map, ""), (self.layers(), ""))
        first = ((self.first_map, "first, "), later[0], (self.first_layers(), "first, "), later[1])
        return tuple(
            tuple((matcher, rule, prefix + describe(matcher)) for entries, prefix in maps for matcher, rule in entries)
            for maps in (later, first)
        )

    @property
    def looks_at_modules(self) -> bool:
        return looks_at_classes((*self.layer_map, *self.first_map))

    @property
    def needs_twin(self) -> bool:
        return self.states_inside or any(rule.states_relevance for _, rule, _ in self._entries[True])

    @property
    def states_inside(self) -> bool:
        return any(rule.states_relevance for _, rule, _ in self._entries[False])
