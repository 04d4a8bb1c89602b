"""What a machine is told to do first: the boot script, filled in."""

import re
import shlex
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from urllib.parse import urlsplit

from cryoem_cloud.model.errors import SettingsError

__all__ = ["Boot", "user_data"]

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


def user_data(boot: Boot) -> str:
    """The script, at most 16 KiB.

    Raises:
        SettingsError: The set-up line is too long, or is no line; or the account's record has
            names that S3 would have to be asked for in another way than a shell script can.
    """
    url = urlsplit(boot.store)
    prefix = f"{url.path.strip('/')}/".lstrip("/")
    key, _, digest = boot.agent.rpartition("@")
    archive = prefix + key
    for name in (url.netloc, archive, boot.project, boot.group, boot.region):
        if not _PLAIN.fullmatch(name):
            raise SettingsError(f"a machine cannot be told of {name!r}", hint="cryoem aws join")
    if url.scheme != "s3" or not _DIGEST.fullmatch(digest):
        raise SettingsError(
            f"no store and agent of a stack: {boot.store}, {boot.agent}", hint="cryoem aws join"
        )
    if not boot.install.isprintable():
        raise SettingsError("the set-up line is not one line", hint="join commands with &&")
    values = {
        "store": boot.store,
        "bucket": url.netloc,
        "prefix": prefix,
        "region": boot.region,
        "project": boot.project,
        "job": f"{boot.job:08d}",
        "job_number": str(boot.job),
        "group": boot.group,
        "archive": archive,
        "digest": digest,
        "limit_s": str(int(boot.limit_s)),
        "until_s": str(int(boot.until.timestamp())),
        "install": boot.install,
        "ssh_key": boot.ssh_key,
        "patience_s": str(boot.patience_s),
        "dead_man_min": str(boot.dead_man_min),
        "scratch": "/mnt/cryoem",
    }
    lines = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
    filled = "\n".join(("#!/bin/bash", *lines, _script()))
    if len(filled.encode()) > _MOST_BYTES:
        most = _MOST_BYTES - len(filled.encode()) + len(boot.install.encode())
        raise SettingsError(
            f"the set-up line is too long: at most {most} bytes",
            hint="put it into a script of the machine image, or of a place that machines can reach",
        )
    return filled


def _script() -> str:
    return resources.files(__package__ or "").joinpath("boot.sh").read_text(encoding="utf-8")
