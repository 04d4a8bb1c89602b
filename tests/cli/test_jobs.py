"""ls, show, why, logs, wait, stop, retry, report: what one asks of jobs."""

import re
import shutil
import signal
import tarfile
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.cli.checking.redacting import redacted
from cryoem_cloud.cli.commands.why import explained
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase
from tests.cli.conftest import User

_WAITS = "touch {0}/up; n=0; while [ ! -e {0}/go ] && [ $((n += 1)) -lt 600 ]; do sleep 0.1; done"


def a_card(user: User, **fields: object) -> Card:
    made = Card(
        number=7,
        project="proj-1",
        store="file:///s",
        folder=user.folder,
        name="Class2D/job007",
        application="relion",
        frontend="relion",
        outputs=("Class2D/job007",),
        logs=("Class2D/job007/run.out", "Class2D/job007/run.err"),
        submitted_at="2026-01-01T00:00:00+00:00",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


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


def test_report_has_what_is_needed_and_no_secrets(user: User) -> None:
    file = user.home / ".config" / "cryoem-cloud" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text("count = 1\n# password = 'hunter2'\n")
    number = user.submit("a", f"echo {user.home}/x; echo token=abcdef >&2; exit 1")
    user.type("cryoem", "wait", str(number))
    other = user.submit("b", "true")
    user.type("cryoem", "wait", str(other))
    before = set(user.folder.iterdir())
    (bundle,) = user.cryoem("report", str(number)).out.split("wrote ")[1].split("; look")[:1]
    assert set(user.folder.iterdir()) == before
    assert user.cryoem("report", str(number)).out.split("; look")[0].endswith(bundle)
    with tarfile.open(bundle) as tar:
        texts = {
            member.name.partition("/")[2]: tar.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in tar
        }
    assert {"card.json", "versions.txt", "settings.txt", "courier.log", "logs/run.err"} <= set(
        texts
    )
    assert any(name.startswith("machines/") for name in texts)
    whole = "\n".join(texts.values())
    assert str(user.home) not in whole
    assert "hunter2" not in whole
    assert "abcdef" not in whole
    assert f"{other:08d}." not in texts["courier.log"]


def test_report_writes_where_it_is_told_and_replaces_nothing_there(user: User) -> None:
    number = user.submit("a", "true")
    user.cryoem("wait", str(number))
    user.cryoem("report", str(number), "--output", "x.tar.gz")
    assert tarfile.is_tarfile(user.folder / "x.tar.gz")
    assert user.type("cryoem", "report", str(number), "-o", "x.tar.gz").code == 1


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("/home/ada/x", "~/x"),
        ("AKIAABCDEFGHIJKLMNOP", "<key>"),
        ('{"aws_secret_access_key": "a/b+c"}', '{"aws_secret_access_key": <secret>}'),
        (
            "https://ada:pw@host/x?X-Amz-Signature=12ab&y",
            "https://<who>@host/x?X-Amz-Signature=<signature>&y",
        ),
        ("ada@lab.org", "user@lab.org"),
        ('{"text": "token=\\"two words\\" x"}', '{"text": "token=<secret> x"}'),
        ("passphrase: hush", "passphrase: <secret>"),
        (
            "PGPASS=hush MY_PWD=hush VAULT_AUTH=hush",
            "PGPASS=<secret> MY_PWD=<secret> VAULT_AUTH=<secret>",
        ),
        ("SLACK_WEBHOOK: https://hooks/x", "SLACK_WEBHOOK: <secret>"),
        ("Authorization: Basic YWRhOnB3MTIz", "Authorization: Basic <secret>"),
        ("bearer abc.def-123", "bearer <secret>"),
        ("a basic thing of 12345678", "a basic thing of 12345678"),
        ("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\nx", "<private key>\nx"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\ncut", "<private key>"),
        ("rlnAutopickFigureOfMerit 1.0", "rlnAutopickFigureOfMerit 1.0"),
    ],
)
def test_redacting(text: str, clean: str) -> None:
    assert redacted(text, home=Path("/home/ada"), user="ada") == clean


