from dataclasses import dataclass

from torch import nn

from whyset.attribution.composites.composite import Composite
from whyset.attribution.rules import Rule
from whyset.errors import InputError

NameMap = tuple[tuple[str | tuple[str, ...], Rule], ...]


@dataclass(frozen=True)
class NameMapComposite(Composite):
    """Rules by module path, as in `model.named_modules()`: `name_map=(("features.0", Flat()), (("fc1", "fc2"),
    Epsilon()))`.
    """

    name_map: NameMap = ()

    def choose(self, operation: str, path: str, module: nn.Module | None, first: bool) -> tuple[Rule | None, str]:
        for names, rule in self.name_map:
            if path in ((names,) if isinstance(names, str) else names):
                return rule, f"name {path!r}"
        return None, "no entry: plain gradient"

    @property
    def needs_twin(self) -> bool:
        return any(rule.states_relevance for _, rule in self.name_map)

    def check(self, model: nn.Module) -> None:
        known = {path for path, _ in model.named_modules()}
        wanted = [name for names, _ in self.name_map for name in ((names,) if isinstance(names, str) else names)]
        missing = [name for name in wanted if name not in known]
        if missing:
            raise InputError(
                f"{type(self).__name__}: {type(model).__name__} has no module named {', '.join(map(repr, missing))}; "
                "its modules are listed by model.named_modules(), such as "
                f"{', '.join(map(repr, sorted(known - {''})[:5]))}"
            )
