"""What lies where in a store: the one list of its keys.

Numbers in keys have fixed width, so that listings are in order.
"""

import hashlib
import re
from collections.abc import Callable
from itertools import chain, count

from cryoem_cloud.model.paths import LONG, escaped

__all__ = [
    "apart_key",
    "archive_key",
    "archive_prefix",
    "beat_key",
    "boot_key",
    "budget_prefix",
    "budgets_prefix",
    "bundle_key",
    "carried_key",
    "consent_key",
    "control_key",
    "decoder_key",
    "deliver_prefix",
    "end_key",
    "extended_key",
    "gain_key",
    "gone_key",
    "holding_key",
    "host_keys_key",
    "ids_key",
    "index_key",
    "index_prefix",
    "is_gain_key",
    "job_key",
    "job_prefix",
    "jobs_prefix",
    "launch_key",
    "ledger_prefix",
    "lists_key",
    "log_key",
    "machines_prefix",
    "manifest_key",
    "measured_key",
    "measured_prefix",
    "mirror_key",
    "moved_key",
    "next_key",
    "output_key",
    "page_key",
    "plan_key",
    "prepare_prefix",
    "probe_key",
    "project_key",
    "ready_key",
    "sighting_key",
    "tasks_key",
    "turn_key",
    "turns_prefix",
    "unremoved_key",
    "usage_key",
]

_GAIN = re.compile(r"gains/[0-9a-f]{64}")
_FILE = re.compile(r"(mirror/|jobs/\d+/out/[^/]+/\d+/)(.+)")
"""Keys that are made from paths, relative to the project: where they lie, and the path's part."""


def ids_key(block: int) -> str:
    """The reservation of the ids block x 100 + 1 to block x 100 + 100; one list for the store."""
    return f"ids/{block:08d}"


def decoder_key(name: str) -> str:
    """What is needed to read the store without us; once for the store."""
    return f"decoder/{name}"


def project_key(project: str) -> str:
    """The project's record."""
    return f"{project}/project.json"


def moved_key(project: str) -> str:
    """Says to which store the project has gone from this one."""
    return f"{project}/moved"


def mirror_key(path: str) -> str:
    """Where a file of the project goes first, relative to the project's folder in the store."""
    return f"mirror/{escaped(path)}"


def apart_key(key: str) -> str:
    """Where the bytes go whose `key` a store cannot hold beside one that is there.

    That is beside all readable keys: a store may keep `a` as a file, so that `a/b` has no place.
    """
    found = _FILE.fullmatch(key)
    if found is None:
        raise ValueError(f"{key!r} is no key of a file")
    return f"{found[1]}{LONG}{hashlib.sha256(found[2].encode()).hexdigest()}"


def unremoved_key(key: str, was_removed: Callable[[str], bool]) -> str:
    """`key`, or another one for its file, so that nothing that was removed is met there.

    `was_removed` says whether an object of that key was ever removed, or a version of it.
    """
    names = chain((key,), (f"{key}~{number:08d}" for number in count(1)))
    return next(n for n in names if not was_removed(n) and not was_removed(apart_key(n)))


def index_prefix(project: str) -> str:
    """Before the numbers of the index."""
    return f"{project}/index/"


def index_key(project: str, number: int) -> str:
    """One record of the index, counted from 1."""
    return f"{index_prefix(project)}{number:08d}"


def archive_prefix(project: str) -> str:
    """Before the numbers of the lists of what may have to be restored before it is read."""
    return f"{project}/archive/"


def archive_key(project: str, number: int) -> str:
    """One such list, counted from 1."""
    return f"{archive_prefix(project)}{number:08d}"


def jobs_prefix(project: str) -> str:
    """Before the job numbers."""
    return f"{project}/jobs/"


def job_prefix(project: str, job: int) -> str:
    """Before everything of one job."""
    return f"{jobs_prefix(project)}{job:08d}/"


def job_key(project: str, job: int) -> str:
    """What the user submitted."""
    return job_prefix(project, job) + "job.json"


def tasks_key(project: str, job: int, pack: int) -> str:
    """Some task specs, packs counted from 0."""
    return f"{job_prefix(project, job)}tasks/{pack:06d}"


def bundle_key(token: str) -> str:
    """An object of several small files, relative to the project's folder in the store."""
    return f"bundles/{token}"


def probe_key(number: int) -> str:
    """What is sent to see how fast a line is, relative to the project's folder; nobody reads it."""
    return f"probe/{number}"


def gain_key(digest: str) -> str:
    """The gain of movies with that digest, relative to the project's folder in the store."""
    return f"gains/{digest.partition(':')[2]}"


def is_gain_key(key: str) -> bool:
    """Whether it is a gain's."""
    return _GAIN.fullmatch(key) is not None


def lists_key(job: int, digest: str) -> str:
    """Lists of pieces, by their digest's digits; relative to the project's folder in the store."""
    return f"jobs/{job:08d}/lists/{digest[:32]}"


def ready_key(project: str, job: int) -> str:
    """How many tasks have their inputs in the store."""
    return job_prefix(project, job) + "ready"


def turns_prefix(project: str, job: int, task: str) -> str:
    """Before the numbers of a task's turns."""
    return f"{job_prefix(project, job)}turns/{task}/"


