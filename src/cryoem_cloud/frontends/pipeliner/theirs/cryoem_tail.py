"""Takes a pipeliner job's last steps: `cryoem_tail.py TYPE/jobNNN/job.star DONE OUTCOME`.

Run by the user's Python in the place of job_runner.py, in the project's folder, and in a process
group of its own; it ends with the program that holds its standard input. The pipeliner's own
runner goes through the job, but the first DONE commands have run elsewhere, and OUTCOME (success,
failure, aborted) says how they ended. Its markers are left to others. Prints one line:
`CRYOEM {record}` with the outcome. Needs nothing but the pipeliner (1.6).
"""

import contextlib
import json
import os
import select
import signal
import sys
import tempfile
import threading
from pathlib import Path

from pipeliner import job_factory
from pipeliner.scripts.job_runner import (
    JobAbortedException,
    JobFailedException,
    JobRunner,
    JobRunnerCommand,
)
from pipeliner.utils import update_jobinfo_file

MARKERS = {
    "success": "success_file_path",
    "failure": "failed_file_path",
    "aborted": "aborted_file_path",
}
TEXTS = ("out_file_path", "err_file_path", "note_file_path")


class TailRunner(JobRunner):  # type: ignore[misc]  # the pipeliner has no types where we are checked
    """Skips what has run elsewhere. Writes its texts and markers into the folder `aside`."""

    def __init__(self, job: object, done: int, outcome: str, aside: Path) -> None:
        super().__init__(job)
        self.done = done
        self.outcome = outcome
        self.texts = {name: Path(getattr(self, name)) for name in TEXTS}
        for name in (*TEXTS, *MARKERS.values()):
            setattr(self, name, aside / name)

    def log(self, msg: str) -> None:
        """Say nothing of starting what has run: the job's log tells it already."""
        words = msg.split()
        if words[:2] != ["Running", "command"] or int(words[2]) > self.done:
            super().log(msg)

    def check_abort_trigger(self) -> None:
        """Heed a request to abort while there is something to abort."""
        if self.outcome == "success":
            super().check_abort_trigger()

    def run_single_command(self, command: JobRunnerCommand) -> None:
        """Run a command, or take it as done."""
        if command.number > self.done:
            super().run_single_command(command)
            return
        self.note_in_jobinfo(command_list=command.cmd)
        if command.number == self.done and self.outcome == "aborted":
            self.note_in_jobinfo(action="Aborted job")
            raise JobAbortedException
        if command.number == self.done and self.outcome == "failure":
            raise JobFailedException

    def note_in_jobinfo(self, **what: object) -> None:
        """Note something in the job's history, which must stop nothing, as with the pipeliner."""
        with contextlib.suppress(Exception):
            update_jobinfo_file(self.job.output_dir, **what)

    def how_it_ended(self) -> str:
        """The outcome by the marker that was made; "" where none was."""
        return next((o for o, name in MARKERS.items() if getattr(self, name).exists()), "")

    def hand_over_texts(self) -> None:
        """Put what was written aside where it belongs, each behind what is there."""
        for name, place in self.texts.items():
            aside = getattr(self, name)
            if aside.exists():
                append(place, aside.read_bytes())


def append(place: Path, text: bytes) -> None:
    """Add a text to a file, on a line of its own."""
    with place.open("ab+") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            text = text if file.read() == b"\n" else b"\n" + text
        file.write(text)


def end_with_caller() -> None:
    """Wait for the end of standard input, and then end everything of this process group."""
    while os.read(sys.stdin.fileno(), 1024):  # no buffer: its lock would trouble Python's exit
        pass
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main(job_star: str, done: str, outcome: str) -> None:
    """Go through the job in that file, and print how it ended."""
    if select.select([sys.stdin], [], [], 0)[0]:  # its end: nobody writes into it
        sys.exit("the program that started this has ended meanwhile")
    threading.Thread(target=end_with_caller, daemon=True).start()
    job = job_factory.read_job(job_star)
    job.output_dir = os.fspath(Path(job_star).parent) + "/"
    with tempfile.TemporaryDirectory() as aside:
        runner = TailRunner(job, int(done), outcome, Path(aside))
        try:
            runner.run_job()
        finally:
            runner.hand_over_texts()
        ended = {"kind": "tail", "v": 1, "outcome": runner.how_it_ended()}
    sys.stdout.write("\nCRYOEM " + json.dumps(ended) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
