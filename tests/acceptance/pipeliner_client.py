"""A client of the CCP-EM pipeliner, in the Python that has it: `pipeliner_client.py WHAT WORDS`.

`run TYPE FIELD=VALUE…` submits a job to the queue, `abort FOLDER` aborts one, `wait FOLDER` does
nothing; all then watch it as clients do, until it has ended. `start TYPE FIELD=VALUE…` submits one
and does not watch. The last line that it prints is JSON: the job's `folder`, its `status`, its
output `nodes`, and the `error` that was raised.
"""

import json
import sys
import time

from pipeliner.api.manage_project import PipelinerProject
from pipeliner.job_factory import new_job_of_type
from pipeliner.project_graph import ProjectGraph

ENDED = {"Succeeded", "Failed", "Aborted"}


def submit(kind: str, *fields: str) -> tuple[str, str]:
    """Run a job of that type in the queue; its folder, and what went wrong."""
    job = new_job_of_type(kind)
    for field in ("do_queue=Yes", *fields):
        name, _, value = field.partition("=")
        job.joboptions[name].value = value
    try:
        PipelinerProject(make_new_project=True).run_job(job)
    except RuntimeError as error:
        return job.output_dir, f"{error}; {error.__cause__}"
    return job.output_dir, ""


def look(folder: str) -> dict[str, object]:
    """What the pipeliner says of a job now."""
    with ProjectGraph(read_only=False) as graph:
        graph.check_process_completion()
        process = graph.find_process(folder)
        return {
            "folder": folder.rstrip("/"),
            "status": process.status,
            "nodes": [node.name for node in process.output_nodes],
        }


def main(what: str, *words: str) -> None:
    """Do what is asked, and print what has become of the job."""
    folder, error = submit(*words) if what in {"run", "start"} else (words[0], "")
    if what == "abort":
        PipelinerProject().abort_job(folder)
    seen = look(folder)
    while what != "start" and seen["status"] not in ENDED:
        time.sleep(0.2)
        seen = look(folder)
    sys.stdout.write("\n" + json.dumps({**seen, "error": error}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
