"""The S3 store against two real servers: the contract, and what only S3 can do to it."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import (
    ArchivedError,
    CorruptObjectError,
    CryoemError,
    NoSpaceError,
    ObjectExistsError,
    ObjectMissingError,
    SettingsError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.store import CHUNK_BYTES
from cryoem_cloud.stores.patient import Patient
from cryoem_cloud.stores.s3 import faults, signing
from cryoem_cloud.stores.s3.faults import RefusedError, translated
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import Trouble
from cryoem_cloud.testing.s3_servers import S3Server, client_of, free_ports
from tests.stores.conftest import Wire

MIB = 1024 * 1024


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_busy_server_is_asked_again(wire: Wire, status: int) -> None:
    wire.proxy.trouble(Trouble(status=status), Trouble(reset=True), Trouble(lost=True))
    assert wire.store.get("there") == b"0123456789"
    assert wire.asked("GET") == 4


def test_a_request_is_made_once(wire: Wire) -> None:
    assert isinstance(wire.store, Patient)
    wire.proxy.trouble(Trouble(status=503))
    with pytest.raises(StoreUnreachableError, match="busy"):
        wire.store._store.get("there")
    assert wire.asked("GET") == 1


def test_a_put_if_absent_whose_reply_is_lost_meets_itself(wire: Wire) -> None:
    wire.proxy.trouble(Trouble(lost=True))
    with pytest.raises(ObjectExistsError):
        wire.store.put("new", b"mine", if_absent=True)
    assert wire.store.get("new") == b"mine"


def test_a_put_if_absent_that_lands_late_replaces_nothing(wire: Wire) -> None:
    granted: list[str] = []
    wire.proxy.done = granted.append
    wire.proxy.trouble(Trouble(late_s=1.0))
    wire.store.put("new", b"mine", if_absent=True)
    wire.store.delete("new")
    until = time.monotonic() + 30
    while sum("/new" in request for request in granted) < 3:
        assert time.monotonic() < until, granted
        time.sleep(0.02)
    assert [request.partition(" ")[0] for request in granted] == ["PUT", "DELETE", "PUT"]
    with pytest.raises(ObjectExistsError):
        wire.store.put("new", b"other", if_absent=True)


def test_a_silent_server_has_done_what_it_was_asked(wire: Wire) -> None:
    wire.proxy.trouble(Trouble(silent_s=0.5, lost=True))
    begun = time.monotonic()
    with pytest.raises(ObjectExistsError):
        wire.store.put("new", b"mine", if_absent=True)
    assert time.monotonic() - begun >= 0.5


def test_a_body_that_is_damaged_on_its_way_is_refused_and_sent_again(wire: Wire) -> None:
    wire.proxy.trouble(Trouble(garble=True))
    wire.store.put("new", b"whole")
    assert wire.store.get("new") == b"whole"
    assert wire.asked("PUT") == 3  # the fixture's, the damaged one, the good one


def test_a_record_that_is_damaged_on_its_way_home_is_asked_for_again(wire: Wire) -> None:
    wire.proxy.trouble(Trouble(garble_answer=True))
    assert wire.store.get("there") == b"0123456789"
    assert wire.asked("GET") == 2


def test_a_record_that_is_damaged_each_time_is_refused(wire: Wire) -> None:
    wire.proxy.trouble(*[Trouble(garble_answer=True)] * 3)
    with pytest.raises(CorruptObjectError):
        wire.store.get("there")
    assert wire.store.get("there") == b"0123456789"


@pytest.mark.parametrize("trouble", [Trouble(cut_after=5 * MIB), Trouble(reset_after=5 * MIB)])
def test_a_stream_that_breaks_is_continued_by_range(wire: Wire, trouble: Trouble) -> None:
    data = os.urandom(12 * MIB)
    wire.store.put("large", data)
    wire.proxy.trouble(trouble)
    assert b"".join(wire.store.get_stream("large")) == data
    assert wire.asked("GET") == 2


@pytest.mark.parametrize("trouble", [Trouble(cut_after=20), Trouble(reset_after=20)])
def test_a_refusal_that_breaks_off_is_asked_for_again(wire: Wire, trouble: Trouble) -> None:
    wire.proxy.trouble(trouble)
    with pytest.raises(ObjectMissingError):
        wire.store.get("missing")
    wire.proxy.trouble(trouble)
    assert [found.key for found in wire.store.list("")] == ["there"]


def test_a_slow_answer_is_waited_for(wire: Wire) -> None:
    wire.proxy.trouble(Trouble(drip_s=0.05))
    wire.store.put("slow", b"x" * 5000)
    wire.proxy.trouble(Trouble(drip_s=0.05))
    assert wire.store.get("slow") == b"x" * 5000


def chunks(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), CHUNK_BYTES):
        yield data[at : at + CHUNK_BYTES]


def test_a_part_that_fails_is_sent_again_alone(wire: Wire) -> None:
    data = os.urandom(40 * MIB)
    wire.proxy.trouble(Trouble(), Trouble(status=503), Trouble(lost=True), Trouble(garble=True))
    wire.store.put_stream("large", chunks(data), size=len(data))
    assert b"".join(wire.store.get_stream("large")) == data
    assert wire.asked("PUT") == 1 + 3 + 3


@pytest.mark.parametrize("if_absent", [False, True])
def test_a_completion_whose_reply_is_lost_is_recognised(wire: Wire, *, if_absent: bool) -> None:
    data = os.urandom(17 * MIB)
    before_completion = [Trouble()] * (4 if if_absent else 3)
    wire.proxy.trouble(*before_completion, Trouble(lost=True))
    try:
        wire.store.put_stream("large", chunks(data), size=len(data), if_absent=if_absent)
    except ObjectExistsError:
        assert if_absent
    assert b"".join(wire.store.get_stream("large")) == data


def test_an_upload_that_is_broken_off_leaves_nothing_that_costs(
    weed_server: S3Server,
) -> None:
    url = weed_server.bucket()
    store = open_store(url, env=weed_server.env())

    def broken() -> Iterator[bytes]:
        yield from chunks(bytes(33 * MIB))
        raise KeyError

    with pytest.raises(KeyError):
        store.put_stream("large", broken(), size=50 * MIB)
    client = client_of(weed_server.env())
    assert not client.list_multipart_uploads(Bucket=url.removeprefix("s3://")).get("Uploads")


def test_a_large_object_that_exists_is_not_sent(wire: Wire) -> None:
    data = bytes(17 * MIB)
    wire.store.put_stream("large", chunks(data), size=len(data))
    before = len(wire.proxy.requests)
    with pytest.raises(ObjectExistsError):
        wire.store.put_stream("large", chunks(data), size=len(data), if_absent=True)
    assert len(wire.proxy.requests) == before + 1


def test_memory_is_bounded(ministack_server: S3Server) -> None:
    """160 MiB pass through a process that may have 160 MiB more than it starts with."""
    script = """
