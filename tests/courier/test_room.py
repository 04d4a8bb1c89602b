"""What a job made in mid-job gives way to what it makes of it; what the user has there does not."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cryoem_cloud.courier.homeward.room import possible
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.keys import page_key

from .conftest import FOLDER, MACHINE, TASK, Bench

Made = Entry | tuple[Entry, bytes]
_PARTS = "**/.cryoem-*.part"


def file(path: str) -> Made:
    """A file that holds its own name."""
    data = path.encode()
    content = Content(key="", start=0, stored=len(data), size=len(data), digest=digest_of(data))
    return Entry(path=f"{FOLDER}/{path}", content=content), data


def folder(path: str) -> Made:
    return Entry(path=f"{FOLDER}/{path}", kind=Kind.FOLDER)


def link(path: str, target: str) -> Made:
    return Entry(path=f"{FOLDER}/{path}", kind=Kind.LINK, target=target)


def act(*stages: Sequence[Made]) -> Callable[[Bench], None]:
    """A machine that told these stages, a page each; the last is what was there at its end."""

    def write(bench: Bench) -> None:
        last: tuple[Entry, ...] = ()
        for number, made in enumerate(stages, start=1):
            key = page_key(bench.records.project, bench.records.number, MACHINE, number)
            page = Page(
                machine=MACHINE,
                number=number,
                task=TASK,
                turn=1,
                files=tuple(item for item in made if isinstance(item, Entry)),
                small=tuple(item for item in made if not isinstance(item, Entry)),
            ).placed(key.partition("/")[2])
            bench.store.put(key, page.to_bytes())
            last = (*page.files, *(entry for entry, _ in page.small))
        bench.done(last, pages=len(stages))

    return write


def there(top: Path) -> dict[str, str]:
    """What lies below a folder, but for what was there before the job and its markers."""
    found = {}
    for path in top.rglob("*"):
        name = str(path.relative_to(top))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_text()
        elif not any(path.iterdir()):
            found[name] = "empty"
    own = ("job.star", "note.txt", "run", ".run", "RELION", "PIPELINER")
    return {name: what for name, what in found.items() if not name.startswith(own)}


CHANGES: dict[str, tuple[Sequence[Sequence[Made]], dict[str, str]]] = {
    "a file becomes a folder": (
        ([file("a")], [file("a/b"), file("z")]),
        {"a/b": "a/b", "z": "z"},
    ),
    "a file becomes an empty folder": (([file("a")], [folder("a")]), {"a": "empty"}),
    "a folder becomes a file": (
        ([file("a/b"), file("a/c/d"), folder("a/e")], [file("a"), file("z")]),
        {"a": "a", "z": "z"},
    ),
    "a folder becomes a file and a folder again": (
        ([file("a/b")], [file("a")], [file("a/b")]),
        {"a/b": "a/b"},
    ),
    "a file becomes a folder and a file again": (
        ([file("a")], [file("a/b")], [file("a")]),
        {"a": "a"},
    ),
    "a folder becomes a link": (
        ([file("a/x"), file("r/x")], [link("a", "r"), file("r/x")]),
        {"a": "-> r", "r/x": "r/x"},
    ),
    "an empty folder becomes a link": (
        ([folder("a")], [link("a", "z"), file("z")]),
        {"a": "-> z", "z": "z"},
    ),
    "a link becomes a folder": (
        ([link("a", "r"), file("r/x")], [file("a/x"), file("r/x")]),
        {"a/x": "a/x", "r/x": "r/x"},
    ),
    "a link to a folder becomes an empty folder": (
        ([link("a", "r"), file("r/x")], [folder("a"), file("r/x")]),
        {"a": "empty", "r/x": "r/x"},
    ),
    "a link becomes a file": (
        ([link("a", "r"), file("r/x")], [file("a"), file("r/x")]),
        {"a": "a", "r/x": "r/x"},
    ),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_the_job_made_gives_way_to_what_it_makes_of_it(bench: Bench, what: str) -> None:
    stages, left = CHANGES[what]
    card = bench.run(act(*stages))
    assert card.outcome is Outcome.SUCCESS, card
    assert there(bench.folder) == left


USERS: dict[str, tuple[Callable[[Path], None], Made, str]] = {
    "a file where a folder should be": (
        lambda top: (top / "a").touch(),
        file("a/b"),
        "a is in the way",
    ),
    "a folder where a file should be": (
        lambda top: (top / "a").mkdir(),
        file("a"),
        "a is in the way",
    ),
    "a folder where a link should be": (
        lambda top: (top / "a").mkdir(),
        link("a", "z"),
        "a is in the way",
    ),
    "a name that is too long": (lambda _: None, file("n" * 300), "File name too long"),
}


@pytest.mark.parametrize("what", USERS)
def test_what_has_no_place_is_refused_alone(bench: Bench, what: str) -> None:
    prepare, made, why = USERS[what]
    prepare(bench.folder)
    before = there(bench.folder)
    card = bench.run(act([file("before"), made, file("z")]))
    assert card.outcome is Outcome.FAILURE
    assert card.reason
    assert why in card.reason
    assert there(bench.folder) == before | {"before": "before", "z": "z"}
    assert not list(bench.folder.glob(_PARTS))


def test_a_file_of_the_users_in_our_folder_keeps_the_folder(bench: Bench) -> None:
    (bench.folder / "a").mkdir()
    (bench.folder / "a/mine").write_text("mine")
    card = bench.run(act([file("a/b")], [file("a"), file("z")]))
    assert card.outcome is Outcome.FAILURE
    assert f"{FOLDER}/a/mine is in the way" in card.reason
    assert there(bench.folder) == {"a/mine": "mine", "z": "z"}


def test_a_full_disk_is_told_with_the_file() -> None:
    """What the system says of a write names none."""
    with (
        Path("/dev/full").open("wb", buffering=0) as full,
        pytest.raises(OSError, match="No space left") as told,
        possible(f"{FOLDER}/run.out"),
    ):
        full.write(b"a line\n")
    assert told.value.filename == f"{FOLDER}/run.out"
