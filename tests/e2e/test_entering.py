"""The way into the viewer in a real browser: by the private file that `whyset view` opens."""

import pytest
from playwright.sync_api import Browser

from whyset.store import Run
from whyset.viewer import Server
from whyset.viewer.browser import private_page


@pytest.mark.browser
def test_the_private_file_leads_in_and_leaves_no_token_in_the_address(browser: Browser, run: Run) -> None:
    with Server([run.path]) as server:
        context = browser.new_context()
        page = context.new_page()
        file = private_page(server.url)
        page.goto(file.as_uri())
        page.get_by_role("link", name="horse", exact=True).wait_for()
        assert page.url.startswith(server.address)
        assert server.token not in page.url
        (cookie,) = context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        context.close()
        file.unlink()
