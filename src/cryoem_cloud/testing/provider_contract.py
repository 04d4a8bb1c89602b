"""What every provider of machines must do, as tests to inherit.

```python
class TestMyProvider(ProviderContract):
    @pytest.fixture
    def bench(self, tmp_path):
        return MyBench(tmp_path)
```
A bench is a provider whose machines run something that a test can steer, in place of an agent.
"""

import time
from collections.abc import Callable
from typing import Protocol

from cryoem_cloud.model.machine import Fleet, State
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.ports.provider import MOST_FAILURES, Order, Provider

__all__ = ["Bench", "ProviderContract"]

_TOKEN = "project-00000000-00000001-1"  # noqa: S105  (an order's name, no secret)
_TWO = 2
_PATIENCE_S = 60.0
_LOOK_S = 0.02


class Bench(Protocol):
    """A provider, and power over what its machines run."""

    @property
    def provider(self) -> Provider:
        """The provider; a new object at each call, as another process would have."""
        ...

    def boot_well(self, *, well: bool) -> None:
        """Whether machines that are started from now on come up, or say `no luck` and end."""
        ...

    def crash(self, machine: str) -> None:
        """End a machine's agent without it saying that it leaves."""
        ...

    def work(self, machine: str) -> None:
        """Have a machine's agent say that it came through a turn; returns once it is said."""
        ...

    def leave(self, machine: str) -> None:
        """Have a machine's agent say that it leaves, and end."""
        ...


def _true(said: object, what: str) -> None:
    if not said:
        raise AssertionError(what)


def _order(count: int = 2) -> Order:
    return Order(
        token=_TOKEN,
        store="file:///nowhere",
        project="project-00000000",
        job=1,
        count=count,
        offer=Offer(("m5.large", "m5a.large"), Market.SPOT),
    )


def _strong(fleet: Fleet) -> bool:
    return len(fleet.alive) == _TWO


def _until(look: Callable[[], Fleet], good: Callable[[Fleet], bool], what: str) -> Fleet:
    """The fleet as soon as it is `good`."""
    until_s = time.monotonic() + _PATIENCE_S
    while not good(fleet := look()):
        _true(time.monotonic() < until_s, f"{what}: {fleet}")
        time.sleep(_LOOK_S)
    return fleet


def _names(fleet: Fleet) -> set[str]:
    return {machine.name for machine in fleet.alive}


def _all_up(count: int) -> Callable[[Fleet], bool]:
    return lambda fleet: [m.state for m in fleet.alive] == [State.UP] * count


def _without(names: set[str]) -> Callable[[Fleet], bool]:
    return lambda fleet: not names & _names(fleet)


