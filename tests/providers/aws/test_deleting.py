"""Objects are deleted as many at a time as S3 takes."""

from typing import Any

import pytest

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.providers.aws.deleting import delete_objects


def test_objects_go_in_batches_and_none_is_forgotten() -> None:
    asked: list[list[dict[str, str]]] = []

    def ask(*, Delete: dict[str, Any]) -> dict[str, Any]:  # noqa: N803  (S3's word)
        asked.append(Delete["Objects"])
        return {}

    keys = [{"Key": f"{n}", "VersionId": "v"} for n in range(2500)]
    delete_objects("lab", iter(keys), ask)
    assert [len(batch) for batch in asked] == [1000, 1000, 500]
    assert [key for batch in asked for key in batch] == keys
    delete_objects("lab", [], ask)
    assert len(asked) == 3


def test_one_that_cannot_be_deleted_is_named() -> None:
    def ask(**_: object) -> dict[str, Any]:
        return {"Errors": [{"Key": "a/b", "Code": "AccessDenied", "Message": "Access Denied"}]}

    with pytest.raises(ProviderError, match="s3://lab/a/b cannot be deleted: Access Denied"):
        delete_objects("lab", [{"Key": "a/b"}], ask)
