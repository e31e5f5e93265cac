from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from whyset.attribution.composites.composite import Composite, LayerComposite
from whyset.attribution.composites.matchers import freeze_map
from whyset.attribution.intercept.site import OperationSite
from whyset.attribution.rules import Rule
from whyset.errors import InputError

Name = str | int
NameMap = tuple[tuple[Name | tuple[Name, ...], Rule], ...]


@dataclass(frozen=True)
class NameMapComposite(Composite):
    """Rules by name; operations without a name in the map have their plain gradient.

    A path that the model does not have raises an InputError when the composite is used.

    Parameters
    ----------
    name_map : sequence of pairs, default ()
        Pairs of a name (or a tuple of names) and a rule. A name is the path of a module, as in `model.named_modules()`,
        or the index of an operation, as in the plan.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.

    Examples
    --------
    >>> from whyset.attribution.rules import Epsilon, Flat
    >>> composite = NameMapComposite((("features.0", Flat()), (("fc1", 17), Epsilon())))
    """

    name_map: NameMap = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "name_map", freeze_map(self.name_map))

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        for name, rule in iterate_names(self.name_map):
            if name in (site.path, site.index):
                return rule, f"name {name!r}"
        return None, "no entry: plain gradient"

    @property
    def needs_twin(self) -> bool:
        return any(rule.states_relevance for _, rule in self.name_map)

    def check(self, model: nn.Module) -> None:
        check_names(self, self.name_map, model)


@dataclass(frozen=True)
class NameLayerMapComposite(LayerComposite):
    """Rules by name first, and by kind of layer for operations without a name in the map.

    A path that the model does not have raises an InputError when the composite is used.

    Parameters
    ----------
    name_map : sequence of pairs, default ()
        Pairs of a name (or a tuple of names) and a rule. A name is the path of a module, as in `model.named_modules()`,
        or the index of an operation, as in the plan.
    on_unknown : {"warn", "raise", "gradient"}, default "warn"
        Treatment of an operation without a known rule: a warning and its plain gradient, an UnknownOperationError, or
        its plain gradient.
    layer_map : sequence of pairs, default ()
        Pairs of a matcher and a rule (see `LayerMapComposite`).
    first_map : sequence of pairs, default ()
        Likewise for linear operations without another one upstream; it goes before `layer_map`.
    """

    name_map: NameMap = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "name_map", freeze_map(self.name_map))

    def choose(self, site: OperationSite) -> tuple[Rule | None, str]:
        rule, reason = NameMapComposite(self.name_map).choose(site)
        return super().choose(site) if rule is None else (rule, reason)

    @property
    def looks_at_modules(self) -> bool:
        return True

    @property
    def states_inside(self) -> bool:
        return super().states_inside or any(rule.states_relevance for _, rule in self.name_map)

    def check(self, model: nn.Module) -> None:
        check_names(self, self.name_map, model)


def iterate_names(name_map: NameMap) -> Iterator[tuple[Name, Rule]]:
    """Yield the entries of a name map, one name at a time."""
    for names, rule in name_map:
        for name in names if isinstance(names, tuple) else (names,):
            yield name, rule


def check_names(composite: Composite, name_map: NameMap, model: nn.Module) -> None:
    """Check that the model has the modules of a name map."""
    known = {path for path, _ in model.named_modules()}
    missing = [name for name, _ in iterate_names(name_map) if isinstance(name, str) and name not in known]
    if missing:
        raise InputError(
            f"{type(composite).__name__}: {type(model).__name__} has no module named {', '.join(map(repr, missing))}; "
            f"its modules are listed by model.named_modules(), such as "
            f"{', '.join(map(repr, sorted(known - {''})[:5]))}"
        )