import os, resource, sys
from cryoem_cloud.stores.urls import open_store
store = open_store(sys.argv[1], env=os.environ)
store.put("a", b"x"); store.get("a")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
piece = bytes(4 * 1024 * 1024)
store.put_stream("large", (piece for _ in range(80)), size=80 * len(piece))
for _ in store.get_stream("large"):
    pass
grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
sys.exit(0 if grown_mib < 160 else f"{grown_mib} MiB")
"""
    env = {"PATH": os.environ["PATH"], **ministack_server.env()}
    done = subprocess.run(
        [sys.executable, "-c", script, ministack_server.bucket()],
        env=env,
        check=False,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")


def refusal(url: str, env: Mapping[str, str]) -> CryoemError:
    """What the store says to a first call."""
    with pytest.raises(CryoemError) as caught:
        open_store(url, env=env).get("a")
    return caught.value


def test_a_wrong_secret_is_told(weed_server: S3Server) -> None:
    error = refusal(weed_server.bucket(), weed_server.env(AWS_SECRET_ACCESS_KEY="wrong"))
    assert isinstance(error, StoreDeniedError)
    assert "secret key is wrong" in error.message
    assert "AWS_SECRET_ACCESS_KEY" in error.hint


def test_an_unknown_key_is_told(weed_server: S3Server) -> None:
    error = refusal(weed_server.bucket(), weed_server.env(AWS_ACCESS_KEY_ID="nobody"))
    assert isinstance(error, StoreDeniedError)
    assert "access key is not known" in error.message
    assert "AWS_PROFILE" in error.hint


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_off_is_told(
    weed_server: S3Server, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    url = weed_server.bucket()
    monkeypatch.setattr(signing, "now_s", lambda: time.time() + days * 86400)
    error = refusal(url, weed_server.env())
    assert isinstance(error, StoreDeniedError)
    assert "clock is off" in error.message
    assert "set the clock" in error.hint


@pytest.mark.parametrize("call", ["get", "size", "list"])
def test_a_bucket_that_is_not_there_is_told(ministack_server: S3Server, call: str) -> None:
    store = open_store("s3://no-such-bucket-here", env=ministack_server.env())
    calls: Mapping[str, Callable[[], object]] = {
        "get": lambda: store.get("a"),
        "size": lambda: store.size("a"),
        "list": lambda: list(store.list("")),
    }
    with pytest.raises(StoreError, match="no such bucket") as caught:
        calls[call]()
    assert type(caught.value) is StoreError
    assert "aws s3 mb" in caught.value.hint


@pytest.mark.alone
def test_an_address_where_nobody_listens_is_told_within_four_seconds() -> None:
    (port,) = free_ports(1)
    started_s = time.monotonic()
    env = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    for endpoint in (f"http://127.0.0.1:{port}", "http://no-such-host.invalid"):
        error = refusal("s3://bucket", {**env, "AWS_ENDPOINT_URL": endpoint})
        assert isinstance(error, StoreUnreachableError)
        assert "does not answer" in error.message
        assert "AWS_ENDPOINT_URL" in error.hint
    assert time.monotonic() - started_s < 4


@pytest.mark.alone
def test_a_server_that_hangs_while_connecting_is_told_within_four_seconds() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:  # fill the queue, so that the next one gets no answer at all
            each.settimeout(0)
            each.connect_ex(address)
        started_s = time.monotonic()
        env = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        endpoint = f"http://127.0.0.1:{address[1]}"
        error = refusal("s3://bucket", {**env, "AWS_ENDPOINT_URL": endpoint})
        assert time.monotonic() - started_s < 4
        for each in waiting:
            each.close()
    assert isinstance(error, StoreUnreachableError)


def test_missing_credentials_are_told(
    ministack_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    env = {
        "AWS_ENDPOINT_URL": ministack_server.endpoint,
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }
    error = refusal("s3://bucket", env)
    assert isinstance(error, StoreDeniedError)
    assert "no AWS credentials" in error.message
    assert "aws configure" in error.hint
    error = refusal("s3://bucket", {**env, "AWS_PROFILE": "nobody"})
    assert isinstance(error, StoreDeniedError)
    assert "profile" in error.message


@pytest.mark.parametrize(
    "url", ["s3://", "s3:///prefix", "s3://b/a b", "s3://b/../c", "s3://b/a//c", "s3://k@b/"]
)
def test_a_malformed_url_is_told(url: str) -> None:
    with pytest.raises(SettingsError):
        open_store(url, env={})


def said(code: str, status: int) -> RefusedError:
    """An answer of S3's, for codes that no server of ours gives."""
    return RefusedError(status, {}, code, "")


