"""Every page has in a theme what it has in Django's own admin, fits its screen, and its buttons do what they say."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.urls import reverse

from jobqueue.models import Job, Schedule
from tests.browser.axe import violations
from tests.browser.page import Page

WIDE, NARROW = 1280, 400
SignIn = Callable[[Page], None]

# What is ours, and reaches out of the screen, but for what is in a box that scrolls.
CUT_OFF = """(() => {
    const scrolls = it => it && (/auto|scroll/.test(getComputedStyle(it).overflowX) || scrolls(it.parentElement));
    return [...document.querySelectorAll("[class*=jq-], [class*=jq-] *")].filter(it => it.checkVisibility()
        && (it.getBoundingClientRect().right > innerWidth + 1 || it.getBoundingClientRect().left < -1) && !scrolls(it))
        .map(it => it.outerHTML.slice(0, 100));
})()"""
NO_ANSWER = "performance.getEntriesByType('navigation')[0].responseStatus - 200"
COUNT = "[...document.querySelectorAll(arguments[0])].filter(it => it.checkVisibility()).length"
# A form in a form is none: its button would send the one around it.
LOST = "[...document.querySelectorAll('button.jq-press')].filter(it => !it.form?.querySelector('.jq-press')).length"
# What no variable of the theme has given a colour; lines are not filled.
BLACK = """[...document.querySelectorAll('[class*=jq-] svg :is(rect, path:not(.jq-tick, .jq-refused))')]
    .filter(it => it.checkVisibility() && getComputedStyle(it).fill === 'rgb(0, 0, 0)')
    .map(it => it.outerHTML.slice(0, 100))"""
# The forms of django-grappelli are as wide as on a desk wherever they are, and what is in them is as wide.
TOO_WIDE = "#grp-content form[id$=_form]"
# What has to be there, and how often at least.
CONTENTS = {
    "index": {".jq-health a": 1},
    "overview": {".jq-all": 2, "button.jq-press": 4, ".jq-spark path": 2, ".jq-kept li": 5, ".jq-refresh a": 4},
    "failures": {".jq-all tbody tr": 1, "button.jq-press": 1},
    "plots": {".jq-chart svg": 4, ".jq-choices a": 3},
    "list of job": {"#result_list tbody tr": 20, ".jq-overview a": 4, ".jq-lease svg": 4, ".jq-refresh a": 4},
    "list of pausedqueue": {".jq-queues tbody tr": 4, "button.jq-press": 4},
    "list of schedule": {"#result_list tbody tr": 5},
    "schedule": {".jq-next li": 5, "button.jq-press": 2, "textarea": 1},
    "frozen": {".jq-story svg": 2, ".jq-attempt": 2, ".jq-facts": 3, ".historylink": 1},
    "failed": {"button.jq-press": 2, ".jq-refresh a": 4},
    "doubt": {"a.jq-decide": 1, ".jq-table": 2},
    "waiting": {".jq-relative": 3},
    "decide": {".jq-ask button": 2, "textarea": 1, "a.cancel-link": 1},
}


CONTRAST = re.compile(r"contrast of ([\d.]+)")
# Greys and links are the themes' own, some fainter than 4.5 to 1. A colour of ours on the wrong ground is below this.
LEAST, LINK = 3.0, "<a "
# Between them they have all that has a colour of its own.
COLOURFUL = ("index", "overview", "failures", "plots", "list of job", "list of worker", "frozen", "doubt", "limited")


@pytest.fixture
def pages(shop: dict[str, str]) -> dict[str, str]:
    """Give the addresses of all pages, with that of the site's own index."""
    return {"index": reverse("admin:index"), **shop}


def test_every_page(page: Page, pages: dict[str, str], sign_in: SignIn) -> None:
    sign_in(page)
    page.complaints()
    wrong = {}
    for name, path in pages.items():
        page.show(width=WIDE)
        page.open(path)
        found = {"no answer": page.ask(NO_ANSWER), "cut off": page.ask(CUT_OFF), "lost": page.ask(LOST)}
        found["missing"] = {
            what: count for what, least in CONTENTS.get(name, {}).items() if (count := page.ask(COUNT, what)) < least
        }
        found["black"] = page.ask(BLACK)
        if not page.has(TOO_WIDE):
            page.show(width=NARROW)
            found["cut off on a phone"] = page.ask(CUT_OFF)
        found["complaints"] = page.complaints()
        wrong |= {
            f"{name}: {what}": those for what, those in found.items() if those and (what, those) != ("status", 200)
        }
    assert not wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_ours_can_be_read(page: Page, pages: dict[str, str], sign_in: SignIn, scheme: str) -> None:
    sign_in(page)
    wrong = {}
    for name in COLOURFUL:
        page.show(width=WIDE, scheme=scheme)
        page.open(pages[name])
        faint = violations(page, ["color-contrast"], within="[class*=jq-]")
        if found := [
            it for it in faint if not it.html.startswith(LINK) and float(CONTRAST.findall(it.advice)[0]) < LEAST
        ]:
            wrong[name] = found
    assert not wrong


def test_what_has_to_be_there_is_of_pages_that_are(pages: dict[str, str]) -> None:
    assert set(CONTENTS) | set(COLOURFUL) <= set(pages)


def test_a_job_is_retried(page: Page, pages: dict[str, str], sign_in: SignIn) -> None:
    sign_in(page)
    page.show(width=WIDE)
    page.open(pages["failed"])
    page.press("button.jq-press")
    page.wait_text("body", "attempted again")
    page.press("input[type=submit][value='Retry 1 job']")
    page.wait_text("body", "1 job was retried")
    job = Job.objects.get(pk=pages["failed"].strip("/").split("/")[-2])
    assert job.status == "READY"


def test_a_schedule_is_paused(page: Page, pages: dict[str, str], sign_in: SignIn) -> None:
    sign_in(page)
    page.show(width=WIDE)
    page.open(pages["schedule"])
    page.press(".jq-tools li:nth-child(2) button.jq-press")
    page.wait_text("body", "paused")
    assert Schedule.objects.get(name="prices").paused
