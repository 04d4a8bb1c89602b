"""Starts the null sink, in a process of its own, and asks it what it did."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.transfer.links import Way

__all__ = ["OUR_BUCKET", "Sink", "certificate_for", "running"]

OUR_BUCKET = "bench"
ROOT = Path(__file__).parents[2]
_GRACE_S = 10.0


@dataclass(frozen=True)
class Sink:
    """A running one; `certificate` is the file that its clients trust, "" without TLS."""

    endpoint: str
    certificate: str
    way: Way
    process: subprocess.Popen[str]

    def told(self) -> Mapping[str, Any]:
        """What it did since it was last asked; see the sink.

        Raises:
            RuntimeError: It has ended.
        """
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the sink has no pipes")
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the sink has ended")
        told: dict[str, Any] = json.loads(line)
        return told


def certificate_for(host: str, folder: Path) -> str:
    """A certificate of that address's own and its key, in one file."""
    file = folder / "sink.pem"
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    words += ["-nodes", "-days", "2", "-subj", "/CN=sink", "-addext", f"subjectAltName=IP:{host}"]
    made = subprocess.run([*words, "-keyout", "-"], check=True, capture_output=True)
    file.write_bytes(made.stdout)
    return str(file)


@contextmanager
def running(way: Way, folder: Path, *, tls: bool, whole: bool) -> Iterator[Sink]:
    """A sink at the server's end of the way; `whole`: it keeps all that we send."""
    certificate = certificate_for(way.host, folder) if tls else ""
    words = [*way.server, sys.executable, "-m", "benchmarks.transfer.sink", "--host", way.host]
    words += ["--certificate", certificate] if tls else []
    words += ["--whole", OUR_BUCKET] if whole else []
    process = subprocess.Popen(
        words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        said = process.stdout.readline().split() if process.stdout else []
        if said[:1] != ["ready"]:
            raise RuntimeError("the sink did not come up")
        scheme = "https" if tls else "http"
        yield Sink(f"{scheme}://{way.host}:{said[1]}", certificate, way, process)
    finally:
        try:
            process.communicate(timeout=_GRACE_S)  # ends its input, and so the sink
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
