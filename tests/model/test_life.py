"""What witnesses saw of machines, put together: laws, and what it costs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import reduce
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.charge import Rate, Sighting, What, Witness, whole
from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.life import Life, lives, merged, months_of

START = datetime(2026, 11, 30, 22, 0, tzinfo=UTC)
RATE = Rate(usd_per_hour=Decimal("1.20"), source="a list", disk_gib=100, disk_usd=Decimal("0.08"))


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def seen(witness: Witness, since: int, until: int, **more: object) -> Sighting:
    said: dict[str, object] = {
        "machine": "i-1",
        "job": 7,
        "witness": witness,
        "since": at(since),
        "until": at(until),
        **more,
    }
    return Sighting(**said)  # type: ignore[arg-type]  # by name


def merged_all(records: Sequence[Sighting]) -> Life:
    return reduce(merged, map(Life.of, records))


RATES = st.builds(
    Rate,
    usd_per_hour=st.decimals("0", "50", places=4),
    source=st.sampled_from(["", "list", "spot"]),
    disk_gib=st.integers(0, 100),
    least_s=st.sampled_from([0, 60]),
)
TEXTS = st.sampled_from(["", "a", "b"])
SIGHTINGS = st.builds(
    lambda first, lasts, **words: Sighting(since=at(first), until=at(first + lasts), **words),
    st.integers(0, 10_000),
    st.integers(0, 100_000),
    machine=st.just("i-1"),
    job=st.just(7),
    witness=st.sampled_from(Witness),
    ended=st.booleans(),
    limit_s=st.sampled_from([0, 3600, 86_400]),
    submitter=TEXTS,
    kind=TEXTS,
    market=TEXTS,
    rate=st.none() | RATES,
)


@given(SIGHTINGS, SIGHTINGS, SIGHTINGS)
def test_the_order_of_records_does_not_matter(a: Sighting, b: Sighting, c: Sighting) -> None:
    assert len({merged_all(order) for order in permutations((a, b, c))}) == 1
    one, two, three = map(Life.of, (a, b, c))
    assert merged(merged(one, two), three) == merged(one, merged(two, three))


@given(st.lists(SIGHTINGS, min_size=1, max_size=6))
def test_a_record_that_comes_twice_counts_once(records: list[Sighting]) -> None:
    assert merged_all([*records, *records]) == merged_all(records)


@given(
    st.lists(SIGHTINGS.filter(lambda s: s.witness is not Witness.PROVIDER), min_size=1), SIGHTINGS
)
def test_without_the_providers_word_nothing_that_was_seen_is_lost(
    records: list[Sighting], more: Sighting
) -> None:
    more = replace(more, witness=Witness.COURIER)
    before, after = merged_all(records), merged_all([*records, more])
    assert after.seconds >= max(before.seconds, Life.of(more).seconds)


@given(st.lists(SIGHTINGS), st.integers(0, 5000), st.integers(0, 5000))
def test_the_providers_word_is_final(records: list[Sighting], since: int, lasts: int) -> None:
    others = [s for s in records if s.witness is not Witness.PROVIDER]
    word = seen(Witness.PROVIDER, since, since + lasts, ended=True)
    assert merged_all([*others, word]).seconds == lasts


@given(SIGHTINGS)
def test_records_are_read_as_they_were_written(sighting: Sighting) -> None:
    assert Sighting.from_bytes(sighting.to_bytes()) == sighting


@given(st.integers(0, 10**9), st.integers(0, 10**7))
def test_months_share_all_seconds(start: int, lasts: int) -> None:
    begin = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=start)
    parts = list(months_of(begin, begin + timedelta(seconds=lasts)))
    assert sum(seconds for _, seconds in parts) == lasts
    assert [month for month, _ in parts] == sorted({month for month, _ in parts})


def test_an_agents_clock_counts_no_longer_than_its_limit() -> None:
    assert Life.of(seen(Witness.AGENT, 0, 10**7, limit_s=3600)).seconds == 3600
    assert Life.of(seen(Witness.COURIER, 0, 7200, limit_s=3600)).seconds == 7200


def test_a_machine_over_the_end_of_a_month_is_split() -> None:
    life = Life.of(seen(Witness.PROVIDER, 0, 3 * 3600, ended=True, rate=RATE))
    charges = list(life.charges("p"))
    machine = [(c.month, c.usd, c.seconds) for c in charges if c.what is What.MACHINE]
    assert machine == [
        ("2026-11", Decimal("2.40"), 7200),
        ("2026-12", Decimal("1.20"), 3600),
    ]
    disk = sum(c.usd or Decimal(0) for c in charges if c.what is What.DISK)
    assert round(disk, 4) == Decimal("0.0329")  # $8 a month for 3 h of 730


def test_the_least_that_is_billed_is_billed_once() -> None:
    rate = replace(RATE, least_s=60, disk_gib=0)
    short = Life.of(seen(Witness.PROVIDER, 7190, 7210, ended=True, rate=rate))
    assert [c.seconds for c in short.charges("p")] == [10, 50]
    assert sum(c.usd or 0 for c in short.charges("p")) == Decimal("0.02")


def test_the_first_price_stands() -> None:
    dear = replace(RATE, usd_per_hour=Decimal(9))
    life = merged_all(
        [seen(Witness.COURIER, 5, 9, rate=dear), seen(Witness.COURIER, 0, 9, rate=RATE)]
    )
    assert life.rate == (at(0), RATE)


def test_machines_are_told_apart_by_job_and_name() -> None:
    found = lives([seen(Witness.AGENT, 0, 1), seen(Witness.AGENT, 0, 2, machine="i-2")])
    assert {key: life.seconds for key, life in found.items()} == {(7, "i-1"): 1, (7, "i-2"): 2}


def test_of_a_machine_without_a_price_the_time_is_known() -> None:
    (charge,) = Life.of(seen(Witness.AGENT, 0, 60)).charges("p")
    assert (charge.usd, charge.seconds) == (None, 60)
    assert (
        list(Life.of(replace(seen(Witness.AGENT, 0, 1), since=None, until=None)).charges("p")) == []
    )


def test_an_unknown_witness_is_refused() -> None:
    data = seen(Witness.AGENT, 0, 1).to_bytes().replace(b"agent", b"ghost")
    with pytest.raises(FormatError, match="ghost"):
        Sighting.from_bytes(data)


def test_instants_are_whole_seconds() -> None:
    assert whole(START.replace(microsecond=999_999)) == START
