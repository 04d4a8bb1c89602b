"""Users who look at machine types and prices, with no account and no network."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.settings import Places, environment
from tests.cli.conftest import Type


@pytest.fixture
def offers(typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types `cryoem offers …` on a computer without a network."""
    for name in environment():
        if name.startswith(("AWS_", "XDG_", "CRYOEM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def connect(*_: object) -> None:
        raise AssertionError("there is no network")

    monkeypatch.setattr(socket.socket, "connect", connect)
    return lambda *words: typed("offers", *words)


def answer(said: tuple[int, str, str]) -> dict[str, Any]:
    code, out, err = said
    assert code == 0, err
    fields: dict[str, Any] = json.loads(out)
    assert (fields["v"], fields["snapshot"]) == (1, "2026-07-05")
    return fields


def test_a_table_says_of_when_and_where_its_prices_are(offers: Type) -> None:
    code, out, err = offers("--gpu", "l40s")
    assert (code, err) == (0, "")
    assert out.splitlines()[:4] == [
        "US dollars for an hour of a machine in us-west-2",
        "prices of 2026-07-05",
        "MACHINE       GPUS        VCPU   GIB  OWN TB     GB/S  ON-DEMAND    SPOT  1 YEAR  3 YEARS",
        "g6e.xlarge    1 L40S 45G     4    32     0.2  0.3-2.5      1.861   1.252   1.094    0.700",
    ]
    assert len(out.splitlines()) == 3 + 8


@pytest.mark.parametrize("unit", ["machine", "vcpu", "gpu"])
@pytest.mark.parametrize("region", ["us-east-1", "any"])
def test_a_table_fits_into_a_hundred_columns(offers: Type, region: str, unit: str) -> None:
    code, out, _ = offers("--region", region, "--per", unit)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 100
    assert len(out.splitlines()) > (1000 if region == "any" else 200)


def test_json_has_every_price_in_every_unit(offers: Type) -> None:
    fields = answer(offers("--gpu", "H100", "--region", "us-west-2", "--json"))
    (small,) = [each for each in fields["offers"] if each["machine_type"] == "p5.4xlarge"]
    (large,) = [each for each in fields["offers"] if each["machine_type"] == "p5.48xlarge"]
    assert small["usd_per_hour"]["reserved_1y"] != small["usd_per_hour"]["on_demand"]
    assert large["usd_per_hour"]["on_demand"] == "55.04"
    assert large["usd_per_hour"]["reserved_1y"] is None
    assert large["usd_per_gpu_hour"]["on_demand"] == "6.880000"
    assert (large["vcpus"], large["cores"], large["gpus"]) == (192, 96, 8)
    assert fields["asked"] == {}


def test_a_gpu_or_a_region_that_is_not_known_is_told_with_those_that_are(offers: Type) -> None:
    code, _, err = offers("--gpu", "L50")
    assert code == 2
    assert "no machine type has a GPU 'L50' (known are A100, A10G," in err
    code, _, err = offers("--region", "us-wset-2")
    assert code == 2
    assert "'us-wset-2' (known are us-west-2, us-east-1," in err
    code, _, err = offers("--region", "../../etc")
    assert code == 2


def test_the_region_is_the_environments(offers: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    fields = answer(offers("--json"))
    assert {each["region"] for each in fields["offers"]} == {"eu-west-1"}


def test_a_discount_in_the_settings_lowers_prices(
    offers: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Places.read(environment()).config / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('discount = "12.5%"\n')
    (first, *_) = answer(offers("--gpu", "V100", "--json"))["offers"]
    assert (first["machine_type"], first["usd_per_hour"]["on_demand"]) == ("p3.2xlarge", "2.67750")
    for odd in ("12", "-5%", "100%", "5 %"):
        monkeypatch.setenv("CRYOEM_DISCOUNT", odd)
        code, _, err = offers("--gpu", "V100")
        assert (code, "discount should be a percentage below 100" in err) == (2, True)
