"""The front ends there are: a dictionary to read, and what other packages bring.

Another package adds one through the entry point group `cryoem_cloud.frontends`.
"""

import posixpath
from collections.abc import Mapping
from importlib import metadata
from pkgutil import resolve_name

from cryoem_cloud.model.errors import NotFoundError
from cryoem_cloud.ports.frontend import Frontend

__all__ = ["FRONTENDS", "RUNNER", "frontend_named", "name_of_caller"]

GROUP = "cryoem_cloud.frontends"

FRONTENDS: Mapping[str, str] = {
    "relion": "cryoem_cloud.frontends.relion:RelionFrontend",
    "pipeliner": "cryoem_cloud.frontends.pipeliner:PipelinerFrontend",
    "controlled": "cryoem_cloud.frontends.controlled:ControlledFrontend",
    "shell": "cryoem_cloud.frontends.shell:ShellFrontend",
}

_SCRIPT = "run_submit.script"
"""What RELION and the pipeliner both call their scripts."""
_CONTROL = ("--pipeline_control", "--pipeline-control")
"""With this RELION's programs leave markers, wherever their script lies."""
RUNNER = "pipeliner/scripts/job_runner.py"
"""What the pipeliner's scripts run, instead of the programs themselves."""


def frontend_named(name: str) -> Frontend:
    """A front end of that name; keep it: it remembers what it saw of its jobs.

    Raises:
        NotFoundError: There is none.
    """
    found = {entry.name: entry.value for entry in metadata.entry_points(group=GROUP)}
    known = {**found, **FRONTENDS}
    if name not in known:
        raise NotFoundError(
            f"there is no front end {name!r} on this computer",
            hint=f"known are {', '.join(sorted(known))}; a package may be missing",
        )
    made: Frontend = resolve_name(known[name])()
    return made


def name_of_caller(script: str, script_path: str) -> str:
    """Who hands in a script at that path of the project."""
    if posixpath.basename(script_path) != _SCRIPT:
        return "controlled" if any(word in script for word in _CONTROL) else "shell"
    return "pipeliner" if RUNNER in script else "relion"
