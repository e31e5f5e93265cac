"""Text in the cells of a CSV file, protected from evaluation as a formula."""

_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")
"""Characters that begin a formula, or hide one that follows (OWASP, "CSV Injection")."""


def text_cell(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would evaluate.

    >>> text_cell("=1+1"), text_cell("cat")
    ("'=1+1", 'cat')
    """
    return f"'{text}" if text.startswith(_BEGINNINGS) else text


def text_of_cell(cell: str) -> str:
    """Remove the apostrophe that `text_cell` added.

    >>> text_of_cell("'=1+1"), text_of_cell("'tis")
    ('=1+1', "'tis")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_BEGINNINGS) else cell
