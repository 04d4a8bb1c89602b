"""RELION's own window, on a screen that nobody sees, and a hand that clicks."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryoem_cloud.frontends.connect import EXTRA_FIELDS

from .relion_user import RelionUser

__all__ = ["PROGRAMS", "Gui", "opened"]

PROGRAMS = ("relion", "Xvfb", "xdotool", "import")
"""What is needed: Debian's relion-gui, xvfb, xdotool, imagemagick."""

_KINDS = {"MotionCorr": 60, "CtfFind": 75, "AutoPick": 105, "Extract": 120, "Class2D": 150}
_ACTIONS = (
    "Edit Note",
    "Alias",
    "Abort running",
    "Mark as finished",
    "Mark as failed",
    "Make flowchart",
    "Gentle clean",
    "Harsh clean",
    "Delete",
)
_LOWER = 20 * (len(EXTRA_FIELDS) - 5)
"""RELION makes its window taller for more than five fields beside *Submit to queue*."""
_RUN, _ACTION_MENU = (739, 366 + _LOWER), (144, 404 + _LOWER)
_FINISHED, _RUNNING = (100, 465 + _LOWER), (380, 465 + _LOWER)
_FIRST_ACTION = 431 + _LOWER
_LINE = 15
_IO, _CONTINUE_FROM = (215, 16), (576, 74)
"""Places in the window of RELION 3.1, in pixels from its upper left corner."""


@dataclass(frozen=True)
class Gui:
    """RELION's window. Each step waits until RELION has drawn what it did."""

    display: str
    window: str
    user: RelionUser

    def pick(self, kind: str) -> None:
        """Choose a kind of job in the list: a new job of it."""
        self._click((68, _KINDS[kind]))

    def tab(self, x: int) -> None:
        """Turn to the tab at that place."""
        self._click((x, _IO[1]))

    def run(self) -> None:
        """*Run!*, or *Continue!*."""
        self._click(_RUN)

    def finished(self, line: int) -> None:
        """Choose the job in that line of *Finished jobs*, from 0."""
        self._click((_FINISHED[0], _FINISHED[1] + line * _LINE))

    def running(self) -> None:
        """Choose the first of *Running jobs*."""
        self._click(_RUNNING)

    def act(self, action: str, *, sure: bool = False) -> None:
        """Choose an action of the menu, and say yes where RELION asks."""
        self._click(_ACTION_MENU)
        self._click((150, _FIRST_ACTION + 21 * _ACTIONS.index(action)))
        if sure:
            self.keys("Return")

    def continue_from(self, star: str) -> None:
        """Name the iteration from which the chosen job goes on."""
        self._click(_IO)
        self._click(_CONTINUE_FROM)
        self._fill(star)
        self.keys("Tab")

    def alias(self, name: str) -> None:
        """Give the chosen job another name."""
        self.act("Alias")
        self._fill(name)
        self.keys("Return")

    def keys(self, *names: str) -> None:
        """Press keys; the focus is where the mouse is, since no window manager runs."""
        self._changes(lambda: self._x("key", *names))

    def _fill(self, text: str) -> None:
        """Type into the field that has the focus, in place of what is in it."""
        self._changes(lambda: self._x("key", "End", "shift+Home", "BackSpace"))
        self._changes(lambda: self._x("type", "--delay", "30", text))

    def shot(self, file: Path, *, height: int = 820) -> None:
        """A picture of the window, small enough for a page."""
        crop = (
            "-crop",
            f"800x{height}+0+0",
            "+repage",
            "+dither",
            "-colors",
            "48",
            "-depth",
            "8",
            "-strip",
        )
        command = ("import", "-display", self.display, "-window", self.window, *crop, file)
        subprocess.run(command, check=True)

    def _click(self, place: tuple[int, int]) -> None:
        x, y = map(str, place)
        self._changes(
            lambda: self._x(
                "mousemove", "--window", self.window, x, y, "sleep", "0.2", "click", "1"
            )
        )

    def _changes(self, act: Callable[[], object]) -> None:
        """Act, and wait until the screen has changed and is still again, 3 s at most."""
        before = self._screen()
        act()
        until, last = time.monotonic() + 3, before
        while time.monotonic() < until:
            time.sleep(0.3)
            now = self._screen()
            if now == last != before:
                return
            last = now

    def _screen(self) -> bytes:
        command = ("import", "-display", self.display, "-window", "root", "rgb:-")
        return subprocess.run(command, check=True, capture_output=True).stdout

    def _x(self, *words: str) -> None:
        env = self.user.world.env | {"DISPLAY": self.display}
        subprocess.run(("xdotool", *words), check=True, env=env)


@contextmanager
def opened(user: RelionUser) -> Iterator[Gui]:
    """RELION's window in the user's project, from a shell that has sourced env.sh."""
    (user.project / ".gui_projectdir").touch()
    with _screen() as display:
        user.world.env["DISPLAY"] = display
        with user.starts("relion") as relion:
            try:
                user.world.wait_for(lambda: _window(user), seconds=90)
                gui = Gui(display, _window(user), user)
                gui._changes(lambda: None)
                yield gui
            finally:
                relion.kill()
                del user.world.env["DISPLAY"]


@contextmanager
def _screen() -> Iterator[str]:
    """A screen of our own; its name."""
    command = ("Xvfb", "-displayfd", "1", "-screen", "0", "1000x900x24", "-nolisten", "tcp")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        try:
            assert server.stdout is not None
            yield f":{int(server.stdout.readline())}"
        finally:
            server.terminate()


def _window(user: RelionUser) -> str:
    """The number of RELION's window; "" until it is there."""
    done = subprocess.run(
        ("xdotool", "search", "--onlyvisible", "--name", "^RELION"),
        check=False,
        env=user.world.env,
        capture_output=True,
        text=True,
    )
    found = re.search(r"^\d+$", done.stdout, re.MULTILINE)
    return found[0] if found else ""
