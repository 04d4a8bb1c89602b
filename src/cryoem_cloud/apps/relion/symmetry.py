"""Point groups, as RELION names them."""

import re

__all__ = ["order"]

_GROUPS = re.compile(r"(?P<kind>CI|CS|C|D|TD|TH|T|OH|O|IH|I)(?P<number>\d*)(?P<more>[VH]?)")
_ORDERS = {"CI": 2, "CS": 2, "T": 12, "TD": 24, "TH": 24, "O": 24, "OH": 48, "I": 60, "IH": 120}


def order(name: str) -> int:
    """How many operations a group has, C1: 1, D2: 4, I1: 60; 1 of what is no group's name."""
    found = _GROUPS.fullmatch(name.upper())
    if found is None:
        return 1
    kind, number = found["kind"], int(found["number"] or 1)
    if kind in _ORDERS:
        return _ORDERS[kind]
    operations = number * (2 if kind == "D" else 1)
    return max(operations * (2 if found["more"] else 1), 1)
