"""Projects that move, are copied, are attached elsewhere, and jobs that two computers see."""

import shutil
from pathlib import Path

import pytest

from cryoem_cloud.cli.files.indexed import placeable, require_placing
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.project import Project
from tests.cli.conftest import NewUser, User

_UNTIL = "touch a/up; n=0; while [ ! -e {0} ] && [ $((n += 1)) -lt 600 ]; do sleep 0.1; done"


@pytest.fixture
def first(user: User) -> User:
    user.cryoem("connect", "relion")
    return user


def attached(new_user: NewUser, first: User) -> User:
    """A second computer with the first one's project."""
    second = new_user("bob")
    url = first.store.as_uri()
    (name,) = second.cryoem("project", "attach", url, "--json").json["projects"]
    second.cryoem("project", "attach", url, name)
    return second


def test_project_shows_what_the_folder_is(first: User) -> None:
    shown = first.cryoem("project", "show", "--json").json
    assert shown["folder"] == first.folder.as_uri()
    assert shown["store"] == first.store.as_uri()
    assert shown["name"] in first.cryoem("project").out


def test_a_renamed_project_keeps_its_jobs_and_they_say_where_they_are(first: User) -> None:
    first.submit("a", "echo hello")
    first.cryoem("wait", "1")
    first.folder = first.folder.rename(first.folder.with_name("new name"))
    assert first.cryoem("logs", "1").out == "hello\n"
    assert first.card(1)["folder"] == first.folder.as_uri()


def test_a_job_comes_home_to_where_its_project_has_moved(first: User, tmp_path: Path) -> None:
    go = tmp_path / "go"
    first.submit("a", f"{_UNTIL.format(go)}; echo done > a/x")
    first.wait_for((first.folder / "a" / "up").exists)
    first.folder = first.folder.rename(first.folder.with_name("moved"))
    go.touch()
    first.cryoem("ls")
    first.cryoem("wait", "1")
    assert (first.folder / "a" / "x").read_text() == "done\n"


def test_a_copied_project_is_another(first: User) -> None:
    name = first.cryoem("project", "show", "--json").json["name"]
    copy = first.folder.with_name("copy")
    shutil.copytree(first.folder, copy)
    assert first.cryoem("project", "show", "--json", cwd=copy).json["name"] != name
    assert first.cryoem("project", "show", "--json").json["name"] == name


def test_a_project_from_another_disk_must_be_moved_or_forked(first: User) -> None:
    name = first.cryoem("project", "show", "--json").json["name"]
    first.change_binding(f"inode = {first.folder.stat().st_ino}", "inode = 1")
    first.change_binding(first.folder.as_uri(), "file:///nowhere")
    said = first.type("cryoem", "ls")
    assert said.code == 2
    assert "cryoem project move" in said.err
    first.cryoem("project", "move")
    assert first.cryoem("project", "show", "--json").json["name"] == name
    first.cryoem("project", "fork")
    assert first.cryoem("project", "show", "--json").json["name"] != name


def test_a_store_that_somebody_put_in_place_of_ours_gets_nothing(
    first: User, tmp_path: Path
) -> None:
    first.submit("a", "echo hello")
    first.cryoem("wait", "1")
    name = first.cryoem("project", "show", "--json").json["name"]
    other = tmp_path / "other store"
    first.change_binding(first.store.as_uri(), other.as_uri())
    refused = first.type("cryoem", "run", "--no-wait", "--out", "b", "--", "true")
    assert refused.code == 5
    assert other.as_uri() in refused.err
    assert first.store.as_uri() in refused.err
    assert f"cryoem project attach {other.as_uri()} {name}" in refused.err
    assert not other.exists()
    assert first.cryoem("logs", "1").out == "hello\n"
    first.cryoem("project", "attach", other.as_uri(), name)
    first.cryoem("run", "--out", "b", "--", "true")
    assert other.is_dir()


def test_settings_in_the_folder_give_a_known_project_no_other_store(
    first: User, tmp_path: Path
) -> None:
    ours = first.folder / ".cryoem"
    (ours / "project.toml").unlink()
    other = (tmp_path / "other").as_uri()
    (ours / "settings.toml").write_text(f'store = "{other}"\n')
    refused = first.type("cryoem", "connect", "relion")
    assert refused.code == 5
    assert f"export CRYOEM_STORE={other}" in refused.err
    first.cryoem("connect", "relion", CRYOEM_STORE=other)
    assert first.cryoem("project", "show", "--json").json["store"] == other


def test_attach_refuses_what_is_not_there_and_what_is_a_project(first: User) -> None:
    url = first.store.as_uri()
    assert first.type("cryoem", "project", "attach", url, "nothing").code == 3
    first.submit("a", "true")
    first.cryoem("wait", "1")
    name = first.cryoem("project", "show", "--json").json["name"]
    assert first.type("cryoem", "project", "attach", url, name, cwd=first.folder / "a").code == 2
    assert first.cryoem("project", "attach", url, name).code == 0


