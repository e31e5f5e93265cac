"""Text for an HTML page."""

import html

from whyset.printable import printable


def escape(text: str) -> str:
    r"""Escape what HTML would read as markup, and show control characters, such as those that reverse a line.

    >>> escape("<b> \u202etac")
    '&lt;b&gt; \\u202etac'
    """
    return html.escape(printable(text))
