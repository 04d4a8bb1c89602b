"""A tree to a real server and back while requests fail: the same, or a line and then the same."""

from pathlib import Path

import pytest

from cryoem_cloud.testing.s3_servers import S3Server
from tests.mover.breaking import run
from tests.stores.conftest import ministack_server, weed_server

__all__ = ["ministack_server", "weed_server"]


@pytest.mark.parametrize("seed", range(12))
def test_what_comes_back_is_what_was_sent(
    ministack_server: S3Server, tmp_path: Path, seed: int
) -> None:
    run(seed, ministack_server, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(12, 240))
def test_in_hundreds_of_runs(ministack_server: S3Server, tmp_path: Path, seed: int) -> None:
    run(seed, ministack_server, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1000, 1012))
def test_with_blocks_as_they_are_on_a_strict_server(
    weed_server: S3Server, tmp_path: Path, seed: int
) -> None:
    run(seed, weed_server, tmp_path, small=False)
