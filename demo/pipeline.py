"""The demo's RELION jobs, run by relion_pipeliner as its Run button would, with "Submit to queue".

    python -m demo.pipeline FOLDER --direct

runs them on this computer without us, to compare with.
"""

import argparse
import shlex
import stat
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.apps.star import rows
from cryoem_cloud.frontends.connect import relion_files
from cryoem_cloud.settings import environment
from demo.simulate import MICROSCOPE, simulate

__all__ = [
    "CHAIN",
    "ChainError",
    "Ran",
    "connect",
    "direct_queue",
    "make_project",
    "run_chain",
    "statuses",
]

CHAIN: Mapping[str, Mapping[str, object]] = {
    "Import": {
        "fn_in_raw": "Movies/*.tif",
        "angpix": MICROSCOPE.angstrom_per_pixel,
        "kV": MICROSCOPE.voltage_kv,
        "Cs": MICROSCOPE.spherical_aberration_mm,
        "Q0": MICROSCOPE.amplitude_contrast,
    },
    "MotionCorr": {
        "input_star_mics": "{Import}/movies.star",
        "fn_gain_ref": "gain.mrc",
        "dose_per_frame": MICROSCOPE.electrons_per_square_angstrom,
        "patch_x": 1,
        "patch_y": 1,
        "do_own_motioncor": "Yes",
    },
    "AutoPick": {
        "fn_input_autopick": "{MotionCorr}/corrected_micrographs.star",
        "do_log": "Yes",
        "log_diam_min": 140,
        "log_diam_max": 200,
        "log_adjust_thr": 0.5,
    },
    "Extract": {
        "star_mics": "{MotionCorr}/corrected_micrographs.star",
        "coords_suffix": "{AutoPick}/coords_suffix_autopick.star",
        "extract_size": 96,
        "do_rescale": "Yes",
        "rescale": 64,
    },
    "Class2D": {
        "fn_img": "{Extract}/particles.star",
        "do_ctf_correction": "No",
        "nr_classes": 8,
        "nr_iter": 15,
        "particle_diameter": 300,
        "offset_range": 5,
        "offset_step": 2,
        "do_preread_images": "Yes",
        "nr_threads": 1,
        "other_args": "--random_seed 1",
    },
}
"""The jobs in order, and their options where they differ from RELION's own; {Import} stands for
that job's folder. One thread and one seed make the classes the same at every run.
"""

LONGEST_JOB_S = 600
AT_ONCE = ("--sec_wait_after", "0")
"""By itself relion_pipeliner sleeps for 10 s after each job."""
FINISHED = "2"
"""RELION's number for a job that ended well."""

_HERE = """\
#!/bin/bash
# A queue of this computer: runs the script at once.
job=$(dirname "$1")
exec bash "$1" > "$job/run.out" 2> "$job/run.err"
"""


class ChainError(Exception):
    """A job did not finish; the message has what its programs said."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A job that has finished: its kind, its folder, and the time it took by the clock, in s."""

    kind: str
    folder: str
    wall_s: float


def make_project(folder: Path, *, movies: int = 10, size: int = 768, seed: int = 1) -> None:
    """A RELION project with simulated movies and no job yet."""
    simulate(folder, movies=movies, size=size, seed=seed)
    (folder / "default_pipeline.star").write_text(
        "data_pipeline_general\n\n_rlnPipeLineJobCounter 1\n", encoding="utf-8"
    )


def connect(folder: Path, launchers: Path, env: Mapping[str, str]) -> None:
    """Connect the project as a user does.

    Raises:
        ChainError: `cryoem connect relion` failed.
    """
    command = (launchers / "cryoem", "connect", "relion")
    done = subprocess.run(
        command, cwd=folder, env=dict(env), check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise ChainError(f"cryoem connect relion: {done.stderr}")


def direct_queue(folder: Path) -> Path:
    """Connect the project to a queue that runs jobs at once where they are; the queue's command."""
    for name, text in relion_files(folder, folder).items():
        (folder / name).write_text(text, encoding="utf-8")
    command = folder / "run-here"
    command.write_text(_HERE, encoding="utf-8")
    command.chmod(stat.S_IRWXU)
    return command


def run_chain(
    folder: Path,
    queue_command: Path,
    env: Mapping[str, str],
    *,
    until: str = "Class2D",
    extra: Mapping[str, str] | None = None,
    tell: Callable[[Ran], None] = lambda _: None,
) -> tuple[Ran, ...]:
    """Run the jobs of a connected project, each handed to the queue command; what each took.

    `tell` is called after each job, `until` is the last to run, `extra` are options of all.

    Raises:
        ChainError: A job failed, or has not finished in time.
    """
    ran: dict[str, Ran] = {}
    for number, (kind, options) in enumerate(CHAIN.items(), start=1):
        job = f"{kind}/job{number:03d}"
        folders = {done.kind: done.folder for done in ran.values()}
        said = {name: str(value).format(**folders) for name, value in options.items()}
        # RELION pastes the command into a shell's line.
        said |= {"do_queue": "Yes", "qsub": shlex.quote(str(queue_command)), **(extra or {})}
        text = ";".join(f"{name} == {value}" for name, value in said.items())
        started = time.monotonic()
        _pipeliner(folder, env, "--addJob", kind, "--addJobOptions", text)
        _pipeliner(folder, env, "--schedule", kind, "--RunJobs", f"{job}/", *AT_ONCE)
        _finish(folder, env, job)
        ran[kind] = Ran(kind, job, time.monotonic() - started)
        tell(ran[kind])
        if kind == until:
            break
    return tuple(ran.values())


def statuses(folder: Path) -> Mapping[str, str]:
    """What the project's pipeline says of each job, by its folder."""
    name, status = "rlnPipeLineProcessName", "rlnPipeLineProcessStatus"
    table = rows(
        folder / "default_pipeline.star", {name, status}.__contains__, table="pipeline_processes"
    )
    return {row.values[name].rstrip("/"): row.values[status] for row in table}


def _pipeliner(folder: Path, env: Mapping[str, str], *words: str) -> None:
    """Run relion_pipeliner with the project's env.sh sourced, as a user does."""
    command = ("sh", "-c", '. ./env.sh && exec relion_pipeliner "$@"', "sh", *words)
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=dict(env),
            check=False,
            capture_output=True,
            text=True,
            timeout=LONGEST_JOB_S,
        )
    except subprocess.TimeoutExpired as error:
        raise ChainError(f"{' '.join(words)}: not done after {LONGEST_JOB_S} s") from error
    if done.returncode:
        raise ChainError(f"relion_pipeliner {' '.join(words)}: {done.stdout}{done.stderr}")


def _finish(folder: Path, env: Mapping[str, str], job: str) -> None:
    """Wait until the pipeline calls the job finished."""
    _pipeliner(folder, env, "--check_job_completion")
    status = statuses(folder).get(job)
    if status != FINISHED:
        err = folder / job / "run.err"
        said = err.read_text(errors="replace") if err.is_file() else "no run.err"
        raise ChainError(f"{job} has status {status}: {said}")


def main() -> None:
    """Run the chain without us."""
    parser = argparse.ArgumentParser(description="Run the demo's jobs on this computer, directly.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--direct", action="store_true")
    given = parser.parse_args()
    make_project(given.folder)
    for ran in run_chain(given.folder, direct_queue(given.folder), environment()):
        print(f"{ran.kind:12}{ran.wall_s:6.1f} s")


if __name__ == "__main__":
    main()
