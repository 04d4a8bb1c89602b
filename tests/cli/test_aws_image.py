"""Administrators who type `cryoem aws image …`, at a simulated AWS."""

from pathlib import Path

import pytest

from cryoem_cloud.wiring import aws_images
from tests.cli.conftest import Type
from tests.cli.test_aws import REGION, answer, type_
from tests.ec2sim.cloud import Cloud

__all__ = ["type_"]


@pytest.fixture(autouse=True)
def built(cloud: Cloud, type_: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack; time passes at once, and a builder that is up has done its work."""
    store = answer(type_("setup", "--json"))["account"]["store"]
    bucket, _, folder = str(store).removeprefix("s3://").partition("/")

    def sleep(seconds: float) -> None:
        cloud.clock.skip(seconds)
        s3 = cloud.stacks._inside.client("s3", REGION)
        for each in (one for one in cloud.living() if one.state == "running"):
            place = f"{folder}/@image/{each.tags['cryoem:token']}"
            s3.put_object(Bucket=bucket, Key=f"{place}/log", Body=b"Setting up relion\n")
            body = b"code=0\nwhy=\nrelion=3.1.3\n"
            s3.put_object(Bucket=bucket, Key=f"{place}/result", Body=body)

    monkeypatch.setattr(aws_images, "sleep", sleep)


def test_an_image_is_built_listed_and_removed(
    cloud: Cloud,
    type_: Type,
) -> None:
    build = ("image", "build", "relion-debian", "--machine", "m5.large", "--name", "ours")
    code, out, err = type_(*build, "--regions", "us-east-2")
    assert code == 0, err
    assert "Image ours for x86_64, on debian (ami-" in err
    assert "a builder, m5.large, for 3 hours at most: 0.29 USD;" in err
    assert "  Setting up relion" in err
    assert "built    ours, RELION 3.1.3" in out
    found = answer(type_("image", "ls", "--json"))["images"]
    assert [(each["region"], each["name"]) for each in found] == [
        (REGION, "ours"),
        ("us-east-2", "ours"),
    ]
    assert found[0]["most_usd_per_month"] == 1.5
    code, out, _ = type_("image", "ls")
    assert out.splitlines()[0].split()[:3] == ["NAME", "REGION", "ID"]
    assert "3.1.3" in out
    for each in found:
        code, _, err = type_("image", "rm", each["id"])
        assert (code, "and 1 snapshot removed" in err) == (0, True)
    assert answer(type_("image", "ls", "--json"))["images"] == []
    code, _, err = type_("image", "rm", found[0]["id"])
    assert (code, "no image ami-" in err) == (3, True)


def test_scripts_are_listed_and_printed(type_: Type) -> None:
    _, out, _ = type_("image", "scripts")
    assert "relion-apptainer-gpu  gpu" in out
    _, out, _ = type_("image", "scripts", "relion-debian")
    assert out.startswith("# RELION as Debian or Ubuntu packages it")
    code, _, err = type_("image", "scripts", "nothing")
    assert (code, "there is no script nothing" in err) == (2, True)


def test_mistakes_are_lines(type_: Type, tmp_path: Path) -> None:
    code, _, err = type_("image", "build", str(tmp_path / "none.sh"))
    assert (code, "there is no script" in err) == (4, True)
    code, _, err = type_("image", "build", "relion-debian", "--env", "A")
    assert (code, "--env A: what value?" in err) == (2, True)
