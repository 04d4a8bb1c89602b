"""A machine's list of outputs is believed about its own job's folders, and no further."""

from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.job import Job
from cryoem_cloud.stores.index import IndexLog, entries_to_bytes
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.memory import MemoryStore

PROJECT = "ribosome-00000000"
KEY = "jobs/00000007/out/main/000001/@manifest"


def a_store() -> MemoryStore:
    store = MemoryStore()
    job = Job(
        number=7,
        project=PROJECT,
        name="Class2D/job006",
        application="relion",
        frontend="relion",
        script="",
        script_path="",
        outputs=("Class2D/job006",),
        logs={},
        log_starts={},
        submitter="",
        submitted_at="",
    )
    JobRecords(store, PROJECT, 7).put_job(job)
    return store


def an_entry(path: str) -> Entry:
    content = Content(key="k", start=0, stored=1, size=1, digest=digest_of(b"x"))
    return Entry(path=path, content=content)


def listed(store: MemoryStore, *paths: str, key: str = KEY, digest: str = "") -> list[str]:
    data = entries_to_bytes(an_entry(path) for path in paths)
    store.put(f"{PROJECT}/{key}", data)
    index = IndexLog(store, PROJECT)
    index.append_manifest("m", key, digest or digest_of(data))
    return [entry.path for recorded in index.read() for entry in recorded.entries]


def test_the_jobs_own_outputs_are_the_projects() -> None:
    assert listed(a_store(), "Class2D/job006/run_data.star") == ["Class2D/job006/run_data.star"]


def test_what_a_machine_says_of_others_is_passed_over() -> None:
    paths = ("Movies/a.tif", "Class2D/job006/run_data.star", "Class2D/job0060/x")
    assert listed(a_store(), *paths) == ["Class2D/job006/run_data.star"]


def test_a_damaged_list_harms_no_other_record() -> None:
    store = a_store()
    assert listed(store, "Class2D/job006/x", digest="blake3:0") == []
    index = IndexLog(store, PROJECT)
    index.append("later", [an_entry("Movies/b.tif")])
    assert [entry.path for recorded in index.read() for entry in recorded.entries] == [
        "Movies/b.tif"
    ]


def test_a_list_that_belongs_to_no_job_is_passed_over() -> None:
    assert listed(a_store(), "Movies/a.tif", key="mirror/@manifest") == []
