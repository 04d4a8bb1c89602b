"""What goes wrong, by the name of the call and by count; what chance decides, a seed decides."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from random import Random

from tests.ec2sim.refusals import Refusal

__all__ = ["Fault", "Faults", "What"]


class What(Enum):
    """Kinds of faults of one call."""

    THROTTLED = auto()  # refused, not done
    REFUSED = auto()  # refused with a code of the test's, not done
    LOST_BEFORE = auto()  # the connection ends, and it is not done
    LOST_AFTER = auto()  # the connection ends, and it is done
    HANGS = auto()  # no answer for as long as the Cloud lasts, and it is not done


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong with calls of a name (`*`: of any but S3's; `s3.*`: of S3's)."""

    what: What
    call: str
    times: int
    after: int = 0
    chance: float = 1.0
    code: str = ""
    message: str = ""
    by: str = ""
    then: Callable[[], None] = field(default=lambda: None)


_THROTTLED = {
    "ec2": Refusal("RequestLimitExceeded", "Request limit exceeded.", status=503),
    "autoscaling": Refusal("Throttling", "Rate exceeded", status=400),
    "s3": Refusal("SlowDown", "Please reduce your request rate.", status=503),
}
_OTHERS_THROTTLED = Refusal("ThrottlingException", "Rate exceeded", status=400)


class Faults:
    """All faults of a Cloud. Nothing goes wrong until a test says so."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._planned: list[Fault] = []
        self._boots_that_fail = 0
        self._boots_that_hang = 0
        self.boot_delay = 0.0
        """Simulated seconds that a machine needs more than it would."""
        self.unseen_seconds = 0.0
        """For so many simulated seconds after its launch an instance is not found."""
        self.profile_seconds = 0.0
        """For so many simulated seconds after its making an instance profile is not usable."""
        self.happened: Counter[tuple[str, What]] = Counter()

    def plan(
        self,
        what: What,
        call: str,
        *,
        times: int = 1,
        after: int = 0,
        chance: float = 1.0,
        error: tuple[str, str] = ("InternalError", "An internal error has occurred"),
        by: str = "",
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Have it go wrong `times` times, once it has gone well `after` times.

        Only calls by those whose access key begins with `by` count: AKIA are users, ASIA machines.
        `then` is called whenever it does, before the call is done; it must not wait.
        """
        self._planned.append(Fault(what, call, times, after, chance, *error, by, then))

    def forget(self) -> None:
        """Let everything go well again."""
        self._planned.clear()
        self._boots_that_fail = self._boots_that_hang = 0
        self.boot_delay = self.unseen_seconds = self.profile_seconds = 0.0

    def fail_boots(self, times: int) -> None:
        """Let the next so many machines not come up."""
        self._boots_that_fail = times

    def hang_boots(self, times: int) -> None:
        """Let the next so many machines come up, and do nothing."""
        self._boots_that_hang = times

    def next_boot(self) -> str:
        """What the next boot does: `well`, `fails` or `hangs`."""
        if self._boots_that_fail:
            self._boots_that_fail -= 1
            return "fails"
        if self._boots_that_hang:
            self._boots_that_hang -= 1
            return "hangs"
        return "well"

    def of(self, service: str, call: str, by: str = "") -> What | None:
        """What goes wrong with this call of an access key, if it is the connection.

        Raises:
            Refusal: The call is refused.
        """
        any_ = "s3.*" if service == "s3" else "*"
        for fault in self._planned:
            meant = fault.call in {call, any_} and by.startswith(fault.by)
            if meant and self._strikes(fault):
                self.happened[call, fault.what] += 1
                fault.then()
                if fault.what is What.THROTTLED:
                    raise _THROTTLED.get(service, _OTHERS_THROTTLED)
                if fault.what is What.REFUSED:
                    raise Refusal(fault.code, fault.message)
                return fault.what
        return None

    def _strikes(self, fault: Fault) -> bool:
        if fault.times <= 0:
            return False
        if fault.after > 0:
            fault.after -= 1
            return False
        if self._random.random() >= fault.chance:
            return False
        fault.times -= 1
        return True
