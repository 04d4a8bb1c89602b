"""cryoem storage clean: what goes is what the user named, or what no file of the project is."""

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server
from tests.cli.conftest import NewUser, User
from tests.cli.corrected import (
    FOLDER,
    PIPELINE,
    corrected,
    looked,
    made,
    objects,
    offered,
    store_of,
)
from tests.cli.test_storage import killed
from tests.stores.conftest import ministack_server

__all__ = ["corrected", "ministack_server"]

OLD = f"jobs/00000001/out/main/000001/{FOLDER}/Movies/old.mrc"


def test_what_can_be_made_again_is_offered_and_goes_only_by_name(corrected: User) -> None:
    (offer,) = offered(corrected)
    assert (offer["what"], offer["folder"], offer["chosen"]) == ("made_again", FOLDER, False)
    assert (offer["objects"], offer["bytes"]) == (3, 300_006)
    assert offer["read_by"] == ["CtfFind/job003", "Extract/job004"]
    before = objects(corrected)
    said = corrected.cryoem("storage", "clean", "--older", "0", "--yes")
    assert f"goes if you name it: cryoem storage clean {FOLDER}" in said.err
    assert objects(corrected) == before
    said = corrected.cryoem("storage", "clean", FOLDER, "--older", "0", "--yes")
    assert f"{FOLDER} is read by CtfFind/job003, Extract/job004, or by what comes" in said.err
    assert f"3 files of {FOLDER} would be nowhere any more" in said.err
    assert "3 objects removed, 300.0 kB" in said.err
    gone = before - objects(corrected)
    assert len(gone) == 3
    assert all(key.endswith(".mrc") for key in gone)
    listed = corrected.cryoem("store", "ls", FOLDER).out
    assert ".mrc" not in listed
    assert "corrected_micrographs.star" in listed
    assert offered(corrected, FOLDER) == []


def test_only_what_was_named_of_a_job_goes(corrected: User) -> None:
    one, other = offered(corrected, f"{FOLDER}/Movies/2.mrc")
    assert (one["chosen"], one["files"]) == (True, [f"{FOLDER}/Movies/2.mrc"])
    assert (other["chosen"], other["objects"]) == (False, 2)


def test_what_is_young_is_not_offered(corrected: User) -> None:
    said = corrected.cryoem("storage", "clean", FOLDER, "--yes")
    assert "nothing to clean" in said.err
    said = corrected.cryoem("storage", "clean", FOLDER, "--dry-run", CRYOEM_KEEP_DAYS="0")
    assert "can be made again" in said.out
    said = corrected.type("cryoem", "storage", "clean", CRYOEM_KEEP_DAYS="soon")
    assert said.code == 2


