"""Interactive machines, and jobs that let their submitter in, as they are asked for."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known import projects
from cryoem_cloud.courier.start import spool_of, stores_used
from cryoem_cloud.model.job import Job
from cryoem_cloud.providers.aws import whereabouts
from cryoem_cloud.providers.aws.account import Account
from cryoem_cloud.wiring.stores import store_at
from tests.cli.conftest import Type
from tests.ec2sim.cloud import Cloud

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0N0ZbkZ2mM8f5iYb0bHcHcR7cYt0VQyZ7b8q1mVQ3e"
HERE = ("--allow-ssh", "203.0.113.7")


@pytest.fixture
def home(
    cloud: Cloud, typed: Type, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Somebody with a key, in a project of a stack with --ssh; no courier is started."""
    assert typed("aws", "setup", "--ssh")[0] == 0
    assert typed("aws", "join")[0] == 0
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "id_ed25519.pub").write_text(f"{KEY} ann@workstation\n")
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    store_at.cache_clear()
    store = Account.read(places().config).store
    monkeypatch.setenv("CRYOEM_STORE", store)
    projects.create(folder, store, stores_used(places()))
    (folder / "x.star").write_text("data_\n")
    monkeypatch.setattr("cryoem_cloud.cli.jobs.submitting.wake", lambda _: None)
    yield tmp_path
    store_at.cache_clear()


def spooled() -> Job:
    (slip,) = spool_of(places()).slips()
    return slip.job


def test_a_session_says_what_it_costs_and_how_to_enter_and_end_it(home: Path, typed: Type) -> None:
    code, out, err = typed("launch", "--instance", "g6e.xlarge", "--hours", "3", *HERE, "x.star")
    assert code == 0, err
    job = spooled()
    assert f"enter    cryoem machines ssh {job.number} " in out
    assert "Session Manager" not in out
    assert f"end      cryoem stop {job.number}" in out
    assert f"(cryoem show {job.number})" in out  # cryoem ls takes no number
    hourly, most = (float(word[1:]) for word in out.split() if word.startswith("$"))
    assert most == pytest.approx(3 * hourly, rel=0.01)
    assert (job.wish.machine, job.wish.market, job.wish.hours) == ("g6e.xlarge", "on-demand", 3)
    assert (job.inputs, job.outputs) == (("x.star",), ("session",))
    assert job.wish.door is not None
    assert (job.wish.door.source, job.wish.door.key) == ("203.0.113.7", KEY)
    assert Job.from_bytes(job.to_bytes()) == job


def test_a_path_behind_allow_ssh_is_no_address_and_it_says_where_paths_stand(
    home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whereabouts, "own_address", lambda: "198.51.100.9")
    code, _, err = typed("launch", "--allow-ssh", "x.star")
    assert (code, "'x.star' is no IP address" in err, "say it last" in err) == (2, True, True)
    code, _, err = typed("launch", "x.star", "--allow-ssh")
    assert code == 0, err
    assert spooled().inputs == ("x.star",)


def test_who_works_by_hand_works_in_no_container(home: Path, typed: Type) -> None:
    (places().config / "settings.toml").write_text('container = "docker://relion:5"\n')
    code, _, err = typed("run", "--no-wait", "--on", "aws", "--out", "made", "--", "relion_refine")
    assert code == 0, err
    code, _, err = typed("launch")
    assert code == 0, err
    slips = spool_of(places()).slips()
    said = {slip.job.number: slip.job.wish.container for slip in slips}
    assert [said[number] for number in sorted(said)] == ["docker://relion:5", ""]


def test_without_being_asked_for_there_is_no_door(home: Path, typed: Type) -> None:
    code, out, err = typed("launch")
    assert code == 0, err
    assert "(Session Manager; if your stack has none: --allow-ssh)" in out
    assert spooled().wish.door is None


def test_a_job_asks_aws_for_the_callers_address(
    home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"198.51.100.9\n")

        def log_message(self, *_: object) -> None:
            return

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}/"
        asked = whereabouts.own_address
        monkeypatch.setattr(whereabouts, "own_address", lambda: asked(url))
        words = ("run", "--on", "aws", "--no-wait", "--allow-ssh", "--out", "made", "--", "true")
        code, _, err = typed(*words)
    finally:
        server.shutdown()
        server.server_close()
    assert code == 0, err
    assert "open to 198.51.100.9 alone" in err
    door = spooled().wish.door
    assert door is not None
    assert door.source == "198.51.100.9"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on", "local", *HERE), "--allow-ssh is for machines at AWS"),
        (("--on", "aws", "--allow-ssh", "0.0.0.0"), "0.0.0.0 is no address that a computer"),
        (("--on", "aws", "--allow-ssh", "203.0.113.0/24"), "is no IP address"),
        (("--on", "aws", *HERE, "--ssh-key", "x.star"), "x.star is no public key"),
    ],
)
def test_what_cannot_be_opened_is_said_before_anything_is_sent(
    home: Path, typed: Type, words: tuple[str, ...], said: str
) -> None:
    code, _, err = typed("run", *words, "--out", "made", "--", "true")
    assert code == 2
    assert said in err
    assert spool_of(places()).empty()


def test_a_stack_that_lets_nobody_in_says_who_changes_that(home: Path, typed: Type) -> None:
    assert typed("aws", "setup")[0] == 0
    assert typed("aws", "join")[0] == 0
    assert "off: no job opens a port" in typed("aws", "doctor")[1]
    code, _, err = typed("run", "--on", "aws", *HERE, "--out", "made", "--", "true")
    assert code == 2
    assert "cryoem aws setup --ssh" in err


def test_who_has_no_key_is_told_to_make_one(home: Path, typed: Type) -> None:
    (home / ".ssh" / "id_ed25519.pub").unlink()
    code, _, err = typed("run", "--on", "aws", *HERE, "--out", "made", "--", "true")
    assert code == 2
    assert "ssh-keygen -t ed25519" in err
