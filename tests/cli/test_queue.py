"""The queue commands, as RELION, the pipeliner, Scipion, cryoSPARC and Appion use them."""

import os
import re
import socket
import subprocess
from dataclasses import replace
from decimal import Decimal

import pytest

from cryoem_cloud.model.job import Wish
from tests.cli.conftest import BIN, User

FAILURES = {"RELION_JOB_EXIT_FAILURE", "PIPELINER_JOB_EXIT_FAILED"}
_IMPORT = "relion_import --do_other --i a.star --odir Import/job001/ --ofile a.star"
_SLOW = "#CRYOEM out=slow\ntouch slow/up; sleep 60\n"


def written(user: User, script: str, path: str = "Import/job001/run_submit.script") -> str:
    """A script where a front end puts it: not executable, named relative to the project."""
    file = user.folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(script)
    file.chmod(0o644)
    return path


def markers(user: User, folder: str = "Import/job001") -> set[str]:
    return {path.name for path in (user.folder / folder).iterdir() if "_EXIT_" in path.name}


def running(user: User, number: int) -> bool:
    return (user.folder / "slow" / "up").exists() and user.card(number)["phase"] == "running"


@pytest.mark.parametrize("launcher", ["cryoem-qsub", "qsub_aws"])
def test_a_relative_script_that_is_not_executable_is_taken(user: User, launcher: str) -> None:
    (user.folder / "a.star").write_text("data_\n")
    said = user.type(launcher, written(user, f"{_IMPORT}\n"))
    assert (said.code, said.out, said.err) == (0, "Submitted batch job 1\n", "")
    user.type("cryoem", "wait", "1")
    assert user.card(1)["name"] == "Import/job001"


def test_a_script_is_taken_from_standard_input(user: User) -> None:
    script = "#CRYOEM out=results\necho hello > results/x\n"
    said = user.type("cryoem-qsub", stdin=script)
    assert (said.code, said.out, said.err) == (0, "Submitted batch job 1\n", "")
    user.cryoem("wait", "1")
    assert (user.folder / "results" / "x").read_text() == "hello\n"


def test_a_script_runs_in_the_folder_in_which_it_was_handed_in(user: User) -> None:
    user.cryoem("connect", "relion")
    below = user.folder / "Runs"
    below.mkdir()
    (below / "in.txt").write_text("data")
    said = user.type(
        "cryoem-qsub",
        *("--in", "in.txt", "--out", "extra"),
        cwd=below,
        stdin="cat in.txt > extra/out.txt\n",
    )
    user.cryoem("wait", said.out.split()[-1])
    assert (below / "extra" / "out.txt").read_text() == "data"


@pytest.mark.alone
def test_submitting_takes_less_than_a_second(user: User) -> None:
    script = written(user, _SLOW, "slow.sh")
    user.cryoem("connect", "relion")
    took = sorted(user.type("cryoem-qsub", script).took_s for _ in range(3))
    assert took[1] < 1.0


def test_descriptors_may_lead_nowhere_or_be_closed(user: User) -> None:
    script = written(user, "#CRYOEM out=a\ntrue\n", "a.sh")
    for redirection in ("</dev/null >/dev/null 2>&1", "<&- >&- 2>&-"):
        done = subprocess.run(
            ["bash", "-c", f"{BIN}/cryoem-qsub {script} {redirection}"],
            cwd=user.folder,
            env=user.env,
            check=False,
        )
        assert done.returncode == 0
    assert {job["number"] for job in user.cryoem("ls", "--json").json["jobs"]} == {1, 2}


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ('relion_import "\n', "is not closed"),
        ("relion_import --odir /etc/\n", "named by its absolute path"),
        (f"#CRYOEM where=the moon\n{_IMPORT}\n", "'the moon'"),
    ],
)
def test_a_refusal_is_a_line_and_the_markers_of_both_families(
    user: User, script: str, says: str
) -> None:
    said = user.type("cryoem-qsub", written(user, script))
    assert said.code != 0
    assert said.out == ""
    assert says in said.err
    assert len(said.err.splitlines()) == 1
    assert markers(user) == FAILURES
    assert says in (user.folder / "Import/job001/run.err").read_text()
    assert (user.folder / ".pipeline_has_changed").exists()


def test_settings_that_are_off_leave_markers_too(user: User) -> None:
    said = user.type("cryoem-qsub", written(user, _IMPORT), CRYOEM_COUNT="none")
    assert said.code == 2
    assert markers(user) == FAILURES


@pytest.mark.alone
def test_a_store_that_is_away_refuses_within_4_s_when_no_number_is_left(user: User) -> None:
    script = written(user, _IMPORT)
    said = user.type(
        *("cryoem-qsub", script),
        CRYOEM_STORE="s3://bucket/em",
        AWS_ENDPOINT_URL="http://127.0.0.1:9",
        AWS_ACCESS_KEY_ID="a",
        AWS_SECRET_ACCESS_KEY="b",
        AWS_REGION="us-east-1",
    )
    assert said.code == 8
    assert "no job number is left" in said.err
    assert said.took_s < 4
    assert markers(user) == FAILURES


