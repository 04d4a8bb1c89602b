"""The contract of parts on real S3 servers, and what some of them cannot do."""

import pytest

from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.parts_contract import PartsContract
from cryoem_cloud.testing.s3_servers import S3Server

BY_TAG = pytest.mark.xfail(
    reason="SeaweedFS keeps what a part was before, and completes with the one of the given tag",
    strict=True,
)
"""Whoever names a tag gets the bytes that it was given for."""

BY_TWO = pytest.mark.xfail(
    reason="SeaweedFS may let two completions at one instant both be the first", strict=False
)

ANY_SIZE = pytest.mark.xfail(reason="MiniStack takes parts of any size", strict=True)


class TestOnSeaweedFS(PartsContract):
    @pytest.fixture
    def store(self, weed_server: S3Server) -> Store:
        return open_store(weed_server.bucket(), env=weed_server.env())

    @BY_TAG
    def test_a_part_that_is_sent_again_is_replaced(self, store: Store) -> None:
        super().test_a_part_that_is_sent_again_is_replaced(store)

    @BY_TWO
    def test_one_of_two_wins(self, store: Store) -> None:
        super().test_one_of_two_wins(store)

    @pytest.mark.soak  # SeaweedFS answers with a failure of its own, which is tried for a minute
    def test_a_check_must_be_that_of_the_part_that_is_there(self, store: Store) -> None:
        super().test_a_check_must_be_that_of_the_part_that_is_there(store)


class TestOnMiniStack(PartsContract):
    @pytest.fixture
    def store(self, ministack_server: S3Server) -> Store:
        return open_store(ministack_server.bucket() + "/below/it", env=ministack_server.env())

    @ANY_SIZE
    def test_only_the_last_part_may_be_small(self, store: Store) -> None:
        super().test_only_the_last_part_may_be_small(store)
