"""Answers for programs. They go to stdout."""

import json
from collections.abc import Mapping

from cryoem_cloud.model.record import JSON

__all__ = ["as_json"]

VERSION = 1
"""Of everything that --json prints."""


def as_json(fields: Mapping[str, JSON]) -> str:
    """An answer for programs."""
    return json.dumps({"v": VERSION, **fields}, indent=2)
