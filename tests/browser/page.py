"""A page as a person has it before them: they look, press, type, and wait until something is shown."""

from __future__ import annotations

from typing import Any

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    NoSuchElementException,
    StaleElementReferenceException,
)
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests.waiting import wait_until

NOT_NOW = (NoSuchElementException, StaleElementReferenceException, ElementClickInterceptedException)
HARMLESS = ("DEBUG", "INFO")
_MOST_TABS = 150
# What has the focus, and whether it looks other than without.
FOCUS = """(() => {
    const it = document.activeElement;
    const parts = ["outline", "boxShadow", "borderColor", "backgroundColor", "color", "textDecoration"];
    const look = () => parts.map(part => getComputedStyle(it)[part]).join();
    if (it === document.body) return ["body", true];
    const focused = look();
    it.blur();
    const blurred = look();
    it.focus({focusVisible: true});
    return [it.outerHTML.slice(0, 100), focused !== blurred || !it.closest("#content")];
})()"""


class Page:
    """The page that is open. A dialog that it opens fails whatever is done next."""

    def __init__(self, driver: Chrome, site: str) -> None:
        self.driver = driver
        self.site = site

    def open(self, path: str) -> None:
        """Go to an address of the site."""
        self.driver.get(self.site + path)

    @property
    def path(self) -> str:
        """The address that is open, without the site and what was asked."""
        return self.driver.current_url.removeprefix(self.site).partition("?")[0]

    def ask(self, script: str, *arguments: Any) -> Any:
        """Return what an expression says of the page, all of it at one moment."""
        return self.driver.execute_script(f"return {script}", *arguments)

    def text(self, selector: str = "body") -> str:
        """Return the text that is seen in an element, '' when there is none."""
        return self.ask("document.querySelector(arguments[0])?.innerText ?? ''", selector)

    def has(self, selector: str) -> bool:
        """Whether such an element is seen."""
        return self.ask("document.querySelector(arguments[0])?.checkVisibility() ?? false", selector)

    def wait_text(self, selector: str, *parts: str, seconds: float = 20.0) -> str:
        """Wait until an element shows all these texts, and return what it shows."""
        shown = ""

        def shows() -> bool:
            nonlocal shown
            shown = self.text(selector)
            return all(part in shown for part in parts)

        try:
            wait_until(shows, seconds, every=0.1)
        except AssertionError:
            raise AssertionError(f"{selector} does not show {parts}:\n{shown}\n\nPage:\n{self.text()}") from None
        return shown

    def press(self, selector: str) -> None:
        """Click an element as soon as it is there and nothing covers it."""

        def pressed() -> bool:
            try:
                self.driver.find_element(By.CSS_SELECTOR, selector).click()
            except NOT_NOW:  # The page replaces what is on it, also between a look and a click.
                return False
            return True

        wait_until(pressed)

    def type(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(text)

    def press_enter_on(self, selector: str) -> None:
        """Move the focus to an element, and press Enter."""
        self.driver.find_element(By.CSS_SELECTOR, selector).send_keys(Keys.ENTER)

    def press_tab(self) -> str:
        """Press Tab, and return the text of what the focus is on then."""
        self.driver.switch_to.active_element.send_keys(Keys.TAB)
        return self.ask("document.activeElement.innerText")

    def press_key(self, key: str) -> None:
        """Press a key, wherever the focus is."""
        self.driver.switch_to.active_element.send_keys(key)

    def tab_to(self, selector: str, *, back: bool = False) -> None:
        """Press Tab until the focus is on such an element; check of each of ours on the way that it is seen there."""
        passed = []
        for _ in range(_MOST_TABS):
            self.press_key(Keys.SHIFT + Keys.TAB if back else Keys.TAB)
            here, seen = self.ask(FOCUS)
            passed.append(here)
            assert seen, f"The focus is on this, and is not seen: {here}"
            if self.ask("document.activeElement.matches(arguments[0])", selector):
                return
        raise AssertionError(f"Tab does not lead to {selector}, but to {passed}")

    def watch(self, selector: str) -> None:
        """Count from now on how often such an element is there after a change, until the page is loaded anew."""
        self.driver.execute_script(
            """const look = () => { window.seen += document.querySelectorAll(arguments[0]).length };
            window.seen = 0; look(); new MutationObserver(look).observe(document, {childList: true, subtree: true});""",
            selector,
        )

    def seen(self) -> int | None:
        """Return what `watch` counted; None when the page has been loaded anew."""
        return self.ask("window.seen ?? null")

    def show(self, *, width: int, scheme: str = "light", height: int = 900, scale: float = 1.0) -> None:
        """Have a screen of that many CSS pixels, without scroll bars as phones have it, "light" or "dark"."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        scheme_and_motion = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme_and_motion})
        self.ask("document.getAnimations().forEach(each => each.finish())")

    def show_as_ever(self) -> None:
        """Undo show()."""
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.driver.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": False})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    def complaints(self) -> list[str]:
        """Return the errors, warnings and CSP reports that came up in the console since the last call."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] not in HARMLESS]
