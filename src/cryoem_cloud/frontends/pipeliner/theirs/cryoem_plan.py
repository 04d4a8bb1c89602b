"""Says what the CCP-EM pipeliner's job_runner would run: `cryoem_plan.py TYPE/jobNNN/job.star`.

Run by the user's Python in the place of job_runner.py, in the project's folder. Runs nothing, and
prints one line: `CRYOEM {record}`. Needs nothing but the pipeliner (1.6).
"""

import json
import os
import sys
from pathlib import Path

from pipeliner import __version__, job_factory


def main(job_star: str) -> None:
    """Print the plan of the job in that file."""
    job = job_factory.read_job(job_star)
    job.output_dir = os.fspath(Path(job_star).parent) + "/"
    commands = [
        {
            "words": command.get_final_command(output_dir=job.output_dir),
            "optional": bool(command.allow_failure),
            "python": str(command.cmd[0]) in {"python", "python3"},
        }
        for command in job.get_commands()
    ]
    plan = {
        "kind": "plan",
        "v": 1,
        "version": __version__,
        "type": job.PROCESS_NAME,
        "moves": bool(job.working_dir),
        "commands": commands,
    }
    sys.stdout.write("\nCRYOEM " + json.dumps(plan) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
