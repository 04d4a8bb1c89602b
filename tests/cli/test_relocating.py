"""A project moves to another region: AWS copies its files, and the folder follows them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known import projects
from cryoem_cloud.courier.start import stores_used
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.stores.s3.parts import PART_BYTES
from cryoem_cloud.wiring.stores import store_at
from tests.cli.conftest import Type
from tests.ec2sim.cloud import Cloud

OLD, NEW = "us-west-2", "us-east-1"
BIG = b"".join(bytes([n]) * (PART_BYTES // 2) for n in range(5))
"""Sent in three parts."""


class Lab:
    """Somebody with a project in one region, who has joined two."""

    def __init__(self, cloud: Cloud, typed: Type, stores: dict[str, str]) -> None:
        self.cloud, self.stores = cloud, stores
        self.typed = typed

    def bucket(self, region: str) -> str:
        return self.stores[region].split("/")[2]

    def client(self, region: str) -> Any:  # noqa: ANN401
        return self.cloud.stacks._inside.client("s3", region)

    def files(self, region: str) -> dict[str, bytes]:
        """What is in a region of the project, without what stays there as a mark."""
        client, bucket = self.client(region), self.bucket(region)
        found = client.list_objects_v2(Bucket=bucket, Prefix="cryoem/project-").get("Contents", ())
        read = {
            each["Key"].partition("/")[2].partition("/")[2]: client.get_object(
                Bucket=bucket, Key=each["Key"]
            )["Body"].read()
            for each in found
        }
        return {name: data for name, data in read.items() if name != "moved"}

    def put(self, name: str, data: bytes = b"{}", region: str = OLD) -> None:
        """An object of the project's, past the product."""
        key = f"cryoem/{self.name}/{name}"
        self.client(region).put_object(Bucket=self.bucket(region), Key=key, Body=data)

    @property
    def name(self) -> str:
        return str(json.loads(self.type("show", "--json")[1])["name"])

    def store(self) -> str:
        return str(json.loads(self.type("show", "--json")[1])["store"])

    def type(self, *words: str) -> tuple[int, str, str]:
        return self.typed("project", *words)


@pytest.fixture
def lab(
    cloud: Cloud,
    typed: Type,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lab]:
    stores = {}
    for region in (NEW, OLD):
        assert typed("aws", "setup", "--region", region)[0] == 0
        code, out, err = typed("aws", "join", "--region", region, "--json")
        assert code == 0, err
        stores[region] = json.loads(out)["store"]
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CRYOEM_STORE", stores[OLD])
    (folder / "big.mrcs").write_bytes(BIG)
    (folder / "small.star").write_bytes(b"data_\n")
    store_at.cache_clear()
    projects.create(folder, stores[OLD], stores_used(places()))
    code, _, err = typed("push", "--codec", "none", "big.mrcs", "small.star")
    assert code == 0, err
    yield Lab(cloud, typed, stores)
    store_at.cache_clear()


def test_all_of_it_is_copied_and_the_folder_follows(lab: Lab) -> None:
    lab.put("jobs/00000107/job.json")
    lab.put("jobs/00000107/end")
    before = lab.files(OLD)
    assert before["mirror/big.mrcs"] == BIG
    assert lab.typed("budget", "set", "500/month")[0] == 0
    code, out, err = lab.type("move", "--region", NEW, "--yes")
    assert code == 0, err
    assert lab.files(NEW) == before == lab.files(OLD)
    assert lab.store() == lab.stores[NEW]
    assert f"store    {lab.stores[NEW]}" in out
    assert "the transfer at $0.0200 a GB" in err
    assert f"copied   {len(before)} objects" in err
    assert "by size alone" not in err
    ids = lab.client(NEW).list_objects_v2(Bucket=lab.bucket(NEW), Prefix="cryoem/ids/")
    assert [each["Key"] for each in ids["Contents"]] == ["cryoem/ids/00000001"]
    lab.client(NEW).head_object(Bucket=lab.bucket(NEW), Key="cryoem/decoder/decode-1.py")
    assert "$500.00 a month" in lab.typed("budget")[1]


