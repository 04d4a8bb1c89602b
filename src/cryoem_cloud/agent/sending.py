"""Sends in the background what a task makes."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cryoem_cloud.agent.send import Sender
from cryoem_cloud.model.errors import CryoemError

__all__ = ["PERIOD_S", "sending"]

_LOG = logging.getLogger(__name__)

PERIOD_S = 0.8
"""Between looks at logs and outputs: part of the 2 s that a line may take home. A page is a request
that object stores charge for, so it is not shorter than it must be."""

_REST = 2.0
"""A look that took so long is followed by a rest of so many times that."""


@contextmanager
def sending(sender: Sender) -> Iterator[None]:
    """Within this, a thread sends what is new; what it cannot send now it tries again.

    A look at very many outputs takes long; then looks are made more seldom. A store that takes long
    is not waited for any longer than that. How long it lasted is then the sender's `lasted_s`.
    """
    stopped = threading.Event()

    def send() -> None:
        pause_s = 0.0
        while not stopped.wait(max(0.0, pause_s)):
            started_s = sender.clock.monotonic()
            try:
                sender.step()
            except CryoemError as error:
                _LOG.warning("not sent yet: %s", error)
            took_s = sender.clock.monotonic() - started_s
            pause_s = max(PERIOD_S - took_s, _REST * sender.looked_s)

    thread = threading.Thread(target=send, name="sending")
    thread.start()
    began_s = sender.clock.monotonic()
    try:
        yield
    finally:
        sender.lasted_s = sender.clock.monotonic() - began_s
        stopped.set()
        thread.join()
