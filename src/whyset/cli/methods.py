"""`whyset methods`"""

from whyset.cli.lists import print_list

EXAMPLE = "whyset methods"


def methods() -> None:
    """List the attribution methods with their parameters and defaults."""
    from dataclasses import MISSING, Field, fields
    from inspect import getdoc

    from whyset.attribution.methods import METHODS

    def show(part: "Field[object]") -> str:
        known = part.default is not MISSING or part.default_factory is not MISSING
        default = part.default if part.default is not MISSING else "none"
        return f"{part.name}={default}" if known else f"{part.name} (required)"

    print_list(
        ("method", "parameters", "description"),
        (
            (
                name,
                ", ".join(map(show, fields(method))),
                (getdoc(method) or "").split("\n\n")[0].replace("\n", " "),
            )
            for name, method in METHODS.items()
        ),
    )
