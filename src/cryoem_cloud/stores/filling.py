"""A buffer that is filled again and again with what comes, and given away each time."""

from cryoem_cloud.ports.parts import Take

__all__ = ["Filling", "UntakenError"]


class UntakenError(Exception):
    """Who was given the bytes could not take them, and why: no fault of the store's."""

    def __init__(self, why: OSError) -> None:
        super().__init__(str(why))
        self.why = why


class Filling:
    """Takes `length` bytes by a buffer; without a length, as many as there is room for, once."""

    def __init__(self, buffer: memoryview, length: int | None, take: Take | None) -> None:
        self._view = buffer.cast("B")
        self.length = self._view.nbytes if length is None else length
        self._take = take
        self._given = self._held = 0

    @property
    def come(self) -> int:
        """How many bytes there were until now."""
        return self._given + self._held

    @property
    def room(self) -> memoryview:
        """Where the next bytes go; empty once all have come."""
        left = self.length - self._given
        return self._view[self._held : left]

    def add(self, count: int) -> None:
        """So many bytes have come into the room."""
        self._held += count
        if not self.room:
            self.give()

    def fill(self, data: bytes) -> None:
        """All of the bytes have come."""
        while room := self.room:
            room[:] = data[self.come : self.come + len(room)]
            self.add(len(room))

    def give(self) -> None:
        """Give away what has come since the last time, even if the buffer is not full.

        Raises:
            UntakenError: Whoever takes it fails.
        """
        held, self._held = self._held, 0
        self._given += held
        if held and self._take:
            try:
                self._take(self._view[:held])
            except OSError as error:
                raise UntakenError(error) from error
