"""What of growing logs is told, also of those that are cut and written anew."""

from pathlib import Path

import pytest

from cryoem_cloud.agent.printing import Printing


class Log:
    """A log, and what was told of it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "run.out"
        self.path.touch()
        self.printing = Printing({"out": self.path})
        self.home = b""

    def tell(self) -> list[int]:
        """Bring home what is new, as a courier does; where it begins."""
        starts = []
        for chunk in self.printing.fresh():
            kept = self.home if chunk.start else b""
            self.home = kept[: chunk.start] + chunk.data
            self.printing.tell(chunk)
            starts.append(chunk.start)
        return starts

    def add(self, data: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(data)


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_only_what_was_added_is_told(log: Log) -> None:
    assert log.tell() == []
    for count in range(1, 40):
        log.add(b"line %d\n" % count)
        log.tell()
    assert log.tell() == []
    log.add(b"last\n")
    assert log.tell() == [len(log.home) - 5]
    assert log.home == log.path.read_bytes()
    assert log.printing.told == {"out": len(log.home)}


@pytest.mark.parametrize("before", [b"one\ntwo\n", b"a long line\n" * 100])
@pytest.mark.parametrize(
    "after", [b"", b"new\n", b"a longer line than before\n" * 200, b"a long line\n" * 50]
)
def test_a_log_that_is_written_anew_is_told_anew(log: Log, before: bytes, after: bytes) -> None:
    log.add(before)
    log.tell()
    log.path.write_bytes(after)
    assert log.tell() == [0]
    assert log.home == after
    assert log.printing.told == {"out": len(after)}
    assert log.tell() == []
    log.add(b"and on\n")
    log.tell()
    assert log.home == log.path.read_bytes()


def test_a_log_that_was_begun_anew_and_is_longer_already_is_noticed(log: Log) -> None:
    log.add(b"first\n" + b"same\n" * 1000)
    log.tell()
    log.path.write_bytes(b"other\n" + b"same\n" * 2000)
    assert log.tell() == [0]
    assert log.home == log.path.read_bytes()
