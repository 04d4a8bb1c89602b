"""gs:// and az://: the store contract, plain words for what is wrong, and an end without abort."""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import (
    SettingsError,
    StoreDeniedError,
    StoreError,
    StoreUnreachableError,
)
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.s3_servers import S3Server, free_ports
from cryoem_cloud.testing.store_contract import StoreContract
from tests.stores.clouds import AZURITE, Azurite, GoogleWords, azurite, google_words

pytest.importorskip("obstore")


@pytest.fixture(scope="session")
def azurite_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Azurite]:
    if not AZURITE.exists() and not shutil.which("azurite-blob"):
        pytest.skip("Azurite is not installed: make emulators")
    with azurite(tmp_path_factory.mktemp("azurite")) as server:
        yield server


@pytest.fixture(scope="session")
def google_server(ministack_server: S3Server) -> Iterator[GoogleWords]:
    with google_words(ministack_server) as server:
        yield server


class TestOnAzurite(StoreContract):
    @pytest.fixture
    def store(self, azurite_server: Azurite) -> Store:
        return open_store(azurite_server.container() + "/below/it", env=azurite_server.env())


class TestWithGooglesWords(StoreContract):
    @pytest.fixture
    def store(self, google_server: GoogleWords) -> Store:
        return open_store(google_server.bucket(), env=google_server.env())


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("gs://", "names no bucket"),
        ("gs://bucket?x", "names no bucket"),
        ("gs://bucket/a b", "cannot be the beginning of keys"),
        ("az://", "names no container"),
        ("az://container", "no storage account is named"),
    ],
)
def test_a_url_that_is_none_is_refused(url: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        open_store(url, env={})


def test_a_file_of_credentials_that_is_none_is_named_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="gs://bucket") as caught:
        open_store("gs://bucket", env={"GOOGLE_SERVICE_ACCOUNT": str(tmp_path / "none.json")})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("url", ["gs://bucket", "az://container"])
def test_without_obstore_it_is_said_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setitem(sys.modules, "obstore", None)
    with pytest.raises(SettingsError, match="pip install 'cryoem-cloud-tools\\[clouds\\]'"):
        open_store(url, env={"AZURE_STORAGE_ACCOUNT": "name"})


@pytest.fixture(params=["gs", "az"])
def cloud(request: pytest.FixtureRequest) -> tuple[str, dict[str, str]]:
    """A new store's URL, and the environment that it needs."""
    if request.param == "gs":
        google: GoogleWords = request.getfixturevalue("google_server")
        return google.bucket(), dict(google.env())
    azure: Azurite = request.getfixturevalue("azurite_server")
    return azure.container(), dict(azure.env())


def test_what_is_wrong_is_said_in_a_line(cloud: tuple[str, dict[str, str]]) -> None:
    url, env = cloud
    (port,) = free_ports(1)
    away = {name: f"http://127.0.0.1:{port}/x" for name in env if "URL" in name or "ENDP" in name}
    wrong = {"GOOGLE_BEARER_TOKEN": "other", "AZURE_STORAGE_KEY": "d3Jvbmc="}
    cases: list[tuple[str, dict[str, str], type[StoreError], str]] = [
        (url, away, StoreUnreachableError, "does not answer"),
        (url, wrong, StoreDeniedError, "access denied"),
        (f"{url}no", {}, StoreError, "there is no such bucket or container"),
    ]
    for where, more, kind, says in cases:
        store = open_store(where, env={**env, **more})
        for call in (
            lambda store=store: store.put("a", b""),
            lambda store=store: store.get("a"),
            lambda store=store: store.size("a"),
            lambda store=store: list(store.list("")),
        ):
            with pytest.raises(kind, match=says) as caught:
                call()
            assert type(caught.value) is kind
            assert "\n" not in str(caught.value)


def test_a_stream_may_come_from_the_same_store(cloud: tuple[str, dict[str, str]]) -> None:
    url, env = cloud
    store = open_store(url, env=env)
    data = random.Random(1).randbytes(2**24 + 5)
    for key, chunks in (("a", iter([data])), ("b", store.get_stream("a"))):
        store.put_stream(key, chunks, size=len(data), if_absent=True)
    assert store.get("b") == data
    assert [found.key for found in store.list("")] == ["a", "b"]
    assert list(store.folders("")) == []


def test_what_is_sent_comes_home_and_the_program_ends(
    cloud: tuple[str, dict[str, str]], tmp_path: Path
) -> None:
    url, env = cloud
    chance = random.Random(2)
    sizes = {"large.tif": 2**25 + 3, "small.star": 99, "empty": 0, "map.mrc": 300_000}
    files = {name: chance.randbytes(size) for name, size in sizes.items()}
    files |= {f"{number}.star": b"data_\n" * number for number in range(20)}
    one, two = tmp_path / "one", tmp_path / "two"
    for home in (one, two):
        (home / "proj").mkdir(parents=True)

    def cryoem(home: Path, *words: str) -> str:
        done = subprocess.run(
            [Path(sys.prefix) / "bin/cryoem", *words],
            cwd=home / "proj",
            env={"HOME": str(home), "PATH": os.environ["PATH"], "CRYOEM_STORE": url, **env},
            capture_output=True,
            check=False,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, (done.returncode, done.stderr)
        return done.stdout + done.stderr

    (one / "proj/data").mkdir()
    for name, data in files.items():
        (one / "proj/data" / name).write_bytes(data)
    cryoem(one, "connect", "relion")
    cryoem(one, "push", "data")
    assert "by length alone" in cryoem(one, "verify")
    name = json.loads(cryoem(one, "project", "show", "--json"))["name"]
    cryoem(two, "project", "attach", url, name)
    cryoem(two, "pull", "data")
    assert {path.name: path.read_bytes() for path in (two / "proj/data").iterdir()} == files
