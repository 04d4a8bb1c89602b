"""A file's bytes that go from the kernel's pages arrive as they were digested, or not at all."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

import pytest

from cryoem_cloud.model.digest import block_digest
from cryoem_cloud.model.errors import SourceChangedError, StoreUnreachableError
from cryoem_cloud.mover.cut import Span
from cryoem_cloud.mover.source import Source
from cryoem_cloud.ports.parts import Parts
from cryoem_cloud.ports.span import FileSpan
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import Trouble
from tests.stores.conftest import Wire
from tests.stores.test_parts_wire import BREAKS, DATA, name_of

HALF = len(DATA) // 2
BLOCKS = (Span(0, HALF), Span(HALF, len(DATA) - HALF))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "movie.eer"
    made.write_bytes(DATA)
    return made


@pytest.fixture
def span(path: Path) -> Iterator[FileSpan]:
    with Source(path) as source:
        found, digests = source.spanned(BLOCKS)
        assert digests == [block_digest(DATA[:HALF]), block_digest(DATA[HALF:])]
        yield found


@pytest.fixture
def by_kernel(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How much the kernel was asked to send, at a time."""
    asked: list[int] = []
    real = os.sendfile

    def sendfile(sock: int, file: int, start: int, length: int) -> int:
        asked.append(length)
        return real(sock, file, start, length)

    monkeypatch.setattr(os, "sendfile", sendfile)
    return asked


@pytest.mark.parametrize("trouble", [Trouble(), *BREAKS], ids=name_of)
def test_a_file_arrives_on_lines_that_break(
    wire: Wire, span: FileSpan, trouble: Trouble, by_kernel: list[int]
) -> None:
    upload = wire.parts.begin("a")
    wire.proxy.trouble(trouble)
    sent = wire.parts.send("a", upload, 1, span)
    assert (sent.size, sent.check) == (len(DATA), span.check)
    wire.parts.complete("a", upload, [sent])
    assert wire.store.get("a") == DATA
    assert sum(by_kernel) >= len(DATA)


def test_what_the_kernel_cannot_send_is_read(
    wire: Wire, span: FileSpan, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unable(*_: object) -> NoReturn:
        raise OSError(errno.EINVAL, "not by this file system")

    monkeypatch.setattr(os, "sendfile", unable)
    upload = wire.parts.begin("a")
    wire.parts.complete("a", upload, [wire.parts.send("a", upload, 1, span)])
    assert wire.store.get("a") == DATA


def _write(path: Path) -> None:
    """Other bytes, with the file's size, time and inode as they were."""
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(HALF)
        file.write(b"others")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _cut(path: Path) -> None:
    os.truncate(path, HALF)


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


class _Deaf(BaseHTTPRequestHandler):
    """A server that neither compares checksums nor tells any."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("ETag", '"any"')
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture
def deaf() -> Iterator[Parts]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Deaf) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
        parts = open_store("s3://bucket", env={**keys, "AWS_ENDPOINT_URL": endpoint}).parts
        assert parts
        yield parts
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("change", [_write, _cut, _grow])
def test_what_changed_since_it_was_digested_is_told(
    deaf: Parts, span: FileSpan, path: Path, change: Callable[[Path], None]
) -> None:
    assert deaf.send("a", "upload", 1, span).size == len(DATA)
    change(path)
    with pytest.raises(SourceChangedError, match=r"movie\.eer"):
        deaf.send("a", "upload", 1, span)


def test_a_server_that_compares_takes_no_other_bytes(
    wire: Wire, span: FileSpan, path: Path
) -> None:
    upload = wire.parts.begin("a")
    _write(path)
    with pytest.raises(StoreUnreachableError):
        wire.impatient.send("a", upload, 1, span)
    assert not wire.parts.there("a", upload)


def test_what_is_read_again_has_to_be_the_same(span: FileSpan, path: Path) -> None:
    assert b"".join(span) == DATA
    _write(path)
    with pytest.raises(SourceChangedError, match=r"movie\.eer"):
        b"".join(span)


def test_what_is_cut_while_the_kernel_sends_it_is_told(
    wire: Wire, span: FileSpan, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.sendfile

    def sendfile(sock: int, file: int, start: int, length: int) -> int:
        if start:
            os.truncate(path, start)
        return real(sock, file, start, length)

    monkeypatch.setattr(os, "sendfile", sendfile)
    upload = wire.parts.begin("a")
    with pytest.raises(SourceChangedError, match=r"movie\.eer"):
        wire.parts.send("a", upload, 1, span)
    assert not wire.parts.there("a", upload)
