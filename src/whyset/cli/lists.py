"""Tables for the terminal; every cell is plain text, never markup."""

from collections.abc import Iterable, Sequence

from whyset.printable import printable


def print_list(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows below their headings."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(Text(heading))
    for row in rows:
        table.add_row(*(Text(printable(cell, keep="")) for cell in row))
    Console(highlight=False, markup=False, emoji=False).print(table)
