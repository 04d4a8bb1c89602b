"""Deletes objects, as many in a request as S3 takes."""

from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

from cryoem_cloud.model.errors import ProviderError

__all__ = ["delete_objects"]

_AT_ONCE = 1000
"""Objects that S3 deletes in a request (API reference, DeleteObjects)."""


def delete_objects(
    bucket: str, objects: Iterable[Mapping[str, str]], ask: Callable[..., Mapping[str, Any]]
) -> None:
    """See to it that these are no more: keys, with their versions where there are several.

    `ask` makes a DeleteObjects of the bucket with what it is given.

    Raises:
        ProviderError: One cannot be deleted; those behind it may be left.
    """
    left = iter(objects)
    while batch := [dict(each) for each in islice(left, _AT_ONCE)]:
        answer = ask(Delete={"Objects": batch, "Quiet": True})
        for error in answer.get("Errors", ()):
            said = error.get("Message") or error.get("Code")
            raise ProviderError(f"s3://{bucket}/{error['Key']} cannot be deleted: {said}")
