"""A project whose movies a job has corrected, for what `storage clean` may take of it."""

from pathlib import Path

import pytest

from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.storage.clean import Clean
from cryoem_cloud.model.record import JSON
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store
from tests.cli.conftest import User

__all__ = ["FOLDER", "PIPELINE", "corrected", "looked", "made", "objects", "offered", "store_of"]

_MOTION = """#!/bin/bash
mkdir -p "$4"Movies
for n in 1 2 3; do head -c 100000 /dev/zero > "$4"Movies/$n.mrc; echo $n >> "$4"Movies/$n.mrc; done
touch "$4"corrected_micrographs.star "$4"RELION_JOB_EXIT_SUCCESS
"""
"""Stands in for RELION's program."""
FOLDER = "MotionCorr/job002"
PIPELINE = f"""
data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
_rlnPipeLineProcessTypeLabel #3
_rlnPipeLineProcessStatusLabel #4
{FOLDER}/ None relion.motioncorr Succeeded
CtfFind/job003/ None relion.ctffind Succeeded
Extract/job004/ None relion.extract {{}}

data_pipeline_input_edges

loop_
_rlnPipeLineEdgeFromNode #1
_rlnPipeLineEdgeProcess #2
{FOLDER}/corrected_micrographs.star CtfFind/job003/
CtfFind/job003/micrographs_ctf.star Extract/job004/
"""


def made(user: User, folder: Path) -> User:
    """The user ran a motion correction, and wants its essentials only."""
    program = folder / "bin" / "relion_run_motioncorr"
    program.parent.mkdir()
    program.write_text(_MOTION)
    program.chmod(0o755)
    user.env["PATH"] = f"{program.parent}:{user.env['PATH']}"
    (user.folder / "movies.star").write_text("data_\n\nloop_\n_rlnMicrographMovieName #1\n")
    words = ("--i", "movies.star", "--o", f"{FOLDER}/")
    user.cryoem("run", "--home", "essential", "--", "relion_run_motioncorr", *words)
    (user.folder / "default_pipeline.star").write_text(PIPELINE.format("Succeeded"))
    return user


@pytest.fixture
def corrected(user: User, tmp_path: Path) -> User:
    return made(user, tmp_path)


def store_of(user: User) -> tuple[Store, str]:
    """The user's store, and what the keys of the project begin with."""
    store = open_store(user.store.as_uri(), env={})
    (key,) = (one.key for one in store.list("") if one.key.endswith("/project.json"))
    return store, key.removesuffix("project.json")


def offered(user: User, *words: str) -> list[JSON]:
    said = user.cryoem("storage", "clean", *words, "--older", "0", "--dry-run", "--json")
    found = said.json["offers"]
    assert isinstance(found, list)
    return found


def objects(user: User) -> set[str]:
    store, prefix = store_of(user)
    return {one.key.removeprefix(prefix) for one in store.list(prefix)}


def looked(user: User, monkeypatch: pytest.MonkeyPatch) -> Clean:
    """What `clean` of the job's folder has found, in this process."""
    monkeypatch.chdir(user.folder)
    for name, value in user.env.items():
        monkeypatch.setenv(name, value)
    clean = Clean(the_project(), places(), paths=[FOLDER], versions=False, older=0)
    clean.look()
    assert sum(len(offer.objects) for offer in clean.chosen) == 3
    return clean
