"""Between client and server: loopback, or a long line that this benchmark makes.

The line is two network namespaces of this process's own and a program between them (`wan.c`,
compiled with cc), as the kernel's own delays are not everywhere. Nothing outside is touched. It
needs root, cc and iproute2.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["GIGABIT", "HUNDRED", "LOOPBACK", "Link", "Way", "queue_bytes", "reason_without", "way"]

CLIENT, SERVER = "10.219.0.1", "10.219.0.2"
_JUMBO_MBIT = 1000
_BUFFERS = "4096 131072 33554432"
"""Of a socket: the kernel's least, usual and greatest; the greatest is what a long line needs.

How TCP finds its speed is this computer's way.
"""


@dataclass(frozen=True, slots=True)
class Link:
    """A rate and a round trip; no rate for loopback."""

    name: str
    megabit: int = 0
    round_trip_ms: int = 0


LOOPBACK = Link("loopback")
GIGABIT = Link("1 Gbit/s, 30 ms", 1000, 30)
HUNDRED = Link("100 Mbit/s, 30 ms", 100, 30)


@dataclass(frozen=True, slots=True)
class Way:
    """Where the server listens, and what is put before the commands of either side."""

    host: str
    client: Sequence[str] = ()
    server: Sequence[str] = ()


def queue_bytes(link: Link) -> int:
    """What may be under way: the line's own contents, twice, and some."""
    return link.megabit * 125 * link.round_trip_ms * 2 + 400_000


def reason_without() -> str:
    """Why a long line cannot be made here; "" where it can."""
    if os.geteuid() != 0:
        return "a long line needs root, for network namespaces"
    missing = [name for name in ("cc", "ip", "sysctl") if not shutil.which(name)]
    if missing:
        return f"a long line needs {', '.join(missing)}"
    return "" if Path("/dev/net/tun").exists() else "a long line needs /dev/net/tun"


@contextmanager
def way(link: Link) -> Iterator[Way]:
    """The way of a link, while the block lasts.

    Raises:
        RuntimeError: It cannot be made here.
    """
    if not link.megabit:
        yield Way("127.0.0.1")
        return
    if reason := reason_without():
        raise RuntimeError(reason)
    names = tuple(f"transfer-{os.getpid()}-{side}" for side in ("client", "server"))
    with ExitStack() as stack:
        for name in names:
            _ip("netns", "add", name)
            stack.callback(_removed, name)
        stack.enter_context(_line(link, names))
        _up(names[0], CLIENT, SERVER, link)
        _up(names[1], SERVER, CLIENT, link)
        enter = ("ip", "netns", "exec")
        yield Way(SERVER, (*enter, names[0]), (*enter, names[1]))


@contextmanager
def _line(link: Link, names: Sequence[str]) -> Iterator[None]:
    with tempfile.TemporaryDirectory(prefix="wan-") as folder:
        program = Path(folder, "wan")
        source = Path(__file__).with_name("wan.c")
        subprocess.run(["cc", "-O2", "-o", program, source], check=True)
        numbers = (link.megabit * 1_000_000, link.round_trip_ms * 500, queue_bytes(link))
        words = [str(program), *names, *map(str, numbers)]
        running = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        try:
            if running.stdout is None or running.stdout.readline() != "ready\n":
                raise RuntimeError("the long line did not come up")
            yield
        finally:
            running.kill()
            running.communicate()


def _up(name: str, own: str, other: str, link: Link) -> None:
    mtu = "9000" if link.megabit >= _JUMBO_MBIT else "1500"
    within = ("ip", "netns", "exec", name)
    for setting in (f"rmem={_BUFFERS}", f"wmem={_BUFFERS}"):
        subprocess.run([*within, "sysctl", "-qw", f"net.ipv4.tcp_{setting}"], check=True)
    _ip("-n", name, "link", "set", "lo", "up")
    _ip("-n", name, "link", "set", "wan0", "mtu", mtu, "txqueuelen", "10000", "up")
    _ip("-n", name, "addr", "add", own, "peer", other, "dev", "wan0")


def _removed(name: str) -> None:
    with suppress(subprocess.CalledProcessError):
        _ip("netns", "del", name)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)
