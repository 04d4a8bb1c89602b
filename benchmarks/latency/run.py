"""How long a log line takes from the machine home, and what the requests for that cost.

    python benchmarks/latency/run.py [--lines 150] [--every 0.2]

A job prints the time, again and again; each line's age is taken when it appears in run.out at
home. On the directory store, and on a real S3 server (SeaweedFS) behind a proxy that adds 60 ms to
every round trip. The promise: 95 of 100 lines are at home within 2 s. Requests are those that the
proxy saw while the job ran, priced as S3 Standard in us-east-1 (2026-07): USD 0.005 a thousand
PUT, POST and LIST, USD 0.0004 a thousand GET and HEAD.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import botocore.session

from cryoem_cloud.testing.proxy import faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server, weed

ROUND_TRIP_S = 0.06
LIMIT_S = 2.0
HOUR_S = 3600
USD = {"dear": Decimal("0.000005"), "cheap": Decimal("0.0000004")}
CRYOEM = Path(sys.executable).parent / "cryoem"


def ages(project: Path, env: Mapping[str, str], *, lines: int, every_s: float) -> list[float]:
    """Run a job that prints the time, and give each line's age when it was seen at home, in s."""
    project.mkdir(parents=True)
    script = f"for i in $(seq {lines}); do date +%s.%N; sleep {every_s}; done"
    job = subprocess.Popen(
        [CRYOEM, "run", "--out", "out", "--", "bash", "-c", script],
        cwd=project,
        env=dict(env),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    found: list[float] = []
    log = project / "out" / "run.out"
    while len(found) < lines and (job.poll() is None or log.exists()):
        seen = log.read_bytes() if log.exists() else b""
        now_s = time.time()
        whole = seen.split(b"\n")[:-1]
        found.extend(now_s - float(line) for line in whole[len(found) :])
        time.sleep(0.01)
    job.wait()
    return found


def priced(requests: Iterable[str], lasts_s: float) -> dict[str, str]:
    """Requests an hour, by method, and their price."""
    counts: Counter[str] = Counter()
    for request in requests:
        method, path = request.split(" ", 1)
        counts["LIST" if method == "GET" and "list-type" in path else method] += 1
    hourly = {name: number * HOUR_S / lasts_s for name, number in counts.items()}
    usd = sum(
        (
            Decimal(number) * USD["cheap" if name in {"GET", "HEAD"} else "dear"]
            for name, number in hourly.items()
        ),
        Decimal(0),
    )
    shown = {name: f"{number:.0f}" for name, number in sorted(hourly.items())}
    return {**shown, "usd_per_job_hour": f"{usd:.4f}"}


def summary(name: str, found: list[float]) -> dict[str, object]:
    """Median and 95th percentile, in seconds."""
    cuts = statistics.quantiles(found, n=20)
    return {
        "store": name,
        "lines": len(found),
        "median_s": round(statistics.median(found), 2),
        "p95_s": round(cuts[-1], 2),
    }


def on_s3(root: Path, server: S3Server, *, lines: int, every_s: float) -> dict[str, object]:
    """The same through a proxy that makes every round trip longer."""
    with faulty_proxy(server.endpoint) as proxy:
        env = {**server.env(AWS_ENDPOINT_URL=proxy.endpoint), "CRYOEM_STORE": "s3://latency/em"}
        session = botocore.session.get_session()
        session.set_credentials(server.key, server.secret)
        client = session.create_client("s3", "us-east-1", endpoint_url=server.endpoint)
        client.create_bucket(Bucket="latency")
        proxy.delay_s = ROUND_TRIP_S / 2
        started_s = time.monotonic()
        home = {"PATH": os.environ["PATH"], "HOME": str(root / "home-s3")}
        found = ages(root / "s3", {**home, **env}, lines=lines, every_s=every_s)
        lasts_s = time.monotonic() - started_s
        requests = list(proxy.requests)
        return {**summary("S3, 60 ms", found), "hourly": priced(requests, lasts_s)}


def main() -> int:
    """Measure and print a line of JSON a store; 1 if the promise was not kept."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=150)
    parser.add_argument("--every", type=float, default=0.2, metavar="SECONDS")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        weed(Path(folder) / "weed") as server,
    ):
        root = Path(folder)
        home = {"PATH": os.environ["PATH"], "HOME": str(root / "home")}
        found = ages(root / "project", home, lines=given.lines, every_s=given.every)
        results = [summary("directory", found)]
        results.append(on_s3(root, server, lines=given.lines, every_s=given.every))
    kept = True
    for result in results:
        print(json.dumps(result))
        kept = kept and float(str(result["p95_s"])) <= LIMIT_S
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
