"""ls, show, logs, wait, stop, retry: what one asks of jobs."""

import re
import signal
import time

import pytest

from tests.cli.conftest import User

_WAITS = "touch {0}/up; n=0; while [ ! -e {0}/go ] && [ $((n += 1)) -lt 600 ]; do sleep 0.1; done"


def test_ls_lists_the_projects_jobs(user: User) -> None:
    assert "no jobs" in user.cryoem("ls").err
    user.submit("a", "true")
    user.cryoem("wait", "1")
    rows = user.cryoem("ls").out.splitlines()
    assert rows[0].split() == ["JOB", "NAME", "STATE", "NOTE"]
    assert rows[1].split()[:3] == ["1", "a", "success"]
    (job,) = user.cryoem("ls", "--json").json["jobs"]
    assert (job["number"], job["outcome"], job["phase"]) == (1, "success", "ended")


def test_show_prints_both_forms_of_the_script_and_where_outputs_are(user: User) -> None:
    number = user.submit("a", "echo hi > a/x; echo ho > a/y")
    user.cryoem("wait", str(number))
    (user.folder / "a" / "x").unlink()
    text = user.cryoem("show", "1").out
    assert "as submitted:" in text
    assert "as run: unchanged" in text
    head = text.partition("\n\n")[0].splitlines()
    lines = dict(line.split(maxsplit=1) for line in head)
    assert lines["inputs"] == "0 files, 0 B"
    assert re.fullmatch(r"local-001-\w+: has done the job", lines["machine"])
    assert "1 file, 3 B: home" in text
    outputs = user.cryoem("show", "1", "--json").json["outputs"]
    assert {item["path"]: item["at"] for item in outputs} == {"a/x": "deleted", "a/y": "home"}


def test_show_tells_what_is_known_here_while_the_store_is_away(user: User) -> None:
    user.submit("a", "true")
    user.cryoem("wait", "1")
    user.store.rename(user.store.with_name("away"))
    assert "success" in user.cryoem("show", "1").out


def test_logs_print_what_the_job_printed_and_no_other_job(user: User) -> None:
    for word in ("first", "second"):
        number = user.submit("a", f"echo {word}; echo {word} bad >&2")
        user.cryoem("wait", str(number))
    assert user.cryoem("logs", "1").out == "first\n"
    assert user.cryoem("logs", "2").out == "second\n"
    assert user.cryoem("logs", "--err", "2").out == "second bad\n"


def test_logs_follow_a_job_to_its_end(user: User) -> None:
    number = user.submit("a", f"echo one; {_WAITS.format('a')}")
    program = user.start("cryoem", "logs", "-f", str(number))
    user.wait_for((user.folder / "a" / "run.out").exists)
    assert program.stdout is not None
    assert program.stdout.readline() == b"one\n"
    assert program.poll() is None
    user.cryoem("stop", str(number))
    program.communicate(timeout=30)
    assert program.returncode != 0


def test_wait_gives_the_first_exit_code_that_is_not_0(user: User) -> None:
    numbers = [str(user.submit(f"a{code}", f"exit {code}")) for code in (0, 5, 6)]
    assert user.type("cryoem", "wait", *numbers).code == 5


def test_interrupting_a_wait_for_several_jobs_ends_it(user: User) -> None:
    numbers = [str(user.submit(name, "sleep 60")) for name in ("a", "b")]
    program = user.start("cryoem", "wait", *numbers)
    assert program.stderr is not None
    assert program.stderr.readline().startswith(b"cryoem: job 1:")
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=10)
    assert program.returncode == 130
    assert b"job 1 goes on" in err


@pytest.mark.alone
def test_wait_gives_up_in_time(user: User) -> None:
    number = user.submit("a", "sleep 60")
    said = user.type("cryoem", "wait", "--timeout", "0.5", str(number))
    assert said.code == 124
    assert said.took_s < 5


def test_stop_ends_a_job_with_all_its_processes(user: User) -> None:
    number = user.submit("a", "touch a/up; sleep 61")
    user.wait_for((user.folder / "a" / "up").exists)
    assert user.processes("sleep", "61")
    user.cryoem("stop", str(number))
    user.wait_for(lambda: user.card(number)["phase"] == "ended")
    assert not user.processes("sleep", "61")
    assert "was stopped" in user.cryoem("why", str(number)).out
    user.cryoem("stop", str(number))


def test_retry_submits_the_same_in_the_same_place(user: User) -> None:
    (user.folder / "in").write_text("data")
    words = ("run", "--in", "in", "--out", "a", "--", "bash", "-c", "cat in >> a/all; exit 1")
    assert user.type("cryoem", *words).code == 1
    (user.folder / "in").write_text("mended")
    said = user.cryoem("retry", "1")
    assert said.out == "Submitted batch job 2\n"
    assert "job 2 is job 1 (a) once more" in said.err
    assert "cryoem logs -f 2" in said.err
    user.type("cryoem", "wait", "2")
    assert (user.folder / "a" / "all").read_text() == "mended"


def test_retry_refuses_a_job_that_has_not_ended(user: User) -> None:
    number = user.submit("a", "sleep 60")
    said = user.type("cryoem", "retry", str(number))
    assert said.code == 2
    assert "cryoem stop" in said.err


def test_jobs_that_wait_for_each_other_in_one_folder_keep_their_logs(user: User) -> None:
    """All are submitted before the first has said anything."""
    for number in (1, 2, 3):
        user.submit("a", f"echo said by {number}; echo {number} >&2; sleep 1; touch a/{number}")
    user.cryoem("wait", "1", "2", "3")
    said = [f"said by {number}\n" for number in (1, 2, 3)]
    assert (user.folder / "a" / "run.out").read_text() == "".join(said)
    assert (user.folder / "a" / "run.err").read_text() == "1\n2\n3\n"
    assert [user.cryoem("logs", str(number)).out for number in (1, 2, 3)] == said


@pytest.mark.soak  # the second one stays for a minute
def test_a_second_courier_of_this_computer_leaves_the_card_to_the_first(user: User) -> None:
    """They have different caches, with the lock in them, and one spool."""
    number = user.submit("a", _WAITS.format("a"))
    user.wait_for((user.folder / "a" / "up").exists)
    user.wait_for(lambda: user.card(number)["phase"] == "running")
    user.cryoem("ls", XDG_CACHE_HOME=str(user.home / "other"))
    user.wait_for(lambda: len(user.processes("courier")) == 2)
    user.wait_for((user.home / "other/cryoem-cloud").exists)
    time.sleep(3)
    assert user.card(number)["phase"] == "running"
    assert "another courier" not in user.card(number)["note"]
    (user.folder / "a" / "go").touch()
    user.cryoem("wait", str(number))
    time.sleep(3)
    assert user.card(number)["run_s"] >= 3
