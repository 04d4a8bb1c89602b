"""What lines to stores have taken is kept by host, and thrown away safely."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cryoem_cloud.model.line import Speed, Speeds
from cryoem_cloud.mover.engine import Engine, Line
from cryoem_cloud.mover.lines import Lines

NOW = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)
LATER = NOW + timedelta(days=2)
S3 = "s3://lab-em/cryoem"
_MIB = 1024 * 1024


@pytest.fixture
def lines(tmp_path: Path) -> Lines:
    return Lines(tmp_path / "cache" / "lines.json")


def test_the_last_of_each_way_is_kept_by_host(lines: Lines) -> None:
    lines.note(S3, NOW, up=11.7e6, down=None)
    lines.note(f"{S3}/other", LATER, up=None, down=26e6)
    lines.note("s3://elsewhere", LATER, up=1e6, down=2e6)
    assert lines.of(S3) == Speeds(up=Speed(11_700_000, NOW), down=Speed(26_000_000, LATER))
    lines.note(S3, LATER, up=12e6, down=None)
    assert lines.of(S3).up == Speed(12_000_000, LATER)


def test_a_folder_has_no_line_and_nothing_new_is_not_written(lines: Lines, tmp_path: Path) -> None:
    lines.note("file:///data/store", NOW, up=1e9, down=1e9)
    lines.note(S3, NOW, up=None, down=None)
    assert list(tmp_path.iterdir()) == []
    assert lines.of("file:///data/store") == lines.of(S3) == Speeds()


def test_without_a_file_nothing_is_kept() -> None:
    lines = Lines()
    lines.note(S3, NOW, up=1e9, down=1e9)
    assert lines.of(S3) == Speeds()


@pytest.mark.parametrize(
    "odd",
    [
        b"",
        b"{",
        b"[]",
        b'{"kind": "lines", "v": 99, "hosts": {}}',
        b'{"kind": "lines", "v": 1, "hosts": {"s3://lab-em": {"up": {"bytes_per_s": "fast"}}}}',
        b'{"kind": "lines", "v": 1, "hosts": {"s3://lab-em": {"up": {"bytes_per_s": -1}}}}',
        b'{"kind": "lines", "v": 1, "hosts": {"s3://lab-em": 3}}',
    ],
)
def test_what_is_damaged_counts_for_nothing_and_is_replaced(
    lines: Lines, tmp_path: Path, odd: bytes
) -> None:
    lines.note(S3, NOW, up=1e6, down=None)
    (tmp_path / "cache" / "lines.json").write_bytes(odd)
    assert lines.of(S3) == Speeds()
    lines.note(S3, NOW, up=2e6, down=None)
    assert lines.of(S3).up == Speed(2_000_000, NOW)


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    Lines(tmp_path / "file" / "lines.json").note(S3, NOW, up=1e6, down=None)


def test_a_line_that_hardly_moves_is_kept_too(lines: Lines) -> None:
    lines.note(S3, NOW, up=0.3, down=None)
    assert lines.of(S3).up == Speed(1, NOW)


class Seconds:
    """A clock that passes as a test says."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("limit", "told"), [(None, 40.0), (100.0, 40.0), (45.0, None)])
def test_an_engine_tells_what_its_line_took_once_and_not_what_a_limit_allows(
    limit: float | None, told: float | None
) -> None:
    clock = Seconds()
    line = Line(most_bytes_per_s=limit and limit * _MIB)
    with Engine(memory_bytes=_MIB, line=line, monotonic=clock, sleep=lambda _: None) as engine:
        assert engine.newly_measured() is None
        with engine.stream(40 * _MIB):
            clock.now += 1
        assert engine.newly_measured() == (told and told * _MIB)
        with engine.stream(_MIB):
            clock.now += 1
        assert engine.newly_measured() is None, "little has gone since"
