"""Checksums of objects as stores keep them: four bytes in base64, as S3 says it.

CRC32 (zlib's), or `crc32c:` and CRC32C, for which processors have an instruction (here 14 GB/s and
core; zlib's: 4) but whose package takes 45 ms to import: so large files' parts have it. Of an
object that was put together of parts a store may keep the CRC of the parts' CRCs, with their number
behind it: `vB3cVw==-2`. It guards against accidents, not against forgers; digests do.
"""

import zlib
from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

__all__ = ["CRC32C", "Crc", "checks_of_parts", "crc32_of", "crc32c_of", "is_of_parts", "kind_of"]

CRC32, CRC32C = "", "crc32c:"
"""The kinds, and how their words begin."""
_BYTES = 4
_POLYNOMIALS = {CRC32: 0xEDB88320, CRC32C: 0x82F63B78}
_ONE = 1 << 31
"""x^0, as the CRC has its bits: the highest is the lowest power's."""

_Bytes = bytes | bytearray | memoryview


class Crc:
    """The checksum of bytes that come in pieces."""

    def __init__(self, kind: str = CRC32) -> None:
        self._kind = kind
        self._function = _function(kind)
        self._crc = 0

    def update(self, piece: _Bytes) -> None:
        """Take the next piece."""
        self._crc = self._function(piece, self._crc)

    @property
    def said(self) -> str:
        """The checksum of all bytes so far."""
        return self._kind + _said(self._crc)


def crc32_of(pieces: Iterable[_Bytes]) -> str:
    """The CRC32 of the pieces, one after the other."""
    return _of(pieces, Crc(CRC32))


def crc32c_of(pieces: Iterable[_Bytes]) -> str:
    """The CRC32C of the pieces, one after the other."""
    return _of(pieces, Crc(CRC32C))


def _of(pieces: Iterable[_Bytes], crc: Crc) -> str:
    for piece in pieces:
        crc.update(piece)
    return crc.said


def checks_of_parts(parts: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    """What may be told of an object, by each part's checksum and size in bytes.

    That is the whole's checksum, and the one of the parts' checksums; none where one of them is no
    checksum, or they are of two kinds.
    """
    kinds = {kind_of(check) for check, _ in parts}
    if len(kinds) != 1:
        return ()
    kind = kinds.pop()
    try:
        words = [b64decode(check.removeprefix(kind), validate=True) for check, _ in parts]
    except Error:
        return ()
    if any(len(word) != _BYTES for word in words):
        return ()
    whole = 0
    for word, (_, size) in zip(words, parts, strict=True):
        whole = _times(_shift(size, kind), whole, kind) ^ int.from_bytes(word)
    of_parts = _of([b"".join(words)], Crc(kind))
    return kind + _said(whole), f"{of_parts}-{len(words)}"


def kind_of(check: str) -> str:
    """Which kind of checksum it is."""
    return CRC32C if check.startswith(CRC32C) else CRC32


def is_of_parts(check: str) -> bool:
    """Whether it is of parts' checksums, which depends on how the object was cut."""
    return "-" in check


def _said(crc: int) -> str:
    return b64encode(crc.to_bytes(_BYTES)).decode()


def _function(kind: str) -> Callable[[_Bytes, int], int]:
    if kind == CRC32:
        return zlib.crc32
    from crc32c import crc32c  # noqa: PLC0415  (see above)

    found: Callable[[_Bytes, int], int] = crc32c
    return found


def _times(one: int, other: int, kind: str) -> int:
    """The product of two polynomials over GF(2), modulo the CRC's."""
    product = 0
    for power in range(32):
        if one & (_ONE >> power):
            product ^= other
        other = (other >> 1) ^ (_POLYNOMIALS[kind] if other & 1 else 0)
    return product


@lru_cache(maxsize=64)
def _shift(size: int, kind: str) -> int:
    """x^(8 size): what a CRC is multiplied with when so many bytes follow (as zlib's combine)."""
    result, square, left = _ONE, _ONE >> 8, size
    while left:
        if left & 1:
            result = _times(square, result, kind)
        square = _times(square, square, kind)
        left >>= 1
    return result
