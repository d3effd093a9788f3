"""What a soak has found is told as it is: on the terminal, in the exit status, and in the document."""

import pytest

from tests.soak import report
from tests.soak.problems import never, problems
from tests.soak.sometimes import wanted


def chapter(database="sqlite", number=0, **changes):
    vendor = {"mariadb": "mysql"}.get(database, database)
    found = {
        "database": database, "chapter": number, "jobs": 1000, "runs": 1100, "effects": 900, "wrong": [],
        "overlaps": [], "ownerless_seconds": 3.0, "ownerless_in_storm": 20.0, "lease_seconds": 2.0,
        "faults": {"Redis flushed": 2},
        "deeds": {"retried": 3}, "sometimes": dict.fromkeys(wanted(vendor), 1),
    }  # fmt: skip
    return found | changes


def soak(*chapters, seconds=300.0, faults=()):
    return {
        "seed": 7, "seconds": seconds, "chapter_seconds": 300.0, "databases": sorted({c["database"] for c in chapters}),
        "faults": list(faults), "began": 1_800_000_000.0, "took": 310.0, "chapters": list(chapters),
    }  # fmt: skip


def overlap(*, thawed=False, broken=("process",)):
    return {"number": "slow-1", "began": 1.0, "seconds": 0.7, "thawed": thawed, "faults": [], "broken": list(broken)}


def test_nothing_is_wrong_where_nothing_is():
    assert problems(soak(chapter(), chapter("mariadb"))) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"wrong": ["lost: bump-1"]}, "lost: bump-1"),
        ({"wrong": [f"lost: bump-{i}" for i in range(30)]}, "… and 20 more"),
        ({"effects": 0}, "no job did anything"),
        ({"ownerless_seconds": 12.5}, "without owner for 12.5 s"),
        ({"overlaps": [overlap()]}, "two runs overlapped"),
        ({"overlaps": [overlap(broken=[])]}, "two runs overlapped"),
        ({"sometimes": {}}, "never needed: a stale write was refused"),
    ],
)
def test_what_is_wrong_fails_the_soak(changes, told):
    found = soak(chapter(**changes))
    assert any(told in text for text in problems(found))
    assert told in report.text(found)


@pytest.mark.parametrize("excused", [overlap(thawed=True), overlap(broken=["process", "redis"])])
def test_overlap_is_excused_but_told(excused):
    found = soak(chapter(overlaps=[excused]))
    assert problems(found) == []
    assert "0.7 in 1 jobs" in report.text(found)


def test_a_defence_is_needed_once_in_all_chapters_of_each_database():
    idle = chapter(number=1, sometimes=dict.fromkeys(wanted("sqlite"), 0))
    assert never(soak(chapter(), idle)) == []
    assert {database for database, _ in never(soak(idle, chapter("mariadb")))} == {"sqlite"}


@pytest.mark.parametrize("other", [{"seconds": 60.0}, {"faults": ["Redis flushed"]}])
def test_a_short_or_a_narrow_soak_need_not_reach_everything(other):
    assert never(soak(chapter(sometimes={}), **other)) == []


def test_figures_are_written_between_the_marks(tmp_path, monkeypatch):
    document = tmp_path / "reliability.md"
    document.write_text(f"before\n{report.BEGIN}\nold figures\n{report.END}\nafter\n")
    monkeypatch.setattr(report, "DOCUMENT", document)
    monkeypatch.setattr(report, "ROOT", tmp_path)
    report.publish(soak(chapter(), chapter("mariadb", faults={"worker killed": 3})))
    text = document.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "old figures" not in text
    assert "| jobs | 1,000 | 1,000 | 2,000 |" in text
    assert "| lost | 0 | 0 | 0 |" in text
    assert "5 faults of 2 kinds." in text
    assert 'make soak ARGS="--minutes 5 --seed 7 --databases mariadb,sqlite --chapter 300"' in text

    document.write_text("no marks")
    with pytest.raises(ValueError, match="marks"):
        report.publish(soak(chapter()))


def test_the_document_has_the_marks():
    text = report.DOCUMENT.read_text()
    assert text.count(report.BEGIN) == text.count(report.END) == 1
