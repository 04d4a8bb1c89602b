"""Whether machines that begin while movies are still being sent pay: two ways, side by side.

    python benchmarks/streaming/run.py [--movies 60] [--size 1024] [--pieces 10] [--rounds 1]

RELION's motion correction of simulated movies, on one machine, over a real S3 server (SeaweedFS)
that the courier reaches through a relay of limited speed, and the machine directly. The speed is
such that sending takes about as long as computing. In turns, each in a project of its own:

* upload: `cryoem push` of all that the job reads;
* compute: the command, run directly;
* serial: the job as one task (`--pieces 1`), which begins once all is sent;
* streamed: the job in pieces.

The promise: streamed takes at most 1.25 times the longer one of upload and compute, where serial
takes their sum.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import botocore.session

from cryoem_cloud.testing.s3_servers import S3Server, weed

PROMISE = 1.25
BUCKET = "streaming"
ROOT = Path(__file__).parents[2]
CRYOEM = Path(sys.executable).parent / "cryoem"
OUT = "MotionCorr/job002"
IMPORT = (
    "mkdir -p Import/job001 && relion_import --do_movies --optics_group_name optics1 --angpix 3.5"
    " --kV 300 --Cs 2.7 --Q0 0.1 --beamtilt_x 0 --beamtilt_y 0 --i 'Movies/*.tif'"
    " --odir Import/job001/ --ofile movies.star"
)
COMMAND = (
    f"relion_run_motioncorr --i Import/job001/movies.star --o {OUT}/ --first_frame_sum 1"
    " --last_frame_sum -1 --use_own --j 1 --bin_factor 1 --bfactor 150 --dose_per_frame 1.5"
    " --preexposure 0 --patch_x 3 --patch_y 3 --gainref gain.mrc --gain_rot 0 --gain_flip 0"
    " --dose_weighting"
).split()


@dataclass
class Relay:
    """Passes connections on to a server, and from its clients no more bytes a second than that."""

    server: tuple[str, int]
    bytes_a_second: float = float("inf")
    _free_s: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> int:
        """Listen; the port."""
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()
        return int(listener.getsockname()[1])

    def _accept(self, listener: socket.socket) -> None:
        while True:
            client, _ = listener.accept()
            upstream = socket.create_connection(self.server)
            for source, sink, slow in ((client, upstream, True), (upstream, client, False)):
                threading.Thread(
                    target=self._pass, args=(source, sink), kwargs={"slow": slow}, daemon=True
                ).start()

    def _pass(self, source: socket.socket, sink: socket.socket, *, slow: bool) -> None:
        with suppress(OSError):
            while data := source.recv(16 * 1024):
                if slow:
                    self._wait(len(data))
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def _wait(self, size: int) -> None:
        """All connections share the line."""
        with self._lock:
            begins_s = max(self._free_s, time.monotonic())
            self._free_s = begins_s + size / self.bytes_a_second
            until_s = self._free_s
        time.sleep(max(0.0, until_s - time.monotonic()))


@dataclass(frozen=True)
class Bench:
    """Where things are. `slow` is how the courier's user reaches the server."""

    top: Path
    movies: Path
    server: S3Server
    slow: str

    def project(self, name: str) -> tuple[Path, dict[str, str]]:
        """A project of its own, and its user's environment; its machines have the direct way."""
        folder, home = self.top / name / "project", self.top / name / "home"
        shutil.copytree(self.movies, folder)
        home.mkdir()
        direct = f"AWS_ENDPOINT_URL={self.server.endpoint}"
        env = {
            **self.server.env(AWS_ENDPOINT_URL=self.slow),
            "PATH": f"{CRYOEM.parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "CRYOEM_STORE": f"s3://{BUCKET}/{name}",
            "CRYOEM_LOCAL_PREFIX": f"env {direct}",
        }
        return folder, env


def make_bucket(server: S3Server) -> None:
    """The store's."""
    session = botocore.session.get_session()
    session.set_credentials(server.key, server.secret)
    client = session.create_client("s3", "us-east-1", endpoint_url=server.endpoint)
    client.create_bucket(Bucket=BUCKET)


def timed(act: Callable[[], object]) -> float:
    """How long it takes, in s."""
    begun_s = time.monotonic()
    act()
    return time.monotonic() - begun_s


def run(command: Sequence[str | Path], folder: Path, env: dict[str, str]) -> None:
    """Run a command; what it says is shown where it fails."""
    done = subprocess.run(command, cwd=folder, env=env, check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stderr}{done.stdout}")


def computed(bench: Bench, name: str) -> float:
    """The command, run directly."""
    folder, env = bench.project(name)
    (folder / OUT).mkdir(parents=True)
    return timed(lambda: run(COMMAND, folder, env))


def uploaded(bench: Bench, name: str) -> float:
    """All that the job reads, sent."""
    folder, env = bench.project(name)
    run([CRYOEM, "run", "--out", "first", "--", "true"], folder, env)  # makes the project
    return timed(lambda: run([CRYOEM, "push", "Import", "Movies", "gain.mrc"], folder, env))


def through_us(bench: Bench, name: str, pieces: int) -> float:
    """The job, from the command to its last file at home."""
    folder, env = bench.project(name)
    words = [str(CRYOEM), "run", "--pieces", str(pieces), "--", *COMMAND]
    return timed(lambda: run(words, folder, env))


def measure(bench: Bench, relay: Relay, *, pieces: int, rounds: int) -> dict[str, object]:
    """The four, in turns; medians, in s."""
    size = sum(path.stat().st_size for path in bench.movies.rglob("*") if path.is_file())
    relay.bytes_a_second = size / computed(bench, "before")
    found: dict[str, list[float]] = {"upload": [], "compute": [], "serial": [], "streamed": []}
    for at in range(rounds):
        found["upload"].append(uploaded(bench, f"upload-{at}"))
        found["compute"].append(computed(bench, f"compute-{at}"))
        found["serial"].append(through_us(bench, f"serial-{at}", 1))
        found["streamed"].append(through_us(bench, f"streamed-{at}", pieces))
    medians = {name: statistics.median(walls) for name, walls in found.items()}
    longer = max(medians["upload"], medians["compute"])
    return {
        "pieces": pieces,
        "megabytes": round(size / 1e6, 1),
        **{f"{name}_s": round(wall, 1) for name, wall in medians.items()},
        "serial_ratio": round(medians["serial"] / longer, 2),
        "streamed_ratio": round(medians["streamed"] / longer, 2),
        "promise": PROMISE,
    }


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--movies", type=int, default=60)
    parser.add_argument("--size", type=int, default=1024, help="of movies, in pixels")
    parser.add_argument("--pieces", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="streaming-") as name:
        top = Path(name)
        movies = top / "movies"
        many = ["--movies", str(given.movies), "--size", str(given.size)]
        made = [sys.executable, "-m", "demo.simulate", str(movies), *many]
        subprocess.run(made, cwd=ROOT, check=True)
        subprocess.run(["bash", "-c", IMPORT], cwd=movies, check=True, capture_output=True)
        with weed(top / "weed") as server:
            make_bucket(server)
            place = urlsplit(server.endpoint)
            relay = Relay((str(place.hostname), int(place.port or 80)))
            slow = f"http://127.0.0.1:{relay.start()}"
            bench = Bench(top, movies, server, slow)
            found = measure(bench, relay, pieces=given.pieces, rounds=given.rounds)
            print(json.dumps({"movies": given.movies, **found}, indent=2))


if __name__ == "__main__":
    main()
