"""Objects in parts: what a store can do that takes large ones piece by piece (decision 0016)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

from cryoem_cloud.model.errors import StoreUnreachableError

__all__ = [
    "LEAST_PART_BYTES",
    "MOST_PARTS",
    "MOST_PART_BYTES",
    "BrokenOffError",
    "Buffer",
    "Parts",
    "Pieces",
    "SentPart",
    "Take",
    "bytes_in",
]

LEAST_PART_BYTES = 5 * 1024 * 1024
"""Of every part but the last:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html"""
MOST_PART_BYTES = 5 * 1024**3
MOST_PARTS = 10_000

Buffer = bytes | bytearray | memoryview
Take = Callable[[memoryview], None]
"""Given bytes that are there as long as the call lasts."""


class Pieces(Sequence[Buffer]):
    """Pieces of these `sizes`, which are made each time they are asked for.

    In memory are those alone that somebody keeps.
    """

    def __init__(self, sizes: Sequence[int], make: Callable[[int], Buffer]) -> None:
        self.sizes = sizes
        self._make = make

    def __len__(self) -> int:
        """How many there are."""
        return len(self.sizes)

    @overload
    def __getitem__(self, which: int) -> Buffer: ...
    @overload
    def __getitem__(self, which: slice) -> "Pieces": ...
    def __getitem__(self, which: int | slice) -> "Buffer | Pieces":
        """The piece of that number, or some of them."""
        numbers = range(len(self.sizes))
        if isinstance(which, int):
            return self._make(numbers[which])
        some = numbers[which]
        return Pieces([self.sizes[n] for n in some], lambda n: self._make(some[n]))


def bytes_in(pieces: Sequence[Buffer]) -> int:
    """How many bytes they are; none is made for that."""
    if isinstance(pieces, Pieces):
        return sum(pieces.sizes)
    return sum(memoryview(piece).nbytes for piece in pieces)


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that the store has; `size` in bytes. `tag` and `check` are the store's own words.

    `check` is of the part's bytes ("" where a store tells none when asked which parts it has).
    """

    number: int
    size: int
    tag: str
    check: str


class BrokenOffError(StoreUnreachableError):
    """The store stopped in the middle: `come` bytes were taken, or begin the buffer."""

    def __init__(self, error: StoreUnreachableError, come: int) -> None:
        super().__init__(error.message, hint=error.hint)
        self.after_s = error.after_s
        self.come = come


class Parts(Protocol):
    """Uploads that are under way, and ranges that are read into buffers. Safe for threads.

    An upload is nobody's object until it is completed. Errors are those of `ports.store.Store`.
    """

    def begin(self, key: str) -> str:
        """Begin an upload, and give its id: a word that means something to this store alone."""
        ...

    def send(self, key: str, upload: str, number: int, pieces: Sequence[Buffer]) -> SentPart:
        """Store part `number` (from 1 to MOST_PARTS), which is the pieces one after the other.

        The store has checked the bytes that came. A part that was sent before is replaced. The
        pieces are not kept; they are asked for in order, and perhaps several times.

        Raises:
            ObjectMissingError: There is no such upload, or none any more.
        """
        ...

    def there(self, key: str, upload: str) -> tuple[SentPart, ...]:
        """The parts that the store has by now, in order.

        Raises:
            ObjectMissingError: There is no such upload, or none any more.
        """
        ...

    def complete(
        self, key: str, upload: str, parts: Sequence[SentPart], *, if_absent: bool = False
    ) -> None:
        """Make the parts, as they were sent, one object, whole.

        Raises:
            ObjectExistsError: With `if_absent`: the key is taken (perhaps by this very call, if an
                earlier try of it was carried out and its reply lost). The upload is still there.
            ObjectMissingError: There is no such upload, or none any more.
            StoreError: A part is not the one that the store has, or all but the last are too small.
        """
        ...

    def abort(self, key: str, upload: str) -> None:
        """See to it that there is no such upload and that none of its parts is kept."""
        ...

    def read_into(
        self,
        key: str,
        start: int,
        buffer: memoryview,
        *,
        length: int | None = None,
        take: Take | None = None,
    ) -> None:
        """Fill the buffer with an object's bytes from `start` on.

        With a length it is filled again and again until so many bytes have come, in order, and what
        is in it is given to `take` each time: so much is read by little memory, and still in the
        processor's cache when it is digested.

        Raises:
            ObjectMissingError: There is no such object.
            CorruptObjectError: It ends before the buffer is full, or all has come.
            BrokenOffError: Only some of its bytes came.
        """
        ...
