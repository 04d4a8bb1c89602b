"""What charges come to, in a line."""

from decimal import Decimal

from cryoem_cloud.model.bill import in_a_line
from cryoem_cloud.model.charge import Charge, What


def test_less_than_a_cent_is_not_said_to_be_nothing() -> None:
    usd = Decimal("0.004")
    machine = Charge(what=What.MACHINE, project="lab", job=7, month="2026-11", seconds=5, usd=usd)
    assert in_a_line([machine]) == "<$0.01: machines 5 s, <$0.01"
