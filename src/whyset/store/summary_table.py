"""HTML tables by which notebooks show objects."""

from collections.abc import Iterable
from html import escape

from whyset.printable import printable


def make_summary_table(title: str, facts: Iterable[tuple[str, object]]) -> str:
    """Return an HTML table with a caption and one row for each fact; all text is escaped.

    >>> make_summary_table("run <a>", [("samples", 3)])
    '<table><caption>run &lt;a&gt;</caption><tbody><tr><th scope="row">samples</th><td>3</td></tr></tbody></table>'
    """
    rows = "".join(
        f'<tr><th scope="row">{escape(printable(name))}</th><td>{escape(printable(str(value)))}</td></tr>'
        for name, value in facts
    )
    return f"<table><caption>{escape(printable(title))}</caption><tbody>{rows}</tbody></table>"
