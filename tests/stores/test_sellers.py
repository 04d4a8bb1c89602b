"""Who takes money for a store is known without a network, and the store says the same."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from cryoem_cloud.stores.sellers import seller_of
from cryoem_cloud.stores.urls import open_store

_OURS = "[default]\nendpoint_url = http://localhost:9000\n"
_NESTED = (
    "[profile lab]\nservices = ours\n[services ours]\ns3 =\n  endpoint_url = http://minio:9000\n"
)


@pytest.mark.parametrize(
    ("url", "env", "config", "costs"),
    [
        ("file:///data/store", {}, "", False),
        ("s3://bucket/prefix", {}, "", True),
        ("s3://bucket", {"AWS_ENDPOINT_URL": "http://localhost:9000"}, "", False),
        ("s3://bucket", {"AWS_ENDPOINT_URL_S3": "https://s3.lab.edu"}, "", False),
        ("s3://bucket", {"AWS_ENDPOINT_URL": "https://s3.eu-west-1.amazonaws.com"}, "", True),
        ("s3://bucket", {}, _OURS, False),
        ("s3://bucket", {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, _OURS, True),
        ("s3://bucket", {"AWS_PROFILE": "other"}, _OURS, True),
        ("s3://bucket", {"AWS_PROFILE": "lab"}, _NESTED, False),
        ("s3://bucket", {}, "no ini file", True),
    ],
)
def test_amazon_takes_money_and_servers_of_ones_own_do_not(
    *, url: str, env: Mapping[str, str], config: str, costs: bool, tmp_path: Path
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(config)
    whole = {"HOME": str(tmp_path), **env}
    seller = seller_of(url, env=whole)
    assert seller == ("aws" if costs else "")
    assert open_store(url, env=whole).properties.sold_by == seller


def test_other_clouds_are_told_by_their_urls() -> None:
    assert seller_of("gs://bucket", env={}) == "gs"
    assert seller_of("az://container", env={}) == "az"
    assert seller_of("gs://bucket", env={"GOOGLE_BASE_URL": "http://localhost"}) == ""
