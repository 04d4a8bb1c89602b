"""A machine is not trusted: what it may not send is refused, whatever it looks like."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.courier.homeward.admit import (
    LARGEST_BYTES,
    LARGEST_LOG_BYTES,
    admitted,
    admitted_lines,
)
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Job
from cryoem_cloud.model.journal import LogLines
from cryoem_cloud.model.links import Named, inner_link

JOB = Job(
    number=7,
    project="p-00000000",
    name="Class2D/job007",
    application="relion",
    frontend="relion",
    script="true",
    script_path="Class2D/job007/run_submit.script",
    outputs=("Class2D/job007", "Extra/out"),
    logs={"out": "Class2D/job007/run.out", "err": "Class2D/job007/run.err"},
    log_starts={"out": 100, "err": 0},
    submitter="me",
    submitted_at="2026-01-01T00:00:00+00:00",
)
CONTENT = Content(key="jobs/1/x", start=0, stored=1, size=1, digest=digest_of(b"x"))
INPUTS = Named(
    (
        Entry(path="Movies/a.mrc"),
        Entry(path="Movies", kind=Kind.FOLDER),
        inner_link("alias", "Movies"),
        Entry(path="out", kind=Kind.LINK, target="/etc"),
    )
)


def file(path: str, **other: object) -> Entry:
    return replace(Entry(path=path, content=CONTENT), **other)  # type: ignore[arg-type]


def link(path: str, target: str) -> Entry:
    return Entry(path=path, kind=Kind.LINK, target=target)


@pytest.mark.parametrize(
    "entry",
    [
        file("Class2D/job007/a.mrc"),
        file("Class2D/job007/deep/er/a b\n.mrc"),
        file("Extra/out/x"),
        Entry(path="Class2D/job007/empty", kind=Kind.FOLDER),
        link("Class2D/job007/l", "a.mrc"),
        link("Class2D/job007/l", "../job007/a.mrc"),
        link("Class2D/job007/l", "../../Movies/a.mrc"),
        link("Class2D/job007/l", "@project/Movies/a.mrc"),
        link("Class2D/job007/l", "@project/Extra/out/y"),
        link("Class2D/job007/l", "@project/alias/a.mrc"),
        link("Class2D/job007/l", "../../alias"),
    ],
)
def test_results_are_admitted(entry: Entry) -> None:
    admitted(entry, JOB, inputs=INPUTS)


@pytest.mark.parametrize(
    "entry",
    [
        file("/etc/passwd"),
        file("../other/x"),
        file("Class2D/job007/../job008/x"),
        file("Class2D/job007/./x"),
        file("Class2D//job007/x"),
        file("Class2D/job007"),
        file("Class2D/job007/"),
        file("Class2D/job0077/x"),
        file("Class2D/job008/x"),
        file("default_pipeline.star"),
        file(""),
        file("."),
        file("Class2D/job007/a\0b"),
        file("Class2D/job007/\ud800"),
        file(".cryoem/project.toml"),
        file("Class2D/job007/.cryoem/x"),
        file("Class2D/job007/x", content=replace(CONTENT, size=LARGEST_BYTES + 1)),
        file("Class2D/job007/x", content=replace(CONTENT, key="/etc/shadow", reference=True)),
        Entry(path="Class2D/job007/x", kind=Kind.STUB),
        Entry(path="Class2D/job007/x", kind=Kind.GONE),
        link("Class2D/job007/l", "/etc/passwd"),
        link("Class2D/job007/l", "../../../../etc/passwd"),
        link("Class2D/job007/l", "../job008/x"),
        link("Class2D/job007/l", "../../Movies/b.mrc"),
        link("Class2D/job007/l", "@project/alias/b.mrc"),
        link("Class2D/job007/l", "@project/out/passwd"),
        link("Class2D/job007/l", "@project/../x"),
        link("Class2D/job007/l", "@project//etc/passwd"),
        link("Class2D/job007/l", "@project/.."),
        link("Class2D/job007/l", "x\0y"),
        link("Class2D/job007/l", ""),
    ],
    ids=lambda entry: f"{entry.kind.value} {entry.path!r} {entry.target}"[:60],
)
def test_everything_else_is_refused(entry: Entry) -> None:
    with pytest.raises(RefusedError):
        admitted(entry, JOB, inputs=INPUTS)


def test_a_job_that_may_write_the_whole_project_may_not_link_out_of_it() -> None:
    job = replace(JOB, outputs=(".",))
    admitted(link("l", "sub/x"), job, inputs=INPUTS)
    for target in ("..", "../x", "/", "@project/..", "sub/../../x"):
        with pytest.raises(RefusedError):
            admitted(link("l", target), job, inputs=INPUTS)


@given(st.text(max_size=40), st.sampled_from(list(Kind)), st.text(max_size=20))
def test_what_is_admitted_lies_in_the_jobs_folders(path: str, kind: Kind, target: str) -> None:
    entry = Entry(path=path, kind=kind, target=target, content=CONTENT)
    try:
        admitted(entry, JOB, inputs=INPUTS)
    except RefusedError:
        return
    assert path.startswith(("Class2D/job007/", "Extra/out/"))


@pytest.mark.parametrize(
    "chunk",
    [
        LogLines(log="note", start=0, data=b"x"),
        LogLines(log="out", start=-1, data=b"x"),
        LogLines(log="out", start=-100, data=b"x"),
        LogLines(log="out", start=LARGEST_LOG_BYTES, data=b"x"),
        LogLines(log="err", start=2**70, data=b""),
    ],
)
def test_log_lines_of_impossible_places_are_refused(chunk: LogLines) -> None:
    with pytest.raises(RefusedError):
        admitted_lines(chunk, JOB)
    admitted_lines(LogLines(log="out", start=0, data=b"x"), JOB)
