"""What the front commands work with; imports little."""

import getpass
import grp
import os
import platform
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread

from cryoem_cloud.courier.known.cards import Cards
from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.courier.submit import Counter
from cryoem_cloud.model.errors import CryoemError, StoreUnreachableError
from cryoem_cloud.settings import Places, own_umask
from cryoem_cloud.stores.ids import JobNumbers, reserve_block
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.stores import store_at, tag_of

__all__ = ["counter", "group_name", "submitter", "user_name"]

_PATIENCE_S = 3.0
"""For numbers that a submission lacks: callers of a queue wait for 5 s, all in all."""


def counter(places: Places, store: str) -> Counter:
    """Where jobs are handed in for a store."""
    return Counter(
        spool=spool_of(places),
        cards=Cards(places.state / "jobs"),
        numbers=JobNumbers(places.state / "numbers" / f"{tag_of(store)}.json"),
        reserve=lambda: _within(
            _PATIENCE_S, lambda: reserve_block(store_at(store), submitter()), store
        ),
        submitter=submitter(),
        now=SystemClock().now(),
        umask=own_umask(),
        group=group_name(),
    )


def _within(seconds: float, call: Callable[[], int], store: str) -> int:
    """What `call` gives, if it gives it in time; a server may take a request and never answer.

    Raises:
        StoreUnreachableError: It did not.
    """
    answer: Future[int] = Future()

    def ask() -> None:
        try:
            answer.set_result(call())
        except (CryoemError, OSError) as error:
            answer.set_exception(error)

    Thread(target=ask, daemon=True).start()  # one that still waits must not keep us from ending
    try:
        return answer.result(timeout=seconds)
    except TimeoutError:
        raise StoreUnreachableError(
            f"{store}: the store does not answer within {seconds:.0f} s",
            hint="check the network and AWS_ENDPOINT_URL, or try again later",
        ) from None


def submitter() -> str:
    """Who we are, for people: user and host."""
    return f"{user_name()}@{platform.node()}"


def group_name() -> str:
    """The Unix group that we work as; its number where the system knows no name for it."""
    try:
        return grp.getgrgid(os.getgid()).gr_name
    except (KeyError, OSError):
        return str(os.getgid())


def user_name() -> str:
    """The user's name; their number where the system knows no name for it, as in containers."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())
