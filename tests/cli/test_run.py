"""`cryoem run`: submit, follow, end with the program's exit code."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import NewUser, User


@pytest.mark.parametrize(
    ("script", "code"),
    [("exit 0", 0), ("exit 3", 3), ("kill -9 $$", 137), ("kill -9 $PPID; sleep 1", 137)],
)
def test_it_ends_as_the_program_does(user: User, script: str, code: int) -> None:
    assert user.type("cryoem", "run", "--out", "a", "--", "bash", "-c", script).code == code


def test_streams_go_where_the_program_sent_them(user: User) -> None:
    said = user.type("cryoem", "run", "--out", "a", "--", "bash", "-c", "echo 1; echo 2 >&2")
    assert said.out == "1\n"
    assert "2" in said.err.splitlines()
    assert said.err.splitlines()[-1].startswith("cryoem: job 1: success")


def test_words_arrive_as_they_were_typed(user: User) -> None:
    odd = ["two words", "it's", "$HOME", "a\nb", "", "*"]
    said = user.type("cryoem", "run", "--out", "a", "--", "printf", "<%s>", *odd)
    assert said.out == "".join(f"<{word}>" for word in odd)


def test_options_of_the_program_are_its_own(user: User) -> None:
    said = user.type("cryoem", "run", "--out", "a", "--", "echo", "--in", "x", "--json")
    assert said.out == "--in x --json\n"


def test_a_misspelt_option_is_refused_and_not_run(user: User) -> None:
    said = user.type("cryoem", "run", "--outt", "a", "--", "true")
    assert (said.code, said.out) == (2, "")
    assert "--outt" in said.err


def test_the_dashes_may_be_left_out(user: User) -> None:
    assert user.type("cryoem", "run", "--out", "a", "echo", "--in", "x").out == "--in x\n"


def test_inputs_are_there_and_nothing_else(user: User) -> None:
    (user.folder / "maps").mkdir()
    (user.folder / "maps" / "1.mrc").write_text("map")
    (user.folder / "secret").write_text("mine")
    said = user.type("cryoem", "run", "--in", "maps", "--out", "a", "--", "find", ".", "-type", "f")
    assert "./maps/1.mrc" in said.out
    assert "secret" not in said.out


@pytest.mark.parametrize("path", ["nowhere", "nowhere*", "b/*.mrc"])
def test_a_missing_input_is_refused_at_once(user: User, path: str) -> None:
    said = user.type("cryoem", "run", "--in", path, "--out", "a", "--", "true")
    assert said.code == 4
    assert path in said.err
    assert user.submit("b", "touch b/1.map") == 1  # no number was spent


def test_an_output_behind_a_link_that_leads_nowhere_is_refused_at_once(user: User) -> None:
    (user.folder / "Class2D").symlink_to(user.folder.with_name("not mounted"))
    said = user.type("cryoem", "run", "--out", "Class2D/mine", "--", "true")
    assert said.code == 5
    assert "Class2D is a link that leads nowhere" in said.err
    assert user.submit("b", "true") == 1  # no number was spent


def test_a_pattern_may_mean_what_a_job_will_make(user: User) -> None:
    user.submit("b", "sleep 1; echo made > b/1.map")
    said = user.type("cryoem", "run", "--in", "?/*.map", "--out", "a", "--", "cat", "b/1.map")
    assert said.out == "made\n"
    assert not user.spool.slips()


def test_a_command_of_relions_needs_no_in_and_out(user: User) -> None:
    said = user.type(
        *("cryoem", "run", "--no-wait", "--"),
        *("relion_image_handler", "--i", "a.mrc", "--o", "Sharp/mine/b.mrc"),
    )
    assert said.out == "Submitted batch job 1\n"
    (slip,) = user.spool.slips()
    assert (slip.job.application, slip.job.outputs) == ("relion", ("Sharp/mine",))


def test_interrupting_lets_the_job_go_on(user: User) -> None:
    program = user.start(
        *("cryoem", "run", "--out", "a", "--", "bash", "-c"),
        "touch a/up; while [ ! -e a/go ] && [ $((n += 1)) -lt 600 ]; do sleep 0.1; done",
    )
    user.wait_for((user.folder / "a" / "up").exists)
    program.send_signal(signal.SIGINT)
    _, err = program.communicate(timeout=20)
    assert program.returncode == 130
    assert b"job 1 goes on" in err
    assert b"cryoem stop 1" in err
    assert user.card(1)["phase"] != "ended"
    user.cryoem("stop", "1")
    user.wait_for(lambda: user.card(1)["phase"] == "ended")


def test_several_machines_and_a_name_can_be_asked_for(user: User) -> None:
    user.cryoem(
        *("run", "--no-wait", "--on", "local", "--count", "2", "--name", "mine"),
        *("--out", "a", "--", "sleep", "30"),
    )
    (slip,) = user.spool.slips()
    assert (slip.job.name, slip.job.wish.where, slip.job.wish.count) == ("mine", "local", 2)


def test_it_works_from_a_folder_below_the_project(user: User) -> None:
    user.cryoem("connect", "relion")
    below = user.folder / "sub"
    below.mkdir()
    (below / "x").write_text("data")
    said = user.type(
        *("cryoem", "run", "--in", "x", "--out", "o", "--", "cp", "x", "o/y"), cwd=below
    )
    assert said.code == 0, said.err
    assert (below / "o" / "y").read_text() == "data"


def test_connect_writes_files_that_a_shell_can_source(new_user: NewUser, tmp_path: Path) -> None:
    user = new_user("it's me")
    folder = tmp_path / "some where"
    said = user.cryoem("connect", "relion", "--dir", str(folder))
    assert "env.sh" in said.out
    assert (folder / "qsub-template.sh").stat().st_mode & 0o111
    user.submit("a", "true")
    text = f". '{folder}/env.sh' && [ -x \"$(eval echo $RELION_QSUB_COMMAND)\" ]"
    subprocess.run(["sh", "-c", text], env=user.env, check=True, cwd=user.folder)


def test_connect_reserves_numbers_so_that_submitting_needs_no_store(user: User) -> None:
    user.cryoem("connect", "relion")
    (numbers,) = (user.places.state / "numbers").iterdir()
    assert numbers.read_text() == "[[1, 100]]"
    user.cryoem("connect", "relion")
    assert numbers.read_text() == "[[1, 100]]"
    user.store.rename(user.store.with_name("away"))
    user.store.write_text("no folder")
    said = user.type("cryoem", "run", "--no-wait", "--out", "a", "--", "true")
    assert said.out == "Submitted batch job 1\n"


@pytest.mark.parametrize("text", ["cuont = 3", "count = 0", 'where = "mars"', "store = x"])
def test_settings_that_are_off_are_refused_at_once(user: User, text: str) -> None:
    folder = user.folder / ".cryoem"
    folder.mkdir(exist_ok=True)
    assert user.type("cryoem", "run", "--out", "a", "--", "true").code == 0
    (folder / "settings.toml").write_text(text + "\n")
    said = user.type("cryoem", "run", "--out", "b", "--", "true")
    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1


def test_a_program_of_the_project_is_sent_along(user: User) -> None:
    (user.folder / "prog").write_text("#!/bin/sh\necho ran\n")
    (user.folder / "prog").chmod(0o755)
    assert user.type("cryoem", "run", "--out", "a", "--", "./prog").out == "ran\n"


def test_inputs_behind_aliases_are_there_as_links(user: User) -> None:
    (user.folder / "Class2D" / "job007").mkdir(parents=True)
    (user.folder / "Class2D" / "job007" / "map").write_text("bytes")
    (user.folder / "Class2D" / "mine").symlink_to("../Class2D/job007/")
    script = "cat Class2D/mine/map; readlink Class2D/mine; ln -s $PWD/Class2D/mine/map a/map"
    said = user.type(
        *("cryoem", "run", "--in", "Class2D/mine/map", "--out", "a", "--", "bash", "-c", script)
    )
    assert said.out == "bytesjob007\n"
    assert (user.folder / "a" / "map").readlink() == user.folder / "Class2D" / "mine" / "map"


def test_a_link_that_leads_nowhere_is_told(user: User) -> None:
    (user.folder / "Movies").symlink_to("/nowhere/session 1")
    (user.folder / "p.star").write_text("data_\n\nloop_\n_rlnImageName #1\n1@Movies/a.mrcs\n")
    said = user.type(
        "cryoem", "run", "--", *["relion_refine", "--i", "p.star", "--o", "Class2D/run"]
    )
    assert said.code == 4
    assert "Movies is a link to /nowhere/session 1, which is not there" in said.err
    assert "p.star line 5 asks for it" in said.err
