"""The project as its user has it: what is in the folder, and what jobs left in the store."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.courier.homeward.left import LeftInStore
from cryoem_cloud.courier.known.cache import Cache
from cryoem_cloud.courier.sending.upload import Upload
from cryoem_cloud.courier.sending.view import ProjectView
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import CorruptObjectError, MissingInputError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Job, Need, Wish
from cryoem_cloud.model.project import Project
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore
from tests.apps.conftest import make_job

_MOTION = "relion_run_motioncorr --o MotionCorr/job002/"
_MICROGRAPH = "MotionCorr/job002/Movies/1.mrc"


@dataclass
class Desk:
    """A project, its store, and what the courier sees of both."""

    project: Project
    store: MemoryStore
    cache: Cache
    view: ProjectView
    numbers: Iterable[int]

    @property
    def index(self) -> IndexLog:
        return IndexLog(self.store, self.project.name)

    def read(self, path: str) -> bytes:
        """The bytes of a file of the view's."""
        with self.view.open(path) as file:
            return file.read()

    def put(self, path: str) -> None:
        """The user makes a file."""
        place = self.project.folder / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("here")

    def job(self, script: str, *names: str, home: str = "essential", bundled: bool = False) -> Job:
        """A job has run, has made these files, and those that come are home."""
        number = next(iter(self.numbers))
        job = replace(make_job(script), number=number, wish=Wish(home=home))
        records = JobRecords(self.store, self.project.name, number)
        records.put_job(job)
        entries = [self.made(number, f"{job.outputs[0]}/{name}", bundled=bundled) for name in names]
        stays = application_named("relion").bulk(job, [e.path for e in entries], ended=True)
        for entry in entries:
            (self.project.folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
            if entry.path not in stays or home == "all":
                self.put(entry.path)
        self.index.append(f"job {number}", entries)
        self.cache.refresh(self.index, self.project.name)
        return job

    def made(self, job: int, path: str, *, bundled: bool) -> Entry:
        """An output in the store."""
        data = f"bytes of {path} by job {job}".encode()
        key = f"jobs/{job:08d}/" + ("machines/m/journal/1" if bundled else f"out/main/1/{path}")
        start = 10 if bundled else 0
        self.store.put(f"{self.project.name}/{key}", b"x" * start + data)
        digest, size = digest_of(data), len(data)
        content = Content(key=key, start=start, stored=size, size=size, digest=digest)
        return Entry(path=path, content=content)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    project = Project(name="p-00000000", store="memory://", folder=tmp_path / "project")
    project.folder.mkdir()
    store, cache = MemoryStore(), Cache(tmp_path / "cache.sqlite")
    left = LeftInStore(store, project, cache, application_named)
    return Desk(project, store, cache, ProjectView(store, project, cache, left), count(1))


def test_what_a_job_left_in_the_store_is_there(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc", "Movies/1.star", "gain.mrc")
    assert not (desk.project.folder / _MICROGRAPH).exists()
    assert desk.view.kind(_MICROGRAPH) is Kind.FILE
    assert desk.view.names("MotionCorr/job002/Movies") == ["1.mrc", "1.star"]
    assert desk.read(_MICROGRAPH) == f"bytes of {_MICROGRAPH} by job 1".encode()


def test_small_files_that_came_in_a_page_are_left_too(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc", bundled=True)
    assert desk.view.kind(_MICROGRAPH) is Kind.FILE
    assert desk.read(_MICROGRAPH) == f"bytes of {_MICROGRAPH} by job 1".encode()


@pytest.mark.parametrize("path", ["MotionCorr/best/Movies/1.mrc", "all/best/Movies/1.mrc"])
def test_it_is_there_through_links_too(desk: Desk, path: str) -> None:
    desk.job(_MOTION, "Movies/1.mrc")
    (desk.project.folder / "MotionCorr/best").symlink_to("job002")
    (desk.project.folder / "all").symlink_to("MotionCorr")
    assert desk.view.kind(path) is Kind.FILE
    assert list(desk.view.names(path.removesuffix("/1.mrc"))) == ["1.mrc"]
    assert desk.read(path).startswith(b"bytes of MotionCorr/job002")


def test_what_lies_here_counts_more(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc")
    desk.put(_MICROGRAPH)
    assert desk.read(_MICROGRAPH) == b"here"
    assert desk.view.names("MotionCorr/job002/Movies") == ["1.mrc"]


def test_what_came_home_and_is_gone_was_deleted(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc", "Movies/1.star")
    star = "MotionCorr/job002/Movies/1.star"
    (desk.project.folder / star).unlink()
    assert desk.view.kind(star) is None
    assert desk.view.names("MotionCorr/job002/Movies") == ["1.mrc"]
    assert desk.read(star), "who names it may have it"


def test_of_a_job_that_brought_all_home_nothing_was_left(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc", home="all")
    (desk.project.folder / _MICROGRAPH).unlink()
    assert desk.view.kind(_MICROGRAPH) is None
    assert not desk.view.names("MotionCorr/job002/Movies")


@pytest.mark.parametrize("gone", ["MotionCorr", "MotionCorr/job002", "MotionCorr/job002/Movies"])
def test_with_its_folder_the_user_deletes_what_was_left(desk: Desk, gone: str) -> None:
    desk.job(_MOTION, "Movies/1.mrc")
    place = desk.project.folder / gone
    place.rename(desk.project.folder / "Trash")
    assert desk.view.kind(_MICROGRAPH) is None
    assert not desk.view.names("MotionCorr/job002/Movies")
    (desk.project.folder / "Trash").rename(place)
    assert desk.view.kind(_MICROGRAPH) is Kind.FILE, "undeleted"


def test_of_iterations_all_but_the_last_were_left_by_each_job(desk: Desk) -> None:
    first, more = ("run_it001_data.star", "run_it002_data.star"), ("run_it003_data.star",)
    desk.job("relion_refine --o Class2D/job006/run", *first)
    assert desk.view.names("Class2D/job006") == list(first)
    desk.job("relion_refine --o Class2D/job006/run", *more)
    assert desk.view.names("Class2D/job006") == [*first, *more]
    for name in (*first[1:], *more):
        (desk.project.folder / "Class2D/job006" / name).unlink()
    assert desk.view.names("Class2D/job006") == [first[0]]


def test_a_later_job_in_the_folder_is_heeded_at_once(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc")
    assert desk.view.names("MotionCorr/job002/Movies") == ["1.mrc"]
    desk.job(_MOTION, "Movies/1.mrc", "Movies/2.mrc")
    assert desk.view.names("MotionCorr/job002/Movies") == ["1.mrc", "2.mrc"]
    assert desk.read(_MICROGRAPH).endswith(b"by job 2")
    desk.job(_MOTION, "Movies/1.mrc", home="all")
    (desk.project.folder / _MICROGRAPH).unlink()
    assert desk.view.kind(_MICROGRAPH) is None


def test_a_copy_of_what_a_job_left_is_a_file_like_others(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc")
    entry = desk.cache.entry(desk.project.name, _MICROGRAPH)
    assert entry is not None
    desk.index.append("push", [replace(entry, path="mine/1.mrc")])
    desk.cache.refresh(desk.index, desk.project.name)
    (desk.project.folder / "mine").mkdir()
    assert desk.view.kind("mine/1.mrc") is None, "it was deleted"


def test_damaged_bytes_are_not_read(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc")
    desk.store.put(f"{desk.project.name}/jobs/00000001/out/main/1/{_MICROGRAPH}", b"y" * 50)
    with pytest.raises(CorruptObjectError):
        desk.view.open(_MICROGRAPH)


@pytest.mark.parametrize("path", ["nowhere", "MotionCorr/job002/Movies/9.mrc", "a\0b", "@abs/x"])
def test_what_nobody_has_is_not_there(desk: Desk, path: str) -> None:
    desk.job(_MOTION, "Movies/1.mrc")
    assert desk.view.kind(path) is None
    assert not desk.view.names(path)
    with pytest.raises((OSError, ValueError)):
        desk.view.open(path)


def test_inputs_that_only_the_store_has_are_named_and_nothing_is_sent(desk: Desk) -> None:
    desk.job(_MOTION, "Movies/1.mrc", "Movies/2.mrc")
    other = "MotionCorr/job002/Movies/2.mrc"
    upload = Upload(
        store=desk.store,
        project=desk.project,
        cache=desk.cache,
        by_reference=False,
        moved=lambda size: pytest.fail(f"{size} bytes were sent"),
        engine=Engine(memory_bytes=SEND_BYTES),
    )
    needs = (Need(path=_MICROGRAPH), Need(path=other, stub=True))
    assert upload.missing_bytes(needs) == 0
    entries = {entry.path: entry for entry in upload.entries("inputs", needs)}
    assert entries[_MICROGRAPH] == desk.cache.entry(desk.project.name, _MICROGRAPH)
    assert entries[other].kind is Kind.STUB
    with pytest.raises(MissingInputError):
        upload.entries("inputs", [Need(path="MotionCorr/job002/Movies/3.mrc", stub=True)])


def test_an_index_that_names_a_file_of_this_computer_is_not_believed(desk: Desk) -> None:
    content = Content(
        key="/etc/passwd", start=0, stored=1, size=1, digest="blake3:1", reference=True
    )
    index = IndexLog(desk.store, desk.project.name)
    index.append("somebody", [Entry(path="masks/mask.mrc", content=content)])
    upload = Upload(
        store=desk.store,
        project=desk.project,
        cache=desk.cache,
        by_reference=False,
        moved=lambda _: None,
        engine=Engine(memory_bytes=SEND_BYTES),
    )
    with pytest.raises(MissingInputError, match=r"masks/mask\.mrc does not exist"):
        upload.entries("inputs", [Need(path="masks/mask.mrc")])
