"""cryoem costs --parquet: every charge as a row of a table that keeps amounts exact.

pyarrow is an extra, imported only here.
"""

from collections.abc import Sequence
from decimal import Context, Decimal
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cryoem_cloud.model.charge import Charge
from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.model.record import JSON

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["VERSION", "write_parquet"]

VERSION = 1
"""Of the columns; it stands in the file's metadata as `cryoem.costs`."""
_DIGITS, _PLACES = 38, 18
"""Of amounts: DECIMAL(38, 18). What a request costs has seven places."""
_AMOUNTS, _COUNTS = ("gigabytes", "usd", "gb_months"), ("job", "seconds", "requests")


def write_parquet(file: Path, charges: Sequence[Charge]) -> None:
    """Make `file` a table of the charges, whole or not at all; what was there is replaced.

    Raises:
        SettingsError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  (an extra)
        from pyarrow import parquet  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise SettingsError(
            "--parquet needs the package pyarrow, which is not installed",
            hint="python -m pip install 'cryoem-cloud-tools[parquet]', where cryoem is installed",
        ) from error
    schema = pa.schema(
        [(name, _type(pa, name)) for name in Charge.NAMES],
        metadata={"cryoem.costs": str(VERSION)},
    )
    rows = [_exact(charge.to_json()) for charge in charges]
    table = pa.Table.from_pylist(rows, schema=schema)
    beside = file.with_name(f".{file.name}.part")
    try:
        parquet.write_table(table, beside)
        beside.replace(file)
    finally:
        beside.unlink(missing_ok=True)


def _type(arrow: ModuleType, name: str) -> "pa.DataType":
    if name in _AMOUNTS:
        return arrow.decimal128(_DIGITS, _PLACES)
    return arrow.int64() if name in _COUNTS else arrow.string()


def _exact(row: dict[str, JSON]) -> dict[str, JSON]:
    """Amounts as decimals of so many places: rounded far below what any bill shows."""
    exact, context = Decimal(1).scaleb(-_PLACES), Context(prec=_DIGITS)
    amounts = {
        name: None if row[name] is None else Decimal(row[name]).quantize(exact, context=context)
        for name in _AMOUNTS
    }
    return {name: _utf8(value) for name, value in {**row, **amounts}.items()}


def _utf8(value: JSON) -> JSON:
    """A name may have bytes that are no UTF-8, which no such table can hold."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
