"""Parts on lines that break: nothing is lost, nothing is doubled, and the reason is told."""

import errno
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import (
    CorruptObjectError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreUnreachableError,
)
from cryoem_cloud.mover.pull import fetch_bytes
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.ports.parts import BrokenOffError
from cryoem_cloud.stores.s3 import signing
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import Trouble
from cryoem_cloud.testing.s3_servers import S3Server
from tests.stores.conftest import Wire

MIB = 1024 * 1024
DATA = os.urandom(6 * MIB)
BREAKS = (
    Trouble(status=500),
    Trouble(status=503, code="SlowDown"),
    Trouble(status=503, code="SlowDown", within=MIB),
    Trouble(reset=True),
    Trouble(reset=True, within=MIB),
    Trouble(within=5 * MIB),
    Trouble(garble=True),
    Trouble(lost=True),
    Trouble(late_s=0.2),
)


def name_of(trouble: Trouble) -> str:
    return repr(trouble).partition("(")[2]


@pytest.mark.parametrize("trouble", BREAKS, ids=name_of)
def test_a_part_that_meets_trouble_is_sent_again(wire: Wire, trouble: Trouble) -> None:
    upload = wire.parts.begin("a")
    wire.proxy.trouble(trouble)
    sent = wire.parts.send("a", upload, 1, [DATA[:MIB], DATA[MIB:]])
    assert wire.asked("PUT") == 3  # the fixture's and two of this part
    wire.parts.complete("a", upload, [sent])
    assert wire.store.get("a") == DATA


@pytest.mark.parametrize("trouble", BREAKS, ids=name_of)
def test_one_call_is_one_request(wire: Wire, trouble: Trouble) -> None:
    upload = wire.parts.begin("a")
    wire.proxy.trouble(trouble)
    with pytest.raises(StoreUnreachableError):
        wire.impatient.send("a", upload, 1, [DATA])
    assert wire.asked("PUT") == 2


@pytest.mark.parametrize(
    ("trouble", "kind", "words"),
    [
        (Trouble(status=503, code="SlowDown", within=MIB), StoreUnreachableError, "busy"),
        (Trouble(status=403, code="AccessDenied", within=MIB), StoreDeniedError, "access denied"),
        (Trouble(status=502, within=0), StoreUnreachableError, "busy"),
    ],
)
def test_a_server_that_hangs_up_in_a_body_is_heard(
    wire: Wire, trouble: Trouble, kind: type[Exception], words: str
) -> None:
    upload = wire.parts.begin("a")
    wire.proxy.trouble(trouble)
    with pytest.raises(kind, match=words):
        wire.impatient.send("a", upload, 1, [os.urandom(32 * MIB)])


def test_a_busy_store_says_for_how_long(wire: Wire) -> None:
    wire.proxy.trouble(Trouble(status=503, code="SlowDown", after_s=7))
    with pytest.raises(StoreUnreachableError) as caught:
        wire.impatient.begin("a")
    assert caught.value.after_s == 7


def test_a_slow_line_is_waited_for_both_ways(wire: Wire) -> None:
    upload = wire.parts.begin("a")
    wire.proxy.trouble(Trouble(sip_s=0.02))
    sent = wire.parts.send("a", upload, 1, [DATA])
    wire.parts.complete("a", upload, [sent])
    buffer = bytearray(5000)
    wire.proxy.trouble(Trouble(drip_s=0.05))
    wire.parts.read_into("a", 0, memoryview(buffer))
    assert buffer == DATA[:5000]
    assert wire.asked("PUT") == 2


@pytest.mark.parametrize(
    "trouble",
    [
        Trouble(status=500),
        Trouble(reset=True),
        Trouble(lost=True),
        Trouble(cut_after=0),
        Trouble(cut_after=5 * MIB + 17),
        Trouble(reset_after=5 * MIB + 17),
    ],
    ids=name_of,
)
def test_a_range_that_breaks_off_is_continued(wire: Wire, trouble: Trouble) -> None:
    wire.store.put("a", DATA)
    ranges: list[str] = []

    def hear(headers: Mapping[str, str]) -> Trouble:
        ranges.append(headers["Range"])
        return Trouble()

    wire.proxy.rule = hear
    wire.proxy.trouble(trouble)
    buffer = bytearray(len(DATA) - 3)
    wire.parts.read_into("a", 3, memoryview(buffer))
    assert buffer == DATA[3:]
    (found,) = ranges
    start = int(found.removeprefix("bytes=").partition("-")[0])
    assert start >= 3 + (4 * MIB if trouble.cut_after or trouble.reset_after else 0)


@pytest.mark.parametrize("cut", [0, 17, 300_000, 5 * MIB + 17])
def test_a_long_range_that_breaks_off_is_continued(wire: Wire, cut: int) -> None:
    wire.store.put("a", DATA)
    wire.proxy.trouble(Trouble(cut_after=cut), Trouble(reset=True))
    came = bytearray()
    wire.parts.read_into(
        "a", 3, memoryview(bytearray(300_000)), length=len(DATA) - 3, take=came.extend
    )
    assert came == DATA[3:]


