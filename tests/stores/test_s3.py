"""The S3 store against two real servers: the contract, and what only S3 can do to it."""

import pytest

from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.s3_servers import S3Server
from cryoem_cloud.testing.store_contract import StoreContract

BY_FOLDER = pytest.mark.xfail(
    reason="SeaweedFS keeps folders, lists one after the other, and shows empty ones", strict=False
)
"""Our programs list either the objects of one folder or the folders in it, which is unaffected."""


class TestOnSeaweedFS(StoreContract):
    @pytest.fixture
    def store(self, weed_server: S3Server) -> Store:
        return open_store(weed_server.bucket(), env=weed_server.env())

    @BY_FOLDER
    def test_a_listing_is_in_order_of_the_bytes(self, store: Store) -> None:
        super().test_a_listing_is_in_order_of_the_bytes(store)

    @BY_FOLDER
    def test_a_prefix_need_not_end_at_a_slash(self, store: Store) -> None:
        super().test_a_prefix_need_not_end_at_a_slash(store)

    @BY_FOLDER
    def test_after_leaves_out_what_sorts_before_it(self, store: Store) -> None:
        super().test_after_leaves_out_what_sorts_before_it(store)

    @BY_FOLDER
    def test_a_folder_ends_with_its_last_object(self, store: Store) -> None:
        super().test_a_folder_ends_with_its_last_object(store)


class TestOnMiniStack(StoreContract):
    @pytest.fixture
    def store(self, ministack_server: S3Server) -> Store:
        return open_store(ministack_server.bucket() + "/below/it", env=ministack_server.env())
