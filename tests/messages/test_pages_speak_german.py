from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from jobqueue.admin.numbers import number
from jobqueue.admin.paging import AtLeast
from jobqueue.admin.times import moment, span
from tests.admin.conftest import make_job
from tests.messages.catalogs import read
from tests.messages.seen import texts_of
from tests.messages.walk import pages

SAID = {
    "overview": ("Fehlschläge", "Wartend", "Leases erneuert", "pro Minute", "am Leben", "Pausieren"),
    "list of job": ("Läuft", "Bereit", "Ausgewählte Jobs erneut versuchen", "Idempotenzschlüssel", "noch "),
    "frozen": ("Erfolgreich", "Versuch 2", "1 später Schreibzugriff abgewiesen", "zuletzt erneuert", "Argumente"),
    "failed": ("Fehlgeschlagen", "Ausnahme", "Erneut versuchen", "eingereiht"),
    "failures": ("Nach Task und Fehler", "10.000"),
    "plots": ("Beendete Jobs", "95 % innerhalb von"),
    "decide": ("Ist es geschehen?", "Nicht geschehen: wiederholen", "<b>charge the card</b>"),
    "list of schedule": ("Nächste Termine", "alle 15", "im Code"),
    "list of limit": ("2 zugleich", "30 in 1"),
    "list of pausedqueue": ("Alle bekannten Queues", "pausiert"),
    "retry: confirm": (
        "Ein fehlgeschlagener Job wird jetzt erneut versucht",
        "Jobs erneut versuchen",
        "in einem Zustand dafür",
    ),
    "retry: done": ("Jobs werden erneut versucht.", "ist nicht FAILED, kann also nicht erneut versucht werden"),
    "cancel: confirm": ("Ein wartender Job wird nicht ausgeführt.",),
    "bad schedule": ("Fünf Felder: Minute, Stunde", "ist keine Zeitzone"),
}


def test_every_page(admin_client: Client, shop: dict[str, str], speak: Any) -> None:
    english = {text.id for text in read("de") if isinstance(text.id, str) and text.string not in (text.id, "")}
    speak("de")
    missing = {name: set(said) for name, said in SAID.items()}
    left: dict[str, str] = {}
    for name, page in pages(admin_client, shop):
        shown = page.replace("\N{NO-BREAK SPACE}", " ")
        if name in missing:
            missing[name] = {text for text in missing[name] if text not in shown}
        left |= {text: name for text in texts_of(page) if text in english}
    assert not left
    assert not {name: texts for name, texts in missing.items() if texts}


@pytest.mark.django_db
@pytest.mark.usefixtures("speak")  # Which forgets the last one's language.
def test_each_browser_is_answered_in_its_language(admin_client: Client, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    make_job("FAILED")
    overview = reverse("admin:app_list", args=["jobqueue"])
    for language, word in (("de", "Fehlgeschlagen"), ("en", "Failed"), ("de-ch", "Fehlgeschlagen"), ("ja", "Failed")):
        assert word in admin_client.get(overview, headers={"Accept-Language": language}).text, language


def test_numbers_and_moments(speak: Any) -> None:
    speak("de")
    assert [number(1234567), number(0.25, 1), number(12.5, 1)] == ["1.234.567", "0,2", "12,5"]
    assert str(AtLeast(10_000)) == "10.000+"
    assert span(1.5) == "1,5\N{NO-BREAK SPACE}s"
    assert "30.11.2026 14:05:09" in moment(datetime(2026, 11, 30, 14, 5, 9, tzinfo=UTC))


def test_numbers_and_moments_in_english() -> None:
    assert [number(1234567), number(0.25, 1), number(12.5, 1)] == ["1,234,567", "0.2", "12.5"]
    assert span(3725) == "1\N{NO-BREAK SPACE}h 2\N{NO-BREAK SPACE}min"
    assert "2026-11-30 14:05:09" in moment(datetime(2026, 11, 30, 14, 5, 9, tzinfo=UTC))


@pytest.mark.django_db(transaction=True)
def test_the_command_line_stays_english(speak: Any) -> None:
    make_job(gate="after")
    speak("de")
    out = StringIO()
    call_command("jobs", "list", stdout=out)
    assert "waits for other jobs" in out.getvalue()
