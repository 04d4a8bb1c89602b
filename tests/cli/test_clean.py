"""cryoem storage clean: what goes is what the user named, or what no file of the project is."""

import os
import shutil
import signal
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.cli.files.pushing import Pushing
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.storage.clean import Clean
from cryoem_cloud.cli.storage.cleaning import Known, Made, What, live_keys, offers
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.record import JSON
from cryoem_cloud.ports.classes import Kept
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.stores.words import IndexWords
from cryoem_cloud.testing.proxy import faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server
from tests.cli.conftest import NewUser, User
from tests.cli.test_storage import killed
from tests.stores.conftest import ministack_server

__all__ = ["ministack_server"]

_MOTION = """#!/bin/bash
mkdir -p "$4"Movies
for n in 1 2 3; do head -c 100000 /dev/zero > "$4"Movies/$n.mrc; echo $n >> "$4"Movies/$n.mrc; done
touch "$4"corrected_micrographs.star "$4"RELION_JOB_EXIT_SUCCESS
"""
"""Stands in for RELION's program."""
FOLDER = "MotionCorr/job002"
OLD = f"jobs/00000001/out/main/000001/{FOLDER}/Movies/old.mrc"
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


def looked(user: User, monkeypatch: pytest.MonkeyPatch) -> Clean:
    """What `clean` of the job's folder has found, in this process."""
    monkeypatch.chdir(user.folder)
    for name, value in user.env.items():
        monkeypatch.setenv(name, value)
    clean = Clean(the_project(), places(), paths=[FOLDER], versions=False, older=0)
    clean.look()
    assert sum(len(offer.objects) for offer in clean.chosen) == 3
    return clean


