"""A machine that was broken into: the job fails with a reason, and the project stays as it was."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.file import Content, Entry, Kind
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.keys import page_key, turn_key, turns_prefix

from .conftest import FOLDER, MACHINE, TASK, Bench

Act = Callable[[Bench], None]
_GOOD = b"good bytes"
_OWN = ("job.star", "note.txt", "run_submit.script", ".run.job.tail")


def entry(path: str, **other: object) -> Entry:
    content = Content(key="", start=0, stored=len(_GOOD), size=len(_GOOD), digest=digest_of(_GOOD))
    return replace(Entry(path=path, content=content), **other)  # type: ignore[arg-type]  # by name


def in_store(bench: Bench, path: str, *, data: bytes = _GOOD, **other: object) -> Entry:
    """A file whose bytes lie in the store."""
    key = f"jobs/{bench.records.number:08d}/out/{TASK}/000001/x"
    bench.store.put(f"{bench.records.project}/{key}", data)
    size = len(_GOOD)
    fields: dict[str, object] = {"start": 0, "stored": size, "size": size, **other}
    content = Content(**{"key": key, "digest": digest_of(_GOOD), **fields})  # type: ignore[arg-type]
    return Entry(path=path, content=content)


def small(path: str) -> Act:
    return bundled(entry(path), _GOOD)


def bundled(said: Entry, data: bytes) -> Act:
    def act(bench: Bench) -> None:
        bench.page(1, small=((said, data),))
        bench.done(pages=1)

    return act


def listed(*entries: Entry) -> Act:
    return lambda bench: bench.done(entries)


def stored(path: str, *, data: bytes = _GOOD, **other: object) -> Act:
    return lambda bench: bench.done((in_store(bench, path, data=data, **other),))


def lines(text: bytes, start: int, log: str = "out") -> Act:
    def act(bench: Bench) -> None:
        bench.page(1, lines=(bench.lines(text, start=start, log=log),))
        bench.done(pages=1)

    return act


def raw_page(data: bytes) -> Act:
    def act(bench: Bench) -> None:
        key = page_key(bench.records.project, bench.records.number, MACHINE, 1)
        bench.store.put(key, data)
        bench.done(pages=1)

    return act


def raw_turn(data: bytes) -> Act:
    def act(bench: Bench) -> None:
        prefix = turns_prefix(bench.records.project, bench.records.number, TASK)
        bench.store.put(turn_key(prefix, 1), data)

    return act


def through_a_link(bench: Bench) -> None:
    """A link to an input folder, and a file below it, at once."""
    link = Entry(path=f"{FOLDER}/d", kind=Kind.LINK, target="x")
    bench.done((link, in_store(bench, f"{FOLDER}/d/evil")))


def through_our_link(bench: Bench) -> None:
    """A file below a link that the user has made."""
    (bench.folder / "theirs").symlink_to("../../Other/job002")
    bench.done((in_store(bench, f"{FOLDER}/theirs/result.mrc"),))


def in_place_of_a_folder(bench: Bench) -> None:
    (bench.folder / "sub/x").mkdir(parents=True)
    bench.done((in_store(bench, f"{FOLDER}/sub"),))


def below_a_file(bench: Bench) -> None:
    (bench.folder / "sub").touch()
    bench.done((in_store(bench, f"{FOLDER}/sub/x"),))


def a_page_of_another(bench: Bench) -> None:
    key = page_key(bench.records.project, bench.records.number, MACHINE, 1)
    bench.page(2, small=((entry(f"{FOLDER}/x"), _GOOD),))
    other = page_key(bench.records.project, bench.records.number, MACHINE, 2)
    bench.store.put(key, bench.store.get(other))
    bench.done(pages=1)


ACTS: dict[str, Act] = {
    "an absolute path": lambda bench: stored(str(bench.top / "evil"))(bench),
    "an absolute path in a page": lambda bench: small(str(bench.top / "evil"))(bench),
    "a path that climbs": stored(f"{FOLDER}/../../Other/job002/result.mrc"),
    "a path that climbs, in a page": small("../evil"),
    "another job's folder": stored("Other/job002/result.mrc"),
    "another job's folder in a page": small("Other/job002/result.mrc"),
    "the pipeline": stored("default_pipeline.star"),
    "our own folder": stored(f"{FOLDER}/.cryoem/project.toml"),
    "a name too long": stored(f"{FOLDER}/{'x' * 300}"),
    "a name too long in a page": small(f"{FOLDER}/{'x' * 300}"),
    "a path too long": stored(f"{FOLDER}/{'x/' * 3000}x"),
    "a name that is no bytes": stored(f"{FOLDER}/\ud800"),
    "a link to the password file": listed(
        Entry(path=f"{FOLDER}/l", kind=Kind.LINK, target="/etc/passwd")
    ),
    "a link that climbs": listed(
        Entry(path=f"{FOLDER}/l", kind=Kind.LINK, target="../../Other/job002/result.mrc")
    ),
    "a link without a target": listed(Entry(path=f"{FOLDER}/l", kind=Kind.LINK, target="")),
    "a file below a link that comes with it": through_a_link,
    "a file below the user's link": through_our_link,
    "a file in place of a folder": in_place_of_a_folder,
    "a file below a file": below_a_file,
    "other bytes": stored(f"{FOLDER}/x", data=b"evil bytes"),
    "other bytes in a page": bundled(entry(f"{FOLDER}/x"), b"evil bytes"),
    "more bytes than it says": stored(f"{FOLDER}/x", data=_GOOD * 9, stored=len(_GOOD) * 9),
    "fewer bytes than it says": stored(f"{FOLDER}/x", stored=2**30, size=2**30),
    "a file of this computer": stored(f"{FOLDER}/x", key="/etc/passwd", reference=True),
    "a key that climbs": stored(f"{FOLDER}/x", key="../../ids/00000000"),
    "a key that is none": stored(f"{FOLDER}/x", key="nothing here"),
    "an object that is not there": stored(f"{FOLDER}/x", key="jobs/none"),
    "lines of an unknown log": lines(b"x", 0, log="note.txt"),
    "lines before the log's start": lines(b"evil", -7),
    "lines far beyond": lines(b"x", 2**62),
    "lines beyond all numbers": lines(b"x", 2**80),
    "a page of nothing": raw_page(b""),
    "a page of noise": raw_page(bytes(range(256)) * 9),
    "a page whose length lies": raw_page(b"x" * 99 + b"9999999999"),
    "a page of infinite numbers": raw_page(
        (head := b'{"kind":"journal","v":1,"logs":[["out",1e999,1]]}') + b"%010d" % len(head)
    ),
    "a page that is another": a_page_of_another,
    "a turn of noise": raw_turn(b"\xff\xfe"),
    "a list that is another": lambda bench: bench.done((), digest=digest_of(b"")),
    "a list that is not there": lambda bench: bench.done((), manifest="jobs/none"),
    "log sizes that are no numbers": lambda bench: bench.done((), logs={"out": "many"}),
    "log sizes below nothing": lambda bench: bench.done((), logs={"out": -3}),
    "log sizes beyond all": lambda bench: bench.done((), logs={"out": 2**80}),
}


def snapshot(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_relative_to(folder / ".cryoem")
    }


@pytest.mark.parametrize("what", ACTS)
def test_it_is_refused_and_the_job_fails(bench: Bench, what: str) -> None:
    (bench.project / ".pipeline_has_changed").touch()
    before = snapshot(bench.project)
    card = bench.run(ACTS[what])
    after = snapshot(bench.project)
    assert card.outcome is Outcome.FAILURE
    assert card.reason
    assert card.reason in after[f"{FOLDER}/run.err"].decode(errors="surrogateescape")
    made = {f"{FOLDER}/RELION_JOB_EXIT_FAILURE", f"{FOLDER}/PIPELINER_JOB_EXIT_FAILED"}
    assert made <= set(after)
    assert f"{FOLDER}/RELION_JOB_EXIT_SUCCESS" not in after
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed <= {*made, f"{FOLDER}/run.err", f"{FOLDER}/sub", f"{FOLDER}/sub/x"}
    assert not (bench.top / "evil").exists()


@pytest.mark.parametrize("name", _OWN)
def test_the_front_ends_own_files_are_left_alone(bench: Bench, name: str) -> None:
    def act(bench: Bench) -> None:
        bench.page(1, small=((entry(f"{FOLDER}/{name}"), _GOOD),))
        bench.done((in_store(bench, f"{FOLDER}/{name}"),), pages=1)

    card = bench.run(act)
    assert card.outcome is Outcome.SUCCESS
    assert (bench.folder / name).read_text() == "the front end's"


def test_a_good_machine_is_believed(bench: Bench) -> None:
    def act(bench: Bench) -> None:
        bench.page(1, lines=(bench.lines(b"said\n"),), small=((entry(f"{FOLDER}/a"), _GOOD),))
        good = in_store(bench, f"{FOLDER}/b/c")
        bench.done((entry(f"{FOLDER}/a"), good), pages=1, logs={"out": 5, "err": 0})

    card = bench.run(act)
    assert card.outcome is Outcome.SUCCESS, card
    assert (bench.folder / "a").read_bytes() == (bench.folder / "b/c").read_bytes() == _GOOD
    assert (bench.folder / "run.out").read_text() == "before\nsaid\n"


@pytest.mark.parametrize(
    ("said_ns", "kept_s"),
    [(-(10**9), -1), (-(2**80), -(2**63) // 10**9), (2**80, (2**63 - 1) // 10**9)],
    ids=["before 1970", "before all clocks", "beyond all clocks"],
)
def test_an_impossible_time_is_the_nearest_that_can_be(
    bench: Bench, said_ns: int, kept_s: int
) -> None:
    def act(bench: Bench) -> None:
        bench.page(1, small=((entry(f"{FOLDER}/a", mtime_ns=said_ns), _GOOD),))
        bench.done((replace(in_store(bench, f"{FOLDER}/b"), mtime_ns=said_ns),), pages=1)

    card = bench.run(act)
    assert card.outcome is Outcome.SUCCESS, card
    assert (bench.folder / "b").read_bytes() == _GOOD
    assert (bench.folder / "b").stat().st_mtime == pytest.approx(file_time(bench, kept_s), abs=1)


def file_time(bench: Bench, wanted_s: int) -> float:
    """What this file system makes of a time."""
    file = bench.top / "stamped"
    file.touch()
    os.utime(file, (wanted_s, wanted_s))
    return file.stat().st_mtime
