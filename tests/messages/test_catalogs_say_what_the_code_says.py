from __future__ import annotations

import gettext
from io import BytesIO
from typing import Any

import pytest
from babel.messages import Catalog

from jobqueue.sentences import Sentence, said, translated
from tests.messages.catalogs import as_mo, as_po, brought_up_to_date, file_of, languages, of_django, read
from tests.messages.code import template, unread_calls
from tests.messages.mistakes import mistakes

ADVICE = "run `make messages`, translate in {} what it names, and run it again"


@pytest.fixture(params=languages())
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_text_is_translated_and_no_other(language: str) -> None:
    wrong = mistakes(read(language), template())
    assert not wrong, "\n".join([ADVICE.format(file_of(language, "po")), *wrong])


def test_what_django_reads_is_made_from_what_people_edit(language: str) -> None:
    assert file_of(language, "mo").read_bytes() == as_mo(read(language)), "run `make messages`"


def test_to_make_the_catalogs_again_changes_nothing(language: str) -> None:
    made = as_po(brought_up_to_date(read(language), template()))
    assert made.decode() == file_of(language, "po").read_text(encoding="utf-8"), "run `make messages`"


def test_words_of_django_are_translated_as_it_does(language: str) -> None:
    """The catalogs of all apps are one: which translation is shown would hang on the order of INSTALLED_APPS."""
    ours, other = read(language), {}
    for catalog in of_django(language):
        for text in catalog:
            twin = ours.get(text.id, text.context) if text.id and text.string else None
            if twin is not None and isinstance(twin.id, str) and twin.string != text.string:
                other[twin.id] = f"Django says {text.string!r}, we say {twin.string!r}: say the same, or use pgettext()"
    assert not other


def test_every_text_that_is_asked_for_stands_in_the_code() -> None:
    unread = [call for call in unread_calls() if not call.startswith("jobqueue/sentences.py:")]
    assert not unread, "give the text itself, with named placeholders for what changes"


def test_there_is_german() -> None:
    assert "de" in languages()


def _catalog(*texts: tuple[Any, Any], **flags: Any) -> Catalog:
    catalog = Catalog(locale="de", fuzzy=False)
    for text, translation in texts:
        catalog.add(text, translation, **flags)
    return catalog


@pytest.mark.parametrize(
    ("text", "translation", "what"),
    [
        ("Retry", "", "is not translated"),
        (("%(n)s job", "%(n)s jobs"), ("%(n)s Job", ""), "is not translated"),
        (("%(n)s job", "%(n)s jobs"), ("%(n)s Job", "Jobs"), "other placeholders"),
        (("One job", "%(n)s jobs"), ("Ein Job", "%(n)s Jobs"), ""),
        ("in %(time)s", "in %(zeit)s", "other placeholders"),
        ("%(time)s %(name)r", "%(name)r %(time)s", ""),
        ("Updated {time}", "Aktualisiert", "other placeholders"),
        ("<b>{count}</b> done", "{count} getan", "other markup"),
        ("a &amp; b", "a & b", "other markup"),
        (" Known.", "Bekannt.", "other white space"),
        ("Retry", "Erneut versuchen", ""),
    ],
)
def test_a_mistake_of_a_translator_is_found(text: Any, translation: Any, what: str) -> None:
    found = mistakes(_catalog((text, translation)), _catalog((text, "")))
    assert len(found) == bool(what)
    assert all(what in each for each in found)


def test_a_text_that_is_new_old_or_changed_is_found() -> None:
    code, stored = _catalog(("New", "")), _catalog(("Old", "Alt"))
    assert mistakes(stored, code) == ["is not in the catalog: 'New'", "is not in the code any more: 'Old'"]
    assert ["is fuzzy" in each for each in mistakes(_catalog(("New", "Neu"), flags=["fuzzy"]), code)] == [True]


def test_what_was_changed_a_bit_keeps_its_translation_to_be_looked_at() -> None:
    stored = _catalog(("The queue is paused now.", "Die Queue ist jetzt pausiert."), ("Old", "Alt"))
    po = as_po(brought_up_to_date(stored, _catalog(("The queue is paused.", ""), ("New", "")))).decode()
    assert '#, fuzzy\n#| msgid "The queue is paused now."\nmsgid "The queue is paused."\nmsgstr "Die Queue' in po
    assert 'msgid "New"\nmsgstr ""' in po
    assert "Alt" not in po


def test_what_is_compiled_is_what_gettext_reads() -> None:
    found = gettext.GNUTranslations(
        BytesIO(as_mo(_catalog((("%(n)s job", "%(n)s jobs"), ("%(n)s Job", "%(n)s Jobs")))))
    )
    assert [found.ngettext("%(n)s job", "%(n)s jobs", n) for n in (0, 1, 2)] == [
        "%(n)s Jobs",
        "%(n)s Job",
        "%(n)s Jobs",
    ]


def test_a_sentence_is_english_until_it_is_translated(speak: Any) -> None:
    speak("de")
    sentence = Sentence(
        "There is no schedule %(name)r.%(hint)s", name="x", hint=Sentence(" Did you mean %(name)r?", name="y")
    )
    assert f"{sentence}" == "There is no schedule 'x'. Did you mean 'y'?"
    assert translated(sentence) == "Es gibt keinen Zeitplan 'x'. Gemeint ist vielleicht 'y'."
    assert translated(said(ValueError(sentence))) == translated(sentence)
    assert translated(said(ValueError("100 % English"))) == "100 % English"
