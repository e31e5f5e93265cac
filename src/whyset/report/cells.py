"""Text in the cells of a CSV file: a spreadsheet must not take it for a formula."""

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")
"""What begins a formula, or hides one that follows (OWASP, "CSV Injection")."""


def text_cell(text: str) -> str:
    """Put an apostrophe before what a spreadsheet would calculate.

    >>> text_cell("=1+1"), text_cell("cat")
    ("'=1+1", 'cat')
    """
    return f"'{text}" if text.startswith(_BEGINNINGS) else text


def text_of_cell(cell: str) -> str:
    """Take off the apostrophe that `text_cell` has put there.

    >>> text_of_cell("'=1+1"), text_of_cell("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_BEGINNINGS) else cell