@pytest.mark.parametrize("home", ["/", "/home/zoë b"])
def test_a_home_is_recognised_in_every_form_and_the_root_is_none(home: str) -> None:
    text = f"{Path(home, 'x')} {Path(home, 'x').as_uri()}"
    clean = "~/x file://~/x" if len(home) > 1 else text
    assert redacted(text, home=Path(home), user="ada") == clean


def test_doctor_names_what_mends_it(user: User) -> None:
    said = user.type("cryoem", "doctor", "--json")
    checks = {check["what"]: check for check in said.json["checks"]}
    assert checks["project"]["mend"].startswith("cryoem connect relion")
    assert checks["store"]["mend"] == ""
    assert not [path for path in user.store.rglob("*") if "doctor" in path.parts]
    user.cryoem("connect", "relion")
    checks = {c["what"]: c for c in user.type("cryoem", "doctor", "--json").json["checks"]}
    assert checks["project"]["mend"] == ""
    user.change_binding("version = 1", "version = ")
    lines = user.type("cryoem", "doctor").out.splitlines()
    assert next(line for line in lines if line.startswith("!!")).startswith("!!  project: ")
    assert "!!  means: mend this" in lines[-2:]


def test_doctor_calls_nothing_wrong_that_nobody_needs_yet(user: User, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("sh", "bash", "env", "readlink", "dirname"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or "")
    path = str(tmp_path / "bin")
    said = user.type("cryoem", "doctor", "--json", PATH=path)
    missing = {check["what"] for check in said.json["checks"] if check["mend"]}
    assert {"project", "relion_refine", "RELION's queue"} <= missing
    assert said.code == 0
    user.cryoem("connect", "relion")
    (user.folder / "default_pipeline.star").touch()
    said = user.type("cryoem", "doctor", "--json", PATH=path)
    wrong = {check["what"] for check in said.json["checks"] if check["wrong"]}
    assert wrong == {"relion_refine", "RELION's queue"}
    assert said.code == 1


def test_doctor_tells_of_jobs_that_a_newer_cryoem_submitted(user: User) -> None:
    spool = user.places.state / "spool"
    spool.mkdir(parents=True)
    (spool / "00000001.p-00000000.slip").write_bytes(b'{"kind":"slip","v":99}')
    checks = {c["what"]: c for c in user.type("cryoem", "doctor", "--json").json["checks"]}
    assert "newer cryoem" in checks["courier"]["found"]
    assert checks["courier"]["wrong"]


def test_doctor_says_whether_ctffind_is_found(user: User, tmp_path: Path) -> None:
    def ctffind(**env: str) -> dict[str, object]:
        said = user.type("cryoem", "doctor", "--json", **env)  # type: ignore[arg-type]  # none is cwd
        return next(check for check in said.json["checks"] if check["what"] == "ctffind")

    variable, mine = "RELION_CTFFIND_EXECUTABLE", tmp_path / "bin" / "ctffind"
    assert "export RELION_CTFFIND_EXECUTABLE=" in str(ctffind()["mend"])
    assert not ctffind()["wrong"]
    assert "/gone, which is no program here" in str(ctffind(**{variable: "/gone"})["found"])
    assert ctffind(**{variable: "/gone"})["wrong"]
    mine.parent.mkdir()
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    assert ctffind(**{variable: str(mine)}) == {
        "what": "ctffind",
        "found": str(mine),
        "mend": "",
        "wrong": False,
    }
    path = f"{mine.parent}:{user.env['PATH']}"
    assert ctffind(PATH=path)["mend"] == f"export {variable}={mine}"
    user.cryoem("connect", "relion")
    settings = user.folder / ".cryoem" / "settings.toml"
    settings.write_text('[executables]\nctffind = "/gone"\n')
    assert ctffind()["found"] == "the settings name /gone, which is no program here"


def test_doctor_tells_of_settings_that_refuse_every_job(user: User) -> None:
    user.cryoem("connect", "relion")
    said = user.type("cryoem", "doctor", "--json", CRYOEM_WHERE="moon")
    found = {c["what"]: c for c in said.json["checks"]}["settings"]
    assert "there is no provider of machines 'moon', jobs are refused" in found["found"]
    assert found["mend"] == "set where to local or aws"
    assert said.code == 1


def test_doctor_tells_of_a_store_that_the_project_does_not_have(user: User) -> None:
    user.cryoem("connect", "relion")
    own, other = user.store.as_uri(), "file:///other"
    said = user.type("cryoem", "doctor", "--json", CRYOEM_STORE=other)
    found = {c["what"]: c for c in said.json["checks"]}["settings"]
    assert f"store counts for new projects, and this one keeps {own}" in found["found"]
    assert not found["mend"]  # it is for others
    (user.folder / ".cryoem" / "settings.toml").write_text(f'store = "{other}"\n')
    said = user.type("cryoem", "doctor", "--json")
    found = {c["what"]: c for c in said.json["checks"]}["settings"]
    assert f"this one keeps {own}" in found["found"]
    assert f"cryoem project fork --store {other}" in found["mend"]
    assert said.code == 1
    (user.folder / ".cryoem" / "settings.toml").write_text(f'store = "{own}"\n')
    said = user.type("cryoem", "doctor", "--json")
    assert "keeps" not in {c["what"]: c for c in said.json["checks"]}["settings"]["found"]


def test_doctor_finds_a_store_that_cannot_be_written(user: User) -> None:
    user.cryoem("connect", "relion")
    name = user.cryoem("project", "show", "--json").json["name"]
    user.change_binding(user.store.as_uri(), "file:///proc/store")
    user.cryoem("project", "attach", "file:///proc/store", name)
    said = user.type("cryoem", "doctor", "--json")
    store = next(check for check in said.json["checks"] if check["what"] == "store")
    assert store["mend"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "has not taken it up yet"),
        ({"phase": Phase.WAITING, "note": "waits for job 6"}, "waits for job 6"),
        ({"phase": Phase.SENDING, "note": "store away"}, "sent, store away."),
        ({"phase": Phase.ENDED, "outcome": Outcome.SUCCESS}, "has succeeded and is home"),
        (
            {"phase": Phase.ENDED, "outcome": Outcome.FAILURE, "reason": "no gain file"},
            "failed: no gain file. Its log is",
        ),
        (
            {"phase": Phase.ENDED, "outcome": Outcome.ABORTED, "reason": "stopped on request"},
            "was stopped on request. cryoem retry 7 submits it again",
        ),
        (
            {
                "phase": Phase.ENDED,
                "outcome": Outcome.ABORTED,
                "reason": "Class2D/job007 was deleted from the project",
                "application": "shell",
                "run_s": 9,
            },
            "was stopped: Class2D/job007 was deleted from the project. cryoem retry 7 submits",
        ),
        (
            {"phase": Phase.ENDED, "outcome": Outcome.FAILURE, "reason": "no disk", "run_s": 9},
            "cryoem resume 7 goes on from what it has made, if it has come so far, cryoem retry 7",
        ),
    ],
)
def test_why_is_a_sentence(user: User, fields: dict[str, object], says: str) -> None:
    text = explained(a_card(user, **fields), courier=True, here=True)
    assert says in text
    assert text.startswith("Job 7 (Class2D/job007)")
    assert "\n" not in text


def test_why_says_that_no_courier_runs_and_what_a_machine_said(user: User) -> None:
    card = a_card(user, phase=Phase.STARTING)
    assert "no courier runs" in explained(card, courier=False, here=True)
    assert "'no disk'" in explained(card, courier=True, here=True, boot="no disk")


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.SUCCESS, "is in the store; cryoem pull Class2D/job007 brings it here"),
        (Outcome.FAILURE, "cryoem logs --err 7"),
    ],
)
def test_why_of_a_job_whose_folder_is_elsewhere(user: User, outcome: Outcome, said: str) -> None:
    card = a_card(user, outcome=outcome, phase=Phase.ENDED)
    assert said in explained(card, courier=True, here=False, at_home=False)
    assert said not in explained(card, courier=True, here=False)


def test_why_tells_of_a_job_that_failed(user: User) -> None:
    number = user.submit("a", "echo last words >&2; exit 3")
    user.type("cryoem", "wait", str(number))
    text = user.cryoem("why", str(number)).out
    assert "exit code 3" in text
    assert f"cryoem retry {number}" in text
    assert len(text.splitlines()) == 1


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
