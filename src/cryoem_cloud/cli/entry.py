"""From a command's name to its module; imports no more than that one."""

import os
from collections.abc import Mapping, Sequence
from importlib import import_module

__all__ = ["ALIASES", "PROGRAMS", "main"]

PROGRAMS: Mapping[str, str] = {
    "cryoem": "cryoem_cloud.cli.cryoem",
    "cryoem-qsub": "cryoem_cloud.cli.qsub",
    "cryoem-qstat": "cryoem_cloud.cli.qstat",
    "cryoem-qdel": "cryoem_cloud.cli.qdel",
    "courier": "cryoem_cloud.cli.background",
    "agent": "cryoem_cloud.cli.agent",
}
"""Each module's `main` takes the arguments and gives the exit code."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "awslaunch": ("launch",),
    "awsls": ("machines", "ls"),
    "awskill": ("machines", "kill"),
}
"""Commands of the tool that was published in 2018, as words of `cryoem`."""


def main(arguments: Sequence[str]) -> int:
    """Run the program that the first argument names."""
    os.environ.pop("CRYOEM_COMMAND", None)  # the launchers' word to each other
    name, *rest = arguments
    program = "cryoem" if name in ALIASES else name
    code: int = import_module(PROGRAMS[program]).main([*ALIASES.get(name, ()), *rest])
    return code
