"""Whether machines will have the programs that a job's programs call, decided before anything."""

from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.courier.sending.executables import Arranged, arranged
from cryoem_cloud.model.errors import MissingInputError, RefusedError
from cryoem_cloud.model.job import Need, Outcome
from cryoem_cloud.ports.application import Called, Shape
from cryoem_cloud.settings import Settings

from .conftest import FOLDER, Bench, Played

_HERE = Shape(cores=1, memory_gib=1.0, fixed=True, here=True)
_ELSEWHERE = Shape(cores=8, memory_gib=32.0)


def program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def one(word: str, *, certain: bool = True) -> Called:
    return Called(name="ctffind", word=word, asked_by="the job", remedy="get one", certain=certain)


def decided(
    called: Called, shape: Shape, project: Path, chosen: dict[str, str] | None = None
) -> Arranged:
    env = {"PATH": str(project / "path")}
    return arranged([called], shape, project=project, chosen=chosen or {}, env=env)


@pytest.mark.parametrize("word", ["{}/path/ctffind", "ctffind"])
def test_this_computer_has_what_the_job_names(word: str, tmp_path: Path) -> None:
    program(tmp_path / "path/ctffind")
    called = one(word.format(tmp_path))
    assert decided(called, _HERE, tmp_path, {"ctffind": "/other"}) == Arranged(shape=_HERE)


def test_what_the_setting_names_here_takes_the_place_of_what_is_missing(tmp_path: Path) -> None:
    mine = str(program(tmp_path / "mine"))
    found = decided(one("/gone/ctffind"), _HERE, tmp_path, {"ctffind": mine})
    assert found.shape.executables == {"ctffind": mine}
    assert found.needs == ()
    with pytest.raises(MissingInputError, match="settings say that it is /gone/too"):
        decided(one("/gone/ctffind"), _HERE, tmp_path, {"ctffind": "/gone/too"})


