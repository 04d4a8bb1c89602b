"""Values of the model, made by hypothesis; paths have bytes that are no UTF-8."""

import os

from hypothesis import strategies as st

from cryoem_cloud.model.file import Codec, Content, Entry, Kind, Part
from cryoem_cloud.model.job import Job, Wish
from cryoem_cloud.model.journal import LogLines, Page
from cryoem_cloud.model.task import Task
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.stores.nexts import Next

NUMBERS = st.integers(0, 2**63)
WORDS = st.text(max_size=20)
NAMES = st.binary(min_size=1, max_size=12).filter(lambda raw: not set(raw) & set(b"/\0"))
PATHS = st.lists(NAMES.filter(lambda raw: raw not in {b".", b".."}), min_size=1, max_size=4).map(
    lambda raws: os.fsdecode(b"/".join(raws))
)
PLAIN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.dictionaries(WORDS, PLAIN_JSON, max_size=3)

CONTENTS = st.builds(
    Content,
    key=WORDS,
    start=NUMBERS,
    stored=NUMBERS,
    size=NUMBERS,
    digest=WORDS,
    blocks=st.lists(WORDS, max_size=3).map(tuple),
    codecs=st.lists(st.builds(Codec, WORDS, OBJECTS), max_size=2).map(tuple),
    parts=st.lists(st.builds(Part, NUMBERS, NUMBERS, NUMBERS, NUMBERS), max_size=2).map(tuple),
    reference=st.booleans(),
    checks=st.lists(WORDS, max_size=2).map(tuple),
)
FILES = st.builds(Entry, path=PATHS, content=CONTENTS, mtime_ns=NUMBERS, mode=st.integers(0, 0o777))
ENTRIES = (
    FILES
    | st.builds(Entry, path=PATHS, kind=st.just(Kind.LINK), target=PATHS)
    | st.builds(Entry, path=PATHS, kind=st.sampled_from((Kind.FOLDER, Kind.STUB, Kind.GONE)))
)
TURNS = st.builds(
    Turn,
    number=NUMBERS,
    deed=st.sampled_from(Deed),
    holder=WORDS,
    nonce=WORDS,
    detail=OBJECTS,
)
TASKS = st.builds(Task, name=WORDS, script=WORDS, inputs=st.lists(ENTRIES, max_size=3).map(tuple))
WISHES = st.builds(
    Wish,
    where=WORDS,
    machine=WORDS,
    market=WORDS,
    count=NUMBERS,
    home=WORDS,
    codec=WORDS,
    ranks=NUMBERS,
    threads=NUMBERS,
    deadline_s=NUMBERS,
    budget_usd=st.decimals("0", "100000", places=2),
)
NEXTS = st.builds(
    Next,
    job=NUMBERS,
    sources=st.lists(NUMBERS, max_size=2).map(tuple),
    script=PATHS,
    entries=st.lists(ENTRIES, max_size=3).map(tuple),
    offers=st.lists(ENTRIES, max_size=2).map(tuple),
)
JOBS = st.builds(
    Job,
    number=NUMBERS,
    project=WORDS,
    name=WORDS,
    application=WORDS,
    frontend=WORDS,
    script=PATHS,  # text in which bytes that are no UTF-8 may stand
    script_path=PATHS,
    outputs=st.lists(PATHS, max_size=3).map(tuple),
    logs=st.dictionaries(st.sampled_from(("out", "err")), PATHS),
    log_starts=st.dictionaries(st.sampled_from(("out", "err")), NUMBERS),
    submitter=WORDS,
    submitted_at=WORDS,
    wish=WISHES,
    environment=st.dictionaries(WORDS, WORDS, max_size=2),
    inputs=st.lists(PATHS, max_size=2).map(tuple),
    folder_inode=NUMBERS,
    cwd=PATHS,
    after=st.lists(NUMBERS, max_size=2).map(tuple),
    resumes=NUMBERS,
)


@st.composite
def pages(draw: st.DrawFn) -> Page:
    """A journal page, its small files placed in it."""
    small = draw(st.lists(st.tuples(FILES, st.binary(max_size=50)), max_size=3))
    page = Page(
        machine=draw(WORDS),
        number=draw(NUMBERS),
        task=draw(WORDS),
        turn=draw(NUMBERS),
        phase=draw(WORDS),
        lines=tuple(
            draw(
                st.lists(
                    st.builds(LogLines, log=WORDS, start=NUMBERS, data=st.binary(max_size=50)),
                    max_size=3,
                )
            )
        ),
        files=tuple(draw(st.lists(ENTRIES, max_size=3))),
        small=tuple(small),
    )
    return page.placed("jobs/00000001/machines/m/journal/00000001")
