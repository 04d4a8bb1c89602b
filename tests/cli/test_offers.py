"""Users who look at machine types and prices, with no account and no network."""

import json
import socket
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.settings import Places, environment
from cryoem_cloud.wiring.clock import SystemClock
from tests.cli.conftest import Type
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.faults import What


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


def answer(said: tuple[int, str, str], *, snapshot: bool = True) -> dict[str, Any]:
    code, out, err = said
    assert code == 0, err
    fields: dict[str, Any] = json.loads(out)
    assert fields["v"] == 1
    assert fields.get("snapshot") == ("2026-07-05" if snapshot else None)
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


@pytest.fixture
def at_aws(cloud: Cloud, typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Type:
    """Types `cryoem offers …` with credentials of a simulated account; regions have few types."""
    few = frozenset({"c7i.8xlarge", "g6.xlarge", "g6e.xlarge", "g6e.4xlarge", "m5.large"})
    monkeypatch.setattr("tests.ec2sim.ec2.offered_in", lambda _: few)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    return lambda *words: typed("offers", *words)


def test_what_aws_answers_goes_before_the_catalogue(at_aws: Type, cloud: Cloud) -> None:
    cloud.prices.set_spot("g6e.xlarge", "us-west-2a", Decimal("0.1234"))
    told = answer(at_aws("refresh", "--json"), snapshot=False)["asked"]
    assert [each["part"] for each in told] == ["specs", "on-demand", "spot"]
    assert {each["region"] for each in told} == {"us-west-2"}

    fields = answer(at_aws("--gpu", "L40S", "--json"))
    assert set(fields["asked"]["us-west-2"]) == {"specs", "on-demand", "spot"}
    (here,) = [each for each in fields["offers"] if each["machine_type"] == "g6e.xlarge"]
    assert here["spot_usd_per_hour_by_zone"]["usw2-az2"] == "0.123400"
    assert here["usd_per_hour"]["reserved_1y"] == "1.116600"
    (_, stamp, *_) = at_aws("--gpu", "L40S")[1].splitlines()
    assert stamp.startswith("prices us-west-2: specs of 20")
    assert stamp.endswith("(AWS's answers); all else of 2026-07-05")
    assert answer(at_aws("--region", "us-east-1", "--json"))["asked"] == {}


def test_what_is_fresh_is_not_asked_again(
    at_aws: Type, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_aws("refresh")[0] == 0
    code, _, err = at_aws("refresh")
    assert (code, err) == (0, "us-west-2: all answers are fresh\n")
    for later, parts in (
        (timedelta(minutes=11), ["spot"]),
        (timedelta(hours=25), ["on-demand", "spot"]),
        (timedelta(days=8), ["specs", "on-demand", "spot"]),
    ):
        then = datetime.now(UTC) + later
        monkeypatch.setattr(SystemClock, "now", lambda _, then=then: then)
        told = answer(at_aws("refresh", "--json"), snapshot=False)["asked"]
        assert [each["part"] for each in told] == parts


def test_an_answer_that_is_old_or_damaged_counts_for_nothing(
    at_aws: Type, cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert at_aws("refresh")[0] == 0
    folder = Places.read(environment()).cache / "offers" / "us-west-2"
    assert sorted(file.name for file in folder.iterdir()) == [
        "on-demand.json",
        "specs.json",
        "spot.json",
    ]
    (folder / "specs.json").write_text('{"kind": "offers", "v": 1, "part": "sp')
    (folder / "on-demand.json").write_text('{"kind": "offers", "v": 99}')
    assert set(answer(at_aws("--json"))["asked"]["us-west-2"]) == {"spot"}
    then = datetime.now(UTC) + timedelta(minutes=11)
    monkeypatch.setattr(SystemClock, "now", lambda _: then)
    assert answer(at_aws("--json"))["asked"] == {}


def test_a_region_that_the_catalogue_lacks_is_there_once_aws_was_asked(at_aws: Type) -> None:
    assert at_aws("--region", "eu-north-1")[0] == 2
    assert at_aws("refresh", "--region", "eu-north-1")[0] == 0
    fields = answer(at_aws("--region", "eu-north-1", "--json"))
    assert "c7i.8xlarge" in {each["machine_type"] for each in fields["offers"]}


def test_who_may_not_ask_is_told_so(at_aws: Type, cloud: Cloud) -> None:
    cloud.faults.plan(What.REFUSED, "GetProducts", error=("AccessDeniedException", "No"))
    code, _, err = at_aws("refresh")
    assert code == 10
    assert "get products" in err
    assert "Traceback" not in err
    assert set(answer(at_aws("--json"))["asked"]["us-west-2"]) == {"specs"}