@pytest.mark.parametrize("shape", [_HERE, _ELSEWHERE])
@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("/gone/ctffind", "calls /gone/ctffind, and there is no such file on this computer"),
        ("ctffind", "there is no such program in your PATH"),
        ("", "nothing says which program"),
    ],
)
def test_what_nobody_has_is_told_with_what_to_do(
    shape: Shape, word: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(MissingInputError, match=said) as caught:
        decided(one(word), shape, tmp_path)
    assert caught.value.hint == (
        'get one; or put ctffind = "/its/path" below [executables] in settings.toml'
    )


@pytest.mark.parametrize("shape", [_HERE, _ELSEWHERE])
@pytest.mark.parametrize("place", ["{}/plain", "sub/plain"])
def test_what_may_not_be_executed_is_refused(shape: Shape, place: str, tmp_path: Path) -> None:
    program(tmp_path / "plain", 0o644)
    program(tmp_path / "sub/plain", 0o644)
    with pytest.raises(RefusedError, match="may not be executed") as caught:
        decided(one(place.format(tmp_path)), shape, tmp_path)
    assert "chmod +x" in caught.value.hint


@pytest.mark.parametrize("place", ["{}/sub", "sub/deep"])
def test_a_folder_is_no_program(place: str, tmp_path: Path) -> None:
    (tmp_path / "sub/deep").mkdir(parents=True)
    with pytest.raises(RefusedError, match="which is a folder"):
        decided(one(place.format(tmp_path)), _HERE, tmp_path)


@pytest.mark.parametrize("shape", [_HERE, _ELSEWHERE])
@pytest.mark.parametrize("target", ["gone", "ctffind"])
def test_a_link_to_nowhere_or_itself_is_no_program(
    shape: Shape, target: str, tmp_path: Path
) -> None:
    (tmp_path / "ctffind").symlink_to(target)
    with pytest.raises(MissingInputError, match="a link that leads to no file"):
        decided(one(str(tmp_path / "ctffind")), shape, tmp_path)


@pytest.mark.parametrize("shape", [_HERE, _ELSEWHERE])
def test_what_the_script_may_yet_set_is_left_to_it(shape: Shape, tmp_path: Path) -> None:
    assert decided(one("ctffind", certain=False), shape, tmp_path) == Arranged(shape=shape)


@pytest.mark.parametrize("shape", [_HERE, _ELSEWHERE])
def test_a_program_of_the_project_travels_under_its_own_name(shape: Shape, tmp_path: Path) -> None:
    program(tmp_path / "bin/ctffind")
    found = decided(one("bin/ctffind"), shape, tmp_path, {"ctffind": "/other"})
    assert found == Arranged(shape=shape, needs=(Need(path="bin/ctffind", asked_by="the job"),))


def test_a_program_of_the_project_may_be_missing_as_an_input_is(tmp_path: Path) -> None:
    found = decided(one("bin/ctffind"), _HERE, tmp_path)
    assert [need.path for need in found.needs] == ["bin/ctffind"]
    with pytest.raises(RefusedError, match=r"the job calls \.\./ctffind, which lies outside"):
        decided(one("../ctffind"), _HERE, tmp_path)


def test_elsewhere_the_setting_counts_and_then_the_image(tmp_path: Path) -> None:
    program(tmp_path / "path/ctffind")
    image = Shape(cores=8, memory_gib=32.0, executables={"ctffind": "/image/ctffind"})
    for chosen, place in (({"ctffind": "/set"}, "/set"), ({}, "/image/ctffind")):
        found = decided(one("ctffind"), image, tmp_path, chosen)
        assert found.shape.executables == {"ctffind": place}
        assert found.needs == ()


def test_elsewhere_the_users_own_file_is_sent_along(tmp_path: Path) -> None:
    path = program(tmp_path / "path/ctffind")
    for word in (str(path), "ctffind"):
        found = decided(one(word), _ELSEWHERE, tmp_path)
        assert found.needs == (Need(path=f"@abs{path}", asked_by="the job"),)
        assert found.shape.executables == {"ctffind": f".cryoem-abs{path}"}


# The whole way of a CtfFind job to machines elsewhere.


def sent(bench: Bench, settings: Settings, path: str) -> tuple[str, dict[str, int]]:
    """The script that machines get, and the inputs from outside the project with their modes."""
    (bench.project / "m.star").write_text("data_\n\nloop_\n_rlnMicrographName #1\n\n")
    script = f"relion_run_ctffind --i m.star --o {FOLDER}/ --ctffind_exe ctffind\n"
    job = replace(bench.slip.job, script=script, application="relion")
    slip = replace(bench.slip, job=job, environment={"PATH": path})
    provider = Played(bench.done)
    provider.like = _ELSEWHERE
    means = replace(
        bench.means("courier-1", provider),
        application=lambda _: Relion(),
        settings=lambda _: settings,
    )
    Errand(slip, means, CardDesk(bench.card(), bench.cards, means.clock)).run()
    tasks = bench.records.tasks(0)
    entries = [e for task in tasks for e in task.inputs if e.path.startswith("@abs/")]
    return "".join(task.script for task in tasks), {e.path: e.mode for e in entries}


def test_machines_elsewhere_get_the_users_program_as_one(bench: Bench, tmp_path: Path) -> None:
    mine = program(tmp_path / "path/ctffind")
    script, outside = sent(bench, Settings(), str(mine.parent))
    assert outside == {f"@abs{mine}": 0o755}
    assert f"--ctffind_exe .cryoem-abs{mine} " in script.replace("\n", " ")
    assert bench.card().outcome is Outcome.SUCCESS


def test_machines_elsewhere_call_what_the_settings_name(bench: Bench, tmp_path: Path) -> None:
    mine = program(tmp_path / "path/ctffind")
    script, outside = sent(bench, Settings(executables={"ctffind": "/opt/c"}), str(mine.parent))
    assert outside == {}
    assert "--ctffind_exe /opt/c " in script.replace("\n", " ")


def test_nothing_is_sent_where_nobody_has_the_program(bench: Bench, tmp_path: Path) -> None:
    assert sent(bench, Settings(), str(tmp_path)) == ("", {})
    card = bench.card()
    assert (card.outcome, card.code, card.bytes_up) == (Outcome.FAILURE, 4, 0)
    assert "there is no such program in your PATH" in card.reason
