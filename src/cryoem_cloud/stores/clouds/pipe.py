"""A stream that one thread reads and another one sends.

obstore takes pieces from an iterator in threads of its own, in which nothing may be asked of it;
but whoever gives a stream may read it from a store, and has errors of his own.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Full, Queue

__all__ = ["piped"]

_AHEAD = 2
_LOOK_S = 0.2
"""How soon it is noticed that nobody takes pieces any more."""


class _BrokenOffError(Exception):
    """Ends the sending; never leaves this module."""


def piped(source: Iterable[bytes], send: Callable[[Iterator[bytes]], None]) -> None:
    """Have `send` send the source's pieces, which are read in the caller's thread.

    An error of the source ends the sending with an error, and is passed on; then `send`'s own is.
    """
    queue: Queue[bytes | _BrokenOffError | None] = Queue(_AHEAD)

    def pieces() -> Iterator[bytes]:
        while (piece := queue.get()) is not None:
            if isinstance(piece, _BrokenOffError):
                raise piece
            yield piece

    with ThreadPoolExecutor(1, thread_name_prefix="cloud") as pool:
        sending = pool.submit(send, pieces())
        try:
            for piece in source:
                if not _given(queue, piece, sending):
                    break
            else:
                _given(queue, None, sending)
        except BaseException:
            _given(queue, _BrokenOffError(), sending)
            with suppress(Exception):
                sending.result()
            raise
        sending.result()


def _given(
    queue: "Queue[bytes | _BrokenOffError | None]",
    piece: bytes | _BrokenOffError | None,
    sending: Future[None],
) -> bool:
    """Give a piece; False where the sending has ended before it was taken."""
    while not sending.done():
        with suppress(Full):
            queue.put(piece, timeout=_LOOK_S)
            return True
    return False
