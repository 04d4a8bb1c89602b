"""The null sink of benchmarks/transfer: it must answer whatever real clients ask."""

import http.client
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.sax.saxutils import unescape

import pytest

from benchmarks.transfer.answers import Reply, Request, Service, plain
from benchmarks.transfer.links import LOOPBACK, way
from benchmarks.transfer.objects import cut, size_of
from benchmarks.transfer.rivals import environment
from benchmarks.transfer.sink import Keeper, decoded, head_of
from benchmarks.transfer.sinks import OUR_BUCKET, Sink, running
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.store_contract import StoreContract

Ask = Callable[..., Reply]


@pytest.fixture
def ask() -> Ask:
    service = Service(lambda: 1_800_000_000.0)

    def asked(method: str, key: str = "", body: bytes | int = b"", **more: dict[str, str]) -> Reply:
        pieces = (body,) if body else ()
        return service.answer(Request(method=method, bucket="b", key=key, body=pieces, **more))

    return asked


def text(reply: Reply) -> str:
    return plain(reply.body).decode()


def between(said: str, name: str) -> list[str]:
    return [unescape(each.partition(f"</{name}>")[0]) for each in said.split(f"<{name}>")[1:]]


def test_a_range_is_cut_out_of_kept_and_forgotten_pieces() -> None:
    pieces = (b"abc", 4, b"xyz")
    assert list(cut(pieces, 2, 6)) == [b"c", 4, b"x"]
    assert list(cut(pieces, 8, 100)) == [b"yz"]
    assert not list(cut(pieces, 10, 1))
    assert size_of(pieces) == 10


def test_an_object_comes_back_with_its_metadata_and_its_time(ask: Ask) -> None:
    put = ask("PUT", "k", b"hello", headers={"x-amz-meta-mtime": "1.5", "content-type": "x"})
    got = ask("GET", "k", headers={"range": "bytes=1-3"})
    assert (got.status, got.body, got.headers["Content-Range"]) == (206, (b"ell",), "bytes 1-3/5")
    assert got.headers["x-amz-meta-mtime"] == "1.5"
    assert got.headers["Last-Modified"] == "Fri, 15 Jan 2027 08:00:00 GMT"
    assert got.headers["ETag"] == put.headers["ETag"]
    assert ask("GET", "k", headers={"range": "bytes=-2"}).body == (b"lo",)
    assert ask("GET", "k", headers={"range": "bytes=5-"}).status == 416
    assert ask("GET", "none").status == 404


def test_writes_and_reads_are_conditional(ask: Ask) -> None:
    first = ask("PUT", "k", b"1", headers={"if-none-match": "*"})
    assert ask("PUT", "k", b"2", headers={"if-none-match": "*"}).status == 412
    assert ask("PUT", "k", b"2", headers={"if-match": '"other"'}).status == 412
    assert ask("GET", "k", headers={"if-none-match": first.headers["ETag"]}).status == 304
    second = ask("PUT", "k", b"2", headers={"if-match": first.headers["ETag"]})
    assert ask("GET", "k", headers={"if-none-match": first.headers["ETag"]}).status == 200
    assert ask("GET", "k", headers={"if-match": first.headers["ETag"]}).status == 412
    assert second.headers["ETag"] != first.headers["ETag"]


def test_an_upload_in_parts_is_listed_and_put_together_in_the_order_of_its_numbers(
    ask: Ask,
) -> None:
    (name,) = between(text(ask("POST", "k", query={"uploads": ""})), "UploadId")
    for number, body in ((2, 1000), (1, b"begin"), (3, b"end")):
        query = {"uploadId": name, "partNumber": str(number)}
        ask("PUT", "k", body, query=query, headers={"x-amz-checksum-crc32c": "AAAAAA=="})
    assert ask("GET", "k").status == 404
    assert "<Key>k</Key>" in text(ask("GET", query={"uploads": ""}))
    first = text(ask("GET", "k", query={"uploadId": name, "max-parts": "2"}))
    assert between(first, "PartNumber") == ["1", "2"]
    assert between(first, "Size") == ["5", "1000"]
    assert between(first, "ChecksumCRC32C") == ["AAAAAA=="] * 2
    assert between(first, "NextPartNumberMarker") == ["2"]
    rest = text(ask("GET", "k", query={"uploadId": name, "part-number-marker": "2"}))
    assert (between(rest, "PartNumber"), between(rest, "IsTruncated")) == (["3"], ["false"])
    rows = "".join(f"<Part><PartNumber>{each}</PartNumber></Part>" for each in (1, 2, 3))
    complete = {"body": rows.encode(), "query": {"uploadId": name}}
    assert ask("POST", "k", rows.replace("3", "4").encode(), query={"uploadId": name}).status == 400
    assert ask("POST", "k", **complete).status == 200
    assert ask("GET", "k").body == (b"begin", 1000, b"end")
    assert ask("POST", "k", **complete).status == 404


