"""`--after`: jobs that go on after others, whoever's computer is on."""

import pytest

from tests.cli.conftest import User

_UNTIL_GO = 'n=0; while [ ! -e "{0}" ] && [ $((n += 1)) -lt 600 ]; do sleep 0.1; done'


@pytest.fixture
def waits(user: User) -> str:
    """A bash line that waits for a file, which the test makes."""
    return _UNTIL_GO.format(user.home / "go")


def go(user: User) -> None:
    (user.home / "go").touch()


def then(user: User, out: str, script: str, *words: str) -> int:
    said = user.cryoem("run", "--no-wait", *words, "--out", out, "--", "bash", "-c", script)
    return int(said.out.split()[-1])


def is_told(user: User, number: int) -> bool:
    return "goes on with it" in user.card(number)["note"]


def test_a_job_goes_on_after_another_on_its_machine(user: User, waits: str) -> None:
    (user.folder / "two").write_text("two\n")
    user.submit("a", f"{waits}; echo one > a/x")
    words = ("--after", "1", "--in", "a/x", "--in", "two")
    then(user, "b", "cat a/x two > b/x", *words)
    script = "#CRYOEM in=b\n#CRYOEM out=c\ncat b/x > c/x\n"
    assert user.type("cryoem-qsub", "--after", "1,2", stdin=script).out.split()[-1] == "3"
    user.wait_for(lambda: is_told(user, 2) and is_told(user, 3))
    assert user.card(2)["after"] == [1]
    assert "after job 1 (a)" in user.cryoem("why", "2").out
    assert "after      job 1, job 2" in user.cryoem("show", "3").out
    assert "after job 1 (a)" in user.cryoem("ls").out
    go(user)
    user.cryoem("wait", "3")
    assert (user.folder / "c" / "x").read_text() == "one\ntwo\n"
    assert [user.card(n)["outcome"] for n in (1, 2, 3)] == ["success"] * 3
    machines = list(user.places.state.glob("machines/*/local-*"))
    assert len(machines) <= 1  # gone with its fleet, where that was swept


@pytest.mark.parametrize("end", ["exit 3", "stop"])
def test_a_chain_ends_with_a_job_that_does_not_end_well(user: User, waits: str, end: str) -> None:
    user.submit("a", f"touch a/up; {waits}; {end}")
    then(user, "b", "true", "--after", "1", "--in", "a/x")
    then(user, "c", "true", "--after", "2", "--in", "b/x")
    user.wait_for(lambda: is_told(user, 2) and is_told(user, 3))
    if end == "stop":
        user.cryoem("stop", "1")
    else:
        go(user)
    assert user.type("cryoem", "wait", "3").code == 1
    assert [user.card(n)["outcome"] for n in (2, 3)] == ["aborted"] * 2
    why = user.cryoem("why", "3").out
    assert "job 2 (b), after which it was to go on, was stopped: job 1 (a)" in why
    assert ("exit code 3" if end != "stop" else "stopped on request") in why
    assert not list(user.places.state.glob("machines/*-00000002-*"))
    assert not any((user.folder / "b").glob("*_EXIT_*"))
    said = user.type("cryoem", "run", "--after", "2", "--out", "d", "--", "true")
    assert said.code == 2
    assert "cryoem retry 2" in said.err


def test_a_machine_that_has_gone_on_ends_where_the_job_before_fails_at_home(
    user: User, waits: str
) -> None:
    """Its own end was well: only its coming home was not."""
    user.submit("a", f"touch a/up; {waits}; mkdir a/x; echo one > a/x/y")
    then(user, "b", f"touch {user.home}/b; sleep 300", "--after", "1", "--in", "a/up")
    user.wait_for(lambda: is_told(user, 2) and (user.folder / "a" / "up").exists())
    (user.folder / "a" / "x").write_text("the user's")
    go(user)
    user.wait_for((user.home / "b").exists)
    assert user.type("cryoem", "wait", "2").code == 1
    assert "a/x is in the way" in user.cryoem("why", "2").out
    user.wait_for(lambda: not user.processes("agent"))


