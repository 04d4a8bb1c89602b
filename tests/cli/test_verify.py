"""cryoem verify with a store that keeps checksums: damage is found without reading, and mended."""

import os
from collections.abc import Iterator

import pytest

from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import FaultyProxy, faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server
from tests.cli.conftest import NewUser, User
from tests.stores.conftest import ministack_server

__all__ = ["ministack_server"]


@pytest.fixture
def proxy(ministack_server: S3Server) -> Iterator[FaultyProxy]:
    with faulty_proxy(ministack_server.endpoint) as made:
        yield made


@pytest.fixture
def owner(new_user: NewUser, ministack_server: S3Server, proxy: FaultyProxy) -> User:
    """Somebody with a map, and with more small files than go alone, at an S3 server."""
    env = ministack_server.env(AWS_ENDPOINT_URL=proxy.endpoint)
    user = new_user("ada", **env, CRYOEM_STORE=ministack_server.bucket())
    user.cryoem("connect", "relion")
    (user.folder / "maps").mkdir()
    (user.folder / "maps/1.mrc").write_bytes(os.urandom(400_000))
    for number in range(20):
        (user.folder / "maps" / f"{number}.star").write_text(f"data_\n{number}\n")
    user.cryoem("push", "maps")
    return user


def read(owner: User, proxy: FaultyProxy) -> int:
    """How many requests got bytes of files since the last time."""
    where = ("/mirror/", "/bundles/")
    found = [one for one in proxy.requests if one.startswith("GET ")]
    proxy.requests.clear()
    return sum(any(word in one for word in where) for one in found)


def test_what_was_replaced_in_the_store_is_found_without_reading_and_mended(
    owner: User, proxy: FaultyProxy, ministack_server: S3Server
) -> None:
    read(owner, proxy)
    said = owner.cryoem("verify")
    assert "21 files, 400.2 kB; 0 damaged or missing; 21 by the store's checksums" in said.err
    assert read(owner, proxy) == 0
    (item,) = owner.cryoem("store", "ls", "maps/1.mrc", "--json").json["files"]
    store = open_store(owner.env["CRYOEM_STORE"], env=ministack_server.env())
    (key,) = (one.key for one in store.list("") if one.key.endswith(item["key"]))
    store.put(key, bytes(store.size(key)))
    read(owner, proxy)
    said = owner.type("cryoem", "verify", "--json")
    (bad,) = (file for file in said.json["files"] if file["store"] != "good")
    assert (said.code, bad["path"], bad["store"], bad["by"]) == (
        1,
        "maps/1.mrc",
        "damaged",
        "checksum",
    )
    assert read(owner, proxy) == 0
    assert "maps/1.mrc: damaged in the store" in owner.cryoem("verify", "--repair").out
    assert "0 damaged" in owner.cryoem("verify", "--deep").err
