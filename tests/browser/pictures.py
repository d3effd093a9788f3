"""Takes the pictures of the pages that the docs show, in light and in dark: `make pictures`. No test of the suite."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.urls import reverse

from jobqueue.models import LedgerEntry
from project.counters import late
from tests.browser.page import Page
from tests.messages.conftest import speak  # noqa: F401
from tests.processes import WorkerProcess
from tests.waiting import wait_until

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
SCALE = 1.5
# Of which page, at which width of the screen, and between which two elements what is to be seen lies.
PICTURES = {
    "overview": ("overview", 1280, ".jq-room", ".jq-room"),
    "jobs": ("list of job", 1280, ".jq-overview", "#result_list tbody tr:nth-child(12)"),
    "job": ("frozen", 1080, "h1.jq-title", ".jq-columns"),
    "why": ("limited", 800, "h1.jq-title", ".jq-why"),
    "timeline": ("frozen", 900, ".jq-story", ".jq-story"),
    "failures": ("failures", 1080, ".jq-all", ".jq-all"),
    "plots": ("plots", 860, ".jq-room", ".jq-room"),
    "tasks": ("list of taskdefinition", 1280, ".results", ".results"),
    "run": ("run", 720, "h1:not(#site-name)", "#content-main"),
    "workers": ("list of worker", 1080, ".results", ".results"),
    "ledger": ("list of ledgerentry", 1080, ".results", ".results"),
    "schedules": ("list of schedule", 1080, ".results", ".results"),
    "decide": ("decide", 720, "h1:not(#site-name)", ".jq-ask"),
    "dependencies": ("waiting", 640, "[data-jq-live=relatives]", "[data-jq-live=relatives]"),
    "limits": ("list of limit", 1024, ".results", ".results"),
    "queues": ("list of pausedqueue", 480, "h1:not(#site-name)", ".jq-queues"),
}
GERMAN = "overview-german"
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


def test_take_the_picture_of_the_demo(page: Page, settings: Any, start_worker: Callable[..., WorkerProcess]) -> None:
    settings.DEBUG = True
    for name in ("demo-1", "demo-2"):
        start_worker("--name", name, "--no-reload", env={late.VARIABLE: "1"}).wait_started()
    page.show(width=1100, height=1000)
    page.open(reverse("counters:index"))
    page.press("#press-slow")
    wait_until(lambda: LedgerEntry.objects.filter(key="add 6").exists(), 30)
    page.press("#press-freeze")
    page.wait_text(".story .done:nth-child(5)", "The database took that back", seconds=30)
    page.wait_text("#press-slow", "Start it again", seconds=30)
    for scheme in ("light", "dark"):
        page.show(width=1100, height=1000, scheme=scheme)
        (IMAGES / f"demo-{scheme}.png").write_bytes(picture(page, "h1", ".stage"))


def test_take_the_picture_in_german(
    page: Page,
    shop: dict[str, str],
    sign_in: Callable[[Page, str], None],
    speak: Callable[[str], None],  # noqa: F811
) -> None:
    speak("de")
    sign_in(page, reverse("admin:index"))
    page.open(shop["overview"])
    page.show(width=1280, height=1400)
    (IMAGES / f"{GERMAN}.png").write_bytes(picture(page, ".jq-room", ".jq-room"))


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
