"""What stays in the store by a job's home policy, and what comes home."""

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Outcome, Wish
from cryoem_cloud.model.machine import Fleet
from cryoem_cloud.ports.provider import MOST_FAILURES, Order

from .conftest import FOLDER, MACHINE, TASK, Bench, Played

_MOTION = f"relion_run_motioncorr --o {FOLDER}/\n"
_CLASSES = f"relion_refine --o {FOLDER}/run\n"
_TIME_NS = 1_700_000_000_000_000_000


def relion(bench: Bench, script: str, home: str = "essential") -> Bench:
    """The bench with a job of RELION's in place of the shell's."""
    job = replace(bench.slip.job, application="relion", script=script, wish=Wish(home=home))
    bench.slip = replace(bench.slip, job=job)
    bench.spool.add(bench.slip)
    bench.application = Relion()
    return bench


def stored(bench: Bench, name: str, data: bytes = b"bytes") -> Entry:
    """An output that the machine has sent."""
    key = f"jobs/{bench.records.number:08d}/out/{TASK}/000001/{FOLDER}/{name}"
    bench.store.put(f"{bench.records.project}/{key}", data)
    content = Content(key=key, start=0, stored=len(data), size=len(data), digest=digest_of(data))
    return Entry(path=f"{FOLDER}/{name}", mtime_ns=_TIME_NS, content=content)


def at_home(bench: Bench) -> set[str]:
    """The job's files and empty folders, but the front end's own."""
    own = {"job.star", "note.txt", "run_submit.script", ".run.job.tail", "run.out", "run.err"}
    found = {str(path.relative_to(bench.folder)) for path in bench.folder.rglob("*")}
    return {name for name in found - own if "_JOB_EXIT_" not in name}


@pytest.mark.parametrize("who", ["courier-1", "courier-2"])
def test_bulk_stays_and_the_marker_follows_the_essentials(bench: Bench, who: str) -> None:
    relion(bench, _MOTION)

    def work(bench: Bench) -> None:
        entries = [stored(bench, name) for name in ("a/1.mrc", "a/1.star", "b/2.mrc", "gain.mrc")]
        link = Entry(path=f"{FOLDER}/c/link.mrc", kind=Kind.LINK, target="../../elsewhere.mrc")
        bench.page(1, files=(*entries, link))
        bench.done((*entries, link), pages=1)

    card = bench.run(work, who=who)
    assert card.outcome is Outcome.SUCCESS, card.reason
    assert at_home(bench) == {"a", "a/1.star", "b", "c", "gain.mrc"}
    assert (bench.folder / "RELION_JOB_EXIT_SUCCESS").exists()


def test_all_comes_where_all_was_asked_for(bench: Bench) -> None:
    relion(bench, _MOTION, "all")
    bench.run(lambda b: b.done((stored(b, "a/1.mrc"),)))
    assert at_home(bench) == {"a", "a/1.mrc"}


@pytest.mark.parametrize("outcome", ["success", "failure"])
def test_iterations_wait_for_the_end_and_the_last_one_comes(bench: Bench, outcome: str) -> None:
    relion(bench, _CLASSES)
    seen: list[set[str]] = []
    names = ("run_it001_data.star", "run_it002_data.star", "run_unmasked_classes.mrcs")

    def wait(bench: Bench) -> None:
        until_s = time.monotonic() + 20
        while (found := at_home(bench)) != {names[2]}:  # files come in the background
            assert time.monotonic() < until_s, found
            time.sleep(0.01)
        seen.append(found)

    def begin(bench: Bench) -> None:
        assert bench.records.turns(TASK).claim(MACHINE)
        bench.page(1, files=tuple(stored(bench, name) for name in names))

    def end(bench: Bench) -> None:
        claim = bench.records.turns(TASK).read()[-1]
        bench.end_turn(claim, [stored(bench, name) for name in names], outcome=outcome, pages=1)

    bench.run(begin, lambda _: None, wait, end)
    assert seen[-1] == {names[2]}
    assert at_home(bench) == {names[1], names[2]}


def test_the_last_iteration_comes_though_all_machines_are_gone(bench: Bench) -> None:
    relion(bench, _CLASSES)
    names = [f"run_it00{n}_data.star" for n in (1, 2, 3)]

    def work(bench: Bench) -> None:
        assert bench.records.turns(TASK).claim(MACHINE)
        bench.page(1, files=tuple(stored(bench, name) for name in names[:2]))
        bench.page(2, files=(stored(bench, names[2]), stored(bench, "out.txt")))
        provider.keep = never  # type: ignore[method-assign]  # no other comes

    def never(order: Order) -> Fleet:
        provider.see(order)
        return Fleet(failures=MOST_FAILURES, failure_log="no luck")

    provider = Played(lambda: work(bench))
    assert bench.run(provider=provider).outcome is Outcome.FAILURE
    assert at_home(bench) == {names[2], "out.txt"}


def test_an_older_version_gives_way_and_what_was_pulled_stays(bench: Bench) -> None:
    relion(bench, _MOTION)
    entries = [stored(bench, name) for name in ("old.mrc", "pulled.mrc", "link.mrc")]
    for name in ("old.mrc", "pulled.mrc"):
        (bench.folder / name).write_bytes(b"bytes")
    os.utime(bench.folder / "pulled.mrc", ns=(_TIME_NS, _TIME_NS))
    (bench.folder / "link.mrc").symlink_to(Path("../elsewhere.mrc"))
    assert bench.run(lambda b: b.done(tuple(entries))).outcome is Outcome.SUCCESS
    assert at_home(bench) == {"pulled.mrc", "link.mrc"}


def test_a_name_that_leads_out_is_refused_though_it_would_stay(bench: Bench) -> None:
    relion(bench, _MOTION)
    card = bench.run(
        lambda b: b.done((replace(stored(b, "x"), path=f"{FOLDER}/../../../out/x.mrc"),))
    )
    assert card.outcome is Outcome.FAILURE
    assert "not a path inside the project" in card.reason
    assert not (bench.top / "out").exists()
