"""What `cryoem doctor` looks at: each check is a line, with the command that mends it."""

import os
import secrets
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from cryoem_cloud.apps.registry import broken
from cryoem_cloud.cli.jobs.submitting import PROVIDERS
from cryoem_cloud.courier.known.projects import folder_of
from cryoem_cloud.courier.start import log_file, running, spool_of
from cryoem_cloud.model.errors import CryoemError, SettingsError
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places, Settings

__all__ = ["Check", "checks"]

_LOW_BYTES = 10 * 10**9
"""Free space below which a disk is worth a word."""
_CLOCK_OFF_S = 60.0
"""S3 refuses requests that are off by 15 minutes; a clock that is right is never off by one."""
_CTFFIND = "RELION_CTFFIND_EXECUTABLE"
_SAYS_NO_VERSION = frozenset({"csh"})


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `mend` is empty where it is well.

    `needed` is false for what is missing and that nobody needs yet.
    """

    what: str
    found: str
    mend: str = ""
    needed: bool = True

    @property
    def wrong(self) -> bool:
        """Whether the user must do something."""
        return self.needed and bool(self.mend)


def checks(
    places: Places,
    project: Project | None,
    *,
    env: Mapping[str, str],
    store_at: Callable[[str], Store],
) -> Iterator[Check]:
    """All checks, as they are made; what cannot even be looked at is one that is wrong."""
    yield from _looked("courier", lambda: (_courier(places),))
    folder = project.folder if project else None
    try:
        chosen = Settings.read(places, folder, env)
        yield _settings(chosen, Settings.read(places, None, env), project)
    except SettingsError as error:
        chosen = Settings()
        yield Check("settings", error.message, error.hint or "correct it")
    if project is not None:
        yield Check("project", f"{project.name} in {project.folder}")
        yield _space("project's disk", project.folder)
    url = project.store if project else chosen.store or places.default_store
    yield from _looked("store", lambda: _store(url, store_at))
    if url.startswith("file:"):
        yield from _looked("store's disk", lambda: (_space("store's disk", folder_of(url)),))
    yield from _looked("machines' disk", lambda: (_space("machines' disk", places.state),))
    relion = project is not None and (project.folder / "default_pipeline.star").exists()
    yield from (Check("application", error.message, error.hint) for error in broken())
    yield from _programs(env, relion=relion)
    yield _ctffind(env, chosen.executables)
    yield _queue(env, relion=relion)


def _looked(what: str, look: Callable[[], Iterable[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except OSError as error:
        found = f"{os.fsdecode(error.filename or '')}: {error.strerror}"
        yield Check(what, found, "see to it that you may read and write there")


def _courier(places: Places) -> Check:
    spool = spool_of(places)
    jobs, newer = len(spool.slips()), len(spool.newer())
    if newer:
        return Check(
            "courier",
            f"{counted(newer, 'job was', 'jobs were')} submitted by a newer cryoem, and only that "
            "one brings home what it has submitted",
            "install the newer version again",
        )
    left = f"{counted(jobs, 'job is', 'jobs are')} not home"
    if jobs and not running(places):
        mend = f"cryoem courier wake, and look into {log_file(places)}"
        return Check("courier", f"does not run, and {left}", mend)
    return Check("courier", left)


def _settings(chosen: Settings, users: Settings, project: Project | None) -> Check:
    """Of what was `chosen` for the project; `users` are the settings without the project's own."""
    said = ", ".join(f"{name}={value}" for name, value in asdict(chosen).items() if value)
    if chosen.where not in PROVIDERS:
        found = f"{said}; there is no provider of machines {chosen.where!r}, jobs are refused"
        return Check("settings", found, f"set where to {' or '.join(PROVIDERS)}")
    if project is None or chosen.store in {"", project.store}:
        return Check("settings", said)
    found = f"{said}; store counts for new projects, and this one keeps {project.store}"
    if chosen.store == users.store:
        return Check("settings", found)
    fork = shlex.join(("cryoem", "project", "fork", "--store", chosen.store))
    return Check("settings", found, f"{fork}, or take store out of the project's settings")


