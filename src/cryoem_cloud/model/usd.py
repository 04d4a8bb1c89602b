"""US dollars: exact, from the text of a price list to the text of a page (decision 0018)."""

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from cryoem_cloud.model.errors import FormatError

__all__ = ["ZERO", "about", "cents", "dollars", "price", "usd"]

ZERO = Decimal(0)
_CENT = Decimal("0.01")
_DEAREST = Decimal(10**6)
_DIGITS = 15
"""No price or sum of ours is beyond 10^15 dollars; what says so was not written by us."""


def usd(text: str) -> Decimal:
    """An amount, as a price list or a record of ours says it.

    Raises:
        FormatError: It is no amount.
    """
    try:
        found = Decimal(text.strip())
    except InvalidOperation as error:
        raise FormatError(f"{text!r} is no amount of US dollars") from error
    if not found.is_finite() or (found and abs(found.adjusted()) > _DIGITS):
        raise FormatError(f"{text!r} is no amount of US dollars")
    return found


def price(text: str) -> Decimal:
    """What one of something costs, as a record says it that a machine may have written.

    Raises:
        FormatError: It is no amount from nothing to a million dollars.
    """
    found = usd(text)
    if not 0 <= found <= _DEAREST:
        raise FormatError(f"{text!r} is no price in US dollars")
    return found


def cents(amount: Decimal) -> Decimal:
    """Rounded to cents, halves away from zero, as bills are."""
    return amount.quantize(_CENT, ROUND_HALF_UP)


def about(amount: Decimal) -> str:
    """For a table of what was spent: what is less than a cent is not nothing."""
    return "<$0.01" if 0 < amount < _CENT / 2 else dollars(amount)


def dollars(amount: Decimal) -> str:
    """As a user reads it: `$1,234.50`, `-$0.20`."""
    rounded = cents(amount)
    sign = "-" if rounded < 0 else ""
    return f"{sign}${abs(rounded):,}"
