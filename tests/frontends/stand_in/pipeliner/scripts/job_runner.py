"""Runs a job: the real one's order of things, and its words."""

import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pipeliner.job_factory import Job


@dataclass
class JobRunnerCommand:
    """A command and its number."""

    number: int
    cmd: list[str]
    allow_failure: bool = False


class JobFailedException(Exception):  # noqa: N818  (the pipeliner's name)
    """The job has failed."""


class JobAbortedException(Exception):  # noqa: N818  (the pipeliner's name)
    """The job was aborted."""


class JobRunner:
    """Runs one job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        folder = Path(job.output_dir)
        self.out_file_path = folder / "run.out"
        self.err_file_path = folder / "run.err"
        self.note_file_path = folder / "note.txt"
        self.success_file_path = folder / "PIPELINER_JOB_EXIT_SUCCESS"
        self.failed_file_path = folder / "PIPELINER_JOB_EXIT_FAILED"
        self.aborted_file_path = folder / "PIPELINER_JOB_EXIT_ABORTED"
        self.abort_trigger_path = folder / "PIPELINER_JOB_ABORT_NOW"

    def log(self, msg: str) -> None:
        """Tell the log."""
        with self.out_file_path.open("a") as file:
            file.write(f"CCP-EM Pipeliner job {self.job.output_dir}: {msg}\n")
        sys.stdout.write(f"{msg}\n")

    def check_abort_trigger(self) -> None:
        """End where the user wants it."""
        if self.abort_trigger_path.is_file():
            raise JobAbortedException

    def run_single_command(self, command: JobRunnerCommand) -> None:
        """Run a command."""
        with self.out_file_path.open("a") as out, self.err_file_path.open("a") as err:
            code = subprocess.run(command.cmd, stdout=out, stderr=err, check=False).returncode
        if code and not command.allow_failure:
            self.log(f"ERROR: Command {command.number} failed with exit status {code}")
            raise JobFailedException

    def write_job_pipeline(self, status: str) -> None:
        """Write the job's record."""
        nodes = " ".join(self.job.output_nodes)
        (Path(self.job.output_dir) / "job_pipeline.star").write_text(f"{status} {nodes}\n")

    def run_job(self) -> None:
        """Run the job."""
        try:
            commands = [
                JobRunnerCommand(n, one.get_final_command(self.job.output_dir), one.allow_failure)
                for n, one in enumerate(self.job.get_commands(), start=1)
            ]
            with self.note_file_path.open("a") as file:
                file.writelines(f"{shlex.join(command.cmd)}\n" for command in commands)
            for command in commands:
                self.check_abort_trigger()
                self.log(f"Running command {command.number} of {len(commands)}: {command.cmd}")
                self.run_single_command(command)
            self.check_abort_trigger()
            self.job.create_post_run_output_nodes()
            self.write_job_pipeline("Succeeded")
            self.success_file_path.touch()
        except JobFailedException:
            self.write_job_pipeline("Failed")
            self.failed_file_path.touch()
        except JobAbortedException:
            self.write_job_pipeline("Aborted")
            self.aborted_file_path.touch()
        finally:
            self.abort_trigger_path.unlink(missing_ok=True)