def test_what_has_come_before_a_break_is_told(wire: Wire) -> None:
    wire.store.put("a", DATA)
    wire.proxy.trouble(Trouble(cut_after=2 * MIB))
    buffer = bytearray(len(DATA))
    with pytest.raises(BrokenOffError) as caught:
        wire.impatient.read_into("a", 0, memoryview(buffer))
    assert caught.value.come == 2 * MIB
    assert buffer[: 2 * MIB] == DATA[: 2 * MIB]


@pytest.mark.parametrize("cut", [None, 17, 300_017])
def test_who_cannot_take_what_came_is_heard_also_where_the_store_stops(
    wire: Wire, cut: int | None
) -> None:
    wire.store.put("a", DATA)
    full = OSError(errno.ENOSPC, "the disk is full")

    def take(view: memoryview) -> None:
        if cut is None or len(view) == 17:
            raise full

    wire.proxy.trouble(*([] if cut is None else [Trouble(cut_after=cut)]))
    with pytest.raises(OSError, match="disk is full") as caught:
        wire.parts.read_into("a", 0, memoryview(bytearray(300_000)), length=len(DATA), take=take)
    assert caught.value is full


def test_what_is_damaged_on_its_way_home_is_found_by_its_digest(wire: Wire, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(DATA)
    _, content = keep_file(wire.store, file, project="p", key="mirror/a")
    wire.proxy.trouble(Trouble(garble_answer=True))
    with pytest.raises(CorruptObjectError):
        fetch_bytes(wire.store, "p", content)
    assert fetch_bytes(wire.store, "p", content) == DATA


@pytest.mark.parametrize(
    "lost", [Trouble(lost=True), Trouble(status=200, code="InternalError"), Trouble(garble=True)]
)
@pytest.mark.parametrize("if_absent", [False, True])
def test_a_completion_in_trouble_is_tried_again(
    wire: Wire, lost: Trouble, *, if_absent: bool
) -> None:
    upload = wire.parts.begin("a")
    sent = wire.parts.send("a", upload, 1, [DATA])
    wire.proxy.trouble(lost)
    try:
        wire.parts.complete("a", upload, [sent], if_absent=if_absent)
    except ObjectExistsError:
        assert if_absent
        assert lost.lost
    assert wire.store.get("a") == DATA
    assert wire.asked("POST") == 3


def test_an_upload_that_somebody_ended_is_not_completed(wire: Wire) -> None:
    upload = wire.parts.begin("a")
    sent = wire.parts.send("a", upload, 1, [DATA])
    wire.parts.abort("a", upload)
    wire.proxy.trouble(Trouble(status=503))
    with pytest.raises(ObjectMissingError):
        wire.parts.complete("a", upload, [sent])


def test_credentials_that_expired_are_read_once_more(wire: Wire) -> None:
    expired = Trouble(status=400, code="ExpiredToken")
    upload = wire.impatient.begin("a")
    wire.proxy.trouble(expired)
    sent = wire.impatient.send("a", upload, 1, [DATA])
    assert wire.asked("PUT") == 3
    wire.impatient.complete("a", upload, [sent])
    assert wire.store.get("a") == DATA
    wire.proxy.trouble(expired, expired)
    with pytest.raises(StoreDeniedError, match="have expired"):
        wire.impatient.begin("a")
    assert not wire.proxy._troubles


@pytest.mark.parametrize("days", [-1, 1])
def test_a_clock_that_is_off_is_told(
    weed_server: S3Server, monkeypatch: pytest.MonkeyPatch, days: int
) -> None:
    store = open_store(weed_server.bucket(), env=weed_server.env())
    assert store.parts
    monkeypatch.setattr(signing, "now_s", lambda: time.time() + days * 86400)
    with pytest.raises(StoreDeniedError, match="clock is off"):
        store.parts.begin("a")


def test_a_wrong_secret_is_told(weed_server: S3Server) -> None:
    env = weed_server.env(AWS_SECRET_ACCESS_KEY="wrong")
    store = open_store(weed_server.bucket(), env=env)
    assert store.parts
    with pytest.raises(StoreDeniedError, match="secret key is wrong"):
        store.parts.begin("a")


def test_a_bucket_that_is_not_there_is_told(ministack_server: S3Server) -> None:
    store = open_store("s3://no-such-bucket-here", env=ministack_server.env())
    assert store.parts
    with pytest.raises(Exception, match="no such bucket"):
        store.parts.begin("a")


def test_the_body_of_a_part_is_not_hashed_but_that_of_a_completion_is(wire: Wire) -> None:
    heard: dict[str, str] = {}

    def hear(headers: Mapping[str, str]) -> Trouble:
        heard[headers[":method"]] = headers["X-Amz-Content-SHA256"]
        return Trouble()

    wire.proxy.rule = hear
    upload = wire.parts.begin("a")
    sent = wire.parts.send("a", upload, 1, [DATA])
    wire.parts.complete("a", upload, [sent])
    assert heard["PUT"] == "UNSIGNED-PAYLOAD"
    assert len(heard["POST"]) == 64
