"""Checksums of objects as stores keep them: CRC32 (zlib's), four bytes in base64, as S3 says it.

Of an object that was put together of parts a store may keep the CRC32 of the parts' CRC32s, with
their number behind it: `vB3cVw==-2`. It guards against accidents, not against forgers; digests do.
"""

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Iterable, Sequence
from functools import lru_cache
from zlib import crc32

__all__ = ["Crc32", "crc32_of", "crc32s_of_parts", "is_of_parts"]

_BYTES = 4
_POLYNOMIAL = 0xEDB88320
_ONE = 1 << 31
"""x^0, as the CRC has its bits: the highest is the lowest power's."""


class Crc32:
    """The checksum of bytes that come in pieces."""

    def __init__(self) -> None:
        self._crc = 0

    def update(self, piece: bytes | bytearray | memoryview) -> None:
        """Take the next piece."""
        self._crc = crc32(piece, self._crc)

    @property
    def said(self) -> str:
        """The checksum of all bytes so far."""
        return _said(self._crc)


def crc32_of(pieces: Iterable[bytes | bytearray | memoryview]) -> str:
    """The checksum of the pieces, one after the other."""
    crc = Crc32()
    for piece in pieces:
        crc.update(piece)
    return crc.said


def crc32s_of_parts(parts: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """What may be told of an object, by each part's checksum and size in bytes.

    That is the whole's checksum, and the one of the parts' checksums; none where one of them is no
    CRC32.
    """
    try:
        words = [b64decode(check, validate=True) for check, _ in parts]
    except Error:
        return ()
    if not words or any(len(word) != _BYTES for word in words):
        return ()
    whole = 0
    for word, (_, size) in zip(words, parts, strict=True):
        whole = _times(_shift(size), whole) ^ int.from_bytes(word)
    return _said(whole), f"{_said(crc32(b''.join(words)))}-{len(words)}"


def is_of_parts(check: str) -> bool:
    """Whether it is of parts' checksums, which depends on how the object was cut."""
    return "-" in check


def _said(crc: int) -> str:
    return b64encode(crc.to_bytes(_BYTES)).decode()


def _times(one: int, other: int) -> int:
    """The product of two polynomials over GF(2), modulo the CRC's."""
    product = 0
    for power in range(32):
        if one & (_ONE >> power):
            product ^= other
        other = (other >> 1) ^ (_POLYNOMIAL if other & 1 else 0)
    return product


@lru_cache(maxsize=64)
def _shift(size: int) -> int:
    """x^(8 size): what a CRC is multiplied with when so many bytes follow (as zlib's combine)."""
    result, square, left = _ONE, _ONE >> 8, size
    while left:
        if left & 1:
            result = _times(square, result)
        square = _times(square, square)
        left >>= 1
    return result