def turn_key(prefix: str, number: int) -> str:
    """One turn of the log with that prefix, counted from 1."""
    return f"{prefix}{number:06d}"


def machines_prefix(project: str, job: int) -> str:
    """Before the names of the job's machines."""
    return job_prefix(project, job) + "machines/"


def beat_key(project: str, job: int, machine: str) -> str:
    """A counter that a living machine changes."""
    return f"{machines_prefix(project, job)}{machine}/beat"


def gone_key(project: str, job: int, machine: str) -> str:
    """Exists once the provider has said that the machine is gone."""
    return f"{machines_prefix(project, job)}{machine}/gone"


def boot_key(project: str, job: int, machine: str) -> str:
    """What a machine printed that ended before its agent could say anything."""
    return f"{machines_prefix(project, job)}{machine}/boot"


def host_keys_key(project: str, job: int, machine: str) -> str:
    """The public keys by which a machine that has a door is known to ssh."""
    return f"{machines_prefix(project, job)}{machine}/hostkeys"


def page_key(project: str, job: int, machine: str, number: int) -> str:
    """One page of a machine's journal, counted from 1."""
    return f"{machines_prefix(project, job)}{machine}/journal/{number:08d}"


def output_key(job: int, task: str, turn: int, path: str) -> str:
    """An output file, relative to the project's folder in the store."""
    return f"jobs/{job:08d}/out/{task}/{turn:06d}/{escaped(path)}"


def manifest_key(job: int, task: str, turn: int) -> str:
    """The list of a turn's outputs, relative to the project's folder in the store."""
    return f"jobs/{job:08d}/out/{task}/{turn:06d}/@manifest"


def log_key(job: int, task: str, turn: int, log: str) -> str:
    """What a piece printed, relative to the project's folder in the store."""
    return f"jobs/{job:08d}/out/{task}/{turn:06d}/@{log}"


def control_key(project: str, job: int, number: int) -> str:
    """One wish of the user's for a job that runs, counted from 1."""
    return f"{job_prefix(project, job)}control/{number:06d}"


def extended_key(project: str, job: int, number: int) -> str:
    """A later end of the job's machines, counted from 1."""
    return f"{job_prefix(project, job)}extended/{number:06d}"


def launch_key(project: str, job: int, attempt: int) -> str:
    """Written before machines are bought; attempts counted from 1."""
    return f"{job_prefix(project, job)}launches/{attempt:06d}"


def plan_key(project: str, job: int) -> str:
    """Which machines a job gets, where a plan decided that."""
    return job_prefix(project, job) + "plan"


def end_key(project: str, job: int) -> str:
    """Exists once nobody is to work on the job any more, and says how it ended."""
    return job_prefix(project, job) + "end"


def next_key(project: str, job: int, number: int) -> str:
    """One job that is to go on after this one, counted from 1."""
    return f"{job_prefix(project, job)}next/{number:06d}"


def prepare_prefix(project: str, job: int) -> str:
    """Before the numbers of the log that decides who makes a later job of a chain ready."""
    return job_prefix(project, job) + "prepare/"


def deliver_prefix(project: str, job: int) -> str:
    """Before the numbers of the log that decides who delivers, one log per destination."""
    return job_prefix(project, job) + "deliver/"


def ledger_prefix(project: str) -> str:
    """Before what is known of what a project's jobs cost."""
    return f"{project}/ledger/"


def sighting_key(project: str, job: int, machine: str, *, writer: str, at: str) -> str:
    """What a writer knew at an instant of a job's machine; instants sort as texts."""
    return f"{ledger_prefix(project)}{job:08d}/machines/{machine}/{writer}/{at}"


def carried_key(project: str, job: int, writer: str) -> str:
    """How much a courier has brought home of a job."""
    return f"{ledger_prefix(project)}{job:08d}/home/{writer}"


def measured_prefix(project: str) -> str:
    """Before what finished jobs took, job by job; no job's number is a word."""
    return f"{ledger_prefix(project)}measured/"


def measured_key(project: str, job: int, kind: str) -> str:
    """What a job took on machines of one type."""
    return f"{measured_prefix(project)}{job:08d}/{escaped(kind)}"


def usage_key(project: str, job: int, asker: str, *, month: str, number: int) -> str:
    """How much an asker had asked of the store for a job (0: none) in a month, so many times told.

    Numbers sort as texts.
    """
    return f"{ledger_prefix(project)}{job:08d}/usage/{asker}/{month}-{number:06d}"


def holding_key(project: str, day: str) -> str:
    """What the store held of the project on a day, such as 2026-11-29."""
    return f"{ledger_prefix(project)}store/{day}"


def budgets_prefix(project: str) -> str:
    """Before what is said of a project's money, beside it: its machines may not write there."""
    return f"budgets/{project}/"


def budget_prefix(project: str) -> str:
    """Before the numbers of a project's budget log."""
    return f"{budgets_prefix(project)}log/"


def consent_key(project: str, job: int) -> str:
    """Exists once somebody has agreed to what a job may cost."""
    return f"{budgets_prefix(project)}approved/{job:08d}"
