"""Network namespaces that are held by a descriptor: they are gone when their holder is."""

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self, TypeVar

__all__ = ["Namespace", "checked"]

_T = TypeVar("_T")
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def checked(command: tuple[str, ...], *, fed: str = "") -> str:
    """What a program prints.

    Raises:
        OSError: It ended with an error; its last words are in the message.
    """
    done = subprocess.run(command, check=False, capture_output=True, text=True, input=fed)
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise OSError(f"{' '.join(command)}: {said}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Namespace:
    """A network namespace without a name: nothing on disk has to be removed after a crash."""

    descriptor: int

    @classmethod
    def new(cls) -> Self:
        """A namespace with nothing in it but a loopback device that is up."""
        made = cls(_in_thread(_unshared))
        made.ip(("link set lo up",))
        return made

    @property
    def path(self) -> str:
        """Where other programs find it, as long as it is not closed."""
        return f"/proc/{os.getpid()}/fd/{self.descriptor}"

    def run(self, act: Callable[[], _T]) -> _T:
        """What `act` returns when it is called inside; sockets that it makes stay inside."""

        def inside() -> _T:
            _call(_libc.setns(self.descriptor, _CLONE_NEWNET))
            return act()

        return _in_thread(inside)

    def ip(self, lines: Iterable[str]) -> None:
        """Have iproute2's ip do all these, in one process."""
        checked(("nsenter", f"--net={self.path}", "ip", "-batch", "-"), fed="\n".join(lines) + "\n")

    def command(self, *command: str) -> tuple[str, ...]:
        """The command that runs another one inside."""
        return ("nsenter", f"--net={self.path}", *command)

    def close(self) -> None:
        """Let go of it: it ends when no process is in it either."""
        os.close(self.descriptor)


def _unshared() -> int:
    _call(_libc.unshare(_CLONE_NEWNET))
    return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)


def _call(result: int) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _in_thread(act: Callable[[], _T]) -> _T:
    """What `act` returns in a thread of its own: what it does to itself is over with it."""
    results: list[_T] = []
    faults: list[OSError] = []

    def body() -> None:
        try:
            results.append(act())
        except OSError as fault:
            faults.append(fault)

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    if faults:
        raise faults[0]
    return results[0]
