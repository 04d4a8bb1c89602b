"""Digests: BLAKE3, because it is collision-resistant and faster than a disk.

Of up to one block: `blake3:` and 64 hexadecimal digits. Of more: `blake3b:` and the digest of the
blocks' digests (32 bytes each, one after the other), so that blocks can be digested and verified
in any order. Before that, larger ones had `blake3:` of all bytes too; what was recorded so is still
verified so. The name is there so that another algorithm can follow.
"""

from collections.abc import Iterable, Sequence

from blake3 import blake3

from cryoem_cloud.model.file import BLOCK_BYTES

__all__ = [
    "BlockDigester",
    "Digester",
    "block_digest",
    "digest_of",
    "digest_of_blocks",
    "digits_of",
    "is_digest_of",
    "is_of_blocks",
    "recorded",
]

_WHOLE, _BLOCKS = "blake3:", "blake3b:"


def digest_of(data: bytes) -> str:
    """The digest of bytes in memory."""
    digester = Digester()
    digester.update(data)
    return digester.digest


def is_digest_of(digest: str, data: bytes) -> bool:
    """Whether it is the digest of these bytes, in whichever form it was recorded."""
    digester = Digester(like=digest)
    digester.update(data)
    return digester.matches(digest)


def block_digest(data: bytes | bytearray | memoryview) -> str:
    """The digest of one block, in hexadecimal digits."""
    return blake3(data).hexdigest()


class BlockDigester:
    """The digest of one block that comes in pieces."""

    def __init__(self) -> None:
        self._hash = blake3()

    def update(self, data: memoryview) -> None:
        """Take the next piece."""
        self._hash.update(data)

    @property
    def digits(self) -> str:
        """As `block_digest` of all so far."""
        return self._hash.hexdigest()


def digest_of_blocks(blocks: Sequence[str]) -> str:
    """The digest of a file with these blocks, of which it has at least one.

    Raises:
        ValueError: One of them is no hexadecimal number.
    """
    if len(blocks) == 1:
        return _WHOLE + blocks[0]
    return _BLOCKS + blake3(b"".join(map(bytes.fromhex, blocks))).hexdigest()


def is_of_blocks(digest: str) -> bool:
    """Whether it is of blocks' digests."""
    return digest.startswith(_BLOCKS)


def digits_of(digest: str) -> str:
    """The hexadecimal digits, without what they are of."""
    return digest.partition(":")[2]


def recorded(blocks: Iterable[str]) -> tuple[str, ...]:
    """The blocks' digests as an entry has them: none for a single block."""
    blocks = tuple(blocks)
    return blocks if len(blocks) > 1 else ()


class Digester:
    """The digest of bytes that come in pieces, and of each block of them.

    With `like`, a digest that is to be compared, also the form that it has. `both` keeps both.
    """

    def __init__(self, *, like: str = "", both: bool = False) -> None:
        whole = both or (bool(like) and not is_of_blocks(like))
        self._whole = blake3() if whole else None
        self._block = blake3()
        self._room = BLOCK_BYTES
        self._blocks: list[str] = []
        self.size = 0
        """Bytes so far."""

    def update(self, data: bytes | memoryview) -> None:
        """Take the next piece."""
        self.size += len(data)
        if self._whole is not None:
            self._whole.update(data)
        view = memoryview(data)
        while view:
            if not self._room:
                self._close_block()
            piece = view[: self._room]
            self._block.update(piece)
            self._room -= len(piece)
            view = view[len(piece) :]

    @property
    def digest(self) -> str:
        """The digest of all bytes so far."""
        return digest_of_blocks(self._all_blocks())

    @property
    def digests(self) -> tuple[str, ...]:
        """The digest in each form that is kept, the present one first."""
        old = (_WHOLE + self._whole.hexdigest(),) if self._whole is not None else ()
        return tuple(dict.fromkeys((self.digest, *old)))

    def matches(self, digest: str) -> bool:
        """Whether all bytes so far have that digest, in one of the forms that are kept."""
        return digest in self.digests

    def blocks(self) -> tuple[str, ...]:
        """The blocks' digests (hexadecimal), the last block being what is left over.

        Empty for a single block, whose digest is the whole's.
        """
        return recorded(self._all_blocks())

    def _all_blocks(self) -> tuple[str, ...]:
        return (*self._blocks, self._block.hexdigest())

    def _close_block(self) -> None:
        self._blocks.append(self._block.hexdigest())
        self._block = blake3()
        self._room = BLOCK_BYTES
