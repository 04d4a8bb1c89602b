"""Large files come home in the background, in their order, and all of them in the end."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from cryoem_cloud.courier.homeward.carrier import Carrier
from cryoem_cloud.courier.homeward.home import DroppedError
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import StoreUnreachableError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.journal import Page

from .conftest import FOLDER, MACHINE, TASK, Bench

LARGE = 100_000


def entry(path: str, text: str = "x", *, size: int = LARGE, mtime_ns: int = 1) -> Entry:
    content = Content(key=text, start=0, stored=size, size=size, digest=digest_of(text.encode()))
    return Entry(path=path, content=content, mtime_ns=mtime_ns)


@dataclass
class Home:
    """Says what came; brings files once it may."""

    moved: Callable[[int], None] = lambda _: None
    placed: list[str] = field(default_factory=list)
    brought: list[list[str]] = field(default_factory=list)
    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    troubles: list[Exception] = field(default_factory=list)

    def place(
        self,
        files: tuple[Entry, ...],
        small: tuple[tuple[Entry, bytes], ...],
        *,
        later: Callable[[list[Entry]], None],
    ) -> None:
        self.placed += [each.path for each, _ in small]
        self.placed += [each.path for each in files if each.kind is not Kind.FILE]
        later([each for each in files if each.kind is Kind.FILE])

    def bring(self, files: list[Entry]) -> None:
        self.begun.release()
        while not self.gate.acquire(timeout=0.01):
            self.moved(1)
        if self.troubles:
            raise self.troubles.pop(0)
        said = [f"{each.path} {each.content.key}" if each.content else "" for each in files]
        self.brought.append(said)


def page(*files: Entry, small: str = "") -> Page:
    bundled = ((entry(small, size=1), b"x"),) if small else ()
    return Page(machine="m", number=1, files=files, small=bundled)


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
def carrier() -> Iterator[Carrier]:
    with Carrier() as made:
        yield made


def place(carrier: Carrier, home: Home, *files: Entry, small: str = "") -> None:
    carrier.place(home, page(*files, small=small))  # type: ignore[arg-type]  # a likeness


def test_what_is_small_does_not_wait_for_what_is_large(home: Home, carrier: Carrier) -> None:
    place(carrier, home, entry("a/map"))
    assert home.begun.acquire(timeout=10)
    place(carrier, home, small="a/star")
    assert home.placed == ["a/star"]
    assert home.brought == []
    home.gate.release()
    carrier.finish()
    assert home.brought == [["a/map x"]]


def test_light_and_new_files_come_first_and_of_each_its_newest_version(
    home: Home, carrier: Carrier
) -> None:
    place(carrier, home, entry("first"))
    assert home.begun.acquire(timeout=10)
    place(carrier, home, entry("heavy", size=10**9, mtime_ns=9), entry("old", mtime_ns=2))
    place(carrier, home, entry("new", mtime_ns=3), entry("old", "y", mtime_ns=4))
    place(carrier, home, entry("first", "y", mtime_ns=1), entry("first", mtime_ns=1))
    home.gate.release(2)
    carrier.finish()
    assert home.brought == [["first x"], ["old y", "new x", "first y", "heavy x"]]


@pytest.mark.parametrize("later", ["a/map", "a/map/below", "a"])
def test_what_is_placed_at_once_is_not_replaced_by_what_was_on_its_way(
    home: Home, carrier: Carrier, later: str
) -> None:
    place(carrier, home, entry("other"))
    assert home.begun.acquire(timeout=10)
    place(carrier, home, entry("a/map"), entry("b"))
    place(carrier, home, small=later)
    home.gate.release(2)
    carrier.finish()
    assert home.brought == [["other x"], ["b x"]]


def test_what_is_placed_at_once_waits_for_its_own_older_version(
    home: Home, carrier: Carrier
) -> None:
    place(carrier, home, entry("a/map"))
    assert home.begun.acquire(timeout=10)
    threading.Timer(0.1, home.gate.release).start()
    place(carrier, home, small="a/map")
    assert home.brought == [["a/map x"]]
    assert home.placed == ["a/map"]


def test_trouble_is_told_and_what_has_not_come_comes_later(home: Home) -> None:
    carrier = Carrier()
    home.troubles = [StoreUnreachableError("away"), DroppedError("gone")]
    home.gate.release(3)
    with carrier:
        place(carrier, home, entry("map"))
        with pytest.raises(StoreUnreachableError):
            carrier.finish()
        with pytest.raises(StoreUnreachableError):
            place(carrier, home, small="star")
    with carrier, pytest.raises(DroppedError):
        carrier.finish()
    with carrier:
        carrier.finish()
        carrier.look()
    assert home.brought == [["map x"]]


def test_leaving_stops_what_is_on_its_way(home: Home) -> None:
    carrier = Carrier()
    with carrier:
        place(carrier, home, entry("map"))
        assert home.begun.acquire(timeout=10)
    assert home.brought == []
    home.gate.release()
    with carrier:
        carrier.finish()
    assert home.brought == [["map x"]]


def test_a_jobs_log_comes_home_though_a_file_of_it_is_still_coming(bench: Bench) -> None:
    """On a slow line a map takes minutes; nobody waits for lines so long."""
    gate, seen = threading.Event(), []
    data = bytes(LARGE)
    read = bench.store.get_stream

    def slow(key: str, *, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        gate.wait(30)
        return read(key, start=start, length=length)

    bench.store.get_stream = slow  # type: ignore[method-assign]
    key = f"jobs/{bench.records.number:08d}/out/{TASK}/000001/map"
    bench.store.put(f"{bench.records.project}/{key}", data)
    content = Content(key=key, start=0, stored=LARGE, size=LARGE, digest=digest_of(data))
    map_ = Entry(path=f"{FOLDER}/map.mrc", content=content)

    def begin(bench: Bench) -> None:
        bench.records.turns(TASK).claim(MACHINE)
        bench.page(1, files=(map_,))
        bench.page(2, lines=(bench.lines(b"on and on\n"),))

    def end(bench: Bench) -> None:
        seen.append((bench.folder / "run.out").read_text())
        seen.append(str((bench.folder / "map.mrc").exists()))
        gate.set()
        claim = bench.records.turns(TASK).read()[-1]
        bench.end_turn(claim, (map_,), pages=2, logs={"out": 10, "err": 0})

    assert bench.run(begin, end).outcome is Outcome.SUCCESS
    assert seen == ["before\non and on\n", "False"]
    assert (bench.folder / "map.mrc").read_bytes() == data
