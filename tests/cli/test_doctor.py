"""cryoem doctor: what is wrong, what is not yet needed, and what mends it."""

import shutil
from pathlib import Path

from tests.cli.conftest import User


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
