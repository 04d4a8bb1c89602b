"""Cards: a damaged one hides no other, and none is there without its slip."""

from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.known.spool import Slip
from cryoem_cloud.courier.submit import Counter, submit
from cryoem_cloud.frontends.shell import ShellFrontend
from cryoem_cloud.model.job import Exit, Outcome
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.stores.ids import JobNumbers
from cryoem_cloud.testing.clock import StoppedClock
from cryoem_cloud.wiring.clock import SystemClock

from .conftest import Bench


@pytest.mark.parametrize("noise", [b"", b"{", b"\xff\0", b"{}"])
def test_a_damaged_card_is_set_aside_and_hides_no_other(bench: Bench, noise: bytes) -> None:
    folder = bench.top / "state/jobs"
    (folder / "00000009.p.json").write_bytes(noise)
    assert bench.cards.all() == (bench.card(),)
    assert (folder / "00000009.p.damaged").read_bytes() == noise


def test_a_card_of_a_newer_cryoem_stays_where_it_is(bench: Bench) -> None:
    file = bench.top / "state/jobs/00000009.p.json"
    file.write_bytes(b'{"kind":"card","v":99}')
    assert bench.cards.all() == (bench.card(),)
    assert file.exists()


def test_adding_leaves_a_card_that_knows_more(bench: Bench) -> None:
    bench.cards.write(replace(bench.card(), phase=Phase.RUNNING))
    bench.cards.add(Card.of_job(bench.slip.job, bench.slip.project))
    assert bench.card().phase is Phase.RUNNING


@pytest.mark.parametrize("fails", ["spool", "cards"])
def test_a_refused_submission_leaves_nothing(
    bench: Bench, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Card | Slip) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(getattr(bench, fails), "add", full)
    with pytest.raises(OSError, match="No space"):
        _submit(bench)
    assert bench.spool.slips() == (bench.slip,)
    assert bench.cards.all() == (bench.card(),)


def test_the_time_of_a_job_is_known_to_a_courier_that_was_started_later(bench: Bench) -> None:
    clock = StoppedClock()
    CardDesk(bench.card(), bench.cards, clock).phase(Phase.RUNNING)
    clock.sleep(7)
    CardDesk(bench.card(), bench.cards, clock).end(Exit(outcome=Outcome.SUCCESS))
    assert bench.card().run_s == 7


def _submit(bench: Bench) -> Card:
    out: Path = bench.project / "Out"
    counter = Counter(
        spool=bench.spool,
        cards=bench.cards,
        numbers=JobNumbers(bench.top / "more.json"),
        reserve=lambda: 101,
        submitter="me",
        now=SystemClock().now(),
        umask=0o022,
    )
    return submit(
        counter,
        Asked(project=bench.project, script="true", outputs=(out.name,)),
        project=bench.slip.project,
        application=Shell(),
        frontend=ShellFrontend(),
        environment={},
    )
