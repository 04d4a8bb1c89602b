"""The demo: simulated movies become 2D classes, by RELION jobs that run through our queue.

Everything lies in build/demo of the checkout, the store and what the courier notes included; the
user's own store and settings are not touched.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from cryoem_cloud.courier.known.cards import Card, Cards
from cryoem_cloud.courier.start import running
from cryoem_cloud.settings import Places, environment
from demo.pictures import class_averages, draw_classes, draw_tracks, tracks
from demo.pipeline import ChainError, Ran, connect, make_project, run_chain
from demo.report import JobRun, table

FOLDER = Path(__file__).parent.parent / "build" / "demo"
LAUNCHERS = Path(sys.executable).parent


def demo_environment(folder: Path) -> dict[str, str]:
    """This environment with the defaults of somebody who has set nothing, kept in the folder."""
    env = {name: value for name, value in environment().items() if not name.startswith("CRYOEM_")}
    kinds = ("config", "data", "state", "cache")
    return env | {f"XDG_{kind.upper()}_HOME": str(folder / kind) for kind in kinds}


def ended(places: Places, within_s: float = 45) -> bool:
    """Wait for the courier of an earlier demo: it stays a while for more jobs; whether it left."""
    until_s = time.monotonic() + within_s
    while running(places):
        if time.monotonic() > until_s:
            return False
        time.sleep(0.5)
    return True


def job_runs(ran: Sequence[Ran], cards: Sequence[Card]) -> tuple[JobRun, ...]:
    """What the table shows of each job: its time, and the bytes that its card counts."""
    known = {card.name: card for card in cards}
    return tuple(
        JobRun(
            name=job.folder,
            lasts=timedelta(seconds=job.wall_s),
            bytes_up=known[job.folder].bytes_up if job.folder in known else None,
            bytes_down=known[job.folder].bytes_down if job.folder in known else None,
        )
        for job in ran
    )


def explain(cards: Sequence[Card], env: Mapping[str, str]) -> None:
    """Print why the last job failed."""
    if cards:
        subprocess.run(
            [LAUNCHERS / "cryoem", "why", str(cards[-1].number)], env=dict(env), check=False
        )


def main() -> int:
    """Run the demo; 0 if all its jobs have finished."""
    env = demo_environment(FOLDER)
    places = Places.read(env)
    if FOLDER.exists() and not ended(places):
        print("An earlier demo still runs; it ends by itself. Come again.", file=sys.stderr)
        return 1
    shutil.rmtree(FOLDER, ignore_errors=True)
    project = FOLDER / "project"
    print("Simulating movies …", flush=True)
    make_project(project)
    cards = Cards(places.state / "jobs")
    try:
        connect(project, LAUNCHERS, env)
        ran = run_chain(
            project,
            LAUNCHERS / "cryoem-qsub",
            env,
            tell=lambda job: print(f"{job.folder:20} finished, {job.wall_s:.0f} s", flush=True),
        )
    except ChainError as error:
        print(error, file=sys.stderr)
        explain(cards.all(), env)
        return 1
    folders = {job.kind: job.folder for job in ran}
    draw_classes(*class_averages(project / folders["Class2D"]), FOLDER / "classes.png")
    draw_tracks(tracks(project, project / folders["MotionCorr"]), FOLDER / "tracks.png")
    print("", table(job_runs(ran, cards.all())), "", sep="\n")
    for what in ("classes.png", "tracks.png", "project"):
        print(FOLDER / what)
    return 0


if __name__ == "__main__":
    sys.exit(main())