@pytest.mark.parametrize(
    ("code", "status", "kind", "hint"),
    [
        ("AccessDenied", 403, StoreDeniedError, "list the bucket"),
        ("ExpiredToken", 400, StoreDeniedError, "aws sso login"),
        ("InvalidToken", 400, StoreDeniedError, "aws sso login"),
        ("RequestTimeTooSkewed", 403, StoreDeniedError, "clock"),
        ("PermanentRedirect", 301, StoreDeniedError, "AWS_REGION"),
        ("SlowDown", 503, StoreUnreachableError, "later"),
        ("InternalError", 500, StoreUnreachableError, "later"),
        ("ConditionalRequestConflict", 409, StoreUnreachableError, "later"),
        ("RequestTimeout", 400, StoreUnreachableError, "network"),
        ("PreconditionFailed", 412, ObjectExistsError, ""),
        ("412", 412, ObjectExistsError, ""),
        ("404", 404, ObjectMissingError, ""),
        ("403", 403, StoreDeniedError, "list the bucket"),
        ("InvalidObjectState", 403, ArchivedError, "cryoem storage restore"),
        ("ObjectNotInActiveTierError", 403, ArchivedError, "cryoem storage restore"),
        ("InvalidStorageClass", 400, StoreError, ""),
        ("XMinioStorageFull", 507, NoSpaceError, "free some space"),
        ("Whatever", 504, StoreUnreachableError, "later"),
        ("Whatever", 418, StoreError, ""),
    ],
)
def test_codes_have_one_meaning(code: str, status: int, kind: type[CryoemError], hint: str) -> None:
    error = translated(said(code, status), what="s3://b: key")
    assert type(error) is kind
    assert error.message.startswith("s3://b: key: ")
    assert hint in error.hint


@pytest.mark.parametrize("code", sorted(faults._CODES))
def test_each_code_of_the_table_has_its_words(code: str) -> None:
    fault = faults._CODES[code]
    error = translated(said(code, 400), what="s3://b: key")
    assert (type(error), error.hint) == (fault.kind, fault.hint)
    assert error.message.startswith(f"s3://b: key: {fault.what}")


def credentials(file: Path, secret: str) -> None:
    file.write_text(f"[default]\naws_access_key_id = test\naws_secret_access_key = {secret}\n")


def test_credentials_that_expired_are_read_again(
    weed_server: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SeaweedFS has no tokens that expire; a wrong secret that was mended stands for one."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    credentials(file, "stale")
    env = {
        "AWS_ENDPOINT_URL": weed_server.endpoint,
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
    }
    store = open_store(weed_server.bucket(), env=env)
    with pytest.raises(StoreDeniedError):
        store.get("a")
    credentials(file, weed_server.secret)
    store.put("a", b"x")
    assert store.get("a") == b"x"


def test_nobody_pays_for_botocore_but_who_uses_it() -> None:
    code = (
        "import sys, cryoem_cloud.cli.entry, cryoem_cloud.stores.urls\n"
        "sys.exit('botocore' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)
    assert done.returncode == 0
