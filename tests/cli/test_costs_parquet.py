"""The ledger as a Parquet table: exact amounts, whole files, and what is said without pyarrow."""

import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from cryoem_cloud.cli.money.parquet import write_parquet
from cryoem_cloud.model.charge import Charge, What
from cryoem_cloud.model.errors import SettingsError

SMALL = Decimal("0.0000004")
CHARGES = [
    Charge(what=What.REQUESTS, project="p", job=7, month="2026-11", usd=SMALL, requests=1),
    Charge(what=What.MACHINE, project="p", job=8, month="2026-11", usd=None, seconds=60),
    Charge(what=What.EGRESS, project="p", job=8, month="2026-11", usd=1 / Decimal(3)),
]


def test_each_charge_is_a_row_with_exact_amounts(tmp_path: Path) -> None:
    file = tmp_path / "costs.parquet"
    file.write_text("of yesterday")
    write_parquet(file, CHARGES)
    table = parquet.read_table(file)
    assert table.column_names == list(Charge.NAMES)
    assert table.schema.field("usd").type == pa.decimal128(38, 18)
    rows = table.to_pylist()
    assert [row["what"] for row in rows] == ["requests", "machine", "egress"]
    assert [row["usd"] for row in rows] == [SMALL, None, Decimal("0.333333333333333333")]
    assert [row["seconds"] for row in rows] == [0, 60, 0]
    assert table.schema.metadata[b"cryoem.costs"] == b"1"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("odd", [{"usd": Decimal(10) ** 12}, {"submitter": "ad\udce4"}])
def test_great_sums_and_odd_names_are_written(tmp_path: Path, odd: dict[str, Any]) -> None:
    write_parquet(tmp_path / "costs.parquet", [replace(CHARGES[0], **odd)])
    (row,) = parquet.read_table(tmp_path / "costs.parquet").to_pylist()
    assert row["usd"] == odd.get("usd", SMALL)
    assert row["user"] in {"", "ad?"}


def test_a_project_without_charges_has_a_table_without_rows(tmp_path: Path) -> None:
    write_parquet(tmp_path / "costs.parquet", [])
    assert parquet.read_table(tmp_path / "costs.parquet").num_rows == 0


def test_without_pyarrow_the_command_that_installs_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(SettingsError, match="needs the package pyarrow") as told:
        write_parquet(tmp_path / "costs.parquet", CHARGES)
    assert "pip install 'cryoem-cloud-tools[parquet]'" in told.value.hint
    assert not list(tmp_path.iterdir())
