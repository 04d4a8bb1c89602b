"""The contract of parts on moto, which is what the simulated AWS of other tests stands on."""

import secrets
from collections.abc import Iterator, Mapping

import pytest
from moto.server import ThreadedMotoServer

from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.patient import Patience
from cryoem_cloud.stores.s3.identity import Access
from cryoem_cloud.stores.s3.store import S3Store
from cryoem_cloud.testing.parts_contract import PartsContract
from cryoem_cloud.testing.s3_servers import client_of

NO_UPLOAD = pytest.mark.xfail(
    reason="moto says InternalError of an upload that it does not have", strict=True
)
NO_CHECK = pytest.mark.xfail(reason="moto looks at no checksum", strict=True)
BY_TWO = pytest.mark.xfail(
    reason="moto may let two completions at one instant both be the first", strict=False
)


@pytest.fixture(scope="module")
def moto_env() -> Iterator[Mapping[str, str]]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    server.stop()


class TestOnMoto(PartsContract):
    @pytest.fixture
    def store(self, moto_env: Mapping[str, str]) -> Store:
        name = f"test-{secrets.token_hex(6)}"
        client_of(moto_env).create_bucket(Bucket=name)
        return S3Store(name, "", access=Access(moto_env, name), patience=Patience(0.0))

    @NO_UPLOAD
    def test_there_is_no_upload_that_was_not_begun(self, store: Store) -> None:
        super().test_there_is_no_upload_that_was_not_begun(store)

    @NO_UPLOAD
    def test_an_upload_that_was_given_up_is_gone(self, store: Store) -> None:
        super().test_an_upload_that_was_given_up_is_gone(store)

    @NO_CHECK
    def test_a_check_must_be_that_of_the_part_that_is_there(self, store: Store) -> None:
        super().test_a_check_must_be_that_of_the_part_that_is_there(store)

    @BY_TWO
    def test_one_of_two_wins(self, store: Store) -> None:
        super().test_one_of_two_wins(store)
