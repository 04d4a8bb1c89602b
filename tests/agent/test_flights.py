"""Large outputs on their way: what is small or new goes before what is large or old."""

import threading
from collections.abc import Iterator

import pytest

from cryoem_cloud.agent.engines import Engines
from cryoem_cloud.agent.flights import Flights, by_urgency
from cryoem_cloud.agent.outputs import SMALL_BYTES, Found
from cryoem_cloud.model.file import BLOCK_BYTES, Entry, Stamp
from cryoem_cloud.mover.engine import Engine

FILE, LINK = 0o100600, 0o120600


def found(path: str, size: int, mtime_ns: int = 1, mode: int = FILE) -> Found:
    return Found(path, Stamp(size=size, mtime_ns=mtime_ns, inode=1), mode)


@pytest.fixture
def engines() -> Iterator[Engines]:
    made = Engines.storing("auto")
    yield made
    made.close()


def test_small_goes_before_light_before_heavy_and_new_before_old() -> None:
    link = found("link", BLOCK_BYTES + 1, 9, LINK)
    small = [found("new.star", SMALL_BYTES, 7), found("old.star", 1, 3)]
    light = [found("new.mrc", SMALL_BYTES + 1, 8), found("old.mrc", BLOCK_BYTES, 2)]
    heavy = [found("new.mrcs", BLOCK_BYTES + 1, 9), found("old.mrcs", 10**12, 1)]
    mixed = [heavy[1], light[1], small[1], heavy[0], link, light[0], small[0]]
    assert sorted(mixed, key=by_urgency) == [link, *small, *light, *heavy]


def test_light_outputs_do_not_wait_for_heavy_ones(engines: Engines) -> None:
    gate, sent = threading.Event(), []

    def send(item: Found, engine: Engine) -> tuple[Stamp, Entry]:
        if engine is engines.heavy:
            gate.wait(30)
        sent.append(item.path)
        return item.stamp, Entry(path=item.path)

    flights = Flights(engines, send)
    heavy = [found(f"map{n}", BLOCK_BYTES + 1) for n in range(20)]
    begun = [item for item in heavy if flights.begin(item)]
    assert len(begun) == 8  # which of the others go first is settled later
    assert all(item.path in flights for item in begun)
    assert flights.begin(found("light", BLOCK_BYTES))
    assert [path for path, _ in flights.landed(wait=True)] == ["light"]
    assert sent == ["light"]
    gate.set()
    while flights:
        for path, future in flights.landed(wait=True):
            assert future.result()[1].path == path
    assert sorted(sent) == sorted(["light", *(item.path for item in begun)])
    flights.close()


def test_outputs_leave_most_of_the_line_to_what_is_fetched(engines: Engines) -> None:
    light, heavy = engines.light.streams, engines.heavy.streams
    with engines.fetching.stream(1):
        assert engines.light.streams == light // 4
        assert engines.heavy.streams == heavy // 4
    with engines.light.stream(1):
        assert engines.heavy.streams == heavy // 4
        assert engines.light.streams == light


@pytest.mark.parametrize(("codec", "encodes"), [("auto", True), ("none", False), ("", False)])
def test_outputs_are_stored_as_the_submitters_setting_says(codec: str, encodes: bool) -> None:  # noqa: FBT001
    engines = Engines.storing(codec)
    assert engines.light.encodes is engines.heavy.encodes is encodes
    assert engines.light.link_bytes_per_s == 125e6
    engines.close()


def test_a_codec_that_is_not_known_keeps_no_job_from_running(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engines = Engines.storing("newest")
    assert not engines.light.encodes
    assert "newest" in caplog.text
    engines.close()
