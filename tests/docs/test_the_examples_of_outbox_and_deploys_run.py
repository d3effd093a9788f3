"""The Python of docs/outbox.md and docs/deploys.md is run as it stands there, with another side that is made up."""

from __future__ import annotations

import smtplib
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from jobqueue import lifecycle
from tests.app.models import Entry
from tests.effects.runs import Stage


class Requests(ModuleType):
    """The part of `requests` that the page uses, with the answer that comes next."""

    class ConnectTimeout(OSError): ...

    class ReadTimeout(OSError): ...

    def __init__(self) -> None:
        super().__init__("requests")
        self.posted: list[Any] = []
        self.answer: Any = None

    def post(self, url: str, *, json: Any, headers: dict[str, str], timeout: float) -> Any:
        """Note what is posted, and answer or raise."""
        self.posted.append((json, headers["Idempotency-Key"]))
        if isinstance(self.answer, Exception):
            raise self.answer
        return SimpleNamespace(status_code=self.answer, text="no", raise_for_status=int, json=lambda: {"id": "in_1"})


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> Requests:
    """Give another side, instead of the library."""
    made_up = Requests()
    monkeypatch.setitem(sys.modules, "requests", made_up)
    return made_up


@pytest.fixture
def outbox(page: Any, requests: Requests) -> Any:
    """Give what docs/outbox.md declares."""
    charges: dict[str, str] = {}

    def charge(cents: int, *, idempotency_key: str) -> Any:
        charges[idempotency_key] = f"ch_{cents}"
        return SimpleNamespace(id=charges[idempotency_key])

    def pay(*, charge_id: str) -> int:
        return Entry.objects.filter(note="order").update(note=charge_id)

    payments = SimpleNamespace(charge=charge, find_by_key=charges.get)
    order = SimpleNamespace(objects=SimpleNamespace(filter=lambda pk: SimpleNamespace(update=pay)))
    return page("outbox", payments=payments, Order=order, charges=charges)


def test_a_card_is_charged(run: Any, outbox: Any) -> None:
    Entry.objects.create(note="order")
    done = run(outbox.pay, 1, 500)
    assert done.job.status == "SUCCESSFUL"
    assert outbox.charges == {f"{done.id}:charge": "ch_500"}
    assert Entry.objects.get().note == "ch_500"


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        (200, ("SUCCESSFUL", "ok")),
        (503, ("READY", "raised")),
        (404, ("FAILED", "raised")),
        (Requests.ConnectTimeout(), ("READY", "raised")),
        (Requests.ReadTimeout(), ("FAILED", "in_doubt")),
    ],
)
def test_an_invoice_is_sent(run: Any, outbox: Any, requests: Requests, answer: Any, end: tuple[str, str]) -> None:
    requests.answer = answer
    done = run(outbox.send_invoice, {"sum": 5})
    assert requests.posted == [({"sum": 5}, f"{done.id}:invoice")]
    assert (done.job.status, done.job.outcome) == end


def test_a_mail_is_sent(run: Any, outbox: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(outbox, "send_mail", lambda *mail: sent.append(mail[3]) or 1)
    assert run(outbox.welcome, "a@example.com").job.status == "SUCCESSFUL"
    assert sent == [["a@example.com"]]

    def refuse(*_: Any) -> None:
        raise smtplib.SMTPConnectError(421, b"busy")

    monkeypatch.setattr(outbox, "send_mail", refuse)
    assert run(outbox.welcome, "b@example.com").job.status == "READY"


def test_long_work_resumes(stage: Stage, run: Any, page: Any) -> None:
    built: list[int] = []

    def rebuild_part(number: int) -> None:
        built.append(number)
        stage.stopping = number == 1

    deploys = page("deploys", rebuild_part=rebuild_part)
    first = run(deploys.rebuild, 4)
    assert (first.how.value, built) == ("handed back", [0, 1])
    assert lifecycle.release([first.claim.fence], started=True) == 1
    assert stage.again(deploys.rebuild).job.status == "SUCCESSFUL"
    assert built == [0, 1, 2, 3]


def test_a_message_names_the_change(run: Any, page: Any) -> None:
    done = run(page("deploys").bump, 1, amount=3)
    assert "bump() no longer takes 'amount' and now needs 'cents': " in done.message
