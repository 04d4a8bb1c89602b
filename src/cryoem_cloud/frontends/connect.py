"""The files that make RELION and the CCP-EM pipeliner hand their jobs to us.

`cryoem connect relion --dir D` writes them. RELION pastes what the user types into its script as
it is, so such text stands in comment lines only.
"""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "EXTRA_FIELDS",
    "TEMPLATE",
    "ExtraField",
    "pipeliner_takes",
    "queue_command",
    "relion_files",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtraField:
    """A field that RELION shows beside *Submit to queue*; empty means: as the settings say."""

    key: str
    label: str
    help: str
    default: str = ""


EXTRA_FIELDS = (
    ExtraField(
        key="where",
        label="Where to run:",
        help="local: this computer. aws: machines at AWS. Empty: as in your settings.",
    ),
    ExtraField(
        key="machine",
        label="Machine type (cloud):",
        help="The provider's name of a machine type. Empty: one is chosen for the job. "
        "Means nothing yet where machines are not rented: on local and Slurm.",
    ),
    ExtraField(
        key="market",
        label="Market (cloud):",
        help="spot or on-demand, where the provider sells both. Empty: chosen for the job. "
        "Means nothing yet where machines are not rented: on local and Slurm.",
    ),
    ExtraField(
        key="count",
        label="Number of machines:",
        help="How many machines work on the job at most. Empty: as in your settings, "
        "or, at AWS, as is planned.",
    ),
    ExtraField(
        key="home",
        label="What comes home:",
        help="all, or essential: lists, logs, maps and the last iteration. "
        "Empty: as in your settings, else all where bringing it home costs nothing.",
    ),
    ExtraField(
        key="deadline",
        label="Results by (cloud):",
        help="8h, 90m or 2d: the cheapest machines that keep it nine times of ten are taken. "
        "Empty: what is about as fast as is sensible. "
        "Means nothing where machines are not rented.",
    ),
    ExtraField(
        key="budget",
        label="Cost at most, USD (cloud):",
        help="As 50: the fastest machines that keep it nine times of ten are taken; where none do, "
        "you are asked first. Means nothing where machines are not rented.",
    ),
    ExtraField(
        key="max_machines",
        label="Machines at most (cloud):",
        help="How many machines may be planned for the job. Empty: as in your settings, else 16. "
        "Means nothing where the number of machines is given above.",
    ),
)

_HEAD = """\
#!/bin/bash
# Jobs that {who} submits to cryoem-qsub; made by `cryoem connect relion`. Lines of your own, such
# as `module load`, may stand above the last one: they are run on the machine.
#CRYOEM name=XXXnameXXX
#CRYOEM mpi=XXXmpinodesXXX
#CRYOEM threads=XXXthreadsXXX
"""
_RELION = """\
run=
[ XXXmpinodesXXX -gt 1 ] && run="mpirun -n XXXmpinodesXXX"
$run XXXcommandXXX
"""
_PIPELINER = "XXXcommandXXX\n"
"""The pipeliner starts MPI by itself."""

TEMPLATE = "qsub-template.sh"
"""RELION's script with places for what it knows of a job."""
_PIPELINER_TEMPLATE = "qsub-template-pipeliner.sh"
_ENVIRONMENT = "env.sh"
_QSUB = "cryoem-qsub"


def relion_files(folder: Path, launchers: Path) -> Mapping[str, str]:
    """The files to write into `folder`, by name: the templates, and the one to be sourced.

    `launchers` is the folder with `cryoem` and `cryoem-qsub`. Both paths are absolute.
    """
    return {
        TEMPLATE: _template("RELION", _RELION),
        _PIPELINER_TEMPLATE: _template("the CCP-EM pipeliner", _PIPELINER),
        _ENVIRONMENT: _environment(folder, launchers),
    }


def queue_command(launchers: Path) -> str:
    """What RELION is to call; it is quoted, since RELION pastes it into a shell's line."""
    return shlex.quote(str(launchers / _QSUB))


def pipeliner_takes(launchers: Path) -> bool:
    """Whether the pipeliner accepts our queue command: it takes none with a blank in it."""
    return not any(sign.isspace() for sign in str(launchers))


def _template(who: str, run: str) -> str:
    extras = [
        f"#CRYOEM {extra.key}=XXXextra{number}XXX\n"
        for number, extra in enumerate(EXTRA_FIELDS, start=1)
    ]
    return _HEAD.format(who=who) + "".join(extras) + run


def _environment(folder: Path, launchers: Path) -> str:
    lines = [
        "# Source this before you start RELION or the CCP-EM pipeliner (sh, bash, zsh).",
        *(f"export {name}={shlex.quote(value)}" for name, value in _variables(folder, launchers)),
        "",
        "# Goes on with jobs that are open, where nobody does so yet.",
        f"{shlex.quote(str(launchers / 'cryoem'))} courier wake >/dev/null 2>&1 || :",
        "",
    ]
    return "\n".join(lines)


def _variables(folder: Path, launchers: Path) -> Iterator[tuple[str, str]]:
    """The variables in order; the pipeliner reads RELION's where it has none of its own."""
    yield "RELION_QSUB_TEMPLATE", str(folder / TEMPLATE)
    yield "PIPELINER_QSUB_TEMPLATE", str(folder / _PIPELINER_TEMPLATE)
    yield "RELION_QSUB_COMMAND", queue_command(launchers)
    # The pipeliner starts it without a shell: in quotes it would be another file.
    yield "PIPELINER_QSUB_COMMAND", str(launchers / _QSUB)
    yield "RELION_QUEUE_USE", "yes"
    yield "RELION_QUEUE_NAME", "cryoem"
    for family in ("RELION", "PIPELINER"):
        yield f"{family}_QSUB_EXTRA_COUNT", str(len(EXTRA_FIELDS))
        for number, extra in enumerate(EXTRA_FIELDS, start=1):
            yield f"{family}_QSUB_EXTRA{number}", extra.label
            yield f"{family}_QSUB_EXTRA{number}_DEFAULT", extra.default
            yield f"{family}_QSUB_EXTRA{number}_HELP", extra.help
