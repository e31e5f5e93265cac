"""JSON answers whose texts look like what they are: what a run contains may come from anyone."""

import re
from typing import Any

from fastapi.responses import JSONResponse

from whyset.printable import escape

_DECEIVING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Control characters but tab and line feed, and those that change the direction of what follows."""

_WRITTEN = re.compile(rb"\\u00[01]|\\[bfr]|[\x7f\xc2\xd8\xe2]")
"""What the JSON of such a character begins with, in UTF-8: most answers have none, and are not looked through."""


class PlainJSONResponse(JSONResponse):
    r"""Shows control characters by their numbers, as reports and messages do: "\x1b", "\u202e".

    Here it holds for the served page, the widget and the file of `export-html` at once, because all of them have their
    texts from these answers. Joiners and other invisible characters stay, since notes that users wrote are sent back as
    they came; those of other programs are written in files, which are not JSON answers and keep every character.
    """

    def render(self, content: Any) -> bytes:
        body = super().render(content)
        return super().render(_plain(content)) if _WRITTEN.search(body) else body


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return _DECEIVING.sub(lambda found: escape(found[0]), value)
    if isinstance(value, dict):
        return {_plain(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value
