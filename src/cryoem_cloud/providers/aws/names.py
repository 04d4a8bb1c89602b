"""What everything of ours at AWS is called, and how it is tagged."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = [
    "BASE",
    "BUILDS",
    "HARD",
    "HOME",
    "JOB",
    "LAPSE",
    "OWNER",
    "PROJECT",
    "RAISED",
    "RELION",
    "STACK",
    "STATE",
    "TOKEN",
    "WHY",
    "build_token",
    "build_until",
    "path_of",
    "role_of",
    "tag_text",
    "tagged",
    "tags_of",
]

STACK = "cryoem:stack"
PROJECT = "cryoem:project"
JOB = "cryoem:job"
TOKEN = "cryoem:token"  # noqa: S105  (a tag's name)
OWNER = "cryoem:owner"
RAISED = "cryoem:raised"
"""On a launch template: its group's capacity was raised, or is never to be."""
STATE = "cryoem:state"
"""On an instance, by itself: up, worked, left or failed."""
WHY = "cryoem:why"
"""On an instance, by itself: a line that says why it failed."""

HOME = "cryoem:home"
"""On a machine image: the region of the stack that built it. Copies are in others."""
BASE = "cryoem:base"
"""On a machine image: the one that it was built on, and what users call that."""
RELION = "cryoem:relion"
"""On a machine image: RELION's version in it, where that is known."""

BUILDS = "@image"
"""What stands for a project where machine images are built: in roles, tags, and the store."""

HARD, LAPSE = "hard", "lapse"
"""The scheduled actions that end a group: at the job's limit, and where nothing progresses."""

_MOST_VALUE = 256
_BUILD = re.compile(rf"{BUILDS}-(\d+)-.+")
_MOST_NAME = 64
_ODD = re.compile(r"[^\w \-+=.:/@]")


def path_of(stack: str) -> str:
    """The IAM path of all that a stack and its users make."""
    return f"/cryoem/{stack}/"


def role_of(stack: str, region: str, project: str) -> str:
    """The name of a project's machine role, and of its instance profile: at most 64 characters.

    IAM knows no regions, and a project may be moved to another one, where its machines reach
    another store. Of a project's name the end is kept, which is unlike any other's.
    """
    before = f"cryoem-{stack}-{region}-"
    return before + project[-(_MOST_NAME - len(before)) :]


def build_token(name: str, until_s: int) -> str:
    """What all of a build is tagged with; its builder ends by itself until then, in Unix time."""
    return f"{BUILDS}-{until_s}-{name}"


def build_until(token: str) -> int | None:
    """Until when a builder of that token ends by itself, in Unix time; None: it is none's."""
    found = _BUILD.fullmatch(token)
    return int(found[1]) if found else None


def tag_text(text: str) -> str:
    """`text` as far as it may be a tag's value.

    256 characters of letters, digits, spaces and _ . : / = + - @ are what every service takes
    (EC2 user guide, "Tag restrictions").
    """
    return _ODD.sub("_", " ".join(text.split()))[:_MOST_VALUE]


def tagged(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as AWS takes them."""
    return [{"Key": key, "Value": tag_text(value)} for key, value in tags.items()]


def tags_of(found: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags as AWS gives them."""
    return {str(tag["Key"]): str(tag["Value"]) for tag in found}