def test_a_second_computer_lists_shows_and_prints(new_user: NewUser, first: User) -> None:
    first.submit("a", "echo hello; echo bad >&2; echo made > a/x; exit 3")
    first.type("cryoem", "wait", "1")
    second = attached(new_user, first)
    (job,) = second.cryoem("ls", "--json").json["jobs"]
    assert (job["number"], job["outcome"], job["code"]) == (1, "failure", 3)
    assert second.cryoem("logs", "1").out == "hello\n"
    assert second.cryoem("logs", "--err", "1").out == "bad\n"
    assert second.type("cryoem", "wait", "1").code == 3
    assert "FAILED" in second.type("cryoem-qstat", "1").out
    assert "exit code 3" in second.cryoem("why", "1").out
    (output,) = second.cryoem("show", "1", "--json").json["outputs"]
    assert output == {"path": "a/x", "size": 5, "at": "store only"}
    second.cryoem("pull", "a")
    assert (second.folder / "a" / "x").read_text() == "made\n"


def test_a_second_computer_follows_and_stops(new_user: NewUser, first: User) -> None:
    first.submit("a", "echo hello; touch a/up; sleep 61")
    first.wait_for((first.folder / "a" / "up").exists)
    second = attached(new_user, first)
    program = second.start("cryoem", "logs", "-f", "1")
    assert program.stdout is not None
    assert program.stdout.readline() == b"hello\n"
    assert second.type("cryoem-qdel", "1").code == 0
    program.communicate(timeout=40)
    assert program.returncode != 0
    assert first.card(1)["outcome"] == "aborted"
    assert not first.processes("sleep", "61")


def test_a_second_computer_leaves_jobs_that_a_living_courier_has(
    new_user: NewUser, first: User, tmp_path: Path
) -> None:
    first.submit("a", f"{_UNTIL.format(tmp_path / 'go')}; echo done > a/x")
    first.wait_for((first.folder / "a" / "up").exists)
    second = attached(new_user, first)
    assert "job 1  a  is brought home here" in second.cryoem("courier", "follow").out
    (tmp_path / "go").touch()
    first.cryoem("wait", "1")
    assert (first.folder / "a" / "x").read_text() == "done\n"
    second.cryoem("wait", "1")
    assert not (second.folder / "a" / "x").exists()


@pytest.mark.soak  # a courier counts as dead after a minute
def test_a_second_computer_takes_over_what_was_dropped(
    new_user: NewUser, first: User, tmp_path: Path
) -> None:
    first.submit("a", f"echo hello; {_UNTIL.format(tmp_path / 'go')}; echo done > a/x")
    first.wait_for((first.folder / "a" / "up").exists)
    first.kill_courier()
    (tmp_path / "go").touch()
    second = attached(new_user, first)
    second.cryoem("courier", "follow")
    second.wait_for(lambda: second.card(1)["phase"] == "ended", seconds=110)
    assert second.card(1)["outcome"] == "success"
    assert (second.folder / "a" / "x").read_text() == "done\n"
    assert (second.folder / "a" / "run.out").read_text() == "hello\n"


def test_jobs_whose_inputs_are_not_sent_are_left_to_their_computer(
    new_user: NewUser, first: User
) -> None:
    first.submit("b", "touch b/up; sleep 60")
    first.wait_for((first.folder / "b" / "up").exists)
    first.cryoem("run", "--no-wait", "--in", "b", "--out", "a", "--", "true")
    first.wait_for(lambda: first.card(2)["phase"] == "waiting")
    second = attached(new_user, first)
    lines = second.cryoem("courier", "follow").out.splitlines()
    assert [line for line in lines if line.startswith("job 2") and "left: its inputs" in line]
    assert {slip.job.number for slip in second.spool.slips()} == {1}


