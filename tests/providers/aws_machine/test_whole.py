"""An empty account, and afterwards an empty account: set up, join, the demo's jobs, tear down.

All by the installed commands and RELION's own pipeliner; machines boot, and rights are judged.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.pipeline import CHAIN, connect, direct_queue, make_project, run_chain
from tests.acceptance.relion_compare import differences
from tests.cli.conftest import User
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.bootworld import reason_not_to_boot
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.house import House
from tests.providers.aws.stack.lab import ADMIN, REGION, Lab, Packed

pytestmark = [pytest.mark.soak, pytest.mark.relion, pytest.mark.timeout(1200)]

_BIN = Path(sys.prefix) / "bin"
_MACHINE, _MARKET = "t2.small", "spot"
"""With one core, so that RELION's counts stay the user's."""


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    if why := reason_not_to_boot():
        pytest.skip(why)
    house = House(directory=tmp_path / "machines", minute_s=3.0, grace_s=1.0)
    with Cloud(minute=1.0, machines=BootedMachines(house)) as cloud:
        yield Lab(cloud, Packed(tmp_path / "none"))


def somebody(lab: Lab, top: Path, name: str) -> User:
    home, folder = top / name, top / f"{name}-project"
    home.mkdir()
    folder.mkdir()
    env = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "AWS_REGION": REGION,
        **lab.env(name),
    }
    return User(home, folder, env)


def typed(user: User, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [_BIN / "cryoem", *words],
        cwd=user.folder,
        env=user.env,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, (words, done.stderr, done.stdout, user.courier_log())
    return done


def test_from_an_empty_account_to_an_empty_account(lab: Lab, tmp_path: Path) -> None:
    assert not census(lab.client)
    admin, ann = somebody(lab, tmp_path, "root"), somebody(lab, tmp_path, "ann")
    lab.client("iam").put_user_policy(
        UserName="root", PolicyName="all", PolicyDocument=json.dumps(ADMIN)
    )
    lab.cloud.enforce_iam()
    done = json.loads(typed(admin, "aws", "setup", "--json").stdout)
    for policy in done["policies"]:
        lab.client("iam").attach_user_policy(UserName="ann", PolicyArn=policy)
    store = json.loads(typed(ann, "aws", "join", "--json").stdout)["store"]
    ann.env |= {"CRYOEM_STORE": store, "CRYOEM_WHERE": "aws", "CRYOEM_HOME": "all"}

    direct = tmp_path / "direct"
    for folder in (ann.folder, direct):
        make_project(folder, movies=4, size=512)
    run_chain(direct, direct_queue(direct), ann.env)
    connect(ann.folder, _BIN, ann.env)
    rented = {"qsub_extra2": _MACHINE, "qsub_extra3": _MARKET}
    ran = run_chain(ann.folder, _BIN / "cryoem-qsub", ann.env, extra=rented)
    ann.end_all()

    assert [job.kind for job in ran] == list(CHAIN)
    for job in ran:
        assert not differences(ann.folder / job.folder, direct / job.folder), job.folder
        said = (ann.folder / job.folder / "run_submit.script").read_text()
        assert f"machine={_MACHINE}" in said

    bucket = store.split("/")[2]
    typed(admin, "aws", "teardown", "--yes", "--delete-data", bucket)
    assert not census(lab.client).keys() - {"users"}
