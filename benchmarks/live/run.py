"""How long what a program writes takes home while it runs, and whether it is the same there.

    python -m benchmarks.live.run [--times 1] [--beside MB]

A job (`work.py`) prints lines, empties what it printed and begins anew, rewrites a table in place,
writes tables beside and renames them, and writes a file of 20 MB over 8 s. Agent and courier are
the real ones, started as users start them; each thing carries the time at which it was written,
and its age is taken when it is seen at home. On the directory store, and on a real S3 server
(SeaweedFS) behind a proxy that adds 60 ms to every round trip. With `--beside` the job makes so
many MB of results at once, which go the same way. Promised: of lines, median ≤ 1.2 s
and 95 of 100 ≤ 2 s, and the folder at home the same byte for byte. Requests are priced as in
`latency`.
"""

import argparse
import filecmp
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles

import botocore.session

from benchmarks.latency.run import CRYOEM, ROUND_TRIP_S, priced
from cryoem_cloud.testing.proxy import faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server, weed

PROMISED_MEDIAN_S, PROMISED_P95_S = 1.2, 2.0
LOOK_S = 0.01
WORK = Path(__file__).with_name("work.py")
_LINE = re.compile(rb"^(\d+\.\d+) .* (\d+) \.+$", re.MULTILINE)
_TABLE = re.compile(rb"# (\d+\.\d+)\n")


@dataclass
class Ages:
    """The ages of lines and tables when they were first seen at home, in seconds."""

    lines: dict[bytes, float] = field(default_factory=dict)
    tables: dict[bytes, float] = field(default_factory=dict)

    def look(self, out: Path) -> None:
        """Take note of what is new in the folder."""
        now_s = time.time()
        for said, _ in _LINE.findall(_read(out / "run.out")):
            self.lines.setdefault(said, now_s - float(said))
        for table in out.glob("*.star"):
            if found := _TABLE.match(_read(table, 64)):
                self.tables.setdefault(found[1], now_s - float(found[1]))


def _read(path: Path, most: int = -1) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        return b""


def watched(project: Path, env: Mapping[str, str], truth: Path, beside: int) -> Ages:
    """Run the job, and look at its folder at home until it has ended."""
    project.mkdir(parents=True)
    words = [sys.executable, str(WORK), "out", str(truth), str(beside)]
    job = subprocess.Popen(
        [CRYOEM, "run", "--out", "out", "--", *words],
        cwd=project,
        env=dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    ages = Ages()
    while job.poll() is None:
        ages.look(project / "out")
        time.sleep(LOOK_S)
    if job.returncode:
        raise SystemExit(f"the job has failed: {(project / 'out/run.err').read_text()}")
    return ages


def differences(home: Path, truth: Path) -> Iterator[str]:
    """Files that are not at home as they were on the machine; what we write ourselves aside."""
    for path in sorted(truth.rglob("*")):
        name = path.relative_to(truth)
        if path.is_file() and not (home / name).is_file():
            yield f"{name} is missing"
        elif path.is_file() and not filecmp.cmp(path, home / name, shallow=False):
            yield f"{name} differs"
    there = {path.relative_to(truth) for path in truth.rglob("*")} | {Path("run.err")}
    for path in sorted(home.rglob("*")):
        if path.relative_to(home) not in there and path.stat().st_size:
            yield f"{path.relative_to(home)} is not the machine's"


def shown(store: str, ages: Ages, unlike: list[str]) -> dict[str, object]:
    """What was found, in seconds."""
    found: dict[str, object] = {"store": store}
    for name, each in (("line", ages.lines), ("table", ages.tables)):
        seconds = sorted(each.values())
        found[f"{name}s"] = len(seconds)
        found[f"{name}_median_s"] = round(median(seconds), 2)
        found[f"{name}_p95_s"] = round(quantiles(seconds, n=20)[-1], 2)
    return {**found, "line_max_s": round(max(ages.lines.values()), 2), "unlike": unlike}


def on_a_folder(root: Path, beside: int) -> dict[str, object]:
    """With a store that is a folder."""
    home = {"PATH": os.environ["PATH"], "HOME": str(root / "home")}
    ages = watched(root / "project", home, root / "truth", beside)
    return shown("directory", ages, list(differences(root / "project/out", root / "truth")))


def on_s3(root: Path, server: S3Server, beside: int) -> dict[str, object]:
    """With a real S3 server, each round trip to which is longer."""
    with faulty_proxy(server.endpoint) as proxy:
        session = botocore.session.get_session()
        session.set_credentials(server.key, server.secret)
        session.create_client("s3", "us-east-1", endpoint_url=server.endpoint).create_bucket(
            Bucket=root.name
        )
        proxy.delay_s = ROUND_TRIP_S / 2
        env = {
            **server.env(AWS_ENDPOINT_URL=proxy.endpoint),
            "CRYOEM_STORE": f"s3://{root.name}/em",
            "PATH": os.environ["PATH"],
            "HOME": str(root / "home"),
        }
        began_s = time.monotonic()
        ages = watched(root / "project", env, root / "truth", beside)
        lasted_s = time.monotonic() - began_s
        hourly = priced(list(proxy.requests), lasted_s)
    unlike = list(differences(root / "project/out", root / "truth"))
    return {**shown("S3, 60 ms", ages, unlike), "hourly": hourly}


def kept(result: Mapping[str, object]) -> bool:
    """Whether the promises were."""
    return (
        float(str(result["line_median_s"])) <= PROMISED_MEDIAN_S
        and float(str(result["line_p95_s"])) <= PROMISED_P95_S
        and not result["unlike"]
    )


def main() -> int:
    """Measure and print a line of JSON a run; 1 if a promise was not kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--beside", type=int, default=0, metavar="MB")
    given = parser.parse_args()
    results: list[dict[str, object]] = []
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        weed(Path(folder) / "weed") as server,
    ):
        for at in range(given.times):
            results.append(on_a_folder(Path(folder) / f"folder-{at}", given.beside))
            results.append(on_s3(Path(folder) / f"live-{at}", server, given.beside))
            for result in results[-2:]:
                load = os.getloadavg()[0]
                print(json.dumps({**result, "load": round(load, 1)}), flush=True)
    return 0 if all(map(kept, results)) else 1


if __name__ == "__main__":
    sys.exit(main())
