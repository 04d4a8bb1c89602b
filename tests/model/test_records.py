"""What is stored is what was meant, and nothing that is stored brings a reader down."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cryoem_cloud.model.errors import FormatError, NewerFormatError
from cryoem_cloud.model.file import Entry
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.journal import Page
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import JSON, PROTOCOL, decode, encode
from cryoem_cloud.model.task import Task, pack_from_bytes, pack_to_bytes
from cryoem_cloud.model.turn import Turn
from cryoem_cloud.stores.index import entries_from_bytes, entries_to_bytes
from cryoem_cloud.stores.nexts import Next

from .values import ENTRIES, JOBS, NEXTS, PLAIN_JSON, TASKS, TURNS, pages

Reader = Callable[[bytes], object]
READERS: dict[str, Reader] = {
    "turn": Turn.from_bytes,
    "job": Job.from_bytes,
    "tasks": pack_from_bytes,
    "journal": Page.from_bytes,
    "entries": entries_from_bytes,
    "next": Next.from_bytes,
    "project": partial(Project.from_bytes, store="file:///s", folder=Path("/p")),
}
ODD = PLAIN_JSON | st.floats() | st.integers(-(2**70), 2**70) | st.just("\udcff\ud800")
VALID = {
    "turn": TURNS.map(Turn.to_bytes),
    "job": JOBS.map(Job.to_bytes),
    "tasks": st.lists(TASKS, max_size=2).map(tuple).map(pack_to_bytes),
    "journal": pages().map(Page.to_bytes),
    "entries": st.lists(ENTRIES, max_size=2).map(tuple).map(entries_to_bytes),
    "next": NEXTS.map(Next.to_bytes),
    "project": st.just(Project(name="p-00000000", store="file:///s", folder=Path("/p")).to_bytes()),
}


@given(TURNS)
def test_turns_survive(turn: Turn) -> None:
    assert Turn.from_bytes(turn.to_bytes()) == turn


@given(JOBS)
def test_jobs_survive(job: Job) -> None:
    assert Job.from_bytes(job.to_bytes()) == job


@given(NEXTS)
def test_what_goes_on_survives(later: Next) -> None:
    assert Next.from_bytes(later.to_bytes()) == later


@given(st.lists(TASKS, max_size=3).map(tuple))
def test_tasks_survive(tasks: tuple[Task, ...]) -> None:
    assert pack_from_bytes(pack_to_bytes(tasks)) == tasks


@given(st.lists(ENTRIES, max_size=3).map(tuple))
def test_entries_survive(entries: tuple[Entry, ...]) -> None:
    found = entries_from_bytes(entries_to_bytes(entries))
    assert found == entries
    contents = [[entry.content for entry in some if entry.content] for some in (found, entries)]
    assert len({tuple(content.checks for content in some) for some in contents}) == 1


@given(pages())
def test_pages_survive_and_say_where_their_small_files_are(page: Page) -> None:
    data = page.to_bytes()
    assert Page.from_bytes(data) == page
    for entry, content in page.small:
        place = entry.content
        assert place is not None
        assert data[place.start : place.start + place.stored] == content


@given(pages(), st.data())
def test_a_page_that_is_cut_or_longer_is_refused(page: Page, data: st.DataObject) -> None:
    whole = page.to_bytes()
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(FormatError):
        Page.from_bytes(whole[:cut])
    with pytest.raises(FormatError):
        Page.from_bytes(b"x" + whole)


@pytest.mark.parametrize("kind", READERS)
@given(data=st.binary(max_size=80))
@example(data=b"")
@example(data=b"[" * 100_000)
@example(data=b'{"kind":"turn","v":1e999}')
@example(data=b"\xff\xfe")
@example(data=b"00000000002")
def test_bytes_that_mean_nothing_are_a_format_error(kind: str, data: bytes) -> None:
    with pytest.raises(FormatError):
        READERS[kind](data)


def with_odd_value(record: JSON, draw: st.DataObject) -> JSON:
    """The record with something else in one place."""
    if not isinstance(record, dict | list) or not record or draw.draw(st.integers(0, 4)) == 0:
        return draw.draw(ODD)
    places = sorted(record) if isinstance(record, dict) else range(len(record))
    place = draw.draw(st.sampled_from(list(places)))
    other = record.copy()
    other[place] = with_odd_value(record[place], draw)
    return other


@pytest.mark.parametrize("kind", READERS)
@given(draw=st.data())
def test_a_record_with_something_odd_in_it_is_read_or_a_format_error(
    kind: str, draw: st.DataObject
) -> None:
    data = draw.draw(VALID[kind])
    body = b""
    if kind == "journal":
        head = int(data[-10:]) + 10
        body, data = data[:-head], data[-head:-10]
    odd = json.dumps(with_odd_value(json.loads(data), draw)).encode()
    try:
        READERS[kind](body + odd + (b"%010d" % len(odd) if kind == "journal" else b""))
    except FormatError:
        return


@pytest.mark.parametrize("kind", READERS)
def test_a_record_of_a_newer_version_is_refused_with_a_hint(kind: str) -> None:
    record = json.loads(encode(kind, {}))
    data = json.dumps({**record, "v": PROTOCOL + 1}).encode()
    with pytest.raises(NewerFormatError) as caught:
        decode(kind, data)
    assert "update" in caught.value.hint


def test_a_task_that_is_no_object_is_a_format_error() -> None:
    with pytest.raises(FormatError):
        pack_from_bytes(encode("tasks", {"tasks": ["main"]}))


def test_fields_that_are_not_known_are_passed_over() -> None:
    turn = Turn.from_bytes(
        encode("turn", {"number": 1, "deed": "claim", "holder": "m", "nonce": "n", "later": [1]})
    )
    assert turn.detail == {}
