"""Pages in plain HTML, for when the browser part cannot be shown."""

from html import escape

from starlette.responses import HTMLResponse


def page(
    title: str, text: str, *, status: int, link: tuple[str, str] | None = None, at_once: bool = False
) -> HTMLResponse:
    """A page of one paragraph and perhaps a link (address, words), followed `at_once`; all of it is escaped."""
    more = f'<p><a href="{escape(link[0])}">{escape(link[1])}</a></p>' if link else ""
    onward = f'<meta http-equiv="refresh" content="0;url={escape(link[0])}">' if link and at_once else ""
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{onward}<title>whyset: {escape(title)}</title>'
        f"<h1>{escape(title)}</h1><p>{escape(text)}</p>{more}</html>"
    )
    return HTMLResponse(body, status_code=status, headers={"Cache-Control": "no-store"})
