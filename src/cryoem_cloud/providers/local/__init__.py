"""Machines that are processes of this computer: the provider that needs no account."""

import fcntl
import os
import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.model.machine import Fleet, Machine, State
from cryoem_cloud.model.offer import Offer
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.providers.local.machine import LocalMachine, LocalSelf
from cryoem_cloud.providers.scratch import remove_tree

__all__ = ["LocalProvider", "LocalSelf"]


_END_S = 5.0
"""What processes that were killed may take to be gone."""
_LOOK_S = 0.02


class LocalProvider:
    """Fleets as folders below `root`, machines as processes.

    `agent` is the command that starts an agent; it is given --store, --project, --job and
    --machine (the machine's folder). Nothing else is needed to see who lives, so any process of
    this user on this computer may keep or end any fleet.
    """

    def __init__(self, root: Path, agent: Sequence[str]) -> None:
        self._root = root
        self._agent = tuple(agent)

    @property
    def name(self) -> str:
        """Local."""
        return "local"

    @property
    def store(self) -> str:
        """All."""
        return ""

    @property
    def region(self) -> str:
        """None."""
        return ""

    @property
    def sells(self) -> bool:
        """No: there is but this computer."""
        return False

    def shape(self, offer: Offer) -> Shape:  # noqa: ARG002  (the port's names)
        """This computer, whatever is offered; users choose their counts for it themselves."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
        return Shape(cores=os.cpu_count() or 1, memory_gib=memory, fixed=True, here=True)

    def keep(self, order: Order) -> Fleet:
        """See the port.

        Raises:
            ProviderError: This computer is no Linux.
        """
        if sys.platform != "linux":
            raise ProviderError(
                f"machines of this computer need Linux, and this is {sys.platform}",
                hint="let the job run elsewhere (cryoem run --on …)",
            )
        folder = self._root / order.token
        with _locked(folder):
            if (folder / "ended").exists():
                return _fleet(folder)
            machines = _machines(folder)
            for machine in machines:
                if not machine.alive:
                    machine.sweep()
            wanted = order.count - sum(machine.alive or machine.left for machine in machines)
            for number in range(len(machines) + 1, len(machines) + 1 + max(0, wanted)):
                if _failures(_machines(folder)) >= order.most_failures:
                    break
                self._start(folder / f"local-{number:03d}-{secrets.token_hex(3)}", order)
            return _fleet(folder, order)

    def look(self, token: str) -> Fleet:
        """See the port."""
        return _fleet(self._root / token)

    def end(self, token: str) -> None:
        """See the port."""
        folder = self._root / token
        if not folder.is_dir():
            return
        with _locked(folder):
            (folder / "ended").touch()
            machines = _machines(folder)
            for machine in machines:
                machine.kill()
            for machine in machines:
                _clear(machine)

    def extend(self, token: str, by_s: float) -> datetime | None:  # noqa: ARG002  (the port's)
        """Nothing limits processes of this computer."""
        return None

    def dismiss(self, machine: str) -> None:
        """See the port."""
        for folder in self._named(machine):
            with _locked(folder.parent):
                (folder / "left").touch()
                LocalMachine(folder).kill()
                _clear(LocalMachine(folder))

    def console(self, machine: str) -> str:
        """See the port."""
        return "".join(LocalMachine(folder).log_tail() for folder in self._named(machine))

    def close(self, token: str) -> None:
        """Nobody is let in to processes of this computer."""

    def forget(self, token: str) -> None:
        """See the port."""
        if not _fleet(self._root / token).alive:
            remove_tree(self._root / token)

    def tokens(self) -> tuple[str, ...]:
        """See the port."""
        if not self._root.is_dir():
            return ()
        return tuple(sorted(item.name for item in self._root.iterdir() if item.is_dir()))

    def _named(self, machine: str) -> tuple[Path, ...]:
        return tuple(path for path in self._root.glob("*/local-*") if path.name == machine)

    def _start(self, folder: Path, order: Order) -> None:
        command = (
            *self._agent,
            *("--store", order.store, "--project", order.project),
            *("--job", str(order.job), "--machine", str(folder)),
        )
        try:
            told = {"environment": dict(order.environment), "umask": order.umask}
            LocalMachine(folder).start(command, told=told)
        except ProviderError as error:
            (folder / "boot.log").write_text(str(error), encoding="utf-8")


def _clear(machine: LocalMachine) -> None:
    """Sweep until its processes, which end one after the other, have nothing left to write."""
    until_s = time.monotonic() + _END_S
    while (not machine.sweep() or machine.alive) and time.monotonic() < until_s:
        time.sleep(_LOOK_S)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "keeper").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _machines(folder: Path) -> tuple[LocalMachine, ...]:
    """In the order in which they were started."""
    return tuple(LocalMachine(item) for item in sorted(folder.glob("local-*")))


def _fleet(folder: Path, order: Order | None = None) -> Fleet:
    """The fleet; only with its order it is known whether more machines would come.

    Each machine is looked at once for its state: it may end meanwhile.
    """
    machines = _machines(folder)
    failures = _failures(machines)
    fleet = tuple(
        Machine(name=machine.name, state=_state(machine), kind="process") for machine in machines
    )
    ended = (folder / "ended").exists()
    if order is not None:
        ended = ended or failures >= order.most_failures
        ended = ended or sum(machine.left for machine in machines) >= order.count
    found = Fleet(
        machines=fleet,
        failures=failures,
        failure_log=_last_failed(machines).log_tail() if failures else "",
    )
    return replace(found, spent=ended and not found.alive)


def _state(machine: LocalMachine) -> State:
    if not machine.alive:
        return State.LEFT if machine.left else State.GONE
    return State.UP if machine.up else State.STARTING


def _failures(machines: Sequence[LocalMachine]) -> int:
    failures = 0
    for machine in machines:
        if machine.worked or machine.left:
            failures = 0
        elif not machine.alive:
            failures += 1
    return failures


def _last_failed(machines: Sequence[LocalMachine]) -> LocalMachine:
    return next(machine for machine in reversed(machines) if not machine.alive)