def test_times_that_cannot_be_stop_nobody(corrected: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a user's nor a machine's."""
    said = corrected.type("cryoem", "storage", "clean", "--older", "9" * 12)
    assert (said.code, "is not in the range" in said.err) == (2, True)
    entry = looked(corrected, monkeypatch).chosen[0].entries[0]
    store, prefix = store_of(corrected)
    IndexLog(store, prefix.rstrip("/")).append("odd", [replace(entry, mtime_ns=10**30)])
    assert offered(corrected)


def test_leftovers_of_machines_go_and_nothing_else(corrected: User) -> None:
    store, prefix = store_of(corrected)
    store.put(prefix + OLD, bytes(1000))
    before = objects(corrected)
    first, second = offered(corrected)
    assert (first["what"], first["chosen"], first["bytes"]) == ("leftover", True, 1000)
    assert second["chosen"] is False
    said = corrected.cryoem("storage", "clean", "--older", "0", "--yes")
    assert "1 object removed, 1.0 kB" in said.err
    assert before - objects(corrected) == {OLD}
    corrected.cryoem("pull", FOLDER)


def test_nothing_goes_while_a_job_is_under_way_or_reads_it(corrected: User) -> None:
    (corrected.folder / "default_pipeline.star").write_text(PIPELINE.format("Running"))
    words = ("cryoem", "storage", "clean", FOLDER, "--older", "0", "--yes")
    said = corrected.type(*words)
    assert said.code == 5
    assert "Extract/job004 runs, and reads what would be removed" in said.err
    (corrected.folder / "default_pipeline.star").unlink()
    job = corrected.submit("out", "sleep 60")
    said = corrected.type(*words)
    assert said.code == 5
    assert f"job {job} is under way" in said.err


def test_a_job_that_came_while_the_user_was_asked_keeps_it(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = looked(corrected, monkeypatch)
    clean.require_quiet()
    job = corrected.submit("out", "sleep 60")
    with pytest.raises(RefusedError, match=f"job {job} is under way"):
        clean.require_quiet()


def test_what_cannot_be_made_again_is_not_offered(corrected: User) -> None:
    """The job's list is in the store no more, and no file of that name."""
    assert len(offered(corrected)) == 1
    store, prefix = store_of(corrected)
    (key,) = (key for key in objects(corrected) if key.startswith("mirror/movies.star"))
    store.delete(prefix + key)
    gone = Entry(path="movies.star", kind=Kind.GONE)
    IndexLog(store, prefix.rstrip("/")).append("by hand", [gone])
    assert offered(corrected) == []


def test_a_job_that_was_deleted_here_is_told_apart(corrected: User) -> None:
    shutil.rmtree(corrected.folder / FOLDER)
    (offer,) = offered(corrected)
    assert (offer["what"], offer["chosen"]) == ("deleted", False)


def test_a_job_in_the_trash_is_told_apart(corrected: User) -> None:
    folder = corrected.folder / "MotionCorr/job005"
    folder.mkdir()
    script = folder / "run_submit.script"
    script.write_text(
        "#!/bin/bash\nrelion_run_motioncorr --i movies.star --o MotionCorr/job005/"
        " --pipeline_control MotionCorr/job005/\n"
    )
    corrected.type("cryoem-qsub", "MotionCorr/job005/run_submit.script")
    corrected.wait_for(lambda: corrected.card(2)["phase"] == "ended")
    (corrected.folder / "Trash/MotionCorr").mkdir(parents=True)
    folder.rename(corrected.folder / "Trash/MotionCorr/job005")
    trashed = [offer for offer in offered(corrected) if offer["what"] == "trashed"]
    assert [offer["folder"] for offer in trashed] == ["MotionCorr/job005"]


def test_older_versions_go_only_if_asked_for(new_user: NewUser, ministack_server: S3Server) -> None:
    env = ministack_server.env()
    user = new_user("eve", **env, CRYOEM_STORE=ministack_server.bucket())
    user.cryoem("connect", "relion")
    file = user.folder / "map.mrc"
    file.write_bytes(os.urandom(200_000))
    user.cryoem("push", "map.mrc")
    file.write_bytes(os.urandom(200_001))
    user.cryoem("push", "map.mrc")
    (offer,) = offered(user)
    assert (offer["what"], offer["chosen"], offer["bytes"]) == ("version", False, 200_000)
    said = user.cryoem("storage", "clean", "--older", "0", "--dry-run")
    assert "*" not in said.out
    assert "goes if you name it: cryoem storage clean --versions --older 0" in said.err
    assert user.cryoem("storage", "clean", "--dry-run").out == "", "they are young"
    user.cryoem("storage", "clean", "--older", "0", "--versions", "--yes")
    assert offered(user) == []
    assert "0 damaged or missing" in user.cryoem("verify", "--deep").err


def test_what_changed_since_it_was_archived_is_sent_and_the_rest_is_an_older_version(
    new_user: NewUser, ministack_server: S3Server
) -> None:
    env = ministack_server.env()
    user = new_user("eve", **env, CRYOEM_STORE=ministack_server.bucket())
    user.cryoem("connect", "relion")
    file = user.folder / "map.mrc"
    file.write_bytes(os.urandom(200_000))
    user.cryoem("push", "map.mrc")
    user.cryoem("storage", "archive", "map.mrc", "--yes")
    file.write_bytes(os.urandom(200_001))
    user.cryoem("push", "map.mrc")
    said = user.cryoem("storage", "clean", "--older", "0", "--versions", "--dry-run")
    assert "of what is archived of older versions, the least time is paid" in said.err
    assert "0 damaged or missing" in user.cryoem("verify", "--deep").err


@pytest.mark.soak
def test_killed_between_index_and_objects_the_next_one_goes_on(
    new_user: NewUser, ministack_server: S3Server, tmp_path: Path
) -> None:
    with faulty_proxy(ministack_server.endpoint) as proxy:
        env = ministack_server.env(AWS_ENDPOINT_URL=proxy.endpoint)
        user = made(new_user("eve", **env, CRYOEM_STORE=ministack_server.bucket()), tmp_path)
        store = open_store(user.env["CRYOEM_STORE"], env=ministack_server.env())
        words = ("storage", "clean", FOLDER, "--older", "0", "--yes")
        command = user.start("cryoem", *words)

        def kill(request: str) -> None:
            if request.startswith("PUT") and "/index/" in request:
                command.send_signal(signal.SIGKILL)

        proxy.done = kill
        command.communicate(timeout=60)
        proxy.done = lambda _: None
        assert command.returncode == -signal.SIGKILL
        mrcs = [one.key for one in store.list("") if one.key.endswith(".mrc")]
        assert len(mrcs) == 3
        (offer,) = offered(user)
        assert (offer["what"], offer["chosen"], offer["objects"]) == ("leftover", True, 3)
        for after in (9, 14):
            killed(user, proxy, after, "storage", "clean", "--older", "0", "--yes")
        user.cryoem("storage", "clean", "--older", "0", "--yes")
        assert not [one.key for one in store.list("") if one.key.endswith(".mrc")]
        assert user.cryoem("verify").code == 0
