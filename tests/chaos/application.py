"""An application whose items cost nothing, as another package would bring it.

It stands alone: runs copy it into a Python of their own, with an entry point, where the real
programs find it (`python.py`). A line of `items.txt` is an item. Of it the script makes a large
file, a small one that joining reads, and last of all one that seals them.
"""

import re
from collections.abc import Collection, Iterable, Iterator

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.job import Job, Need
from cryoem_cloud.ports.application import Asked, Cut, Resumed
from cryoem_cloud.ports.view import View

__all__ = ["LIST", "OUT", "Itemwise"]

LIST = "items.txt"
OUT = "Work/job001"

_KINDS = ("large", "sum", "made")
_GO_ON = "ONLY_UNFINISHED=1\n"
_MADE = re.compile(rf"{OUT}/deep/(?P<item>[^/]+)\.made")


def _files(item: str) -> frozenset[str]:
    return frozenset(f"{OUT}/deep/{item}.{kind}" for kind in _KINDS)


class Itemwise(Shell):
    """Cuts the list, joins by the script itself, and goes on with items that are sealed."""

    name = "itemwise"

    def knows(self, asked: Asked) -> bool:
        """Nothing: who hands in names it."""
        return False

    def needs(self, job: Job, view: View) -> Iterator[Need]:
        """The script, the list, and the raw file of each item that the list has."""
        yield Need(path=job.script_path)
        yield Need(path=LIST)
        with view.open(LIST) as file:
            items = file.read().decode().split()
        yield from (Need(path=f"raw/{item}", asked_by=LIST) for item in items)

    def cut(self, job: Job, view: View) -> Cut | None:
        """By lines."""
        with view.open(LIST) as file:
            lines = file.readlines()
        return Cut(
            path=LIST,
            items=len(lines),
            noun="lines",
            seconds=60.0,
            script=lambda _: job.script,
            part=lambda first, last: b"".join(lines[first:last]),
        )

    def joined(self, job: Job, paths: Iterable[str]) -> frozenset[str]:
        """The joined list, and the link that leads to it."""
        return frozenset(path for path in paths if path in {f"{OUT}/joined", f"{OUT}/latest"})

    def resumed(self, job: Job, script: str, view: View, made: Collection[str]) -> Resumed | None:
        """What is made of an item counts once all of it is there."""
        items = [found["item"] for path in made if (found := _MADE.fullmatch(path))]
        whole = [_files(item) for item in items if _files(item) <= set(made)]
        stands = frozenset[str]().union(*whole)
        reads = frozenset(path for path in stands if path.endswith(".sum"))
        return Resumed(script=_GO_ON + script, reads=reads, tests=stands - reads, stands=stands)

    def seals(self, job: Job, path: str) -> bool:
        """The file that is written last."""
        return path.endswith(".made")
