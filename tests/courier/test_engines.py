"""Bytes of jobs move as their project's settings say, both ways."""

import gc
from dataclasses import replace
from functools import partial
from pathlib import Path

from cryoem_cloud.courier.engines import BothWays, EnginesBySettings
from cryoem_cloud.courier.errand import Errand
from cryoem_cloud.courier.known.desk import CardDesk
from cryoem_cloud.model.digest import digest_of
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.keys import decoder_key
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.settings import Places, Settings
from cryoem_cloud.wiring.engines import moving

from .conftest import FOLDER, TASK, Bench, Played

DATA = bytes(range(256)) * 1000


def places(folder: Path) -> Places:
    return Places(config=folder, data=folder, state=folder, cache=folder)


def made_one(bench: Bench) -> None:
    """A job has ended that made one file."""
    key = f"jobs/{bench.records.number:08d}/out/{TASK}/000001/x"
    bench.store.put(f"{bench.records.project}/{key}", DATA)
    content = Content(key=key, start=0, stored=len(DATA), size=len(DATA), digest=digest_of(DATA))
    bench.done((Entry(path=f"{FOLDER}/map.mrc", content=content),))


def test_jobs_bytes_go_by_the_projects_own_settings(bench: Bench) -> None:
    chosen = Settings(codec="none", limit_rate="500M")
    asked: list[Settings] = []
    used: list[BothWays] = []

    def make(settings: Settings) -> BothWays:
        asked.append(settings)
        used.append(moving(places(bench.top / "cache"), settings))
        return used[-1]

    job = replace(bench.slip.job, inputs=("Other/job002/result.mrc",))
    means = replace(
        bench.means("courier-1", Played(partial(made_one, bench))),
        engines=EnginesBySettings(make),
        settings=lambda folder: chosen if folder == str(bench.project) else Settings(),
    )
    slip = replace(bench.slip, job=job)
    Errand(slip, means, CardDesk(bench.card(), bench.cards, means.clock)).run()
    assert bench.card().outcome is Outcome.SUCCESS, bench.card()
    assert (bench.folder / "map.mrc").read_bytes() == DATA
    assert asked[-1] is chosen
    assert used[-1].sending.wire_bytes == len("theirsthe front end's")
    assert used[-1].fetching.wire_bytes == len(DATA)


def test_who_reads_encoded_results_without_us_finds_a_decoder(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "map.mrc").write_bytes(bytes(100_000))

    def make(bench: Bench) -> None:
        with Engine(memory_bytes=SEND_BYTES, encoding=Encoding.AUTO) as engine:
            _, content = keep_file(
                bench.store,
                tmp_path / "map.mrc",
                project=bench.records.project,
                key="jobs/x",
                engine=engine,
            )
        bench.done((Entry(path=f"{FOLDER}/map.mrc", content=content),))

    assert bench.run(make).outcome is Outcome.SUCCESS
    assert (bench.folder / "map.mrc").read_bytes() == bytes(100_000)
    assert bench.store.get(decoder_key("decode-1.py"))


def test_projects_with_the_same_settings_share_engines_as_long_as_they_are_used() -> None:
    made: list[Settings] = []

    def make(settings: Settings) -> BothWays:
        made.append(settings)
        return moving(places(Path("cache")), settings)

    engines = EnginesBySettings(make)
    one, other = engines.of(Settings()), engines.of(Settings(count=3))
    assert one is other
    slow = engines.of(Settings(limit_rate="1M"))
    assert slow is not one
    assert engines.of(Settings(codec="plain")).sending.encodes
    assert not engines.of(Settings(codec="none")).sending.encodes
    del one, other
    gc.collect()
    engines.of(Settings())
    assert len(made) == 5
    assert engines.of(Settings(limit_rate="1M")) is slow


def test_what_comes_home_leaves_most_of_the_line_to_what_is_sent() -> None:
    both = moving(places(Path("cache")), Settings())
    before = both.fetching.streams
    with both.sending.stream(1):
        assert both.fetching.streams == before // 4
    assert both.fetching.streams == before
