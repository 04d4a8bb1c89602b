"""Job numbers: plain integers, unique in a store, drawn without the network.

A courier or `connect` reserves a block of 100 in the store; fronts draw from it under a file lock.
"""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from cryoem_cloud.model.errors import FormatError, ObjectExistsError
from cryoem_cloud.model.keys import ids_key
from cryoem_cloud.model.record import encode
from cryoem_cloud.ports.store import Store

__all__ = ["BLOCK", "JobNumbers", "reserve_block", "reserve_up_to"]

BLOCK = 100


def reserve_block(store: Store, owner: str) -> int:
    """The first number of a block that is ours from now on; a lost reply wastes a block."""
    names = (listed.key.rpartition("/")[2] for listed in store.list("ids/"))
    block = max((int(name) for name in names if name.isdecimal()), default=-1) + 1
    while True:
        try:
            store.put(ids_key(block), encode("ids", {"owner": owner}), if_absent=True)
        except ObjectExistsError:
            block += 1
        else:
            return block * BLOCK + 1


def reserve_up_to(store: Store, number: int, owner: str) -> None:
    """See to it that nobody gets the block of a number, or an earlier one, from now on."""
    with suppress(ObjectExistsError):
        block = (number - 1) // BLOCK
        store.put(ids_key(block), encode("ids", {"owner": owner}), if_absent=True)


class JobNumbers:
    """The numbers reserved for this user on this computer, kept in a small file.

    Safe for any number of processes: every change is made under a lock on the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def draw(self) -> int | None:
        """The next number, never given again; None where none is left."""
        with self._locked() as file:
            spans = _spans(file)
            if not spans:
                return None
            (first, last), rest = spans[0], spans[1:]
            _write(file, ([(first + 1, last)] if first < last else []) + rest)
            return first

    def add(self, first: int) -> None:
        """Keep a block that was reserved."""
        with self._locked() as file:
            _write(file, [*_spans(file), (first, first + BLOCK - 1)])

    def rise_above(self, number: int) -> None:
        """Give up those up to this one: jobs have them that came from another store."""
        with self._locked() as file:
            risen = [(max(first, number + 1), last) for first, last in _spans(file)]
            _write(file, [(first, last) for first, last in risen if first <= last])

    def left(self) -> int:
        """How many numbers are left."""
        with self._locked() as file:
            return sum(last - first + 1 for first, last in _spans(file))

    @contextmanager
    def _locked(self) -> Iterator[IO[str]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file


def _spans(file: IO[str]) -> list[tuple[int, int]]:
    file.seek(0)
    try:
        return [(int(first), int(last)) for first, last in json.loads(file.read() or "[]")]
    except (ValueError, TypeError) as error:
        raise FormatError(f"{file.name} is damaged", hint="remove it; numbers are lost") from error


def _write(file: IO[str], spans: list[tuple[int, int]]) -> None:
    file.seek(0)
    file.truncate()
    file.write(json.dumps(spans))
    file.flush()