@pytest.mark.alone
def test_a_server_that_never_answers_refuses_within_4_s_too(user: User) -> None:
    script = written(user, _IMPORT)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = user.type(
            *("cryoem-qsub", script),
            CRYOEM_STORE="s3://bucket/em",
            AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}",
            AWS_ACCESS_KEY_ID="a",
            AWS_SECRET_ACCESS_KEY="b",
        )
    assert said.code == 8
    assert "no job number is left" in said.err
    assert len(said.err.splitlines()) == 1
    assert said.took_s < 4
    assert markers(user) == FAILURES


def test_wishes_in_the_script_reach_the_job_of_any_program(user: User) -> None:
    script = "#CRYOEM out=a\n#CRYOEM where=local\n#CRYOEM count=2\n#CRYOEM mpi=3\n"
    script += "#CRYOEM threads=4\n#CRYOEM market=spot\n#CRYOEM machine=big\n#CRYOEM home=all\n"
    script += "#CRYOEM deadline=2h\n#CRYOEM budget=50\n"
    user.type("cryoem-qsub", stdin=script + "sleep 60\n")
    (slip,) = user.spool.slips()
    said = Wish(where="local", machine="big", market="spot", count=2, home="all", codec="auto")
    said = replace(said, deadline_s=7200, budget_usd=Decimal(50))
    assert slip.job.wish == replace(said, ranks=3, threads=4)


def test_a_job_has_a_row_until_it_is_home_and_a_word_afterwards(user: User) -> None:
    user.type("cryoem-qsub", written(user, _SLOW, "slow.sh"))
    said = user.type("cryoem-qstat", "1")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[1].split() == ["1", "slow", "RUNNING"]
    assert user.type("cryoem-qstat").out == said.out
    user.wait_for(lambda: running(user, 1))
    assert user.type("cryoem-qdel", "1").code == 0
    user.wait_for(lambda: user.card(1)["phase"] == "ended")
    after = user.type("cryoem-qstat", "1")
    assert after.code == 0
    assert after.out.splitlines()[1].split() == ["1", "slow", "CANCELLED"]
    assert user.type("cryoem-qstat").out == ""


def test_an_unknown_number_has_no_row(user: User) -> None:
    said = user.type("cryoem-qstat", "17")
    assert (said.code, said.out) == (1, "")
    assert len(said.err.splitlines()) == 1


def test_a_store_that_is_away_makes_no_job_look_ended(user: User) -> None:
    user.type("cryoem-qsub", written(user, _SLOW, "slow.sh"))
    name = user.cryoem("project", "show", "--json").json["name"]
    user.change_binding(user.store.as_uri(), "s3://bucket/em")
    user.env |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_REGION": "us-east-1"}
    user.env |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    user.cryoem("project", "attach", "s3://bucket/em", name)
    known, unknown = user.type("cryoem-qstat", "1"), user.type("cryoem-qstat", "2")
    assert (known.code, unknown.code) == (0, 0)
    assert known.out.split()[-1] == "RUNNING"
    assert unknown.out.split()[-1] == "UNKNOWN"


def test_every_parser_finds_the_same_number(user: User) -> None:
    out = user.type("cryoem-qsub", written(user, _SLOW, "slow.sh")).out
    scipion = re.search(r"(\d+)", out)
    assert scipion is not None
    assert scipion[1] == out.split()[-1] == out.strip().rpartition(" ")[2] == "1"


def test_qdel_is_idempotent_in_every_phase(user: User) -> None:
    user.type("cryoem-qsub", written(user, _SLOW, "slow.sh"))
    assert user.type("cryoem-qdel", "1").code == 0  # queued, or not much further
    assert user.type("cryoem-qdel", "1").code == 0
    user.wait_for(lambda: user.card(1)["phase"] == "ended")
    assert user.card(1)["outcome"] == "aborted"
    said = user.type("cryoem-qdel", "1", "99")
    assert said.code == 0
    assert said.err.startswith("cryoem-qdel: there is no job 99")


def test_a_name_with_blanks_is_one_word_of_the_row(user: User) -> None:
    user.cryoem("run", "--no-wait", "--name", "two words", "--out", "a", "--", "sleep", "60")
    assert user.type("cryoem-qstat", "1").out.splitlines()[1].split() == [
        *("1", "two_words", "RUNNING")
    ]


def test_a_number_without_digits_is_told_in_a_line(user: User) -> None:
    for launcher in ("cryoem-qstat", "cryoem-qdel"):
        said = user.type(launcher, "one")
        assert (said.code, said.out) == (2, "")
        assert len(said.err.splitlines()) == 1


