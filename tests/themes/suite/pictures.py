"""Takes a picture of the first page in a theme for the docs: `make pictures`. No test of the suite."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable

from tests.browser.page import Page
from tests.browser.pictures import IMAGES


def test_take_the_picture(page: Page, shop: dict[str, str], sign_in: Callable[[Page], None]) -> None:
    sign_in(page)
    page.show(width=1280, height=800)
    page.open(shop["overview"])
    page.wait_text(".jq-refresh", "5 s")
    answer = page.driver.execute_cdp_cmd("Page.captureScreenshot", {})
    theme = os.environ["DJANGO_SETTINGS_MODULE"].rpartition(".")[2]
    (IMAGES / f"theme-{theme}.png").write_bytes(base64.b64decode(answer["data"]))
    page.complaints()
