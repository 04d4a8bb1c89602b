"""What goes into the store of files that were named: nothing twice, and small ones together."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.upload import Upload
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import SourceChangedError
from cryoem_cloud.model.file import Entry, Kind, Stamp
from cryoem_cloud.model.job import Need
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.mover.stamp import require_unchanged
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.words import IndexWords

STARS = 40


class Sender:
    """A project, a store, and what is sent."""

    def __init__(self, top: Path, encoding: Encoding = Encoding.AUTO) -> None:
        self.folder = top / "project"
        self.folder.mkdir(parents=True)
        self.store = MemoryStore()
        self.project = Project(name="ribosome-00000000", store="memory://", folder=self.folder)
        self.cache = Cache(top / "cache.sqlite")
        self.engine = Engine(memory_bytes=SEND_BYTES, encoding=encoding)
        self.moved: list[int] = []

    def send(self, *paths: str, distrust: bool = False) -> dict[str, Entry]:
        self.moved.clear()
        upload = Upload(
            store=self.store,
            project=self.project,
            cache=self.cache,
            by_reference=False,
            moved=self.moved.append,
            engine=self.engine,
            distrust=distrust,
        )
        needs = [Need(path=path, asked_by="push") for path in paths]
        return {entry.path: entry for entry in upload.entries("push", needs)}

    def stars(self) -> list[str]:
        """Small files."""
        for number in range(STARS):
            text = "".join(f"{number} {row} 0.5\n" for row in range(300))
            (self.folder / f"{number:02d}.star").write_text(text)
        return [f"{number:02d}.star" for number in range(STARS)]

    def bundles(self) -> list[str]:
        return [item.key for item in self.store.list(f"{self.project.name}/bundles/")]


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    return Sender(tmp_path)


def test_many_small_files_share_an_object_and_come_back(sender: Sender, tmp_path: Path) -> None:
    entries = sender.send(*sender.stars())
    assert len(sender.bundles()) == 1
    size = sum(entry.size for entry in entries.values())
    assert sum(sender.moved) == size
    assert sender.store.size(sender.bundles()[0]) < size / 2
    wanted = [(entry, tmp_path / "back" / path) for path, entry in entries.items()]
    fetch_files(sender.store, sender.project.name, wanted)
    for path in entries:
        here, there = sender.folder / path, tmp_path / "back" / path
        assert there.read_bytes() == here.read_bytes()
        assert there.stat().st_mtime_ns == here.stat().st_mtime_ns


def test_a_few_small_files_lie_under_their_own_names(sender: Sender) -> None:
    entries = sender.send(*sender.stars()[:5])
    assert not sender.bundles()
    assert {entry.content and entry.content.key for entry in entries.values()} == {
        f"mirror/{number:02d}.star" for number in range(5)
    }


def test_without_a_codec_bytes_are_the_files_own(tmp_path: Path) -> None:
    sender = Sender(tmp_path, Encoding.NONE)
    entries = sender.send(*sender.stars())
    data = sender.store.get(sender.bundles()[0])
    for path, entry in entries.items():
        assert entry.content is not None
        start = entry.content.start
        assert data[start : start + entry.content.stored] == (sender.folder / path).read_bytes()
    assert not list(sender.store.list("decoder/"))


def test_what_was_sent_is_not_sent_again_under_any_name(sender: Sender) -> None:
    names = sender.stars()
    sender.send(*names)
    (sender.folder / "copy").write_bytes((sender.folder / names[3]).read_bytes())
    (sender.folder / "link").symlink_to(names[4])
    sender.send(*names, "copy", "link")
    assert not sender.moved
    assert len(sender.bundles()) == 1


@pytest.mark.parametrize("size", [300_000, 20_000_000])
def test_a_file_of_several_names_is_sent_once(sender: Sender, size: int) -> None:
    (sender.folder / "1.mrc").write_bytes(os.urandom(size))
    (sender.folder / "2.mrc").hardlink_to(sender.folder / "1.mrc")
    entries = sender.send("1.mrc", "2.mrc")
    assert sum(sender.moved) == size
    assert entries["1.mrc"].content == entries["2.mrc"].content
    (sender.folder / "3.mrc").write_bytes((sender.folder / "1.mrc").read_bytes())
    sender.send("3.mrc")
    assert not sender.moved


def test_files_of_one_size_are_told_apart(sender: Sender) -> None:
    for name in ("1.mrc", "2.mrc"):
        (sender.folder / name).write_bytes(os.urandom(20_000_000))
        sender.send(name)
        assert sum(sender.moved) == 20_000_000


def test_a_file_that_changes_as_it_is_read_leaves_nothing_of_its_bundle(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sender.stars()

    def changed(path: Path, descriptor: int, stamp: Stamp) -> None:
        if path.name == "07.star":
            path.write_text("others")
        require_unchanged(path, descriptor, stamp)

    monkeypatch.setattr("cryoem_cloud.mover.bundle.require_unchanged", changed)
    with pytest.raises(SourceChangedError, match=r"07\.star"):
        sender.send(*names)
    assert not sender.bundles()


def test_distrust_reads_what_time_says_is_the_same(sender: Sender) -> None:
    names = sender.stars()
    sender.send(*names)
    file = sender.folder / names[0]
    found = file.stat()
    file.write_bytes(file.read_bytes().replace(b"0.5", b"0.6"))
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns))
    sender.send(*names)
    assert not sender.moved
    sender.send(*names, distrust=True)
    assert sum(sender.moved) == found.st_size


def test_the_decoder_in_the_store_gives_a_file_back(
    sender: Sender, tmp_path: Path, counts: Callable[[int], bytes]
) -> None:
    data = counts(40_000_000)
    (sender.folder / "1.mrc").write_bytes(data)
    content = sender.send("1.mrc")["1.mrc"].content
    assert content is not None
    assert [codec.name for codec in content.codecs] == ["blocks"]
    stored, script = tmp_path / "stored", tmp_path / "decode.py"
    stored.write_bytes(sender.store.get(f"{sender.project.name}/{content.key}"))
    script.write_bytes(sender.store.get("decoder/decode-1.py"))
    command = [sys.executable, str(script), str(stored), str(tmp_path / "file")]
    subprocess.run(command, check=True, cwd=tmp_path)
    assert (tmp_path / "file").read_bytes() == data
    assert b"decode-1.py" in sender.store.get("decoder/README.txt")


@pytest.fixture
def counts() -> Callable[[int], bytes]:
    """Bytes of a counting movie."""
    return lambda size: os.urandom(size).translate(bytes(byte % 3 for byte in range(256)))


def removed(sender: Sender, *entries: Entry) -> None:
    """Somebody cleans away the objects of these."""
    index = IndexLog(sender.store, sender.project.name)
    sender.cache.refresh(index, sender.project.name)
    keys = [entry.content.key for entry in entries if entry.content]
    gone = [Entry(path=entry.path, kind=Kind.GONE) for entry in entries]
    last = sender.cache.last_read(sender.project.name)
    assert index.append_next(f"clean {last}", gone, removed=keys, after=last)
    for key in keys:
        sender.store.delete(f"{sender.project.name}/{key}")


def test_what_was_removed_goes_under_another_key_however_often(sender: Sender) -> None:
    (sender.folder / "a").write_bytes(b"some bytes")
    keys = set()
    for _ in range(4):
        (sender.folder / "a").write_bytes(b"some bytes")
        (entry,) = sender.send("a").values()
        assert entry.content
        keys.add(entry.content.key)
        assert sender.store.get(f"{sender.project.name}/{entry.content.key}") == b"some bytes"
        removed(sender, entry)
    assert len(keys) == 4
    assert "mirror/a" in keys


def test_a_push_that_was_killed_before_it_sent_again_is_made_good_by_the_next(
    sender: Sender,
) -> None:
    """Its record names what was removed; nobody believes it."""
    (sender.folder / "a").write_bytes(b"some bytes")
    (entry,) = sender.send("a").values()
    removed(sender, entry)
    index = IndexLog(sender.store, sender.project.name)
    index.append("push", [entry])
    words = IndexWords(index)
    words.read_on()
    assert words.entries == {}
    (again,) = sender.send("a").values()
    assert again.content
    assert sender.store.get(f"{sender.project.name}/{again.content.key}") == b"some bytes"
    words.read_on()
    assert words.entries == {"a": again}


def test_an_object_that_is_removed_though_a_file_is_in_it_ends_no_sending_in_a_circle(
    sender: Sender,
) -> None:
    """No program of ours says so; a machine may."""
    (sender.folder / "a").write_bytes(b"some bytes")
    (entry,) = sender.send("a").values()
    assert entry.content
    index = IndexLog(sender.store, sender.project.name)
    assert index.append_next("odd", (), removed=[entry.content.key], after=1)
    (again,) = sender.send("a").values()
    assert again.content
    assert again.content.key != entry.content.key


def test_a_push_that_is_killed_after_a_record_that_counts_for_nothing_is_noticed(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file does not stand as the index names it."""
    (sender.folder / "a").write_bytes(b"some bytes")
    (entry,) = sender.send("a").values()
    (sender.folder / "b").write_bytes(b"some bytes")
    append = IndexLog.append

    def late(log: IndexLog, origin: str, entries: Iterable[Entry], *, after: int = 0) -> int:
        removed(sender, entry)
        number = append(log, origin, entries, after=after)
        monkeypatch.setattr(Upload, "_found", killed)
        return number

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(IndexLog, "append", late)
    with pytest.raises(KeyboardInterrupt):
        sender.send("b")
    assert list(sender.cache.standing(sender.project.name, ".")) == []
    monkeypatch.undo()
    (again,) = sender.send("b").values()
    assert again.content
    assert sender.store.get(f"{sender.project.name}/{again.content.key}") == b"some bytes"
