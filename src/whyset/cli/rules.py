"""`whyset rules`"""

EXAMPLE = "whyset rules"


def rules() -> None:
    """List the propagation rules with their formulas."""
    from rich.console import Console
    from rich.table import Table

    from whyset.attribution.rules import RULES

    table = Table("rule", "relevance of the input", "fields and defaults", box=None, padding=(0, 2, 0, 0))
    for name, rule in RULES.items():
        table.add_row(name, rule.formula, repr(rule()) if _has_defaults(rule) else rule.__name__)
    Console(highlight=False).print(table)


def _has_defaults(rule: type) -> bool:
    from dataclasses import MISSING, fields

    return all(field.default is not MISSING or field.default_factory is not MISSING for field in fields(rule))