def test_what_is_named_anew_before_it_is_removed_stays(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of the same bytes is elsewhere, and another has other bytes by now."""
    clean = looked(corrected, monkeypatch)
    store, prefix = store_of(corrected)
    index = IndexLog(store, prefix.rstrip("/"))
    first, second, _ = clean.chosen[0].entries
    assert second.content
    newer = replace(second, mtime_ns=second.mtime_ns + 1)
    index.append("by hand", [replace(first, path="copy.mrc"), newer])
    clean.do()
    assert clean.removed == 1
    corrected.cryoem("pull", "copy.mrc", f"{FOLDER}/Movies/2.mrc")
    assert "0 damaged or missing" in corrected.cryoem("verify", "--deep").err


COPY = "copy.mrc"


def copied(user: User) -> bytes:
    """The user has a file of the bytes that one of the job's has, from an hour ago."""
    user.cryoem("pull", f"{FOLDER}/Movies/1.mrc")
    data = (user.folder / FOLDER / "Movies/1.mrc").read_bytes()
    (user.folder / COPY).write_bytes(data)
    an_hour_ago = time.time() - 3600
    os.utime(user.folder / COPY, (an_hour_ago, an_hour_ago))
    return data


def push_copy() -> None:
    pushing = Pushing(the_project(), places())
    pushing.look([COPY])
    pushing.send()


def comes_back(user: User, data: bytes) -> bool:
    """Whether the store has the copy, and all else that its index names."""
    (user.folder / COPY).unlink()
    user.cryoem("pull", COPY)
    intact = "0 damaged or missing" in user.cryoem("verify", "--deep").err
    return intact and (user.folder / COPY).read_bytes() == data


def test_what_is_removed_between_a_pushs_look_and_its_record_is_sent(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, clean = copied(corrected), looked(corrected, monkeypatch)
    append = IndexLog.append

    def late(log: IndexLog, origin: str, entries: Iterable[Entry], *, after: int = 0) -> int:
        if origin.startswith("push") and not clean.removed:
            clean.do()
        return append(log, origin, entries, after=after)

    monkeypatch.setattr(IndexLog, "append", late)
    push_copy()
    assert clean.removed == 3
    assert comes_back(corrected, data)


def test_what_a_push_names_between_a_cleans_look_and_its_record_stays(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the files are taken from the index, and where the objects are."""
    data, clean = copied(corrected), looked(corrected, monkeypatch)
    before = objects(corrected)
    append_next, times = IndexLog.append_next, [0]

    def late(
        log: IndexLog,
        origin: str,
        entries: Iterable[Entry],
        *,
        removed: Iterable[str] = (),
        after: int,
    ) -> bool:
        if not times[0]:
            push_copy()
        times[0] += 1
        return append_next(log, origin, entries, removed=removed, after=after)

    monkeypatch.setattr(IndexLog, "append_next", late)
    clean.do()
    assert (clean.removed, times[0]) == (2, 3), "one try was in vain"
    sent = {key for key in objects(corrected) - before if not key.startswith("index/")}
    assert not sent, "it was in the store"
    assert comes_back(corrected, data)


def test_a_file_that_is_written_anew_while_it_is_taken_from_the_index_stays_in_it(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    clean = looked(corrected, monkeypatch)
    store, prefix = store_of(corrected)
    index = IndexLog(store, prefix.rstrip("/"))
    newer = replace(clean.chosen[0].entries[0], mode=0o600)
    read_on, times = IndexWords.read_on, [0]

    def late(words: IndexWords) -> None:
        read_on(words)
        times[0] += 1
        if times[0] == 1:
            index.append("by hand", [newer])

    monkeypatch.setattr(IndexWords, "read_on", late)
    clean.do()
    assert clean.removed == 2
    corrected.cryoem("pull", newer.path)


def test_an_object_that_a_file_of_another_name_needs_is_not_offered() -> None:
    key = "jobs/00000001/out/main/000001/A/1"
    content = Content(key=key, start=0, stored=1, size=1, digest="x")
    made = Made(
        number=1,
        folder="A",
        outputs=("A",),
        bulk=frozenset({"A/1"}),
        again=True,
        newest=NOW - timedelta(days=20),
    )

    def known(*paths: str) -> Known:
        return Known(
            objects={key: Kept(key=f"p/{key}", size=1, word="STANDARD")},
            files={path: Entry(path=path, content=content) for path in paths},
            jobs=[made],
            before=NOW - timedelta(days=14),
            named=lambda path: path.startswith("A"),
            all_=False,
            versions=False,
        )

    assert [offer.chosen for offer in offers(known("A/1"))] == [True]
    assert offers(known("A/1", "B/1")) == []


NOW = datetime(2026, 1, 31, tzinfo=UTC)
KEYS = st.sampled_from(
    [
        *(f"mirror/{n}" for n in range(3)),
        *(f"bundles/{n}" for n in range(2)),
        *(
            f"jobs/{job:08d}/out/main/{turn:06d}/A/{n}"
            for job in (1, 2)
            for turn in (1, 2)
            for n in (1, 2)
        ),
        "jobs/00000001/out/main/000001/@manifest",
        "jobs/00000001/machines/m/journal/00000001",
        "gains/" + "0" * 64,
        "index/00000001",
        "project.json",
    ]
)


@st.composite
def knowns(draw: st.DrawFn) -> Known:
    keys = draw(st.sets(KEYS))
    ages = draw(st.lists(st.integers(0, 40), min_size=20, max_size=20))
    objects = {
        key: Kept(key=f"p/{key}", size=n, word="STANDARD", at=NOW - timedelta(days=ages[n % 20]))
        for n, key in enumerate(sorted(keys), start=1)
    }
    paths = draw(st.dictionaries(st.sampled_from(["A/1", "A/2", "A/3", "B/1"]), KEYS))
    files = {
        path: Entry(path=path, content=Content(key=key, start=0, stored=1, size=1, digest="x"))
        for path, key in paths.items()
    }
    jobs = [
        Made(
            number=number,
            folder="A",
            outputs=("A",),
            bulk=frozenset(draw(st.sets(st.sampled_from(["A/1", "A/2", "A/3"])))),
            again=draw(st.booleans()),
            newest=NOW - timedelta(days=draw(st.integers(0, 40))),
            place=draw(st.sampled_from([None, What.TRASHED, What.DELETED])),
        )
        for number in draw(st.sets(st.sampled_from([1, 2])))
    ]
    named = draw(st.sets(st.sampled_from(["A", "A/1", "A/2", "B/1"])))
    return Known(
        objects=objects,
        files=files,
        jobs=jobs,
        before=NOW - timedelta(days=14),
        named=named.__contains__,
        all_=not named,
        versions=draw(st.booleans()),
    )


@given(knowns())
def test_no_file_is_lost_that_was_not_named(known: Known) -> None:
    chosen = [offer for offer in offers(known) if offer.chosen]
    removed = {each.key.removeprefix("p/") for offer in chosen for each in offer.objects}
    gone = {entry.path for offer in chosen for entry in offer.entries}
    assert all(known.named(path) for path in gone)
    left = [entry for path, entry in known.files.items() if path not in gone]
    assert not removed & live_keys(left)
    assert not [
        key for key in removed if "@" in key or not key.startswith(("mirror", "bundles", "jobs"))
    ]
    assert not [key for key in removed if "journal" in key]
    if not known.versions:
        assert not [key for key in removed if key.startswith(("mirror", "bundles"))]
    if known.all_ and not known.versions:
        assert not removed & live_keys(known.files.values())
        assert not gone
