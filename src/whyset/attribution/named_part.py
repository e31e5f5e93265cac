"""The base of the parts of a run that users choose by a name, with parameters: methods and kinds of outputs."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar

from whyset.arguments import TypedFields
from whyset.attribution.serialization import to_dict


@dataclass(frozen=True)
class NamedPart(TypedFields):
    """Base of dataclasses with a name, whose fields are parameters.

    >>> from whyset.attribution.methods import OcclusionMethod
    >>> OcclusionMethod(window=4).to_dict()
    {'name': 'occlusion', 'fields': {'window': 4, 'stride': None, 'fill': 0.0}}
    """

    name: ClassVar[str]
    """The name in the table of its kind, on the command line and in run.json."""

    def describe(self) -> str:
        """Return the name, and the parameters that are not the default, for users."""
        changed = [
            f"{part.name} {value}" for part in fields(self) if (value := getattr(self, part.name)) != part.default
        ]
        return ", ".join([self.name.replace("_", " "), *changed])

    def to_dict(self) -> dict[str, Any]:
        """Return the name and the parameters as values that JSON can hold."""
        return {"name": self.name, "fields": {part.name: to_dict(getattr(self, part.name)) for part in fields(self)}}
