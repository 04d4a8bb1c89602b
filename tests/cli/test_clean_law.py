"""No file is lost that was not named, whatever is known of a store."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.cli.storage.cleaning import Known, Made, What, live_keys, offers
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.ports.classes import Kept

NOW = datetime(2026, 1, 31, tzinfo=UTC)


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
