"""What a fleet may cost, in words."""

from decimal import Decimal

from cryoem_cloud.model.estimate import Estimate


def told(lasts_s: int, usd_per_hour: str = "0.16") -> str:
    made = Estimate(
        kind="c6a.xlarge", market="spot", count=1, lasts_s=lasts_s,
        usd_per_hour=Decimal(usd_per_hour), sure=False,
    )  # fmt: skip
    return made.told()


def test_times_are_told_in_hours_and_minutes() -> None:
    assert told(302).endswith(", $0.16 an hour each, for 5 min at most")
    assert told(5400).endswith("for 1 h 30 min at most")
    assert told(86400).endswith("for 24 h at most")


def test_less_than_a_cent_is_not_said_to_be_nothing() -> None:
    assert told(60).startswith("nine times of ten at most <$0.01: 1 machine like c6a.xlarge")