def test_who_comes_to_the_old_place_is_told(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = lab.name
    assert lab.type("move", "--region", NEW, "--yes")[0] == 0
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    (other / "small.star").write_bytes(b"data_\n")
    assert lab.type("attach", lab.stores[OLD], name)[0] == 0
    code, _, err = lab.typed("push", "small.star")
    assert code == 5
    assert f"has been moved to {lab.stores[NEW]}" in err
    assert f"cryoem project attach {lab.stores[NEW]} {name}" in err
    code, _, err = lab.type("attach", lab.stores[NEW], name)
    assert code == 0, err
    assert lab.typed("push", "small.star")[0] == 0


def test_it_can_be_moved_back(lab: Lab) -> None:
    before = lab.files(OLD)
    assert lab.type("move", "--region", NEW, "--yes")[0] == 0
    lab.put("mirror/more", b"new", NEW)
    code, _, err = lab.type("move", "--region", OLD, "--yes")
    assert code == 0, err
    assert "to copy  1 object, 3 B" in err
    assert lab.files(OLD) == before | {"mirror/more": b"new"}
    assert lab.typed("push", "small.star")[0] == 0


def test_the_old_is_deleted_where_that_is_said_and_no_more_than_was_copied(lab: Lab) -> None:
    before = lab.files(OLD)
    beside = lab.client(OLD)
    beside.put_object(Bucket=lab.bucket(OLD), Key="cryoem/other-00000000/x", Body=b"x")
    code, _, err = lab.type("move", "--region", NEW, "--yes", "--delete-old")
    assert code == 0, err
    assert lab.files(NEW) == before
    assert set(lab.files(OLD)) == {"project.json"}
    assert beside.head_object(Bucket=lab.bucket(OLD), Key="cryoem/other-00000000/x")


def test_while_a_job_is_unfinished_nothing_is_moved(lab: Lab) -> None:
    lab.put("jobs/00000007/job.json")
    code, _, err = lab.type("move", "--region", NEW, "--yes")
    assert code == 5
    assert "has unfinished jobs, maybe of other computers: 7" in err
    assert lab.files(NEW) == {}
    assert lab.store() == lab.stores[OLD]


def test_who_says_no_has_moved_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: "n")
    assert lab.type("move", "--region", NEW)[0] != 0
    assert (lab.files(NEW), lab.store()) == ({}, lab.stores[OLD])


@pytest.mark.parametrize(
    ("action", "after"),
    [("copy_object", True), ("upload_part_copy", False), ("complete_multipart_upload", True)],
)
def test_it_goes_on_where_it_was_interrupted(
    lab: Lab, action: str, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    before, real = lab.files(OLD), Calls.ask
    broken: list[str] = []

    def ask(self: Calls, service: str, asked: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        if asked != action or broken:
            return real(self, service, asked, **more)
        broken.append(asked)
        if after:
            real(self, service, asked, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(Calls, "ask", ask)
    code, _, _ = lab.type("move", "--region", NEW, "--yes")
    assert code != 0
    assert broken == [action]
    assert lab.store() == lab.stores[OLD]
    code, _, err = lab.type("move", "--region", NEW, "--yes")
    assert code == 0, err
    assert lab.files(NEW) == before == lab.files(OLD)
    assert not lab.client(NEW).list_multipart_uploads(Bucket=lab.bucket(NEW)).get("Uploads")


def test_what_is_damaged_on_its_way_moves_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[..., dict[str, Any]] = Calls.ask

    def ask(self: Calls, service: str, asked: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
        answer = real(self, service, asked, **more)
        if asked == "copy_object" and more["Key"].endswith("small.star"):
            changed = {"Bucket": more["Bucket"], "Key": more["Key"], "Body": b"DATA_\n"}
            put = real(self, service, "put_object", ChecksumAlgorithm="CRC32", **changed)
            return {"CopyObjectResult": {"ETag": put["ETag"]}}
        return answer

    monkeypatch.setattr(Calls, "ask", ask)
    code, _, err = lab.type("move", "--region", NEW, "--yes", "--delete-old")
    assert code != 0
    assert "mirror/small.star has not come over as it is" in err
    assert lab.store() == lab.stores[OLD]
    assert lab.files(OLD)["mirror/small.star"] == b"data_\n"
    monkeypatch.setattr(Calls, "ask", real)
    assert lab.type("move", "--region", NEW, "--yes")[0] == 0
    assert lab.files(NEW) == lab.files(OLD)


def test_a_region_that_was_not_joined_is_said(lab: Lab) -> None:
    code, _, err = lab.type("move", "--region", "eu-west-1", "--yes")
    assert code == 3
    assert "cryoem aws join --region eu-west-1 --stack cryoem" in err
    code, _, err = lab.type("move", "--region", OLD, "--yes")
    assert (code, "is in us-west-2 already" in err) == (5, True)


def test_both_accounts_stay_known(lab: Lab, tmp_path: Path) -> None:
    file = json.loads((tmp_path / ".config/cryoem-cloud/aws.json").read_bytes())
    assert [each["region"] for each in file["accounts"]] == [OLD, NEW]
    for region in (OLD, NEW):
        assert f"in {region}" in lab.typed("aws", "doctor", "--region", region)[1]
    code, _, err = lab.typed("aws", "doctor", "--region", "eu-west-1")
    assert (code, "cryoem aws join --region eu-west-1" in err) == (2, True)
    assert file["v"] == 2