def _store(url: str, store_at: Callable[[str], Store]) -> Iterator[Check]:
    key = f"doctor/{secrets.token_hex(8)}"
    started_s, written_at_s = time.monotonic(), time.time()
    try:
        store = store_at(url)
        store.put(key, b"well", if_absent=True)
        well = store.get(key) == b"well"
        clock = _clock(folder_of(url) / key, written_at_s) if url.startswith("file:") else None
        store.delete(key)
    except CryoemError as error:
        yield Check("store", f"{url}: {error.message}", error.hint or "check its address")
        return
    took_ms = 1000 * (time.monotonic() - started_s) / 3
    if well:
        yield Check("store", f"{url}: reads and writes, {took_ms:.0f} ms a request")
    else:
        yield Check("store", f"{url} does not give back what was stored", "use another store")
    if clock is not None:
        yield clock


def _clock(written: Path, at_s: float) -> Check:
    """Whether the store's disk, which may be another computer's, has our time."""
    off_s = written.stat().st_mtime - at_s
    if abs(off_s) > _CLOCK_OFF_S:
        return Check("clock", f"{off_s:+.0f} s from the store's", "set it: timedatectl set-ntp on")
    return Check("clock", "as the store's")


def _space(what: str, folder: Path) -> Check:
    while not folder.exists():
        folder = folder.parent
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    mend = "free some space" if free < _LOW_BYTES else ""
    return Check(what, f"{human_size(free)} free in {folder}", mend)


def _programs(env: Mapping[str, str], *, relion: bool) -> Iterator[Check]:
    """The programs that jobs may call; `relion` says that the project is one of RELION's."""
    for name, needed, mend in (
        ("relion_refine", relion, "install RELION, or load its module; jobs of RELION need it"),
        ("gs", False, "install ghostscript; without it logfile.pdf stays empty"),
        ("csh", False, "install csh; RELION's motion correction by MotionCor2 and CTFFIND need it"),
        ("mpirun", False, "install Open MPI; only jobs with more than one MPI process need it"),
    ):
        path = shutil.which(name, path=env.get("PATH"))
        if path is None:
            yield Check(name, "not found", mend, needed)
        else:
            version = "" if name in _SAYS_NO_VERSION else _version(path)
            yield Check(name, f"{path}{version}")


def _ctffind(env: Mapping[str, str], executables: Mapping[str, str]) -> Check:
    """Whether CtfFind has what it calls, unless the user names it in the job itself."""
    for named, by in (
        (env.get(_CTFFIND, ""), f"{_CTFFIND} names"),
        (executables.get("ctffind", ""), "the settings name"),
    ):
        if named and (path := shutil.which(named, path=env.get("PATH"))):
            return Check("ctffind", path)
        if named:
            return Check("ctffind", f"{by} {named}, which is no program here", "correct it")
    found = shutil.which("ctffind", path=env.get("PATH"))
    if found:
        return Check(
            "ctffind",
            f"{found}, which RELION is not told",
            f"export {_CTFFIND}={found}",
            needed=False,
        )
    mend = f"install CTFFIND 4.1 and export {_CTFFIND}=/its/path; only CtfFind needs it"
    return Check("ctffind", "not found", mend, needed=False)


def _version(path: str) -> str:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = said.stdout.decode(errors="replace").strip().splitlines()
    return f" ({lines[0].strip()})" if lines else ""


def _queue(env: Mapping[str, str], *, relion: bool) -> Check:
    command, template = env.get("RELION_QSUB_COMMAND", ""), env.get("RELION_QSUB_TEMPLATE", "")
    mend = "cryoem connect relion, then source env.sh before relion is started"
    if not command and not template:
        return Check("RELION's queue", "not set in this shell", mend, needed=relion)
    if not command.endswith(("cryoem-qsub", "qsub_aws")):
        return Check("RELION's queue", f"its command is {command or 'not set'}", mend)
    if not Path(template).is_file():
        return Check("RELION's queue", f"its template {template or 'is not set'} is missing", mend)
    return Check("RELION's queue", f"{command}, {template}")
