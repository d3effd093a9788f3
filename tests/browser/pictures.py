"""Takes the pictures of the admin that the docs show, in light and in dark: `make pictures`. No test of the suite."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path

from django.urls import reverse

from tests.browser.page import Page

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SCALE = 1.5
# Of which page, at which width of the screen, and between which two elements what is to be seen lies.
PICTURES = {
    "overview": ("overview", 1280, ".jq-room", ".jq-room"),
    "timeline": ("frozen", 900, ".jq-story", ".jq-story"),
    "failures": ("failures", 1080, ".jq-all", ".jq-all"),
    "plots": ("plots", 860, ".jq-room", ".jq-room"),
    "schedules": ("list of schedule", 1080, ".results", ".results"),
    "decide": ("decide", 720, "h1:not(#site-name)", ".jq-ask"),
    "dependencies": ("waiting", 640, "[data-jq-live=relatives]", "[data-jq-live=relatives]"),
    "limits": ("list of limit", 1024, ".results", ".results"),
    "queues": ("list of pausedqueue", 480, "h1:not(#site-name)", ".jq-queues"),
}
MARGIN = 8
BOX = """((...names) => {
    const all = names.map(each => document.querySelector(each).getBoundingClientRect());
    const [x, y] = [Math.min(...all.map(each => each.left)), Math.min(...all.map(each => each.top))];
    const [right, bottom] = [Math.max(...all.map(each => each.right)), Math.max(...all.map(each => each.bottom))];
    return {x: x + scrollX, y: y + scrollY, width: right - x, height: bottom - y};
})(arguments[0], arguments[1])"""


def test_take_the_pictures(page: Page, shop: dict[str, str], sign_in: Callable[[Page, str], None]) -> None:
    sign_in(page, reverse("admin:index"))
    page.ask("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
    for name, (path, width, first, last) in PICTURES.items():
        page.open(shop[path])
        for scheme in ("light", "dark"):
            page.show(width=width, height=1400, scheme=scheme)
            (IMAGES / f"{name}-{scheme}.png").write_bytes(picture(page, first, last))


def picture(page: Page, first: str, last: str) -> bytes:
    """Return a part of the page as a PNG."""
    box = page.ask(BOX, first, last)
    clip = {
        "x": box["x"] - MARGIN,
        "y": box["y"] - MARGIN,
        "width": box["width"] + 2 * MARGIN,
        "height": box["height"] + 2 * MARGIN,
        "scale": SCALE,
    }
    answer = page.driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    return base64.b64decode(answer["data"])
