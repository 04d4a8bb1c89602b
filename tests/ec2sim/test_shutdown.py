"""The commands that shut a machine down, word by word."""

import pytest

from tests.ec2sim.init import AGAIN, OFF, schedule
from tests.ec2sim.shutdown import asked


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("shutdown", ("poweroff", 1)),
        ("shutdown now", ("poweroff", 0)),
        ("shutdown -h +20 good bye", ("poweroff", 20)),
        ("shutdown -P --no-wall +5", ("poweroff", 5)),
        ("shutdown -r now", ("reboot", 0)),
        ("shutdown -c", ("cancel", None)),
        ("poweroff -f", ("poweroff", 0)),
        ("systemctl --force reboot", ("reboot", 0)),
        ("halt", ("halt", 0)),
    ],
)
def test_what_is_asked(line: str, means: tuple[str, float | None]) -> None:
    called, *words = line.split()
    assert asked(called, words) == means


@pytest.mark.parametrize("line", ["shutdown 20", "shutdown -x", "systemctl start sshd"])
def test_what_is_not_understood(line: str) -> None:
    called, *words = line.split()
    with pytest.raises(ValueError, match=r"time spec|unrecognized|systemd"):
        asked(called, words)


def test_what_is_planned() -> None:
    assert schedule("USEC=1500000\nWARN_WALL=1\nMODE=poweroff\n") == (1.5, OFF)
    assert schedule("USEC=1500000\nMODE=reboot\n") == (1.5, AGAIN)
    assert schedule("") is None
