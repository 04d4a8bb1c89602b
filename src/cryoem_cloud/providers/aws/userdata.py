"""What a machine is told to do first: scripts, filled in."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from urllib.parse import urlsplit

from cryoem_cloud.model.errors import SettingsError

__all__ = ["Boot", "Building", "builder_data", "user_data"]

_MOST_BYTES = 16384
"""EC2's limit, before base64."""
_PLAIN = re.compile(r"[A-Za-z0-9._/@-]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """What a machine has to know to begin its work. Nothing of it is secret.

    `store` is the stack's, an s3:// URL; `agent` the agent's archive below it, as `key@sha256`.
    `group` is the order's token. Work ends `until` then, after `limit_s` in all. `install` is a
    command of the user's that makes the programs available, run by bash as root ("": the image has
    them). `ssh_key` is the public key that lets in as root ("": none does). The boot gives up when
    the agent is not up after `patience_s`, and the machine ends in any case `dead_man_min` after
    its beginning where it hangs.
    """

    store: str
    region: str
    project: str
    job: int
    group: str
    agent: str
    limit_s: float
    until: datetime
    install: str = ""
    ssh_key: str = ""
    patience_s: int = 18 * 60
    dead_man_min: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """What the builder of an image has to know. Nothing of it is secret.

    `store` and `agent` are as in Boot; `group` names the build, whose things lie below `project` in
    the store; `script_digest` is the SHA-256 of the user's script there, which gets `variables` and
    has `limit_s`. The machine then waits `wait_s` for its image to be taken, and ends in any case
    `dead_man_min` after its beginning.
    """

    store: str
    region: str
    project: str
    group: str
    agent: str
    script_digest: str
    limit_s: int
    wait_s: int
    dead_man_min: int
    variables: Mapping[str, str]


def user_data(boot: Boot) -> str:
    """The script of a machine that works on a job, at most 16 KiB.

    Raises:
        SettingsError: The set-up line is too long, or is no line; or the account's record has
            names that S3 would have to be asked for in another way than a shell script can.
    """
    if not boot.install.isprintable():
        raise SettingsError("the set-up line is not one line", hint="join commands with &&")
    values = {
        **_of_stack(boot),
        "store": boot.store,
        "job": f"{boot.job:08d}",
        "job_number": str(boot.job),
        "limit_s": str(int(boot.limit_s)),
        "until_s": str(int(boot.until.timestamp())),
        "install": boot.install,
        "ssh_key": boot.ssh_key,
        "patience_s": str(boot.patience_s),
        "scratch": "/mnt/cryoem",
    }
    filled = _filled(values, "boot.sh")
    if len(filled.encode()) > _MOST_BYTES:
        most = _MOST_BYTES - len(filled.encode()) + len(boot.install.encode())
        raise SettingsError(
            f"the set-up line is too long: at most {most} bytes",
            hint="put it into a script of the machine image, or of a place that machines can reach",
        )
    return filled


def builder_data(building: Building) -> str:
    """The script of a builder, at most 16 KiB.

    Raises:
        SettingsError: The variables are too long, or no lines; or as in user_data.
    """
    lines = [f"{name}={value}" for name, value in building.variables.items()]
    if not all(line.isprintable() for line in lines):
        raise SettingsError("a variable of the script is not one line", hint="--env NAME=VALUE")
    values = {
        **_of_stack(building),
        "script_digest": building.script_digest,
        "limit_s": str(building.limit_s),
        "wait_s": str(building.wait_s),
        "variables": "\n".join(lines),
    }
    filled = _filled(values, "build.sh")
    if len(filled.encode()) > _MOST_BYTES:
        raise SettingsError("the script's variables are too long", hint="put them into the script")
    return filled


def _of_stack(told: Boot | Building) -> dict[str, str]:
    """What both scripts have to know of the store, checked."""
    url = urlsplit(told.store)
    prefix = f"{url.path.strip('/')}/".lstrip("/")
    key, _, digest = told.agent.rpartition("@")
    archive = prefix + key
    for name in (url.netloc, archive, told.project, told.group, told.region):
        if not _PLAIN.fullmatch(name):
            raise SettingsError(f"a machine cannot be told of {name!r}", hint="cryoem aws join")
    if url.scheme != "s3" or not _DIGEST.fullmatch(digest):
        raise SettingsError(
            f"no store and agent of a stack: {told.store}, {told.agent}", hint="cryoem aws join"
        )
    return {
        "bucket": url.netloc,
        "prefix": prefix,
        "region": told.region,
        "project": told.project,
        "group": told.group,
        "archive": archive,
        "digest": digest,
        "dead_man_min": str(told.dead_man_min),
    }


def _filled(values: Mapping[str, str], script: str) -> str:
    lines = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
    folder = resources.files(__package__ or "")
    scripts = [folder.joinpath(each).read_text(encoding="utf-8") for each in ("common.sh", script)]
    return "\n".join(("#!/bin/bash", *lines, *scripts))
