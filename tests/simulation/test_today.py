"""A pipeline under today's prices: what it begins with, and that it is what the dice say."""

import json
import random
from importlib import resources
from statistics import quantiles

import pytest

from cryoem_cloud.cli.money.simulated import Simulated, simulated
from cryoem_cloud.model.errors import FormatError, UsageError
from cryoem_cloud.model.offer import Market
from cryoem_cloud.model.spread import Spread
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.planner.memory import lacking
from cryoem_cloud.planner.performance import published
from cryoem_cloud.planner.published import pipeline
from cryoem_cloud.planner.published.replay import replayed
from cryoem_cloud.simulation.inputs import Inputs, inputs_of
from cryoem_cloud.simulation.steps import steps_of
from cryoem_cloud.simulation.world import drawn, world

REGION = "us-east-2"
MEASURED_K80_H = {
    "2D classification": 59.9,
    "3D autorefine (1)": 41.5,
    "3D classification": 47.0,
    "3D autorefine (2)": 49.3,
}
"""On one die: what the published runs took, without what more GPUs do not shorten."""


@pytest.fixture(scope="module")
def found() -> Simulated:
    return simulated(pipeline("10061"), market=Market.SPOT, region=REGION, seed=1, draws=2)


def test_every_assumption_has_a_source_and_a_day() -> None:
    file = resources.files("cryoem_cloud.simulation") / "inputs-10061.json"
    fields = json.loads(file.read_text())
    assert fields["day"] <= "2026-11-29"
    rows = [each for each in fields.values() if isinstance(each, dict)]
    assert all(len(each["source"]) > 10 for each in [*rows, *fields["steps"]])


def test_the_steps_are_the_published_ones_and_take_what_was_measured() -> None:
    steps = inputs_of("10061").steps
    assert [each.name for each in steps] == [each.name for each in pipeline("10061").steps]
    assert {s.name: s.k80_h.p50 for s in steps if s.k80_h and s.items == 1} == MEASURED_K80_H


def test_assumptions_are_within_what_is_published() -> None:
    """The link is the published upload's; machines' GPUs and prices are the catalogue's own."""
    inputs, replay = inputs_of("10061"), replayed(pipeline("10061"))
    upload_s = float(replay.steps[0].step.moving_h) * 3600
    assert inputs.link_bytes_per_s.p50 == pytest.approx(inputs.bytes / upload_s, rel=0.02)
    assert inputs.link_bytes_per_s.p90 <= 1.05 * inputs.link_bytes_per_s.p50
    assert inputs.ratio.p50 <= 3.0
    assert inputs.ratio.p90 <= 8.4  # what RELION's documentation reports of movies with gains
    assert inputs.boot_s.p10 >= 56
    assert inputs.boot_s.p90 >= 300
    assert inputs.losses_h.p50 > 0
    by_rate = inputs.bytes / upload_s / 3600
    for step, row in list(zip(inputs.steps, replay.steps, strict=True))[1:]:
        hours = float(row.step.moving_h)
        assert step.input_bytes == pytest.approx(hours * 3600 * by_rate * 3600, rel=0.03)


def test_what_is_drawn_is_below_p10_once_of_ten() -> None:
    dice, range_ = random.Random(3), Spread(2.0, 3.0, 9.0)
    values = [drawn(range_, dice) for _ in range(20_000)]
    tenths = quantiles(values, n=10)
    assert tenths[0] == pytest.approx(2.0, rel=0.02)
    assert tenths[4] == pytest.approx(3.0, rel=0.02)
    assert tenths[8] == pytest.approx(9.0, rel=0.04)
    assert drawn(Spread.exactly(5.0), dice) == 5.0


def test_a_world_has_one_value_of_everything() -> None:
    inputs, rates = inputs_of("10061"), published()
    first, second = (world(inputs, rates, random.Random(n)) for n in (1, 2))
    for each in first.rates.gpus.values():
        assert each.p10 == each.p50 == each.p90
    assert first.rates.gpus["L40S"] != second.rates.gpus["L40S"]
    assert world(inputs, rates, random.Random(1)) == first


def test_plans_are_the_planner_s_own_and_fit(found: Simulated) -> None:
    for each in found.plan.steps:
        assert each.option.market is Market.SPOT
        assert each.option.listing in tables.listings(REGION)
        assert not lacking(each.step.work, each.option.listing.kind)
        assert each.option.name in each.reason


def test_the_same_seed_gives_the_same(found: Simulated) -> None:
    again = simulated(pipeline("10061"), market=Market.SPOT, region=REGION, seed=1, draws=2)
    assert again.to_json() == found.to_json()


def test_programs_and_people_are_told_the_same(found: Simulated) -> None:
    fields, text = found.to_json(), found.to_text()
    assert {"p50_h", "p90_h", "p50_usd", "p90_usd"} <= fields.keys()
    assert len(fields["steps"]) == len(steps_of(found.inputs)) == 11
    assert f"${fields['p90_usd']:,.2f}" in text
    assert f"{fields['p90_h']:.1f} h" in text
    assert max(map(len, text.splitlines()[3:-2])) <= 100
    assert sum(step["p50_usd"] for step in fields["steps"]) > 1


def test_a_pipeline_of_which_nothing_is_known_is_refused() -> None:
    with pytest.raises(UsageError, match="28"):
        inputs_of("28")


def test_inputs_of_another_version_are_refused() -> None:
    with pytest.raises(FormatError, match="version 9"):
        Inputs.from_json({"v": 9})