def test_stopping_a_job_that_has_just_ended_stops_those_after_it(user: User, waits: str) -> None:
    user.submit("a", f"touch a/up; {waits}; echo one > a/x")
    then(user, "b", f"touch {user.home}/b; sleep 300", "--after", "1", "--in", "a/x")
    user.wait_for(lambda: is_told(user, 2) and (user.folder / "a" / "up").exists())
    user.kill_courier()
    go(user)
    user.wait_for((user.home / "b").exists)
    user.cryoem("stop", "1")
    user.cryoem("wait", "1")
    assert user.type("cryoem", "wait", "2").code != 0
    assert "stopped on request" in user.cryoem("why", "2").out
    user.wait_for(lambda: not user.processes("agent"))


def test_stopping_a_later_job_leaves_those_before(user: User, waits: str) -> None:
    user.submit("a", f"{waits}; echo one > a/x")
    then(user, "b", "cat a/x > b/x", "--after", "1", "--in", "a/x")
    user.wait_for(lambda: is_told(user, 2))
    assert user.type("cryoem-qdel", "2").code == 0
    assert user.type("cryoem", "wait", "2").code == 1
    assert "stopped on request" in user.cryoem("why", "2").out
    go(user)
    user.cryoem("wait", "1")
    assert (user.folder / "a" / "x").read_text() == "one\n"
    user.wait_for(lambda: not user.processes("agent"))
    assert not (user.folder / "b" / "x").exists()


@pytest.mark.parametrize("end", ["true", "exit 3"])
def test_a_job_of_relions_goes_on_after_one_in_its_own_folder(
    user: User, waits: str, end: str
) -> None:
    """The folder's markers are the later one's."""
    folder = user.folder / "Class2D" / "job001"
    folder.mkdir(parents=True)
    script = folder / "run_submit.script"
    out = "#CRYOEM out=Class2D/job001\n"
    script.write_text(f"{out}echo first; {waits}; echo 1 > Class2D/job001/x; {end}\n")
    assert user.type("cryoem-qsub", "Class2D/job001/run_submit.script").code == 0
    script.write_text(f"{out}echo second; echo 2 > Class2D/job001/y\n")
    again = user.type("cryoem-qsub", "--after", "1", "Class2D/job001/run_submit.script")
    assert again.code == 0, again.err
    user.wait_for(lambda: user.card(2)["phase"] == "waiting")
    go(user)
    good = end == "true"
    assert [user.type("cryoem", "wait", number).code == 0 for number in "12"] == [good, good]
    assert (folder / "x").exists()
    assert (folder / "y").exists() == good
    assert (folder / "run.out").read_text() == ("first\nsecond\n" if good else "first\n")
    markers = [path.name for path in folder.glob("*_JOB_EXIT_*")]
    assert markers == ["RELION_JOB_EXIT_SUCCESS" if good else "RELION_JOB_EXIT_ABORTED"]
    assert good or "job 1 (Class2D/job001), after" in (folder / "run.err").read_text()


def test_what_a_pattern_will_match_is_waited_for_at_home(user: User, waits: str) -> None:
    """An input that nobody can name before, so that no machine is told of the job."""
    user.submit("a", f"{waits}; echo one > a/x1")
    script = "#CRYOEM in=a*/x*\n#CRYOEM out=b\ncat a/x1 > b/x\n"
    user.type("cryoem-qsub", "--after", "1", stdin=script)
    user.wait_for(lambda: "this computer must be on" in user.card(2)["note"])
    go(user)
    user.cryoem("wait", "2")
    assert (user.folder / "b" / "x").read_text() == "one\n"


def test_a_job_after_one_that_is_home_is_like_any_other(user: User) -> None:
    user.submit("a", "echo one > a/x")
    user.cryoem("wait", "1")
    then(user, "b", "cat a/x > b/x", "--after", "1", "--in", "a/x")
    user.cryoem("wait", "2")
    assert (user.folder / "b" / "x").read_text() == "one\n"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [("9", 3, "no job 9"), ("one", 2, "'one' is no job's number"), ("-1", 2, "'-1'")],
)
def test_what_is_no_job_of_the_project_is_refused(
    user: User, words: str, code: int, said: str
) -> None:
    refused = user.type("cryoem", "run", f"--after={words}", "--out", "a", "--", "true")
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
    assert user.spool.empty()
