"""Digests: BLAKE3, because it is collision-resistant and faster than a disk.

Written `blake3:` and 64 hexadecimal digits, so that another algorithm can follow.
"""

from blake3 import blake3

from cryoem_cloud.model.file import BLOCK_BYTES

__all__ = ["Digester", "digest_of"]

_NAME = "blake3:"


def digest_of(data: bytes) -> str:
    """The digest of bytes in memory."""
    return _NAME + blake3(data).hexdigest()


class Digester:
    """The digest of bytes that come in pieces, and with `blocks` one per BLOCK_BYTES of them."""

    def __init__(self, *, blocks: bool = True) -> None:
        self._with_blocks = blocks
        self._whole = blake3()
        self._block = blake3()
        self._room = BLOCK_BYTES
        self._blocks: list[str] = []
        self.size = 0
        """Bytes so far."""

    def update(self, data: bytes) -> None:
        """Take the next piece."""
        self._whole.update(data)
        self.size += len(data)
        if self._with_blocks:
            self._update_blocks(data)

    def _update_blocks(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            piece = view[: self._room]
            self._block.update(piece)
            self._room -= len(piece)
            view = view[len(piece) :]
            if not self._room:
                self._close_block()

    @property
    def digest(self) -> str:
        """The digest of all bytes so far."""
        return _NAME + self._whole.hexdigest()

    def blocks(self) -> tuple[str, ...]:
        """The blocks' digests (hexadecimal), the last block being what is left over.

        Empty for a single block, whose digest is the whole's.
        """
        if self.size <= BLOCK_BYTES or not self._with_blocks:
            return ()
        last = [self._block.hexdigest()] if self._room < BLOCK_BYTES else []
        return (*self._blocks, *last)

    def _close_block(self) -> None:
        self._blocks.append(self._block.hexdigest())
        self._block = blake3()
        self._room = BLOCK_BYTES
