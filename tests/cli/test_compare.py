"""Users who ask whether to rent or to buy."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.settings import environment
from tests.cli.conftest import Type


@pytest.fixture
def compare(typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    for name in environment():
        if name.startswith(("AWS_", "XDG_", "CRYOEM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return lambda *words: typed("compare", *words)


def answer(said: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = said
    assert code == 0, err
    fields: dict[str, Any] = json.loads(out)
    assert fields["v"] == 1
    return fields


def test_all_assumptions_are_shown(compare: Type) -> None:
    code, out, err = compare("--aws", "--workstation", "10000USD")
    assert (code, err) == (0, "")
    for said in (
        "without storage: AWS is $346.12 cheaper",
        "with storage: the workstation is $343.88 cheaper",
        "$10,000.00 over 3 years, computing 60% of the time: $0.634 an hour",
        "$50,000.00 a year, 260 working days: $192.31 a day",
        "54.49 h and $688.17 of EMPIAR-10061",
    ):
        assert said in out
    assert max(len(line) for line in out.splitlines()) <= 100


@pytest.mark.parametrize("usd", ["10000USD", "$10,000", "10000", "10000 USD"])
def test_amounts_are_read_as_people_write_them(compare: Type, usd: str) -> None:
    fields = answer(compare("--aws", "--workstation", usd, "--json"))
    assert fields["assumptions"]["workstation_usd_per_hour"] == "0.6342"
    assert fields["net_usd"] == "-346.12"


def test_a_machine_is_at_its_price_of_the_catalogue(compare: Type) -> None:
    words = ("--machine", "g6e.4xlarge", "--aws-hours", "10h", "--market", "on-demand")
    fields = answer(compare("--aws", "--workstation", "8000USD", *words, "--json"))
    assert fields["aws"]["machines_usd"] == "30.04"
    assert fields["assumptions"]["aws_from"] == (
        "g6e.4xlarge in us-west-2 at $3.00 an hour (on-demand), prices of 2026-07-05"
    )
    _, out, _ = compare("--aws", "--workstation", "8000USD", *words)
    assert "cheaper where it computes over 10% of the time" in out


@pytest.mark.parametrize("share", ["0.6", ".6", "60%", "60 %"])
def test_a_share_is_read_as_people_write_it(compare: Type, share: str) -> None:
    fields = answer(compare("--aws", "--workstation", "10000", "--utilisation", share, "--json"))
    assert fields["assumptions"]["workstation_usd_per_hour"] == "0.6342"


def test_what_is_given_counts(compare: Type) -> None:
    words = ("--salary", "0", "--storage", "0", "--years", "4", "--utilisation", "0.25")
    fields = answer(compare("--aws", "--workstation", "8760", "--hours", "10", *words, "--json"))
    assert fields["workstation"]["machines_usd"] == "10.00"
    assert fields["net_usd"] == fields["net_with_storage_usd"] == str(Decimal("678.17"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workstation", "1USD"), "with what? (--aws)"),
        (("--aws", "--workstation", "-5"), "should be like 10000USD"),
        (("--aws", "--workstation", "NaN"), "should be like 10000USD"),
        (("--aws", "--workstation", "5", "--utilisation", "60"), "should be like 60% or 0.6"),
        (("--aws", "--workstation", "5", "--utilisation", "0,06"), "should be like 60% or 0.6"),
        (("--aws", "--workstation", "5", "--years", "0"), "should be like 3"),
        (("--aws", "--workstation", "5", "--machine", "g6e.xlarge"), "go together"),
        (("--aws", "--workstation", "5", "--aws-hours", "5"), "go together"),
        (("--aws", "--workstation", "5", "--machine", "x", "--aws-hours", "5"), "cryoem offers"),
    ],
)
def test_what_makes_no_sense_is_told(compare: Type, words: tuple[str, ...], said: str) -> None:
    code, out, err = compare(*words)
    assert (code, out) == (2, "")
    assert said in err
