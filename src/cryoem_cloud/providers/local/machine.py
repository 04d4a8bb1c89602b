"""One machine of the local provider: a folder, and a process that holds a lock on a file in it.

```
<machine>/lock      held by the agent from birth to death: a lock cannot be mistaken, a pid can
<machine>/pid       the agent's process id, which is also its process group
<machine>/boot.log  what the agent printed
<machine>/up        exists once the agent runs
<machine>/worked    exists once the agent has come through a turn
<machine>/left      exists once the agent ends by itself
<machine>/scratch   the agent's disk
```
"""

import fcntl
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.ports.machine_self import Limits, Notice
from cryoem_cloud.providers.scratch import remove_tree

__all__ = ["LocalMachine", "LocalSelf"]

_LOG_BYTES = 8192


@dataclass(frozen=True, slots=True)
class LocalMachine:
    """A machine, seen from outside."""

    folder: Path

    @property
    def name(self) -> str:
        """Unique in its fleet."""
        return self.folder.name

    @property
    def alive(self) -> bool:
        """Whether its agent's process exists."""
        try:
            with (self.folder / "lock").open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @property
    def up(self) -> bool:
        """Whether its agent ever ran."""
        return (self.folder / "up").exists()

    @property
    def worked(self) -> bool:
        """Whether its agent ever came through a turn."""
        return (self.folder / "worked").exists()

    @property
    def left(self) -> bool:
        """Whether it ended by itself."""
        return (self.folder / "left").exists()

    @property
    def pid(self) -> int | None:
        """Its agent's process, which leads all that it started; None where that is not known."""
        try:
            return int((self.folder / "pid").read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return None

    def log_tail(self) -> str:
        """The last of what it printed."""
        try:
            return (self.folder / "boot.log").read_bytes()[-_LOG_BYTES:].decode(errors="replace")
        except FileNotFoundError:
            return ""

    def start(self, command: Sequence[str], *, told: Mapping[str, object]) -> None:
        """Start the agent in a session of its own; `told` reaches its standard input as JSON.

        Raises:
            ProviderError: The command cannot be started.
        """
        self.folder.mkdir(parents=True)
        with (
            (self.folder / "lock").open("wb") as lock,
            (self.folder / "boot.log").open("wb") as log,
        ):
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                process = subprocess.Popen(  # the machine outlives us on purpose
                    [*command, "--lock", str(lock.fileno())],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(lock.fileno(),),
                    cwd=self.folder,
                )
            except OSError as error:
                log.write(str(error).encode())
                raise ProviderError(
                    f"cannot start {command[0]}: {error.strerror}", hint="check local_prefix"
                ) from error
        (self.folder / "pid").write_text(str(process.pid), encoding="ascii")
        if process.stdin is not None:
            # A machine that died at once broke the pipe; its boot.log says why.
            with suppress(BrokenPipeError), process.stdin as pipe:
                pipe.write(json.dumps(told).encode())

    def kill(self) -> None:
        """End all its processes at once; what is gone is done."""
        if not self.alive or (pid := self.pid) is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)

    def sweep(self) -> bool:
        """Remove what a machine that is gone left on its disk; whether nothing is there now."""
        return remove_tree(self.folder / "scratch")


@dataclass(frozen=True, slots=True)
class LocalSelf:
    """What a local machine says of itself: see ports.machine_self."""

    folder: Path

    @property
    def name(self) -> str:
        """The machine's name."""
        return self.folder.name

    def up(self) -> None:
        """Say that the agent runs, and who it is: who started it may not have got there."""
        (self.folder / "pid").write_text(str(os.getpgid(0)), encoding="ascii")
        (self.folder / "up").touch()

    def worked(self) -> None:
        """Say that the agent has come through a turn."""
        (self.folder / "worked").touch()

    def progressed(self) -> None:
        """Nothing waits for that here."""

    def notice(self) -> Notice | None:
        """Nobody takes a process away."""
        return None

    def limits(self) -> Limits:
        """None: this computer costs nothing."""
        return Limits()

    def extend(self, until: datetime) -> None:
        """Nothing limits it."""

    def replace(self, machine: str) -> None:
        """Its provider sees processes that are gone, and those that hang cost nothing."""

    def leave(self, *, last: bool) -> None:  # noqa: ARG002  (the others find out at no cost)
        """Say that the machine is not to be replaced."""
        with suppress(FileNotFoundError):
            (self.folder / "left").touch()

    def make_way(self) -> None:
        """There is nothing to wait for."""
