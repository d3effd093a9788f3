"""Job ids: unique, in order, and older than nobody's."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from jobqueue.database import new_id, new_ids


def test_ids_of_a_process_rise():
    ids = [new_id() for _ in range(5000)]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


def test_ids_are_version_7_and_tell_the_time():
    made = new_id()
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert abs((made.int >> 80) / 1000 - time.time()) < 60


def test_ids_of_a_lot_rise_and_so_do_those_before_and_after():
    ids = [new_id(), *map(uuid.UUID, new_ids(5000)), new_id(), *map(uuid.UUID, new_ids(10))]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)
    assert {(made.version, made.variant) for made in ids} == {(7, uuid.RFC_4122)}
    assert abs((ids[-1].int >> 80) / 1000 - time.time()) < 60


def test_a_lot_may_be_empty():
    assert new_ids(0) == []


def test_ids_of_a_lot_are_texts_as_uuids_write_them():
    assert all(str(uuid.UUID(made)) == made for made in new_ids(100))


def test_threads_never_get_the_same_id():
    with ThreadPoolExecutor(8) as threads:
        ids = [i for part in threads.map(lambda _: [new_id() for _ in range(1000)], range(8)) for i in part]
    assert len(set(ids)) == len(ids)


def test_ids_rise_while_the_clock_goes_back(monkeypatch):
    before = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert new_id() > before
