"""What a machine may send home, and what it may not."""

import pytest

from cryoem_cloud.courier.admit import LARGEST_BYTES, admitted, is_own
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Job

JOB = Job(
    number=7,
    project="ribosome-00000000",
    name="CtfFind/job004",
    application="relion",
    frontend="relion",
    script="",
    script_path="",
    outputs=("CtfFind/job004",),
    logs={"out": "CtfFind/job004/run.out", "err": "CtfFind/job004/run.err"},
    log_starts={"out": 0, "err": 0},
    submitter="a@b",
    submitted_at="2026-01-01T00:00:00+00:00",
)
INPUTS = frozenset({"MotionCorr/job003/Movies/mic.mrc"})


def a_file(path: str, *, size: int = 1, reference: bool = False) -> Entry:
    content = Content(
        key="k", start=0, stored=size, size=size, digest="blake3:", reference=reference
    )
    return Entry(path=path, content=content)


def a_link(target: str, path: str = "CtfFind/job004/Movies/mic.mrc") -> Entry:
    return Entry(path=path, kind=Kind.LINK, target=target)


@pytest.mark.parametrize(
    "entry",
    [
        a_file("CtfFind/job004/micrographs_ctf.star"),
        a_file("CtfFind/job004/a name with spaces, # and ü"),
        Entry(path="CtfFind/job004/Movies", kind=Kind.FOLDER),
        a_link("@project/MotionCorr/job003/Movies/mic.mrc"),
        a_link("@project/CtfFind/job004/Movies/other.mrc"),
        a_link("../other.mrc"),
    ],
    ids=lambda entry: f"{entry.path} {entry.target}",
)
def test_the_jobs_own_outputs_are_admitted(entry: Entry) -> None:
    admitted(entry, JOB, inputs=INPUTS)


@pytest.mark.parametrize(
    "entry",
    [
        a_file("/etc/passwd"),
        a_file("CtfFind/job004/../job005/x"),
        a_file("../x"),
        a_file("CtfFind/job004"),
        a_file("CtfFind/job0044/x"),
        a_file("CtfFind/job005/x"),
        a_file("default_pipeline.star"),
        a_file("CtfFind/job004//x"),
        a_file("CtfFind/job004/./x"),
        a_file("CtfFind/job004/x\0y"),
        a_file("CtfFind/job004/.cryoem/project.toml"),
        a_file("CtfFind/job004/x", size=LARGEST_BYTES + 1),
        a_file("CtfFind/job004/x", reference=True),
        Entry(path="CtfFind/job004/x", kind=Kind.STUB),
        Entry(path="CtfFind/job004/x", kind=Kind.GONE),
        a_link("/etc/passwd"),
        a_link("../../../../etc/passwd"),
        a_link("@project/../secret"),
        a_link("@project/MotionCorr/job003/Movies/another.mrc"),
        a_link("@project//etc/passwd"),
        a_link("../../job005/x"),
    ],
    ids=lambda entry: f"{entry.path!r} {entry.kind.value} {entry.target}",
)
def test_everything_else_is_refused(entry: Entry) -> None:
    with pytest.raises(RefusedError):
        admitted(entry, JOB, inputs=INPUTS)


def test_the_front_ends_own_files_are_known_by_their_place() -> None:
    own = ("job.star", ".run.*.tail")
    assert is_own("CtfFind/job004/job.star", JOB, own)
    assert is_own("CtfFind/job004/.run.out.tail", JOB, own)
    assert not is_own("CtfFind/job004/Movies/job.star", JOB, own)
    assert not is_own("CtfFind/job005/job.star", JOB, own)
