"""The table at the end of the demo."""

from datetime import timedelta
from decimal import Decimal

from demo.report import MACHINE, JobRun, price, table

RUNS = (
    JobRun(
        name="Import/job001/",
        lasts=timedelta(seconds=3),
        bytes_up=5_000,
        bytes_down=2_000,
    ),
    JobRun(
        name="Class2D/job005/",
        lasts=timedelta(seconds=90),
        bytes_up=12_000_000,
        bytes_down=4_000_000,
    ),
)


def test_an_hour_costs_what_the_price_list_says() -> None:
    assert price(timedelta(hours=1)) == MACHINE.usd_per_hour


def test_the_shortest_job_pays_for_a_minute() -> None:
    assert price(timedelta(seconds=1)) == price(timedelta(seconds=60))
    assert price(timedelta(seconds=61)) > price(timedelta(seconds=60))


def test_the_table_has_a_line_a_job_and_their_sums() -> None:
    lines = table(RUNS).splitlines()
    assert [line.split()[0] for line in (lines[2], lines[3], lines[5])] == [
        "Import/job001/",
        "Class2D/job005/",
        "together",
    ]
    assert "1 min 33 s" in lines[5]
    assert "12.0 MB" in lines[5]
    usd = Decimal("0.1785") * (60 + 90) / 3600
    assert f"${usd:.4f}" in lines[5]


def test_columns_stand_below_each_other() -> None:
    lines = table(RUNS).splitlines()[:6]
    assert len({len(line) for line in lines}) == 1


def test_the_price_says_of_which_day_it_is_and_what_it_leaves_out() -> None:
    note = table(RUNS).split("\n\n")[1]
    assert MACHINE.day in note
    assert MACHINE.name in note
    assert "roughly" in note
    assert "without" in note


def test_bytes_that_nobody_counted_show_as_a_dash() -> None:
    direct = JobRun(name="Import/job001/", lasts=timedelta(seconds=3))
    assert table([direct]).splitlines()[2].split()[3:5] == ["-", "-"]
