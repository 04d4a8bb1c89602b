"""A project as it was before a job's machines had made anything."""

import pytest

from cryoem_cloud.courier.sending.before import Before, told_by
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.task import MAIN, Task
from tests.apps.shelf import Shelf
from tests.courier.conftest import FOLDER, Bench

_FILES = {f"{FOLDER}/deep/a.mrc": b"a", f"{FOLDER}/deep/b.mrc": b"b", "list.star": b"x"}


def test_what_the_machines_made_is_not_there(bench: Bench) -> None:
    content = Content(key="k", start=0, stored=1, size=1, digest=digest_of(b"a"))
    made = Entry(path=f"{FOLDER}/deep/a.mrc", content=content)
    empty = Entry(path=f"{FOLDER}/deep", kind=Kind.FOLDER)
    bench.page(1, files=(made, empty))
    bench.records.put_tasks((Task(name=MAIN, script="true", inputs=()),))
    view = Before(Shelf(_FILES), told_by(bench.records))
    assert view.names(f"{FOLDER}/deep") == ["b.mrc"]
    assert view.names(FOLDER) == ["deep"]
    assert view.kind(made.path) is None
    assert view.kind(f"{FOLDER}/deep") is Kind.FOLDER
    with pytest.raises(FileNotFoundError):
        view.open(made.path)
    with view.open("list.star") as file:
        assert file.read() == b"x"


def test_of_a_job_without_tasks_nothing_is_made(bench: Bench) -> None:
    view = Before(Shelf(_FILES), told_by(bench.records))
    assert view.names(f"{FOLDER}/deep") == ["a.mrc", "b.mrc"]
