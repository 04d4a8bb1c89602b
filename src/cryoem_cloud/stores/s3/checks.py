"""Checksums that S3 compares with the bytes that came, as it says them.

Of parts CRC32C: processors have an instruction for it (here 14 GB/s and core; zlib's CRC32: 4). Of
single objects CRC32, as the package takes 45 ms to import and they are small.
"""

from base64 import b64encode
from collections.abc import Sequence
from zlib import crc32

from cryoem_cloud.ports.parts import Buffer

__all__ = ["crc32_of", "crc32c_of"]


def crc32_of(pieces: Sequence[Buffer]) -> str:
    """CRC32 of the pieces, one after the other."""
    crc = 0
    for piece in pieces:
        crc = crc32(piece, crc)
    return _said(crc)


def crc32c_of(pieces: Sequence[Buffer]) -> str:
    """CRC32C of the pieces, one after the other."""
    from crc32c import crc32c  # noqa: PLC0415  (see above)

    crc = 0
    for piece in pieces:
        crc = crc32c(piece, crc)
    return _said(crc)


def _said(crc: int) -> str:
    return b64encode(crc.to_bytes(4, "big")).decode()
