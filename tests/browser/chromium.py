"""Where a Chromium and its driver are, and how one is started. Knows no page."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, ChromeService

# fmt: off
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,1000",
    # Where /dev/shm is as small as containers have it, pages would crash.
    "--disable-dev-shm-usage",
    # It asks nobody but the site that is tested.
    "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]
# fmt: on


def start() -> Chrome:
    """Return a browser with a profile of its own; where there is none, skip, and under CI fail."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        _do_without("no Chromium with a chromedriver is installed (Debian: apt-get install chromium chromium-driver)")
    options = ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in FLAGS:
        options.add_argument(flag)
    try:
        return Chrome(options=options, service=ChromeService(driver))
    except WebDriverException as failure:
        _do_without(f"Chromium does not start: {failure.msg}")


def _do_without(reason: str) -> NoReturn:
    # A newcomer's machine may have no browser. CI without one would pass and have looked at no page at all.
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI=true, and {reason}", pytrace=False)
    pytest.skip(reason)
