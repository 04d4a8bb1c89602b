"""A gain as an object of a store: a row of blocks whose name is the digest of what they hold."""

import errno
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from tempfile import TemporaryFile, gettempdir
from typing import BinaryIO

from cryoem_cloud.model.digest import Digester
from cryoem_cloud.model.errors import (
    CorruptObjectError,
    NoSpaceError,
    ObjectExistsError,
    ObjectMissingError,
)
from cryoem_cloud.model.keys import gain_key, is_gain_key
from cryoem_cloud.mover.codec import Gain, Way, decode_into, encoded, told
from cryoem_cloud.mover.frames import frames_in
from cryoem_cloud.ports.store import CHUNK_BYTES, Store

__all__ = ["Sending", "fetch_gain", "gain_in", "put_gain"]

Sending = Callable[[int], AbstractContextManager[object]]

_ITEM = 4
_BLOCK_BYTES = 1024 * 1024
_BLOCK_PIXELS = _BLOCK_BYTES // _ITEM
_MOST_BYTES = 2**31
"""Of a gain, unpacked; cameras have up to 2^27 pixels."""
_TRIES = 3
"""What came damaged is asked for again: the network may have done it, or the store."""
_HINT = (
    "the movies that need it cannot be read without it: cryoem verify --repair sends those again"
    " that are here as they were stored"
)


def gain_in(name: str, file: BinaryIO) -> Gain:
    """The gain that lies in an open file, which may be closed and removed then.

    Raises:
        CorruptObjectError: The file holds another one.
    """
    digester = Digester()
    file.seek(0)
    while chunk := file.read(_BLOCK_BYTES):
        digester.update(chunk)
    if not digester.size or digester.size % _ITEM or gain_key(digester.digest) != name:
        raise CorruptObjectError(f"{name}: the gain is not the one that was stored", hint=_HINT)
    return Gain(name, digester.size // _ITEM, _Reader(file.fileno()).read)


def put_gain(store: Store, key: str, gain: Gain, sending: Sending) -> None:
    """See to it that the store has the gain under that key.

    `sending` is told how many bytes are to be sent, which go within what it gives.
    """
    with suppress(ObjectMissingError):
        store.size(key)
        return
    with TemporaryFile() as file:
        for first in range(0, gain.pixels, _BLOCK_PIXELS):
            raw = gain.read(first, min(_BLOCK_PIXELS, gain.pixels - first))
            file.writelines(encoded(raw, Way("planes4")))
        size = file.tell()
        # taken: by somebody else, or by us, if the reply was lost
        with sending(size), suppress(ObjectExistsError):
            store.put_stream(key, _chunks(file), size=size, if_absent=True)


def fetch_gain(store: Store, key: str, name: str) -> Gain:
    """The gain of that name, verified; it lies in a file without a name.

    Raises:
        CorruptObjectError: The store has another one, however often it is asked for.
        NoSpaceError: The disk for temporary files is full.
        ObjectMissingError: The store has none.
    """
    if not is_gain_key(name):
        raise CorruptObjectError(f"{name!r:.80} is no name of a gain")
    left = _TRIES
    while True:
        left -= 1
        try:
            return _fetched(store, key, name)
        except ObjectMissingError as error:
            said = f"{name}: the gain is not in {store.url}"
            raise ObjectMissingError(said, hint=_HINT) from error
        except CorruptObjectError as error:
            if not left:
                said = f"{name}: the gain is damaged in {store.url}"
                raise CorruptObjectError(said, hint=_HINT) from error
        except OSError as error:
            if error.errno in {errno.ENOSPC, errno.EDQUOT}:
                said = f"{gettempdir()} is full, where a gain is to be kept for a while"
                raise NoSpaceError(said, hint="free some space there, or set TMPDIR") from error
            raise


def _fetched(store: Store, key: str, name: str) -> Gain:
    with TemporaryFile() as file:
        for raw in _unpacked(store.get_stream(key)):
            file.write(raw)
        return gain_in(name, file)


class _Reader:
    """Reads pixels of an open file, in any order and by several threads."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = os.dup(descriptor)
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, first: int, count: int) -> bytes:
        """So many pixels from that one on.

        Raises:
            CorruptObjectError: There are not so many.
        """
        data = os.pread(self._descriptor, _ITEM * count, _ITEM * first)
        if len(data) != _ITEM * count:
            raise CorruptObjectError("a gain became shorter while it was used")
        return data


def _unpacked(chunks: Iterator[bytes]) -> Iterator[memoryview]:
    buffer, size = memoryview(bytearray(_BLOCK_BYTES)), 0
    for _, stored in frames_in(chunks):
        length, _ = told(stored)
        size += length
        if not 0 < length <= _BLOCK_BYTES or size > _MOST_BYTES:
            raise CorruptObjectError("it is no gain that was stored by us")
        decode_into(stored, buffer[:length])
        yield buffer[:length]


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(CHUNK_BYTES):
        yield chunk
