"""RELION's queue fields, all the way: typed there, planned, consented to, paid, and home again."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from demo.pipeline import AT_ONCE, CHAIN, FINISHED, connect, make_project, statuses
from tests.cli.conftest import User
from tests.providers.aws_machine.lab import Lab
from tests.providers.aws_machine.test_through_us import joined

pytestmark = [
    pytest.mark.soak,
    pytest.mark.relion,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not shutil.which("relion_pipeliner"), reason="needs RELION"),
]

_BIN = Path(sys.prefix) / "bin"
_RELION_5 = os.environ.get("RELION_BIN", "")
_MOVIES = "Import/movies.star"
_IMPORT = (
    *("relion_import", "--do_movies", "--optics_group_name", "opticsGroup1", "--angpix", "3.5"),
    *("--kV", "300", "--Cs", "2.7", "--Q0", "0.1", "--beamtilt_x", "0", "--beamtilt_y", "0"),
    *("--i", "Movies/*.tif", "--odir", "Import/", "--ofile", "movies.star"),
)
_FIELDS = ("where", "machine", "market", "count", "home", "deadline", "budget", "max_machines")
"""RELION numbers them from 1."""


def fields(**said: str) -> dict[str, str]:
    """What the user types into the fields of the queue."""
    return {f"qsub_extra{_FIELDS.index(name) + 1}": value for name, value in said.items()}


@pytest.fixture
def user(lab: Lab, tmp_path: Path, version: int) -> Iterator[User]:
    """Somebody who has joined the account, in a RELION project whose movies are imported."""
    if version == 5 and not _RELION_5:
        pytest.skip("no RELION 5: RELION_BIN does not name the folder of its programs")
    home, folder = tmp_path / "home", tmp_path / "project"
    home.mkdir()
    path = f"{_RELION_5}:{os.environ['PATH']}" if version == 5 else os.environ["PATH"]
    env = {"HOME": str(home), "PATH": path, "CRYOEM_STORE": lab.url}
    somebody = User(home, folder, env | lab.credentials)
    joined(lab, somebody)
    make_project(folder, movies=2, size=512)
    connect(folder, _BIN, somebody.env)
    (folder / "Import").mkdir()
    subprocess.run(_IMPORT, cwd=folder, env=somebody.env, check=True, stdout=subprocess.DEVNULL)
    yield somebody
    somebody.end_all()


def add(user: User, version: int, **said: str) -> str:
    """Schedule a motion correction with such fields; its folder."""
    type_ = "_rlnJobTypeLabel relion.motioncorr.own" if version == 5 else "_rlnJobType 1"
    queue = {"do_queue": "Yes", "qsub": shlex.quote(str(_BIN / "cryoem-qsub"))}
    options = {**CHAIN["MotionCorr"], "input_star_mics": _MOVIES, **fields(**said), **queue}
    rows = "".join(f'{name} "{value}"\n' for name, value in options.items())
    (user.folder / "asked.job.star").write_text(
        f"data_job\n\n{type_}\n_rlnJobIsContinue 0\n_rlnJobIsTomo 0\n\n"
        "data_joboptions_values\n\nloop_\n_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n"
        f"{rows}\n"
    )
    with pipelining(user, "--addJobFromStar", "asked.job.star") as started:
        assert started.wait(60) == 0
    return "MotionCorr/job001"


def waits(user: User, why: str) -> None:
    """Wait until the job is there, and says so."""

    def says() -> bool:
        jobs = user.cryoem("ls", "--all", "--json").json["jobs"]
        return any(why in job["note"] for job in jobs if job["number"] == 1)

    user.wait_for(says, seconds=120)


@contextmanager
def pipelining(user: User, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """While relion_pipeliner runs from a shell that has sourced env.sh."""
    command = ("sh", "-c", '. ./env.sh && exec relion_pipeliner "$@"', "sh", *words)
    with subprocess.Popen(
        command,
        cwd=user.folder,
        env=user.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


@pytest.mark.parametrize("version", [3])  # which machines have
def test_the_fields_of_a_queue_decide_ask_and_are_paid_for(
    lab: Lab, user: User, version: int
) -> None:
    (user.places.config / "settings.toml").write_text('ask_above = "0.01"\n')
    user.cryoem("budget", "set", "1000/month")
    job = add(
        user,
        version,
        where="aws",
        deadline="20h",
        budget="50",
        market="on-demand",
        max_machines="2",
    )
    with pipelining(user, "--schedule", "m", "--RunJobs", f"{job}/", *AT_ONCE) as run:
        waits(user, "needs approval")
        script = (user.folder / job / "run_submit.script").read_text()
        for line in ("deadline=20h", "budget=50", "market=on-demand", "max_machines=2"):
            assert f"#CRYOEM {line}\n" in script
        told = (user.folder / job / "run.out").read_text().splitlines()
        assert "that ends within 20 h and costs at most $50.00, nine times of ten" in told[0]
        assert told[0].startswith("cryoem: plan: ")
        assert ", on-demand" in told[0]
        assert any("cryoem approve 1 lets it go on" in line for line in told)
        assert not list(lab.cloud.life)
        user.cryoem("approve", "1")
        assert run.wait(600) == 0
    assert statuses(user.folder)[job] == FINISHED
    assert (user.folder / job / "Movies" / "mic_001.mrc").exists()
    assert {kept.record.instance_type for kept in lab.cloud.life} == {told[0].split()[4][:-1]}
    assert 1 <= len(list(lab.cloud.life)) <= 2
    assert "cryoem: job 1 cost " in (user.folder / job / "run.out").read_text()
    costs = json.loads(user.cryoem("costs", "--json").out)
    assert Decimal(costs["sums"][0]["usd"]) > 0


@pytest.mark.parametrize("version", [3, 5])
def test_a_budget_of_the_field_that_nothing_keeps_asks_and_one_of_the_project_waits(
    lab: Lab, user: User, version: int
) -> None:
    job = add(user, version, where="aws", budget="0.001")
    with pipelining(user, "--schedule", "m", "--RunJobs", f"{job}/", *AT_ONCE):
        waits(user, "needs approval")
        assert "so the cheapest" in (user.folder / job / "run.out").read_text()
        user.cryoem("budget", "set", "0.01/month")
        user.cryoem("approve", "1")
        waits(user, "waits")
        assert not list(lab.cloud.life)
        user.cryoem("stop", "1")
        user.wait_for(lambda: user.card(1)["outcome"] == "aborted", seconds=120)
