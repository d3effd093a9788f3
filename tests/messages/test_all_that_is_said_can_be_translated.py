from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from inspect import signature
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import CharField, JSONField, TextField
from django.test import Client

from jobqueue.conf import EFFECTS
from tests.messages.pseudo import MARKED, mark
from tests.messages.seen import texts_of
from tests.messages.walk import pages, people
from tests.shop.tasks import TASKS

# Ids, also when they are cut, what is quoted, what stands for a value, and words in capitals: statuses and time zones.
SAME_EVERYWHERE = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\w+ …[0-9a-f]{8}|'[^']*'|\{\w+\}|\b[A-Z]{3,}\b"
)
# What Python, a library or one of Django's templates says in English alone, and what was typed.
OF_OTHERS = (
    "Search",
    "maul",
    "defualt",
    "account: 'str'",
    "Bad day-of-month",
    "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    "missing a required argument:",
    "got an unexpected keyword argument",
)
SIGNATURES = {
    text
    for it in TASKS.values()
    for each in signature(it.func).parameters.values()
    for text in (each.name, each.annotation)
}


def test_on_every_page(admin_client: Client, shop: dict[str, str], marked: None) -> None:
    unmarked: dict[str, str] = {}
    data, seen = {*people(), *settings.TASKS, *EFFECTS, *OF_OTHERS, *SIGNATURES, *texts_of_rows()}, set()
    for name, page in pages(admin_client, shop):
        fresh = {text for text in texts_of(page) if words_of(text, ())} - seen
        if fresh:
            data |= set(texts_of_rows())
        unmarked |= {text: name for text in fresh if words_of(text, data)}
        seen |= fresh
    assert not unmarked, "\n".join(f"{name}: {text}" for text, name in sorted(unmarked.items()))


def words_of(text: str, data: Iterable[str]) -> list[str]:
    """Return the words of a text that are neither marked nor data."""
    rest = MARKED.sub(" ", text)
    for each in sorted((each for each in data if each and each.lower() in rest.lower()), key=len, reverse=True):
        # Django begins some texts with a capital.
        rest = re.sub(rf"(?<!\w)(?i:{re.escape(each[0])}){re.escape(each[1:])}(?!\w)", " ", rest)
    return re.findall(r"[^\W\d_]{2,}", SAME_EVERYWHERE.sub(" ", rest))


def texts_of_rows() -> Iterator[str]:
    """Yield the texts that the tables hold, but for those that are chosen from a list."""
    for model in apps.get_app_config("jobqueue").get_models():
        fields = [it for it in model._meta.concrete_fields if it.primary_key or not it.choices]
        texts = [it.name for it in fields if it.primary_key or isinstance(it, CharField | TextField | JSONField)]
        for row in model._base_manager.values_list(*texts):
            yield from _leaves(list(row))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    elif value not in (None, ""):
        yield str(value)
        yield from str(value).split(".")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Retry", "⟦Retry⟧"),
        ("%(count)s jobs of %(name)r", "%(count)s⟦ jobs of ⟧%(name)r"),
        ("<b>{count}</b> done", "<b>{count}</b>⟦ done⟧"),
    ],
)
def test_what_is_put_into_a_text_is_not_marked_with_it(text: str, shown: str) -> None:
    assert mark(text) == shown


def test_a_word_that_is_not_marked_is_found() -> None:
    assert words_of("⟦The queue “⟧mail⟦” is⟧ paused", {"mail"}) == ["paused"]
    assert words_of("⟦The queue “⟧mail⟦” is paused⟧", {"mail"}) == []


def test_what_is_read_aloud_is_a_text_of_a_page() -> None:
    page = '<main><p title="a">b<code>no</code></p><svg><path d="M0"/></svg><input type="submit" value="c">d</main>'
    assert sorted(texts_of(page)) == ["a", "b", "c", "d"]
