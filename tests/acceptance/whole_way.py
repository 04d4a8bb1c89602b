"""A job that ran alone, handed in by a user who has all but what it made: the whole way home."""

import re
import shutil
import signal
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.turn import Deed
from cryoem_cloud.stores.results import results

from .conftest import SUCCESS, Process, World, make_world
from .machines_by_hand import ranges
from .relion_compare import differences
from .relion_direct import Direct

__all__ = ["WholeWay", "hand_in"]

_LONGEST_S = 200
_DONE = 2
"""Items of the three or four of a piece that are done when its machine is killed."""
_SLICE_S = 0.002
"""A program goes on for so long at a time, so that it is not beyond that."""
_UNSAID = "#CRYOEM count=XXXextra4XXX\n"


@dataclass(frozen=True)
class WholeWay:
    """That job, by the label of its step, on its way through a world."""

    world: World
    direct: Direct
    label: str
    number: int

    @property
    def made(self) -> Path:
        """What is home of it."""
        return self.world.project / self.direct.ran[self.label].folder

    @cached_property
    def job(self) -> Job:
        """As the store has it."""
        return self.world.records(self.number).job()

    def ends(self) -> Card:
        """Its card when it has ended."""
        return self.world.wait_for_end(self.number, seconds=_LONGEST_S)

    def succeeds(self) -> Card:
        """Its card when it has ended, and well: there is one marker, and it says so."""
        card = self.ends()
        assert card.outcome is Outcome.SUCCESS, (card.reason, self.world.story())
        assert [path.name for path in self.made.iterdir() if "EXIT" in path.name] == [SUCCESS]
        return card

    def differs(self, other: "WholeWay | None" = None) -> list[str]:
        """What is home and not as the job made it alone, or as it came home in another way."""
        alone = other.made if other else self.direct.path / self.direct.ran[self.label].folder
        return differences(self.made, alone)

    def went_in(self, items: int, pieces: int, noun: str) -> None:
        """It had so many tasks, and its log has each piece under its title, with what it said."""
        tasks = [task.joins for task in self.world.records(self.number).all_tasks()]
        assert tasks == ([False] * pieces + [True] if pieces > 1 else [False])
        log = (self.made / "run.out").read_text()
        said = re.split(r"^== (piece .*) ==\n", log, flags=re.MULTILINE)
        titles = [
            f"piece {number} of {pieces}: {noun} {first + 1} to {last}"
            for number, (first, last) in enumerate(ranges(items, pieces), start=1)
        ]
        assert said[1::2] == (titles if pieces > 1 else [])
        assert all(text.strip() for text in said[2::2])

    def leaves_nothing(self) -> None:
        """Machines leave by themselves, and no bytes of theirs stay."""
        world = self.world
        world.wait_for(lambda: not world.processes("agent", "leash", "command"), seconds=60)
        world.wait_for(lambda: not world.left_behind(), seconds=15)

    def kill_in_a_piece(self) -> bool:
        """Kill an agent whose program has done some items of a piece, not all; some are home.

        False, and nothing is killed, where the program was quicker than we.
        """
        program = self._program()
        project = Path(f"/proc/{program.pid}/cwd").readlink()
        out = project / self.direct.ran[self.label].folder
        while len(done := self._sealed(out)) < _DONE:
            program.kill(signal.SIGCONT)
            time.sleep(_SLICE_S)
            program.kill(signal.SIGSTOP)
        if len(done) > _DONE:
            program.kill(signal.SIGCONT)
            return False
        self.world.wait_for((self.made / done[0]).exists, seconds=60)
        machine = next(str(top) for top in project.parents if top.name.startswith("local-"))
        (agent,) = (found for found in self.world.processes("agent") if machine in found.words)
        agent.kill()
        return True

    def goes_on_from(self) -> list[str]:
        """What pieces give that was made in turns which another machine has taken over."""
        records = self.world.records(self.number)
        found: list[str] = []
        for task in records.all_tasks():
            *claims, ending = records.turns(task.name).read()
            assert ending.deed is Deed.DONE
            lost = {claim.holder for claim in claims[:-1]}
            entries = results(records, ending) if task.is_piece and lost else ()
            found += [entry.path for entry in entries if _is_of(entry, lost)]
        return found

    def _sealed(self, out: Path) -> list[str]:
        """The last file of each item that a machine has there, the oldest first."""
        files = sorted(out.rglob("*.*"), key=lambda path: path.stat().st_mtime_ns)
        names = [str(path.relative_to(out)) for path in files]
        return [name for name in names if Relion().seals(self.job, name)]

    def _program(self) -> Process:
        """The first of RELION's programs that is seen, stopped."""
        found: list[Process] = []

        def is_seen() -> bool:
            found.extend(filter(_is_relion, self.world.processes("command")))
            return bool(found)

        self.world.wait_for(is_seen, seconds=60)
        found[0].kill(signal.SIGSTOP)
        return found[0]


def _is_of(entry: Entry, machines: set[str]) -> bool:
    """Whether a small output was in a journal of these machines."""
    key = entry.content.key if entry.content else ""
    return any(f"/{machine}/" in key for machine in machines)


def _is_relion(process: Process) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{process.pid}/exe").readlink().name.startswith("relion_")
    return False


def hand_in(
    top: Path,
    direct: Direct,
    label: str,
    *,
    pieces: int,
    instead: Mapping[str, bytes] | None = None,
    edit: Callable[[str], str] = str,
    done: Collection[str] = (),
) -> WholeWay:
    """Hand the job in, to two machines; the user has other bytes `instead` in some files.

    Of the job's own files the user has those whose names start with one of `done`.
    """
    ran = direct.ran[label]
    world = make_world(top, PATH=direct.env["PATH"])

    def made(folder: str, names: list[str]) -> list[str]:
        return names if Path(folder) == direct.path / ran.folder else []

    shutil.copytree(direct.path, world.project, ignore=made, symlinks=True, dirs_exist_ok=True)
    for path, data in (instead or {}).items():
        (world.project / path).write_bytes(data)
    for file in (direct.path / ran.folder).rglob("*"):
        if file.is_file() and file.name.startswith(tuple(done)):
            into = world.project / file.relative_to(direct.path)
            into.parent.mkdir(parents=True, exist_ok=True)
            if file.is_symlink():
                into.symlink_to(str(file.readlink()).replace(str(direct.path), str(world.project)))
            else:
                shutil.copy2(file, into)
    assert _UNSAID in ran.script
    script = world.project / ran.folder / "run_submit.script"
    wishes = f"#CRYOEM count=2\n#CRYOEM pieces={pieces}\n"
    script.write_text(edit(ran.script).replace(_UNSAID, wishes))
    number = world.qsub(str(script.relative_to(world.project)))
    return WholeWay(world, direct, label, number)
