"""Files through a store that fails at random: byte by byte the same, or an error that names one."""

import random
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.mover.engine import FETCH_BYTES, SEND_BYTES, Engine
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.memory import MemoryStore
from cryoem_cloud.stores.patient import Patience, Patient
from cryoem_cloud.testing.faults import Fault
from tests.mover.large import a_file
from tests.mover.parted import FailingParts, PartedStore

_T = TypeVar("_T")
PROJECT = "ribosome-00000000"
FAULTS = (Fault.REFUSED, Fault.LOST, Fault.LATE)
CALLS = 30
"""Tries of a person who calls again after an error."""


@pytest.mark.parametrize("seed", range(12))
def test_a_file_comes_out_whole_or_is_named(tmp_path: Path, seed: int) -> None:
    _campaign(tmp_path, random.Random(seed))


@pytest.mark.soak
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1000, 1220))
def test_in_hundreds_of_runs(tmp_path: Path, seed: int) -> None:
    _campaign(tmp_path, random.Random(seed))


def _campaign(folder: Path, chance: random.Random) -> None:
    whole = MemoryStore()
    store, failing = _failing(whole, chance)
    sizes = [chance.uniform(0.01, 1), chance.uniform(1, 3), chance.uniform(1, 6)]
    paths = [
        a_file(folder / f"{n}.mrc", size, counts=chance.random() < 0.7)
        for n, size in enumerate(sizes)
    ]
    encoding = chance.choice(list(Encoding))
    journals = folder / "cache" if chance.random() < 0.8 else None

    def send() -> list[Content]:
        failing.land()
        with (
            Engine(memory_bytes=SEND_BYTES, encoding=encoding, journals=journals) as engine,
            ThreadPoolExecutor() as pool,
        ):
            kept = pool.map(
                lambda path: keep_file(
                    store, path, project=PROJECT, key=f"mirror/{path.name}", engine=engine
                )[1],
                paths,
            )
            return list(kept)

    contents = _insisted(send)
    wanted = [
        (Entry(path=path.name, content=content), folder / "there" / path.name)
        for path, content in zip(paths, contents, strict=True)
    ]

    def fetch() -> None:
        with Engine(memory_bytes=FETCH_BYTES) as engine:
            fetch_files(store, PROJECT, wanted, engine=engine)

    _insisted(fetch)
    for path in paths:
        assert (folder / "there" / path.name).read_bytes() == path.read_bytes()
    assert sum(1 for _ in whole.list("")) <= 2 * len(paths)
    assert list((folder / "there").glob(".cryoem*")) == []
    shutil.rmtree(folder)  # hundreds of runs would fill a disk


def _failing(whole: MemoryStore, chance: random.Random) -> tuple[Store, FailingParts]:
    """A store whose parts fail; in half of the runs it is asked again, as the product does."""
    patient = chance.random() < 1 / 2
    often = chance.choice([0.02, 0.1, 0.3] if patient else [0.01, 0.04])
    wrong = chance.choice([0.0, 0.02])

    def plan(_: str) -> Fault:
        return chance.choice(FAULTS) if chance.random() < often else Fault.NONE

    failing = FailingParts(whole.parts, plan, lambda: chance.random() < wrong)
    store = PartedStore(whole, failing)
    if not patient:
        return store, failing
    patience = Patience(5, sleep=lambda _: None)
    patience.persist(lambda: None)
    return Patient(store, patience), failing


def _insisted(call: Callable[[], _T]) -> _T:
    """What the call gives in the end; what it raises until then is what a user can be told."""
    told = ""
    for _ in range(CALLS):
        try:
            return call()
        except CryoemError as error:
            told = str(error)
    raise AssertionError(told)