def test_a_number_in_two_stores_belongs_to_the_projects_folder(first: User, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    store = (tmp_path / "store2").as_uri()
    first.cryoem("connect", "relion", cwd=other, CRYOEM_STORE=store)
    first.submit("a", "true")
    first.cryoem("run", "--out", "b", "--", "true", cwd=other)
    first.cryoem("wait", "1")
    assert "a" in first.type("cryoem-qstat", "1").out.split()
    assert "b" in first.type("cryoem-qstat", "1", cwd=other).out.split()
    said = first.type("cryoem", "show", "1", cwd=tmp_path)
    assert said.code == 2
    assert str(first.folder) in said.err
    assert str(other) in said.err


def test_push_sends_once_and_pull_brings_back(first: User) -> None:
    (first.folder / "maps").mkdir()
    (first.folder / "maps" / "1.mrc").write_bytes(b"map" * 1000)
    assert "3.0 kB sent" in first.cryoem("push", "maps").err
    assert " 0 B sent" in first.cryoem("push", "maps").err
    (item,) = first.cryoem("store", "ls", "maps", "--json").json["files"]
    assert (item["path"], item["size"]) == ("maps/1.mrc", 3000)
    assert "maps/1.mrc" in first.cryoem("store", "ls").out
    nothing = first.type("cryoem", "store", "ls", "nothere")
    assert (nothing.code, nothing.out) == (1, "")
    assert "nothing at nothere" in nothing.err
    empty = first.type("cryoem", "store", "ls", "nothere", "--json")
    assert (empty.code, empty.json["files"]) == (1, [])
    (first.folder / "maps" / "1.mrc").unlink()
    first.cryoem("pull", "maps")
    assert (first.folder / "maps" / "1.mrc").read_bytes() == b"map" * 1000


def test_a_project_of_which_files_were_pushed_and_no_job_was_run_is_attached(
    user: User, new_user: NewUser
) -> None:
    user.cryoem("connect", "relion")
    (user.folder / "1.mrc").write_text("map")
    user.cryoem("push", "1.mrc")
    name = user.cryoem("project", "show", "--json").json["name"]
    bob = new_user("bob")
    bob.cryoem("project", "attach", user.store.as_uri(), name)
    bob.cryoem("pull", "1.mrc")
    assert (bob.folder / "1.mrc").read_text() == "map"


def test_pull_replaces_nothing_unless_forced(first: User) -> None:
    file = first.folder / "1.mrc"
    file.write_text("old")
    first.cryoem("push", "1.mrc")
    file.write_text("newer")
    said = first.type("cryoem", "pull", "1.mrc")
    assert said.code == 5
    assert "--force" in said.err
    assert file.read_text() == "newer"
    first.cryoem("pull", "--force", "1.mrc")
    assert file.read_text() == "old"


def test_pull_refuses_what_a_machine_must_not_write(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc")
    project = Project(name="p", store="file:///s", folder=tmp_path)
    content = Content(key="k", start=0, stored=0, size=0, digest="d")
    for path in ("../x", "a/../../x", "/etc/x", ".cryoem/project.toml", "link/x"):
        entry = Entry(path=path, content=content)
        with pytest.raises(RefusedError):
            require_placing(project, path, ()) if placeable(entry) else None
    assert placeable(Entry(path="a/x", content=content))
    require_placing(project, "a/x", ())


def test_pull_follows_the_users_link_to_a_job_folder(first: User, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (first.folder / "Class2D").symlink_to(tmp_path / "disk")
    first.submit("Class2D/mine", "echo made > Class2D/mine/x")
    first.cryoem("wait", "1")
    (tmp_path / "disk" / "mine" / "x").unlink()
    first.cryoem("pull", "Class2D/mine")
    assert (tmp_path / "disk" / "mine" / "x").read_text() == "made\n"


def test_courier_status_and_install(first: User) -> None:
    status = first.cryoem("courier", "status", "--json").json
    assert (status["running"], status["jobs"]) == (False, [])
    number = first.submit("a", "sleep 60")
    first.wait_for(lambda: first.cryoem("courier", "status", "--json").json["running"])
    assert first.cryoem("courier", "status", "--json").json["jobs"] == [number]
    said = first.cryoem("courier", "install").out
    unit = first.home / ".config" / "systemd" / "user" / "cryoem-courier.service"
    assert str(unit) in said
    assert "systemctl --user enable --now" in said
    assert 'bin/cryoem" courier stay' in unit.read_text()


def test_wake_starts_a_courier_only_if_there_is_work(first: User) -> None:
    first.cryoem("courier", "wake")
    assert not first.processes("courier")
    first.submit("a", "sleep 60")
    first.kill_courier()
    assert "1 job is not home" in first.cryoem("courier", "status").out
    first.cryoem("courier", "wake")
    first.wait_for(lambda: first.cryoem("courier", "status", "--json").json["running"])


@pytest.mark.parametrize(
    ("store", "said"),
    [
        ("/data/x", "'/data/x' is no store's URL"),
        ("ftp://bucket", "is no store's URL"),
        ("file://host/x", "names no folder of this computer"),
        ("s3:bucket", "names no bucket"),
    ],
)
@pytest.mark.parametrize(
    "words", [("connect", "relion"), ("run", "--no-wait", "--out", "a", "--", "true")]
)
def test_what_is_no_stores_url_is_refused_before_anything_is_made(
    user: User, store: str, said: str, words: tuple[str, ...]
) -> None:
    before = set(user.folder.iterdir())
    refused = user.type("cryoem", *words, CRYOEM_STORE=store)
    assert refused.code != 0
    assert said in refused.err
    assert set(user.folder.iterdir()) == before
    user.cryoem("connect", "relion")


def test_a_project_whose_store_is_no_url_is_given_another(user: User) -> None:
    user.cryoem("connect", "relion")
    store = user.cryoem("project", "show", "--json").json["store"]
    user.change_binding(store, "no-url")
    for file in (user.places.state / "projects").glob("*.json"):
        file.unlink()  # as of a version that agreed to it
    refused = user.type("cryoem", "ls")
    assert refused.code != 0
    assert "cryoem project fork --store URL" in refused.err
    user.cryoem("project", "fork", "--store", (user.home / "store").as_uri())
    user.cryoem("ls")
