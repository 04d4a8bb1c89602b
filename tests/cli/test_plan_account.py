"""`cryoem plan` of somebody who has joined an account, at a simulated AWS: quotas, and zones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import botocore.session
import pytest

from cryoem_cloud.model.charge import Rented
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.settings import Places, Settings, environment
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.rates import rates_by
from tests.cli.conftest import Type
from tests.cli.test_plan import made_in, told
from tests.ec2sim.cloud import Cloud

REGION = "us-west-2"
_JOB = "Class2D/job008"
_ON_DEMAND, _SPOT = "L-DB2E81BA", "L-3819A6DF"

Later = Callable[[timedelta], None]


@pytest.fixture
def joined(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    """Somebody in a project whose account's machines are in two of the region's zones."""
    few = frozenset({"c7i.8xlarge", "g6.12xlarge", "g6e.12xlarge", "p3.8xlarge"})
    monkeypatch.setattr("tests.ec2sim.ec2.offered_in", lambda _: few)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.chdir(made_in(tmp_path / "proj"))
    ec2 = botocore.session.get_session().create_client(
        "ec2", region_name=REGION, endpoint_url=cloud.url
    )
    subnets = ec2.describe_subnets()["Subnets"]
    ours = (each for each in subnets if each["AvailabilityZone"][-1] in "ab")
    places = Places.read(environment())
    account = Account(
        stack="cryoem",
        region=REGION,
        store="s3://lab",
        subnets=tuple(each["SubnetId"] for each in ours),
        security_group="sg-1",
        machine_policy="arn:aws:iam::1:policy/m",
    )
    account.write_to(places.config)
    return places


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    def passes(time: timedelta) -> None:
        then = datetime.now(UTC) + time
        monkeypatch.setattr(SystemClock, "now", lambda _: then)

    return passes


def test_what_the_account_may_not_start_is_left_out_and_how_to_ask_is_said(
    joined: Places, cloud: Cloud, typed: Type
) -> None:
    for code in (_ON_DEMAND, _SPOT):
        cloud.quotas.set(code, 8, region=REGION)
    found = told(typed, _JOB, "--machine", "g6.12xlarge")
    assert (found["choice"], found["front"]) == (None, [])
    assert [each["machine_types"] for each in found["excluded"]] == [["g6.12xlarge"]] * 2
    cloud.quotas.set("L-7212CCBC", 0, region=REGION)
    _, out, _ = typed("plan", _JOB)
    words = " ".join(out.split())
    assert "quotas us-west-2, as AWS told them at 20" in words
    assert "vCPUs on Spot, and the account may start 8 of G and VT in us-west-2" in words
    assert f"--quota-code {_SPOT} --desired-value" in words
    assert "aws service-quotas request-service-quota-increase" in words


def test_quotas_are_asked_once_a_day(
    joined: Places, cloud: Cloud, typed: Type, later: Later
) -> None:
    def may() -> bool:
        return told(typed, _JOB, "--machine", "g6.12xlarge", "--spot")["choice"] is not None

    cloud.quotas.set(_SPOT, 8, region=REGION)
    assert not may()
    cloud.quotas.set(_SPOT, 64, region=REGION)
    assert not may()
    later(timedelta(hours=25))
    assert may()


def test_quotas_hold_where_aws_cannot_be_asked(
    joined: Places, typed: Type, later: Later, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(_: object) -> dict[str, int]:
        pytest.fail("asked")

    assert told(typed, _JOB)["quotas"] != {}
    later(timedelta(hours=25))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert told(typed, _JOB)["quotas"] != {}, "as it was known"
    monkeypatch.setattr("cryoem_cloud.providers.aws.survey.vcpus_allowed", never)
    assert told(typed, _JOB)["quotas"] != {}, "and it is not asked again at once"
    (kept,) = (joined.cache / "footing").glob("*.json")
    kept.write_text('{"kind": "footing", "v": 99}')
    found = told(typed, _JOB)
    assert found["quotas"] == {}, "nobody knows"
    assert found["choice"] is not None


def test_spot_costs_what_it_costs_in_a_zone_of_the_account(
    joined: Places, cloud: Cloud, typed: Type
) -> None:
    for zone, usd in (("a", "1.50"), ("b", "1.20"), ("c", "0.10")):
        cloud.prices.set_spot("g6.12xlarge", REGION + zone, Decimal(usd))
    code, _, err = typed("offers", "refresh")
    assert code == 0, err
    found = told(typed, _JOB, "--machine", "g6.12xlarge", "--spot")
    assert set(found["asked"][REGION]) == {"specs", "on-demand", "spot"}
    choice = found["choice"]
    an_hour = Decimal(choice["machines_usd"]) / Decimal(choice["paid_h"]["p50"])
    assert round(an_hour, 1) == Decimal("1.2")

    def costs(zone: str) -> Decimal:
        rate = rates_by(joined, Settings())(
            Rented(kind="g6.12xlarge", where="aws", region=REGION, zone=zone, market="spot")
        )
        assert rate is not None
        assert rate.source.count(REGION) == 1, "which is named once"
        return rate.usd_per_hour

    assert costs(f"{REGION}a") == Decimal("1.50")
    assert costs(f"{REGION}b") == Decimal("1.20")
    assert costs("") == Decimal("1.50"), "the dearest in which it may be"
