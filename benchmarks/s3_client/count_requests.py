"""What a running job asks of an S3 store, and what Amazon would charge for it.

    python benchmarks/s3_client/count_requests.py [--seconds 60] [--quiet]

A job that prints a line a second (or nothing) runs on this computer with its store on MiniStack,
behind a proxy that counts. Only the minute in the middle is counted, so that neither start nor end
weighs in.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from cryoem_cloud.settings import environment
from cryoem_cloud.testing.proxy import FaultyProxy, faulty_proxy
from cryoem_cloud.testing.s3_servers import ministack, program

USD_PER_1000 = {"PUT": 0.005, "POST": 0.005, "LIST": 0.005, "GET": 0.0004, "HEAD": 0.0004}
"""us-east-1; an answer of 404 or 304 costs the same."""
WARM_UP_S = 10.0
KINDS = (
    ("turns", r"/turns/"),
    ("deliver", r"/deliver/"),
    ("journal", r"/journal/"),
    ("beat", r"/beat$"),
    ("control", r"/control/"),
    ("end", r"/end$"),
    ("gone", r"/gone$"),
    ("ready", r"/ready$"),
)


def main() -> None:
    """Run, count, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--quiet", action="store_true")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        ministack(Path(folder) / "server") as server,
        faulty_proxy(server.endpoint) as proxy,
    ):
        store = server.bucket()
        env = {**server.env(), "AWS_ENDPOINT_URL": proxy.endpoint, "CRYOEM_STORE": store}
        found = _counted(Path(folder), proxy, env, chosen.seconds, quiet=chosen.quiet)
    per_hour = 3600 / chosen.seconds
    total = 0.0
    for (method, kind), count in sorted(found.items()):
        usd = count * per_hour * USD_PER_1000.get(method, 0.0) / 1000
        total += usd
        print(f"{method:5} {kind:8} {count * per_hour:8.0f} an hour  ${usd:.4f}")
    print(f"{'in all':14} {sum(found.values()) * per_hour:8.0f} an hour  ${total:.4f}")


def _counted(
    folder: Path, proxy: FaultyProxy, env: Mapping[str, str], seconds: int, *, quiet: bool
) -> Counter[tuple[str, str]]:
    project, home = folder / "project", folder / "home"
    (project / "out").mkdir(parents=True)
    home.mkdir()
    word = ":" if quiet else "echo line"
    lasts_s = int(seconds + 3 * WARM_UP_S)
    job = f"for i in $(seq {lasts_s}); do {word}; sleep 1; done"
    clean = {name: value for name, value in environment().items() if name != "XDG_STATE_HOME"}
    command = (program("cryoem") or "cryoem", "run", "--out", "out", "--", "bash", "-c", job)
    running = subprocess.Popen(
        command,
        cwd=project,
        env={**clean, **env, "HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
    )
    try:
        while not any("/journal/" in request for request in proxy.requests):
            time.sleep(0.2)
        time.sleep(WARM_UP_S)
        before = len(proxy.requests)
        time.sleep(seconds)
        counted = proxy.requests[before:]
        running.wait(timeout=4 * WARM_UP_S)
    finally:
        running.kill()
    return Counter(map(_kind, counted))


def _kind(request: str) -> tuple[str, str]:
    method, _, path = request.partition(" ")
    key, _, query = path.partition("?")
    if method == "GET" and "list-type=2" in query:
        return "LIST", "index" if "index" in query else "other"
    return method, next((name for name, like in KINDS if re.search(like, key)), "other")


if __name__ == "__main__":
    main()
