"""An empty account, and afterwards an empty account: set up, join, RELION's jobs, tear down.

All by the installed commands; machines boot, and rights are judged.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import User
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.bootworld import reason_not_to_boot
from tests.ec2sim.census import census
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.house import House
from tests.providers.aws.stack.lab import ADMIN, REGION, Lab, Packed

pytestmark = [pytest.mark.soak, pytest.mark.relion, pytest.mark.timeout(1200)]

_ROOT = Path(__file__).parents[3]
_HEADER = 1024
_IMPORT = (
    "mkdir -p Import/job001 && relion_import --do_movies --optics_group_name optics1 --angpix 3.5"
    " --kV 300 --Cs 2.7 --Q0 0.1 --beamtilt_x 0 --beamtilt_y 0 --i 'Movies/*.tif'"
    " --odir Import/job001/ --ofile movies.star"
)
_FOLDERS = ("MotionCorr/job002", "AutoPick/job003", "Extract/job004")
_JOBS = (
    (
        "relion_run_motioncorr --i Import/job001/movies.star --o MotionCorr/job002/"
        " --first_frame_sum 1 --last_frame_sum -1 --use_own --j 1 --bin_factor 1 --bfactor 150"
        " --dose_per_frame 1.5 --preexposure 0 --patch_x 1 --patch_y 1 --gainref gain.mrc"
        " --gain_rot 0 --gain_flip 0 --dose_weighting"
    ),
    (
        "relion_autopick --i MotionCorr/job002/corrected_micrographs.star --odir AutoPick/job003/"
        " --pickname autopick --LoG --LoG_diam_min 150 --LoG_diam_max 180"
    ),
    (
        "relion_preprocess --i MotionCorr/job002/corrected_micrographs.star --coord_dir"
        " AutoPick/job003/ --coord_suffix _autopick.star --part_star Extract/job004/particles.star"
        " --part_dir Extract/job004/ --extract --extract_size 64 --norm --bg_radius 24"
        " --white_dust -1 --black_dust -1 --invert_contrast"
    ),
)


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


def made_directly(folder: Path) -> None:
    for name in _FOLDERS:
        (folder / name).mkdir(parents=True)
    for command in _JOBS:
        subprocess.run(["bash", "-c", command], cwd=folder, check=True, capture_output=True)


def typed(user: User, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "cryoem", *words],
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
    ann.env |= {"CRYOEM_STORE": store, "CRYOEM_WHERE": "aws"}

    simulate = [sys.executable, "-m", "demo.simulate", str(tmp_path / "made"), "--movies", "3"]
    subprocess.run([*simulate, "--size", "512"], cwd=_ROOT, check=True)
    shutil.copytree(tmp_path / "made", ann.folder, dirs_exist_ok=True)
    subprocess.run(["bash", "-c", _IMPORT], cwd=ann.folder, check=True, capture_output=True)
    direct = tmp_path / "direct"
    shutil.copytree(ann.folder, direct)
    made_directly(direct)
    for command in _JOBS:
        typed(ann, "run", "--machine", "m5.large", "--home", "all", "--", *command.split())
    ann.end_all()

    files = [path for path in direct.glob("*/job00[234]/**/*") if path.suffix in {".mrc", ".mrcs"}]
    assert len(files) >= 6
    for path in files:
        here = (ann.folder / path.relative_to(direct)).read_bytes()
        assert here[_HEADER:] == path.read_bytes()[_HEADER:], path
    stars = [path for path in direct.glob("*/job00[234]/*.star") if "mic" not in path.name]
    assert stars
    for path in stars:
        assert (ann.folder / path.relative_to(direct)).read_bytes() == path.read_bytes(), path

    bucket = store.split("/")[2]
    typed(admin, "aws", "teardown", "--yes", "--delete-data", bucket)
    assert not census(lab.client).keys() - {"users"}
