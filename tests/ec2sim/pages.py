"""Long lists, page by page."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

__all__ = ["page"]

_Row = TypeVar("_Row")


def page(
    rows: Sequence[_Row], asked: Mapping[str, Any], *, most: int
) -> tuple[Sequence[_Row], Mapping[str, str]]:
    """What a request with `MaxResults` and `NextToken` is shown, and the token of what is left."""
    first = int(asked.get("NextToken") or 0)
    last = first + min(int(asked.get("MaxResults") or most), most)
    return rows[first:last], ({"NextToken": str(last)} if last < len(rows) else {})
