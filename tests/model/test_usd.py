"""Amounts of US dollars."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.model.errors import FormatError
from cryoem_cloud.model.usd import about, cents, dollars, usd


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("0", "$0.00"),
        ("688.145", "$688.15"),
        ("-345.83", "-$345.83"),
        ("-0.004", "$0.00"),
        ("1234567.8", "$1,234,567.80"),
    ],
)
def test_amounts_are_said_to_the_cent(amount: str, said: str) -> None:
    assert dollars(usd(amount)) == said


def test_less_than_a_cent_is_not_nothing() -> None:
    amounts = ("0", "0.0049", "0.005", "-0.001")
    assert [about(usd(each)) for each in amounts] == ["$0.00", "<$0.01", "$0.01", "$0.00"]


@pytest.mark.parametrize("text", ["", "a", "1,5", "nan", "inf", "1e99", "1e-99", "0x1"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(FormatError, match="no amount"):
        usd(text)


@given(st.decimals(-(10**9), 10**9, places=6))
def test_text_and_back_is_exact_and_cents_are_near(amount: Decimal) -> None:
    assert usd(str(amount)) == amount
    assert abs(cents(amount) - amount) <= Decimal("0.005")
