"""Jobs get their machines from the planner, once, or from the table where it knows nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.courier.machines.planning import Planning
from cryoem_cloud.model.allowance import Allowance
from cryoem_cloud.model.errors import FormatError, ProviderError, StoreUnreachableError
from cryoem_cloud.model.footing import Footing
from cryoem_cloud.model.job import Job, Outcome, Wish
from cryoem_cloud.model.machine import Fleet
from cryoem_cloud.model.machine_type import Listing
from cryoem_cloud.model.offer import Market, Offer
from cryoem_cloud.model.work import Work
from cryoem_cloud.planner.catalog.catalogue import Catalogue
from cryoem_cloud.planner.static import offers_for
from cryoem_cloud.ports.application import Shape
from cryoem_cloud.ports.provider import Order
from cryoem_cloud.ports.view import View
from cryoem_cloud.settings import Settings
from tests.planner.works import CLASS2D, L4, LISTINGS, V100, listing

from .conftest import Bench
from .ordering import Ordering, Priced

_KNOWN = {each.kind.name: each.kind for each in LISTINGS}


class Known(Shell):
    """A program whose work is known, or nobody can say."""

    def __init__(self, work: Work | Exception | None) -> None:
        self.told, self.asked = work, 0
        self.shapes: list[Shape] = []

    def work(self, job: Job, view: View) -> Work | None:
        self.asked += 1
        if isinstance(self.told, Exception):
            raise self.told
        return self.told

    def adapted(self, job: Job, shape: Shape, view: View) -> str:
        self.shapes.append(shape)
        return super().adapted(job, shape, view)


class Planned(Ordering):
    """An errand of a job whose work is known, at a provider of some types."""

    def __init__(self, bench: Bench, work: Work | Exception | None = CLASS2D) -> None:
        super().__init__(bench)
        self.application = Known(work)
        bench.application = self.application
        self.orders: list[Order] = []
        self.listings: tuple[Listing, ...] = LISTINGS
        self.asked_of: list[tuple[str, Path]] = []
        self.means = replace(
            self.means,
            application=lambda _: self.application,
            catalogue=self.catalogue,
        )
        keep = self.provider.keep

        def kept(order: Order) -> Fleet:
            self.orders.append(order)
            return keep(order)

        self.provider.keep = kept  # type: ignore[method-assign]  # looks at what is ordered
        self.provider.shape = self.shape  # type: ignore[method-assign]  # by the type

    def catalogue(self, region: str, folder: Path) -> Catalogue:
        self.asked_of.append((region, folder))
        return Catalogue(day="2026-07-05", listings=self.listings)

    def shape(self, offer: Offer) -> Shape:
        if (kind := _KNOWN.get(offer.kinds[0])) is None:
            if offer in offers_for(self.bench.slip.job.script, self.bench.slip.job.wish):
                return Shape(cores=8, memory_gib=64)
            raise ProviderError(f"there is no {offer.kinds[0]}")
        return Shape(cores=kind.cores, memory_gib=kind.memory_gib, gpus=kind.gpus)

    def wish(self, wish: Wish) -> None:
        slip = self.bench.slip
        self.bench.slip = replace(slip, job=replace(slip.job, wish=wish))

    @property
    def table(self) -> tuple[Offer, ...]:
        return offers_for(self.bench.slip.job.script, self.bench.slip.job.wish)


@pytest.fixture
def planned(bench: Bench) -> Planned:
    return Planned(bench)


def test_a_job_gets_the_machine_of_the_plan_and_its_script_is_for_that_one(
    planned: Planned,
) -> None:
    planned.run()
    assert planned.bench.card().outcome is Outcome.SUCCESS
    plan = planned.bench.records.plan()
    assert plan is not None
    (kind,) = plan.offers[0].kinds
    assert kind in {V100.name, L4.name}
    assert {order.offer for order in planned.orders} == {plan.offers[0]}
    assert {order.count for order in planned.orders} == {1}
    (shape,) = set(map(repr, planned.application.shapes))
    assert "gpus=4" in shape
    assert planned.asked_of == [("us-east-1", planned.bench.project)]
    assert planned.application.asked == 1


def test_the_plan_stands_in_the_log_before_the_job_starts_and_in_its_task(
    planned: Planned,
) -> None:
    seen: list[str] = []
    planned.at(60, lambda: seen.append(planned.out))
    planned.run()
    plan = planned.bench.records.plan()
    assert plan is not None
    assert seen == [f"before\n{plan.text}"]
    (task,) = planned.bench.records.tasks(0)
    assert task.remark == plan.text.rstrip("\n")


def test_where_spot_has_none_the_same_is_ordered_on_demand(planned: Planned) -> None:
    planned.provider.has_none = Market.SPOT
    planned.run()
    plan = planned.bench.records.plan()
    assert plan is not None
    assert tuple(dict.fromkeys(order.offer for order in planned.orders)) == plan.offers
    assert [offer.market for offer in plan.offers] == [Market.SPOT, Market.ON_DEMAND]


def test_a_courier_that_takes_over_does_as_was_decided(planned: Planned, bench: Bench) -> None:
    """Though prices are others by now."""
    planning = Planning(
        means=planned.means,
        slip=bench.slip,
        records=bench.records,
        provider=planned.provider,
        settings=Settings(),
    )
    view: View = None  # type: ignore[assignment]  # which the test's program does not look at
    first = planning.chosen(view, lambda: 0)
    assert first is not None
    (kind,) = first.offers[0].kinds
    others = [each for each in LISTINGS if each.kind.name != kind]
    planned.listings = tuple(others)
    assert planning.chosen(view, lambda: 0) == first
    planned.run()
    assert planned.application.asked == 1
    assert {order.offer for order in planned.orders} == {first.offers[0]}


def test_a_job_that_has_tasks_of_before_is_not_planned(planned: Planned, bench: Bench) -> None:
    """Of an older version: its script is for a machine of the table."""
    unplanned = Planned(bench, None)
    unplanned.at(1, unplanned.means.stopping.set)
    unplanned.run()
    assert bench.records.tasks(0)
    planned.run()
    assert planned.application.asked == 0
    assert planned.orders[0].offer == planned.table[0]


@pytest.mark.parametrize(
    "work", [None, FormatError("a list that cannot be read"), Work(program=CLASS2D.program)]
)
def test_where_nobody_knows_the_work_the_table_holds(
    bench: Bench, work: Work | Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    planned = Planned(bench, work)
    planned.run()
    assert planned.bench.card().outcome is Outcome.SUCCESS
    assert {order.offer for order in planned.orders} == {planned.table[0]}
    assert bench.records.plan() is None
    assert planned.out.startswith("before\nworked\n")
    assert "no plan, machines by the table" in caplog.text


def test_what_the_provider_does_not_have_is_not_planned(planned: Planned) -> None:
    odd = replace(L4, name="g9.12xlarge")
    planned.listings = (listing(odd, "0.10", "0.05"),)
    planned.run()
    assert planned.orders[0].offer == planned.table[0]


def test_what_the_account_may_not_start_is_not_ordered(planned: Planned) -> None:
    asked: list[tuple[str, str]] = []
    none_on_spot = Allowance(
        region="us-west-2",
        market=Market.SPOT,
        families=frozenset(["g", "p"]),
        vcpus=0,
        whose="G and P",
        more="ask-for",
    )

    def footing(region: str, store: str) -> Footing:
        asked.append((region, store))
        return Footing(region=region, asked=datetime.now(UTC), allowances=(none_on_spot,))

    planned.means = replace(planned.means, footing=footing)
    planned.run()
    assert asked == [("us-east-1", planned.bench.slip.project.store)]
    assert {order.offer.market for order in planned.orders} == {Market.ON_DEMAND}


def test_a_job_whose_quotas_leave_no_machine_fails_and_says_so(planned: Planned) -> None:
    nothing = nothing_on_gpus(0)
    planned.means = replace(
        planned.means, footing=lambda *_: nothing, footing_now=lambda *_: nothing
    )
    planned.run()
    card = planned.bench.card()
    assert (card.outcome, planned.orders) == (Outcome.FAILURE, [])
    assert planned.bench.records.plan() is None
    end = planned.bench.records.end()
    assert end is not None
    assert (
        "the account may start 0 of G and P in us-west-2: ask for more with ask-for" in end.reason
    )
    assert "the account's quotas leave no machine" in end.reason


def test_quotas_that_leave_nothing_are_asked_for_anew(planned: Planned) -> None:
    planned.means = replace(
        planned.means,
        footing=lambda *_: nothing_on_gpus(0),
        footing_now=lambda *_: nothing_on_gpus(500),
    )
    planned.run()
    assert planned.bench.card().outcome is Outcome.SUCCESS
    assert planned.bench.records.plan() is not None


def nothing_on_gpus(vcpus: int) -> Footing:
    allowances = tuple(
        Allowance(
            region="us-west-2",
            market=market,
            families=frozenset(["g", "p"]),
            vcpus=vcpus,
            whose="G and P",
            more="ask-for",
        )
        for market in Market
    )
    return Footing(region="us-west-2", asked=datetime.now(UTC), allowances=allowances)


def test_a_store_that_does_not_answer_is_no_reason_for_other_machines(bench: Bench) -> None:
    planned = Planned(bench, StoreUnreachableError("no answer"))

    def answers() -> None:
        planned.application.told = CLASS2D

    planned.at(1, answers)
    planned.run()
    assert bench.records.plan() is not None


def test_a_machine_type_that_was_named_stays_and_is_priced(planned: Planned) -> None:
    planned.wish(Wish(machine=V100.name, market="on-demand"))
    planned.run()
    assert {order.offer for order in planned.orders} == {Offer((V100.name,), Market.ON_DEMAND)}
    plan = planned.bench.records.plan()
    assert plan is not None
    assert f"1 x {V100.name}, on-demand" in plan.said[0]


def test_asked_is_by_the_plan_and_reserved_by_the_hard_limit(planned: Planned) -> None:
    planned.settings = Settings(ask_above="0.50")
    seen: list[tuple[str, str, Decimal]] = []

    def agree() -> None:
        held = planned.budget.read().held("2026-01")
        seen.append((planned.bench.card().note, planned.out, held))
        planned.bench.spool.approve(planned.bench.slip.name)

    planned.at(60, agree)
    keep, held = planned.provider.keep, set[Decimal]()

    def kept(order: Order) -> Fleet:
        held.add(planned.budget.read().held("2026-01"))
        return keep(order)

    planned.provider.keep = kept  # type: ignore[method-assign]  # looks before it is ordered
    planned.run()
    plan = planned.bench.records.plan()
    assert plan is not None
    ((note, out, before),) = seen
    assert f"nine times of ten at most ${plan.usd_p90:.2f}: 1 machine like" in note
    assert out.startswith(f"before\n{plan.text}cryoem: job 1 needs approval")
    assert before == 0
    assert held == {Decimal("28.80")}, "24 h at the price of the test's rates"


def test_what_the_plan_expects_to_be_cheap_asks_nobody(planned: Planned) -> None:
    plan_of = Planned(planned.bench)
    settings = Settings(ask_above="25")
    plan_of.settings = settings
    plan_of.run()
    plan = planned.bench.records.plan()
    assert plan is not None
    assert plan.usd_p90 < 25 < Decimal("28.80")
    assert planned.bench.card().outcome is Outcome.SUCCESS
    assert plan_of.clock.monotonic() < 3600


def test_a_budget_of_the_job_that_nothing_keeps_is_asked_about(planned: Planned) -> None:
    planned.wish(Wish(budget_usd=Decimal("0.10")))
    notes: list[str] = []

    def stop() -> None:
        notes.append(planned.bench.card().note)
        planned.bench.spool.ask_stop(planned.bench.slip.name)

    planned.at(60, stop)
    planned.run()
    assert planned.orders == []
    assert notes[0].startswith("needs approval")
    assert "so the cheapest" in planned.out


def test_machines_of_this_computer_are_not_planned(planned: Planned) -> None:
    class Own(Priced):
        sells = False

    planned.provider = Own(planned.bench, planned.clock)
    planned.provider.has_none = Market.SPOT
    planned.run()
    assert planned.application.asked == 0
    assert planned.bench.records.plan() is None
