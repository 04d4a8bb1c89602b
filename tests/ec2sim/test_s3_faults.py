"""S3's calls go wrong as the others do, and a store of the product's goes on."""

import pytest

from cryoem_cloud.model.errors import StoreDeniedError
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store
from tests.ec2sim.asking import Connect
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.faults import What


@pytest.fixture
def store(cloud: Cloud, connect: Connect) -> Store:
    connect("s3").create_bucket(Bucket="lab")
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
    made = open_store("s3://lab/em", env={"AWS_ENDPOINT_URL": cloud.url, **keys})
    made.put("first", b"")  # a store that has never answered is not waited for
    return made


@pytest.mark.parametrize("what", [What.THROTTLED, What.LOST_BEFORE, What.LOST_AFTER])
@pytest.mark.parametrize("call", ["PutObject", "GetObject", "ListObjectsV2", "DeleteObject"])
def test_a_store_goes_on(cloud: Cloud, store: Store, what: What, call: str) -> None:
    cloud.faults.plan(what, call, times=2)
    store.put("a/b", b"bytes")
    assert store.get("a/b") == b"bytes"
    assert [each.key for each in store.list("a/")] == ["a/b"]
    store.delete("a/b")
    assert not list(store.list("a/"))
    assert cloud.faults.happened[call, what] == 2


def test_what_is_refused_is_said(cloud: Cloud, store: Store) -> None:
    cloud.faults.plan(What.REFUSED, "s3.*", error=("AccessDenied", "Access Denied"))
    with pytest.raises(StoreDeniedError, match="access denied"):
        store.get("a")


def test_any_call_is_none_of_s3s(cloud: Cloud, store: Store, connect: Connect) -> None:
    cloud.faults.plan(What.THROTTLED, "*")
    store.put("a", b"x")
    assert not cloud.faults.happened
