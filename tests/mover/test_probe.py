"""How fast a line is, before anything has gone over it."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import StoreDeniedError
from cryoem_cloud.mover import planning
from cryoem_cloud.mover.engine import SEND_BYTES, Engine, Line
from cryoem_cloud.mover.probe import probed
from cryoem_cloud.mover.push import send_file
from cryoem_cloud.stores.memory import MemoryStore

MB = 1_000_000
PROJECT = "ribosome-00000000"


class Slow(MemoryStore):
    """A store at the end of a line of so many bytes a second; its time is not ours."""

    def __init__(self, bytes_per_s: float, *, round_trip_s: float = 0.001) -> None:
        super().__init__()
        self.now_s, self.rate, self.sent = 0.0, bytes_per_s, [0]
        self.round_trip_s = round_trip_s

    def size(self, key: str) -> int:
        self.now_s += self.round_trip_s
        return super().size(key)

    def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
        self.now_s += len(data) / self.rate
        self.sent.append(len(data))
        super().put(key, data, if_absent=if_absent)

    def monotonic(self) -> float:
        return self.now_s


@pytest.mark.parametrize(("mb_per_s", "sent_mib"), [(1, 1), (30, 1), (100, 17), (2000, 81)])
def test_a_slow_line_is_asked_for_little(mb_per_s: int, sent_mib: int) -> None:
    store = Slow(mb_per_s * MB)
    found = probed(store, PROJECT, monotonic=store.monotonic)
    assert found == pytest.approx(mb_per_s * MB)
    assert sum(store.sent) == sent_mib * 1024**2
    assert list(store.list("")) == []


def test_nothing_is_sent_far_away() -> None:
    store = Slow(MB, round_trip_s=0.02)
    assert probed(store, PROJECT, monotonic=store.monotonic) == 125 * MB
    assert sum(store.sent) == 0


def test_where_nothing_may_be_sent_nothing_is_known() -> None:
    class Denied(MemoryStore):
        def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
            raise StoreDeniedError(f"{key}, {len(data)} bytes, {if_absent}")

    assert probed(Denied(), PROJECT, monotonic=lambda: 0.0) is None


def test_nothing_stays_where_one_of_several_could_not_be_sent() -> None:
    class Uneven(Slow):
        def put(self, key: str, data: bytes, *, if_absent: bool = False) -> None:
            if len(data) > 1024**2:
                if key.endswith("0"):
                    raise StoreDeniedError(key)
                time.sleep(0.3)
            super().put(key, data, if_absent=if_absent)

    store = Uneven(100 * MB)
    assert probed(store, PROJECT, monotonic=store.monotonic) == pytest.approx(100 * MB)
    assert list(store.list("")) == []


def test_what_one_that_was_killed_left_goes() -> None:
    class Killed(Slow):
        def delete(self, key: str) -> None:
            raise StoreDeniedError(key)

    store, again = Killed(2000 * MB), Slow(MB)
    probed(store, PROJECT, monotonic=store.monotonic)
    for left in store.list(""):
        again.put(left.key, b"left")
    probed(again, PROJECT, monotonic=again.monotonic)
    assert list(again.list("")) == []


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PROBED_BYTES", 16 * 1024**2)


def movie(folder: Path, number: int, line: Callable[[int], bytes]) -> Path:
    path = folder / f"{number}.mrc"
    path.write_bytes(line(20 * 1024**2))
    return path


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(("mb_per_s", "encoded"), [(10, True), (100, True), (20_000, False)])
def test_counts_are_encoded_unless_the_line_is_faster(
    tmp_path: Path, mb_per_s: int, *, encoded: bool
) -> None:
    store = Slow(mb_per_s * MB)
    with Engine(
        memory_bytes=SEND_BYTES, encoding=Encoding.AUTO, monotonic=store.monotonic
    ) as engine:
        for number in (1, 2):
            path = movie(
                tmp_path, number, lambda size: os.urandom(size // 8) + bytes(size // 8 * 7)
            )
            _, content = send_file(store, path, project=PROJECT, key=f"m/{number}", engine=engine)
            assert bool(content.codecs) == encoded
    assert sum(key.key.startswith(f"{PROJECT}/probe") for key in store.list("")) == 0
    assert sum(size == 1024**2 for size in store.sent) == 1  # once


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("line", [Line(most_bytes_per_s=MB), Line(beyond_bytes_per_s=MB)])
def test_what_is_known_is_not_tried(tmp_path: Path, line: Line) -> None:
    store = Slow(MB)
    path = movie(tmp_path, 1, bytes)
    with Engine(
        memory_bytes=SEND_BYTES, encoding=Encoding.AUTO, line=line, sleep=lambda _: None
    ) as engine:
        send_file(store, path, project=PROJECT, key="m/1", engine=engine)
    assert 1024**2 not in store.sent


@pytest.mark.usefixtures("small")
def test_noise_is_no_reason_to_try(tmp_path: Path) -> None:
    store = Slow(MB)
    path = movie(tmp_path, 1, os.urandom)
    with Engine(memory_bytes=SEND_BYTES, encoding=Encoding.AUTO) as engine:
        _, content = send_file(store, path, project=PROJECT, key="m/1", engine=engine)
    assert not content.codecs
    assert 1024**2 not in store.sent