def test_completion_may_be_conditional_and_an_upload_may_end(ask: Ask) -> None:
    ask("PUT", "k", b"1")
    (name,) = between(text(ask("POST", "k", query={"uploads": ""})), "UploadId")
    ask("PUT", "k", b"x", query={"uploadId": name, "partNumber": "1"})
    body = b"<PartNumber>1</PartNumber>"
    refused = ask("POST", "k", body, query={"uploadId": name}, headers={"if-none-match": "*"})
    assert refused.status == 412
    assert ask("DELETE", "k", query={"uploadId": name}).status == 204
    assert ask("DELETE", "k", query={"uploadId": name}).status == 404


def test_listings_come_in_pages_and_folders(ask: Ask) -> None:
    for key in ("a", "d/1", "d/2", "e&f", "z"):
        ask("PUT", key, b"1")
    found, token = list[str](), ""
    for _ in range(9):
        query = {"list-type": "2", "delimiter": "/", "max-keys": "1", "continuation-token": token}
        page = text(ask("GET", query=query))
        found += between(page, "Key") + between(page, "Prefix")
        if between(page, "IsTruncated") == ["false"]:
            break
        (token,) = between(page, "NextContinuationToken")
    assert found == ["a", "d/", "e&f", "z"]
    below = text(ask("GET", query={"prefix": "d/", "start-after": "d/1"}))
    assert between(below, "Key") == ["d/2"]
    assert between(text(ask("GET", query={"prefix": "z"})), "Key") == ["z"]


def test_objects_are_copied_and_deleted(ask: Ask) -> None:
    ask("PUT", "k", b"1", headers={"x-amz-meta-mtime": "1"})
    replaced = {"x-amz-copy-source": "b/k", "x-amz-metadata-directive": "REPLACE"}
    ask("PUT", "k", headers={**replaced, "x-amz-meta-mtime": "2"})
    assert ask("HEAD", "k").headers["x-amz-meta-mtime"] == "2"
    ask("POST", body=b"<Delete><Key>k</Key></Delete>", query={"delete": ""})
    assert ask("HEAD", "k").status == 404


def test_s3s_own_chunks_are_taken_apart() -> None:
    body = b"5;chunk-signature=ab\r\nhello\r\n3\r\n\r\n!\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n"
    assert decoded(body) == b"hello\r\n!"
    length = f"Content-Length: {len(body)}\r\nx-amz-decoded-content-length: 8"
    head = head_of(f"PUT /b/k%20k?partNumber=1 HTTP/1.1\r\n{length}".encode())
    assert (head.bucket, head.key, head.query) == ("b", "k k", {"partNumber": "1"})
    keeper = Keeper(head, whole=False)
    keeper.take(memoryview(body))
    assert keeper.body() == (b"hello\r\n!",)


def test_large_bodies_are_forgotten_and_zeros_counted() -> None:
    head = head_of(b"PUT /b/k HTTP/1.1\r\nContent-Length: 100000000")
    forgetting, keeping = Keeper(head, whole=False), Keeper(head, whole=True)
    for chunk in (b"a" * 5000, bytes(5000), bytes(5000)):
        forgetting.take(memoryview(chunk))
        keeping.take(memoryview(chunk))
    assert forgetting.body() == (100_000_000,)
    assert keeping.body() == (b"a" * 5000, 10_000)


@pytest.fixture(scope="module")
def sink(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sink]:
    with (
        way(LOOPBACK) as there,
        running(there, tmp_path_factory.mktemp("sink"), tls=False, whole=True) as made,
    ):
        yield made


def test_it_counts_what_comes_and_goes(sink: Sink) -> None:
    sink.told()
    connection = http.client.HTTPConnection(sink.endpoint.removeprefix("http://"), timeout=20)
    for size in (10, 9_000_000):
        connection.request("PUT", f"/rivals/{size}", body=b"x" * size)
        connection.getresponse().read()
        connection.request("GET", f"/rivals/{size}")
        assert len(connection.getresponse().read()) == size
    connection.close()
    told = sink.told()
    assert told["requests"] == {"PUT": 2, "GET": 2}
    assert told["received"] == told["sent"] == 9_000_010
    assert sink.told()["received"] == 0


def test_it_ends_with_whoever_started_it() -> None:
    words = [sys.executable, "-m", "benchmarks.transfer.sink"]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(words, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.communicate(timeout=20)
    assert process.returncode == 0


class TestOurStoreOnIt(StoreContract):
    """What the store asks of a server is answered, and bytes are kept where they are to be."""

    @pytest.fixture
    def store(self, sink: Sink) -> Store:
        env = {**environment(sink.endpoint), "AWS_ENDPOINT_URL": sink.endpoint}
        return open_store(f"s3://{OUR_BUCKET}/{secrets.token_hex(8)}", env=env)
