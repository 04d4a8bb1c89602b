"""The AWS provider keeps the contract, at a simulated AWS."""

from collections.abc import Iterator

import pytest

from cryoem_cloud.testing.provider_contract import Bench, ProviderContract

from .conftest import AwsBench


class TestAws(ProviderContract):
    @pytest.fixture
    def bench(self, aws_bench: AwsBench) -> Iterator[Bench]:
        yield aws_bench
        aws_bench.nothing_lives()