class ProviderContract:
    """The port's docstrings, as tests."""

    def test_an_unknown_token_is_an_empty_fleet(self, bench: Bench) -> None:
        """Looking and ending are harmless there."""
        _true(bench.provider.look(_TOKEN) == Fleet(), "an unknown token has machines")
        bench.provider.end(_TOKEN)
        bench.provider.forget(_TOKEN)
        _true(_TOKEN not in bench.provider.tokens(), "ending made a fleet")

    def test_keeping_again_changes_nothing(self, bench: Bench) -> None:
        """The same token is the same fleet, for any process."""
        first = _until(lambda: bench.provider.keep(_order()), _strong, "not at strength")
        for _ in range(3):
            _true(_names(bench.provider.keep(_order())) == _names(first), "another fleet")
        up = _until(lambda: bench.provider.look(_TOKEN), _all_up(2), "not up")
        _true(_names(up) == _names(first), "other machines came up")
        _true(_names(bench.provider.keep(_order())) == _names(first), "another fleet, once up")
        _true(bench.provider.tokens() == (_TOKEN,), "the fleet is not listed")
        bench.provider.end(_TOKEN)

    def test_a_crashed_machine_is_replaced(self, bench: Bench) -> None:
        """Its name is not used again, and it is told to be gone."""
        bench.provider.keep(_order())
        fleet = _until(lambda: bench.provider.look(_TOKEN), _all_up(2), "not up")
        lost, kept = sorted(_names(fleet))
        bench.crash(lost)
        _until(lambda: bench.provider.look(_TOKEN), _without({lost}), "not gone")
        after = _until(lambda: bench.provider.keep(_order()), _all_up(2), "not replaced")
        _true(kept in _names(after), "the other machine was replaced too")
        _true(lost not in _names(after), "the lost machine's name was used again")
        _true(
            any(m.name == lost and m.state is State.GONE for m in after.machines),
            "the lost machine is not told to be gone",
        )
        bench.provider.end(_TOKEN)

    def test_a_machine_that_left_is_not_replaced(self, bench: Bench) -> None:
        """There was nothing to do for it."""
        bench.provider.keep(_order())
        fleet = _until(lambda: bench.provider.look(_TOKEN), _all_up(2), "not up")
        left, stays = sorted(_names(fleet))
        bench.leave(left)
        after = _until(
            lambda: bench.provider.look(_TOKEN), lambda f: _names(f) == {stays}, "not gone"
        )
        _true([m.name for m in after.left] == [left], "it is not told to have left")
        for _ in range(3):
            fleet = bench.provider.keep(_order())
            _true(_names(fleet) == {stays} and not fleet.spent, "it was replaced")
        bench.leave(stays)
        _until(lambda: bench.provider.keep(_order()), lambda f: f.spent, "it is not told")
        bench.provider.end(_TOKEN)

    def test_a_machine_that_is_dismissed_ends_and_is_not_replaced(self, bench: Bench) -> None:
        """The other one goes on; again, and of an unknown one, is the same."""
        bench.provider.keep(_order())
        fleet = _until(lambda: bench.provider.look(_TOKEN), _all_up(2), "not up")
        sent, stays = sorted(_names(fleet))
        for machine in (sent, sent, "nobody"):
            bench.provider.dismiss(machine)
        after = _until(
            lambda: bench.provider.look(_TOKEN), lambda f: _names(f) == {stays}, "not gone"
        )
        _true([m.name for m in after.left] == [sent], "it is not told to have left")
        for _ in range(3):
            _true(_names(bench.provider.keep(_order())) == {stays}, "it was replaced")
        _true(bench.provider.console("nobody") == "", "nobody printed something")
        bench.provider.end(_TOKEN)

    def test_machines_that_do_not_boot_are_given_up(self, bench: Bench) -> None:
        """After so many in a row, or at once where each leaves; the last one's words are told."""
        bench.boot_well(well=False)
        most = _order().most_failures
        fleet = _until(
            lambda: bench.provider.keep(_order()),
            lambda f: f.spent and bool(f.failures),
            "tried for ever",
        )
        _true("no luck" in fleet.failure_log, f"the log says {fleet.failure_log!r}")
        tried = len(fleet.machines)
        _true(not fleet.alive and _TWO <= tried <= most + 1, f"{tried} machines")
        for _ in range(3):
            _true(len(bench.provider.keep(_order()).machines) == tried, "it went on")
        bench.provider.end(_TOKEN)

    def test_a_fleet_that_is_lost_at_once_is_replaced(self, bench: Bench) -> None:
        """However many its machines are: their computer may have been started anew."""
        order = _order(MOST_FAILURES + 1)
        fleet = _until(lambda: bench.provider.keep(order), _all_up(order.count), "not up")
        for machine in fleet.alive:
            bench.crash(machine.name)
        _until(lambda: bench.provider.look(_TOKEN), _without(_names(fleet)), "not gone")
        again = _until(lambda: bench.provider.keep(order), _all_up(order.count), "not replaced")
        _true(not _names(again) & _names(fleet), "names were used again")
        bench.provider.end(_TOKEN)

    def test_machines_that_break_once_they_are_up_are_given_up(self, bench: Bench) -> None:
        """To have come up is not enough: they would be bought again for ever."""
        for broken in range(1, MOST_FAILURES + 1):
            fleet = _until(lambda: bench.provider.keep(_order(1)), _all_up(1), "not up")
            _true(fleet.failures == broken - 1, f"{fleet.failures} failures, not {broken - 1}")
            bench.crash(fleet.alive[0].name)
            _until(lambda: bench.provider.look(_TOKEN), _without(_names(fleet)), "not gone")
        fleet = _until(lambda: bench.provider.keep(_order(1)), lambda f: f.spent, "it went on")
        tried = len(fleet.machines)
        _true(MOST_FAILURES <= tried <= MOST_FAILURES + 1, f"{tried} machines")
        for _ in range(3):
            fleet = bench.provider.keep(_order(1))
            _true(len(fleet.machines) == tried and not fleet.alive, "it went on")
            _true(fleet.failures >= MOST_FAILURES, f"{fleet.failures} failures")
        bench.provider.end(_TOKEN)

    def test_a_machine_that_worked_forgives_those_that_did_not(self, bench: Bench) -> None:
        """Only failures in a row count."""
        for _ in range(2):
            fleet = _until(lambda: bench.provider.keep(_order(1)), _all_up(1), "not up")
            bench.crash(fleet.alive[0].name)
            _until(lambda: bench.provider.look(_TOKEN), _without(_names(fleet)), "not gone")
        fleet = _until(lambda: bench.provider.keep(_order(1)), _all_up(1), "never up")
        _true(fleet.failures == _TWO, f"{fleet.failures} failures")
        bench.work(fleet.alive[0].name)
        again = _until(lambda: bench.provider.look(_TOKEN), lambda f: not f.failures, "remembered")
        bench.crash(again.alive[0].name)
        fleet = _until(lambda: bench.provider.look(_TOKEN), _without(_names(again)), "not gone")
        _true(fleet.failures == 0, "its end counts as a failure")
        bench.provider.end(_TOKEN)

    def test_an_end_ends_all(self, bench: Bench) -> None:
        """Machines that are up and that start; nothing replaces them; again is the same."""
        bench.provider.keep(_order())
        for _ in range(2):
            bench.provider.end(_TOKEN)
        _until(lambda: bench.provider.look(_TOKEN), lambda f: not f.alive, "machines live on")
        _true(not bench.provider.keep(_order()).alive, "an ended fleet was started again")
        bench.provider.forget(_TOKEN)
        _true(bench.provider.look(_TOKEN) == Fleet(), "something is remembered")
        _true(_TOKEN not in bench.provider.tokens(), "a forgotten fleet is listed")
