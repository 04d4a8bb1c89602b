"""What a machine of EC2's says of itself, and how it ends."""

import logging
import math
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.ports.clock import Clock
from cryoem_cloud.ports.machine_self import Limits, Notice
from cryoem_cloud.providers.aws.machine.asking import Asking
from cryoem_cloud.providers.aws.machine.imds import Metadata, seconds_until
from cryoem_cloud.providers.aws.machine.lapse import GRACE_S, lapse_at
from cryoem_cloud.providers.aws.names import LAPSE, STATE

__all__ = ["IDLE_S", "AwsSelf", "aws_self", "shut_down"]

_LOG = logging.getLogger(__name__)

IDLE_S = 3600.0
"""How long a machine may do nothing: the published tool's hour, and shorter than `lapse`."""
_PUSH_S = 600.0
"""Between two pushes of `lapse`."""
_AGAIN_S = 60.0
"""Between two tries of a push that AWS did not take."""
_INSTANCE = re.compile(r"i-[0-9a-f]{8,17}")
_LATE_S = 60.0
"""How late EC2 may take a machine that it has given notice to."""


def shut_down(*words: str) -> None:
    """Have this machine's init system shut it down; where that cannot be, the log says why."""
    try:
        done = subprocess.run(
            ("shutdown", *words),  # noqa: S607  (where it lies differs among systems)
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _LOG.warning("shutdown %s: %s", " ".join(words), error)
        return
    if done.returncode:
        _LOG.warning("shutdown %s: %s", " ".join(words), done.stderr.strip())


@dataclass(kw_only=True)
class AwsSelf:
    """The machine `name` of the group `group`, whose job may last `limit_s`, `until` then.

    `folder` is what the boot script made for the agent: a file `up` in it says that the agent runs.
    See ports.machine_self.
    """

    name: str
    group: str
    folder: Path
    limit_s: float
    until: datetime
    metadata: Metadata
    asking: Asking
    clock: Clock
    shut_down: Callable[..., None] = shut_down
    _said: str = ""
    _pushed_s: float = field(default=-math.inf)

    def up(self) -> None:
        """Say so, and put the job's limit in the place of the boot's own end."""
        if not self._said:
            (self.folder / "up").touch()
            self._arm()
            self._say("up")

    def worked(self) -> None:
        """Say so."""
        if self._said != "worked":
            self._say("worked")

    def progressed(self) -> None:
        """Push the end of a fleet that does not progress away from now, every 10 min."""
        now_s = self.clock.monotonic()
        if now_s - self._pushed_s < _PUSH_S:
            return
        self._pushed_s = now_s - _PUSH_S + _AGAIN_S
        at = lapse_at(self.clock.now())
        if _done("the fleet's end is not put off", self.asking.end_group_at, self.group, LAPSE, at):
            self._pushed_s = now_s

    def notice(self) -> Notice | None:
        """What EC2 announces to this Spot machine."""
        try:
            at = self.metadata.taken_at()
            if at is not None:
                return Notice(within_s=seconds_until(at, self.clock.now()))
            return Notice() if self.metadata.in_danger() else None
        except ProviderError as error:
            _LOG.warning("cannot hear of notices: %s", error)
            return None

    def limits(self) -> Limits:
        """The job's limit, and ours of doing nothing."""
        left_s = seconds_until(self.until, self.clock.now())
        return Limits(whole_s=self.limit_s, left_s=left_s, idle_s=IDLE_S)

    def extend(self, until: datetime) -> None:
        """Put the new limit in the place of the old one."""
        more_s = (until - self.until).total_seconds()
        if more_s > 0:
            self.limit_s += more_s
            self.until = until
            self._arm()

    def replace(self, machine: str) -> None:
        """End it without a word to its group of wanting less; another project's is refused us."""
        if _INSTANCE.fullmatch(machine):
            _done("a lost machine is left", self.asking.replace, machine)

    def leave(self, *, last: bool) -> None:
        """Shrink the group, or delete it with all machines; then shut down, whatever fails."""
        try:
            _done("not tagged", self.asking.tag, self.name, {STATE: "left"})
            if last and _done("the group is kept", self.asking.delete_group, self.group):
                return
            _done("the group does not shrink", self.asking.leave_group, self.name)
        finally:
            self.shut_down("-h", "now")

    def make_way(self) -> None:
        """Wait for EC2 to take the machine; it is replaced, as the group still wants as many."""
        notice = self.notice()
        self.clock.sleep((notice.within_s if notice and notice.within_s else 0.0) + _LATE_S)
        self.shut_down("-h", "now")

    def _arm(self) -> None:
        left_s = seconds_until(self.until, self.clock.now()) + GRACE_S
        self.shut_down("-P", f"+{math.ceil(left_s / 60)}")

    def _say(self, state: str) -> None:
        if _done("not tagged", self.asking.tag, self.name, {STATE: state}):
            self._said = state
        self._said = self._said or "unheard"


def _done(otherwise: str, act: Callable[..., None], *words: object) -> bool:
    """Whether the call to AWS was done; else the log says that, and why."""
    try:
        act(*words)
    except ProviderError as error:
        _LOG.warning("%s: %s", otherwise, error)
        return False
    return True


def aws_self(
    *,
    group: str,
    folder: Path,
    limit_s: float,
    until: datetime,
    env: Mapping[str, str],
    clock: Clock,
) -> AwsSelf:
    """This machine.

    Raises:
        ProviderError: It is none of EC2's.
    """
    metadata = Metadata(env)
    asking = Asking(region=metadata.region, env=env, credentials=metadata.credentials)
    return AwsSelf(
        name=metadata.instance_id,
        group=group,
        folder=folder,
        limit_s=limit_s,
        until=until,
        metadata=metadata,
        asking=asking,
        clock=clock,
    )
