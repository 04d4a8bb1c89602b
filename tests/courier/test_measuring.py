"""What a job took is written down when it comes home, once, and later plans know it."""

from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.courier.known.learnt import Learnt
from cryoem_cloud.courier.learning.measuring import Measuring, ran_on
from cryoem_cloud.courier.machines.planning import Planning
from cryoem_cloud.model.errors import FormatError, StoreUnreachableError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.keys import measured_key
from cryoem_cloud.model.measured import Measured
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.settings import Settings
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.measured import measured_in, put_measured
from tests.planner.works import CLASS2D, L4, V100

from .conftest import MACHINE, Bench
from .ordering import Ordering
from .test_planning import Known, Planned

RAN_S = 500_000


class Timed(Ordering):
    """A job whose machine, an m5.large, tells how long its program ran."""

    def __init__(self, bench: Bench, **detail: object) -> None:
        super().__init__(bench)
        self.application = bench.application = Known(CLASS2D)
        self.means = replace(
            self.means,
            application=lambda _: self.application,
            learnt=Learnt(bench.top / "learnt"),
        )
        done, said = bench.done, detail or {"ran_s": RAN_S}
        bench.done = lambda **more: done(**{**more, **said})  # type: ignore[method-assign]  # tells more

    def kept(self) -> list[Measured]:
        found = measured_in(self.bench.store, self.bench.slip.project.name)
        return [each for each in found.values() if each]


def ending(**detail: object) -> Turn:
    return Turn(number=2, deed=Deed.DONE, holder="m", nonce="n", detail=detail)


def test_what_a_job_took_is_kept_by_machine_type_and_remembered_here(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    timed = Timed(bench)
    timed.run()
    (found,) = timed.kept()
    assert (found.job, found.kind, found.where) == (bench.slip.job.number, "m5.large", "aws")
    assert (found.work, found.ran_s) == (CLASS2D, RAN_S)
    assert timed.means.learnt.known(bench.slip.project.name) == (found,)
    charges = Ledger(bench.store, bench.slip.project.name).charges()
    assert {charge.machine for charge in charges} == {MACHINE}
    assert "left out of the ledger" not in caplog.text


def test_two_couriers_and_one_that_was_killed_write_it_once(bench: Bench) -> None:
    timed = Timed(bench)
    timed.run()
    before = timed.kept()
    for who in ("courier-1", "courier-2"):
        means = replace(timed.means, who=who)
        noting = Measuring(means=means, slip=bench.slip, records=bench.records)
        noting.note(ending(ran_s=RAN_S + 60))
    assert timed.kept() == before


def test_of_pieces_each_machine_type_counts_its_own(bench: Bench) -> None:
    shared = {MACHINE: [RAN_S, 700_000], "unknown": [9, 9]}
    timed = Timed(bench, ran=shared)
    timed.run()
    (found,) = timed.kept()
    assert (found.work.items, found.ran_s) == (700_000, RAN_S)


@pytest.mark.parametrize("detail", [{"ran_s": 0}, {"ran": {MACHINE: ["x"]}}, {"ran_s": "long"}])
def test_a_machine_that_tells_nothing_or_nonsense_is_no_trouble(
    bench: Bench, detail: dict[str, object]
) -> None:
    timed = Timed(bench, **detail)
    timed.run()
    assert timed.kept() == []
    assert bench.card().outcome is Outcome.SUCCESS


def test_a_job_whose_work_nobody_knows_comes_home_all_the_same(bench: Bench) -> None:
    timed = Timed(bench)
    timed.application.told = FormatError("a list that cannot be read")
    timed.run()
    assert timed.kept() == []
    assert bench.card().outcome is Outcome.SUCCESS


def test_how_long_machines_ran_is_read_strictly() -> None:
    assert ran_on(ending(ran_s=12)) == {"m": (12, 0)}
    assert ran_on(ending(ran={"a": [5, 2], "b": [0, 1], "c": [1]})) == {"a": (5, 2)}
    assert ran_on(ending(ran={}, ran_s=12)) == {"m": (12, 0)}
    assert ran_on(ending()) == {}
    with pytest.raises(FormatError):
        ran_on(ending(ran_s="12"))


def test_the_next_plan_uses_what_was_learnt_and_says_so(bench: Bench) -> None:
    project = bench.slip.project.name
    for kind in (L4, V100):
        for job in (91, 92, 93):
            put_measured(
                bench.store,
                project,
                Measured(job=job, kind=kind.name, where="aws", work=CLASS2D, ran_s=2 * RAN_S),
            )
    planned = Planned(bench)
    plain = Planning(
        means=planned.means,
        slip=bench.slip,
        records=bench.records,
        provider=planned.provider,
        settings=Settings(),
    )
    found = plain.chosen(None, lambda: 0)  # type: ignore[arg-type]  # which the program does not look at
    assert found is not None
    (kind_name,) = found.offers[0].kinds
    assert found.said[-1] == (
        f"cryoem: its time is known from 3 jobs of this project on {kind_name}"
    )
    assert found.paid_s > RAN_S


def test_what_was_read_once_is_not_read_again_and_a_store_that_is_away_hides_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, learnt = "p-1", Learnt(tmp_path / "cache")
    one, two = (
        Measured(job=n, kind=L4.name, where="aws", work=CLASS2D, ran_s=RAN_S) for n in (1, 2)
    )
    assert learnt.known(project) == ()
    put_measured(bench.store, project, one)
    bench.store.put(measured_key(project, 3, "odd"), b"no record")
    assert learnt.refreshed(bench.store, project) == (one,)
    put_measured(bench.store, project, two)
    got: list[str] = []
    get = bench.store.get

    def noted(key: str) -> bytes:
        got.append(key)
        return get(key)

    monkeypatch.setattr(bench.store, "get", noted)
    assert learnt.refreshed(bench.store, project) == (one, two)
    assert got == [measured_key(project, 2, L4.name)]

    def away(prefix: str) -> None:
        raise StoreUnreachableError("no answer")

    monkeypatch.setattr(bench.store, "list", away)
    assert learnt.refreshed(bench.store, project) == learnt.known(project) == (one, two)
    (tmp_path / "cache" / f"{project}.json").write_bytes(b"damaged")
    assert learnt.known(project) == ()