def test_a_project_that_was_moved_from_another_disk_refuses_with_markers(user: User) -> None:
    user.cryoem("connect", "relion")
    user.change_binding(f"inode = {user.folder.stat().st_ino}", "inode = 1")
    user.change_binding(user.folder.as_uri(), "file:///nowhere")
    said = user.type("cryoem-qsub", written(user, _IMPORT))
    assert said.code == 2
    assert "cryoem project move" in said.err
    assert markers(user) == FAILURES
    kept = os.listdir(user.places.state)  # noqa: PTH208  (names)
    assert set(kept) == {"numbers", "projects"}


def test_a_job_is_found_from_a_folder_that_is_not_the_one_it_says(user: User) -> None:
    user.type("cryoem-qsub", written(user, _SLOW, "slow.sh"))
    user.change_binding(f"inode = {user.folder.stat().st_ino}", "inode = 1")
    user.change_binding(user.folder.as_uri(), "file:///nowhere")
    said = user.type("cryoem-qstat", "1")
    assert (said.code, said.err) == (0, "")
    assert said.out.split()[-1] == "RUNNING"
    assert user.type("cryoem-qdel", "1").code == 0
    assert user.spool.stop_asked(user.spool.slips()[0].name)


def test_a_courier_that_cannot_be_started_is_no_refusal(user: User) -> None:
    (user.home / ".cache").mkdir(exist_ok=True)
    lock = next(user.home.glob(".cache/cryoem-cloud/*/courier.lock"), None)
    assert lock is None
    (user.home / ".cache/cryoem-cloud").write_text("in the way")
    said = user.type("cryoem-qsub", stdin="#CRYOEM out=results\necho hello > results/x\n")
    assert (said.code, said.out) == (0, "Submitted batch job 1\n")
    assert "job 1 is queued, but no courier could be started" in said.err
    (user.home / ".cache/cryoem-cloud").unlink()
    user.cryoem("wait", "1")
    assert (user.folder / "results" / "x").read_text() == "hello\n"


def test_a_courier_that_cannot_be_started_is_no_refusal_of_a_retry(user: User) -> None:
    user.submit("a", "true")
    user.cryoem("wait", "1")
    user.kill_courier()
    (cache,) = user.home.glob(".cache/cryoem-cloud")
    cache.rename(cache.with_name("moved"))
    cache.write_text("in the way")
    said = user.type("cryoem", "retry", "1")
    assert (said.code, said.out) == (0, "Submitted batch job 2\n")
    assert "job 2 is queued, but no courier could be started" in said.err
    cache.unlink()
    user.cryoem("courier", "wake")
    user.cryoem("wait", "2")


def test_an_empty_path_is_refused(user: User) -> None:
    said = user.type("cryoem-qsub", "--out", "", stdin="true\n")
    assert said.code != 0
    assert "a path is empty" in said.err


_CONTROLLED = f"{_IMPORT} --pipeline_control Import/job001/\n"


def test_a_script_under_pipeline_control_leaves_relions_marker(user: User) -> None:
    """Also where several work in one folder: none is lost."""
    (user.folder / "a.star").write_text("data_\n")
    path = written(user, _CONTROLLED, "mine.sh")
    for words in ((path,), (path,), (path, "--after", "1")):
        assert user.type("cryoem-qsub", *words).code == 0
    assert user.cryoem("wait", "1", "2", "3").code == 0
    assert markers(user) == {"RELION_JOB_EXIT_SUCCESS"}
    assert not (user.folder / ".pipeline_has_changed").exists()


def test_a_script_under_pipeline_control_is_aborted_as_by_relion(user: User) -> None:
    program = user.folder / "bin" / "relion_import"
    program.parent.mkdir()
    program.write_text(
        "#!/bin/sh\ncd Import/job001\ntouch up\nwhile [ ! -e RELION_JOB_ABORT_NOW ] && "
        "[ $((n += 1)) -lt 600 ]; do sleep 0.1; done\ntouch RELION_JOB_EXIT_ABORTED\nexit 1\n"
    )
    program.chmod(0o755)
    user.env["PATH"] = f"{program.parent}:{user.env['PATH']}"
    (user.folder / "a.star").write_text("data_\n")
    assert user.type("cryoem-qsub", written(user, _CONTROLLED, "mine.sh")).code == 0
    user.wait_for((user.folder / "Import/job001/up").exists)
    (user.folder / "Import/job001/RELION_JOB_ABORT_NOW").touch()
    user.type("cryoem", "wait", "1")
    assert user.card(1)["outcome"] == "aborted"
    assert markers(user) == {"RELION_JOB_EXIT_ABORTED"}
    assert not (user.folder / "Import/job001/RELION_JOB_ABORT_NOW").exists()


def test_a_refused_script_of_ones_own_leaves_no_marker(user: User) -> None:
    path = written(user, "relion_refine --i $F --pipeline_control Class2D/job001/\n", "mine.sh")
    assert user.type("cryoem-qsub", path).code != 0
    assert not markers(user, ".")
