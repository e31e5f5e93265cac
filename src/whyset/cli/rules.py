"""`whyset rules`"""

from whyset.cli.lists import print_list

EXAMPLE = "whyset rules"


def rules() -> None:
    """List the propagation rules with their formulas."""
    from whyset.attribution.rules import RULES

    print_list(
        ("rule", "relevance of the input", "fields and defaults"),
        ((name, rule.formula, repr(rule()) if _has_defaults(rule) else rule.__name__) for name, rule in RULES.items()),
    )


def _has_defaults(rule: type) -> bool:
    from dataclasses import MISSING, fields

    return all(field.default is not MISSING or field.default_factory is not MISSING for field in fields(rule))
