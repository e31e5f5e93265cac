"""Pages in plain HTML, shown when the browser part cannot be shown."""

from html import escape

from starlette.responses import HTMLResponse


def page(
    title: str, text: str, *, status: int, link: tuple[str, str] | None = None, at_once: bool = False
) -> HTMLResponse:
    """Create a page of one paragraph and an optional link (address, text), followed if `at_once`; all is escaped."""
    more = f'<p><a href="{escape(link[0])}">{escape(link[1])}</a></p>' if link else ""
    onward = f'<meta http-equiv="refresh" content="0;url={escape(link[0])}">' if link and at_once else ""
    body = (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{onward}<title>whyset: {escape(title)}</title>'
        f"<h1>{escape(title)}</h1><p>{escape(text)}</p>{more}</html>"
    )
    return HTMLResponse(body, status_code=status, headers={"Cache-Control": "no-store"})
