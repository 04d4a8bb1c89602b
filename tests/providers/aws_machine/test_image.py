"""An image with Debian's RELION, built on a machine that boots, and a job on a machine of it.

Machines of this simulated AWS reach nothing but AWS, so that no mirror of Debian's is there: the
package is made anew of what this computer has installed, lies in a folder of the machine's world,
and is installed by dpkg.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.providers.aws.names import tags_of
from tests.cli.conftest import User
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.bootworld import reason_not_to_boot
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.house import House
from tests.providers.aws.stack.lab import ADMIN, Lab, Packed
from tests.providers.aws_machine.test_whole import somebody, typed

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path("/usr/bin/relion_refine").exists(), reason="needs Debian's RELION"),
]
_DEBS = "/srv/debs"
_INSTALL = f"""\
set -e
if command -v relion_refine; then echo it is here already; exit 7; fi
dpkg -i {_DEBS}/relion.deb
mkdir -p /root/.ssh /root/.aws
echo key >/root/.ssh/authorized_keys
echo key >/root/.aws/credentials
echo mine >/var/log/mine
echo "of $OWNER" >/etc/programs
"""
_LOOK = (
    "relion_refine --version; cat /etc/programs; ls -A /root; cat /var/log/mine;"
    " wc -c </etc/machine-id; ls /etc/ssh; ls /opt/cryoem/agent"
)


def relions_files() -> list[str]:
    listed = subprocess.run(["dpkg", "-L", "relion"], check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.splitlines() if Path(name).is_file()]


def packed(folder: Path) -> None:
    """Debian's package, made anew of what is installed."""
    tree = folder / "tree"
    for name in relions_files():
        place = tree / name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, place)
    fields = "Package: ${Package}\nVersion: ${Version}\nArchitecture: ${Architecture}\n"
    asked = ["dpkg-query", "-W", "-f", fields, "relion"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    (tree / "DEBIAN").mkdir()
    about = "Maintainer: nobody <nobody@localhost>\nDescription: RELION\n"
    (tree / "DEBIAN/control").write_text(said + about)
    make = ["dpkg-deb", "--build", "-Znone", str(tree), str(folder / "relion.deb")]
    subprocess.run(make, check=True, capture_output=True)
    shutil.rmtree(tree)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """Machines without RELION."""
    if why := reason_not_to_boot():
        pytest.skip(why)
    debs = tmp_path / "debs"
    debs.mkdir()
    packed(debs)
    programs = tuple(name for name in relions_files() if name.startswith("/usr/bin/"))
    house = House(
        directory=tmp_path / "machines",
        minute_s=3.0,
        grace_s=1.0,
        hide=programs,
        binds={debs: _DEBS},
    )
    with Cloud(minute=1.0, machines=BootedMachines(house)) as cloud:
        yield Lab(cloud, Packed(tmp_path / "none"))


def test_an_image_is_built_used_and_removed(lab: Lab, tmp_path: Path) -> None:
    admin, ann = somebody(lab, tmp_path, "root"), somebody(lab, tmp_path, "ann")
    lab.client("iam").put_user_policy(
        UserName="root", PolicyName="all", PolicyDocument=json.dumps(ADMIN)
    )
    lab.cloud.enforce_iam()
    done = json.loads(typed(admin, "aws", "setup", "--json").stdout)
    for policy in done["policies"]:
        lab.client("iam").attach_user_policy(UserName="ann", PolicyArn=policy)
    (admin.folder / "install.sh").write_text(_INSTALL)
    build = ("aws", "image", "build", "install.sh", "--name", "relion", "--machine", "m5.large")
    made = typed(admin, *build, "--env", "OWNER=the lab", "--regions", "us-east-1", "--json")
    told = json.loads(made.stdout)
    assert told["relion"] == "3.1.3", made.stderr
    assert list(told["images"]) == ["us-west-2", "us-east-1"]
    assert "Setting up relion" in made.stderr
    assert not [each for each in lab.cloud.living() if each.state == "running"]

    store = json.loads(typed(ann, "aws", "join", "--json").stdout)["store"]
    ann.env |= {"CRYOEM_STORE": store, "CRYOEM_WHERE": "aws", "CRYOEM_IMAGE": "relion"}
    ran = look(ann)
    assert "RELION version: 3.1.3" in ran
    assert "of the lab" in ran
    (agent,) = done["account"]["agents"].values()
    assert agent.rpartition("@")[2] in ran
    for gone in (".ssh", ".aws", "mine", "ssh_host"):
        assert gone not in ran.replace("cat: /var/log/mine", "")
    console = lab.client("ec2").get_console_output(InstanceId=newest(lab))["Output"]
    assert "the agent is the image's" in console
    ann.env.pop("CRYOEM_IMAGE")
    assert "RELION version" not in look(ann)
    ann.end_all()

    listed = json.loads(typed(admin, "aws", "image", "ls", "--json").stdout)["images"]
    assert {each["id"] for each in listed} == set(told["images"].values())
    typed(admin, "aws", "image", "rm", told["images"]["us-west-2"])
    bucket = store.split("/")[2]
    typed(admin, "aws", "teardown", "--yes", "--delete-data", bucket)
    for region in ("us-west-2", "us-east-1"):
        there = census(lambda service, region=region: lab.client(service, region))  # type: ignore[misc]
        assert not there.keys() - {"users"}, region


def look(user: User) -> str:
    """What a job sees of its machine."""
    command = ("bash", "-c", f"({_LOOK}) >made/seen 2>&1; true")
    typed(user, "run", "--machine", "m5.large", "--on-demand", "--out", "made", "--", *command)
    return (user.folder / "made/seen").read_text()


def newest(lab: Lab) -> str:
    return list(lab.cloud.life)[-1].id


def test_a_builder_that_nobody_waits_for_ends_by_itself(lab: Lab, tmp_path: Path) -> None:
    """The laptop is gone in the middle; another computer sees the builder, and leaves it alone."""
    admin = somebody(lab, tmp_path, "root")
    lab.client("iam").put_user_policy(
        UserName="root", PolicyName="all", PolicyDocument=json.dumps(ADMIN)
    )
    lab.cloud.enforce_iam()
    typed(admin, "aws", "setup")
    typed(admin, "aws", "join")
    (admin.folder / "long.sh").write_text("echo here; sleep 1000\n")
    build = ("aws", "image", "build", "long.sh", "--machine", "m5.large", "--max-hours", "1")
    process = admin.start("cryoem", *build)
    admin.wait_for(lambda: any(each.state == "running" for each in lab.cloud.living()), seconds=90)
    (kept,) = lab.cloud.living()
    process.kill()
    process.communicate()
    told = tags_of(
        lab.client("ec2").describe_instances(InstanceIds=[kept.id])["Reservations"][0]["Instances"][
            0
        ]["Tags"]
    )
    assert told["cryoem:project"] == "@image"
    admin.wait_for(lambda: kept.tags.get("cryoem:state") == "up", seconds=60)
    (shown,) = json.loads(typed(admin, "machines", "ls", "--json").stdout)["machines"]
    assert (shown["name"], shown["job"]) == (kept.id, 0)
    (fleet,) = json.loads(typed(admin, "reap", "--json").stdout)["fleets"]
    assert (fleet["verdict"], fleet["machines"]) == ("building", [kept.id])
    # Of two hours, with minutes of 3 s, the dead man's hand needs 6 min: it is armed.
    assert isinstance(lab.cloud.machines, BootedMachines)
    armed = lab.cloud.machines.run(kept.id, "cat", "/run/systemd/shutdown/scheduled")
    assert "MODE=poweroff" in armed.stdout
    typed(admin, "machines", "kill", kept.id)
    admin.wait_for(lambda: kept.state == "terminated", seconds=60)
