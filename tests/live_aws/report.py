"""What each step showed, and the lines that go into the simulator's README."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryoem_cloud.model.errors import CryoemError

__all__ = ["FailedError", "Report"]


class FailedError(Exception):
    """A step showed something else than was expected."""


@dataclass
class Report:
    """The steps so far. `simulated` is where AWS was none of Amazon's."""

    region: str
    simulated: bool
    say: Callable[[str], None] = print
    failed: list[str] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)

    @contextmanager
    def step(self, what: str, expected: str) -> Iterator[None]:
        """Do a step; whatever goes wrong in it is said, and the next one comes."""
        try:
            yield
        except (FailedError, CryoemError) as error:
            self.failed.append(what)
            self.say(f"FAIL  {what}: {error}")
            return
        self.passed(what, expected)

    def passed(self, what: str, seen: str) -> None:
        """Say what was seen, and keep it as a row of the table."""
        self.say(f"PASS  {what}: {seen}")
        live = "no: simulated" if self.simulated else "yes"
        self.rows.append(
            f"| {what} | {seen} | {live}, {self.region}, {datetime.now(UTC):%Y-%m-%d} |"
        )

    def evidence(self) -> None:
        """Print what was seen, as rows of the table."""
        self.say("\nFor “Proven live” in tests/ec2sim/README.md:\n")
        for row in self.rows:
            self.say(row)
