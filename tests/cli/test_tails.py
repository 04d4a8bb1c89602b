"""What `cryoem run` and `cryoem logs -f` print of logs that are begun anew meanwhile."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from cryoem_cloud.cli.jobs.afar import records_of
from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.jobs.tails import Tail, tail_of
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.journal import LogLines, Page

_BEFORE = b"an earlier job's\n"


@dataclass
class Followed:
    """A job's output log, and who prints it."""

    file: Path
    tail: Tail

    def prints(self) -> bytes:
        return b"".join(data for log, data in self.tail.new() if log == "out")

    def hold(self, text: bytes) -> None:
        self.file.write_bytes(_BEFORE + text)


def a_card(tmp_path: Path) -> Card:
    return Card(
        number=7,
        project="proj-1",
        store=(tmp_path / "store").as_uri(),
        folder=tmp_path,
        name="MotionCorr/job007",
        application="relion",
        frontend="relion",
        outputs=("MotionCorr/job007",),
        logs=("run.out", "run.err"),
        log_starts=(len(_BEFORE), 0),
        submitted_at="2026-01-01T00:00:00+00:00",
    )


@pytest.fixture
def followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Followed:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "run.out").write_bytes(_BEFORE)
    card = a_card(tmp_path)
    cards().write(card)
    return Followed(tmp_path / "run.out", tail_of(card))


def test_what_is_added_is_printed_once(followed: Followed) -> None:
    assert followed.prints() == b""
    followed.hold(b"one\n")
    assert followed.prints() == b"one\n"
    followed.hold(b"one\ntwo\n")
    assert [followed.prints(), followed.prints()] == [b"two\n", b""]


def test_the_log_of_joined_pieces_is_printed_from_its_start(followed: Followed) -> None:
    followed.hold(b"cryoem: piece 1 of 5: ended\n")
    followed.prints()
    joined = b"== piece 1 of 5: movies 1 to 2 ==\n" + 2000 * b"a line of RELION's\n"
    followed.hold(joined)
    assert followed.prints() == joined
    followed.hold(joined + b"joined\n")
    assert followed.prints() == b"joined\n"


def test_the_log_of_another_machine_is_printed_from_its_start(followed: Followed) -> None:
    """Both begin alike; the second one is longer than the first, or shorter."""
    followed.hold(b"RELION\nExpectation iteration 1\n 10/10 sec\n")
    followed.prints()
    followed.hold(b"RELION\n")
    assert followed.prints() == b"RELION\n"
    longer = b"RELION\nExpectation iteration 2\n 20/20 sec\nMaximization\n"
    followed.hold(longer[:20])
    assert followed.prints() == longer[7:20]
    followed.hold(b"RELION\ncontinued\n" + longer)
    assert followed.prints() == b"RELION\ncontinued\n" + longer


def test_of_a_log_that_only_the_store_has_pieces_are_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine that joins the pieces has worked on some of them, each in its first turn."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    card = a_card(tmp_path)
    records = records_of(card)
    for number, (task, said) in enumerate((("000001", b"at a\n"), ("main", b"== all ==\n")), 1):
        lines = (LogLines(log="out", start=0, data=said),)
        page = Page(machine="m-1", number=number, task=task, turn=1, lines=lines)
        records.put_page(page)
        records.turns(task).claim("m-1")
    assert Followed(tmp_path, tail_of(card)).prints() == b"== all ==\n"
