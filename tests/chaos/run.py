"""One run: a world is made, a job goes through it, and its troubles with it."""

import os
import random
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Self

from cryoem_cloud.courier.start import running, spool_of
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import FaultyProxy, faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server, ministack, weed
from tests.acceptance.conftest import World, end_world, make_world
from tests.chaos.noise import WAYS, Noise
from tests.chaos.oracles import wrong
from tests.chaos.plan import MOVIES, Blow, Kind, Plan, StoreKind
from tests.chaos.python import python_with_application
from tests.chaos.sight import Sight, keys_in_folder, written_key
from tests.chaos.strikes import Striker
from tests.chaos.work import Copy, Itemwise, Motion, Work

__all__ = ["Grounds", "Scene", "Verdict", "played", "staged"]

_LONGEST_S = 420.0
_ENDS_S = 120.0
"""What machines may take to be gone when the job is home."""
_LOOK_S = 0.25
_WATCH_S = 0.005
_TRIES = 10
_MACHINE = ("agent", "leash", "command")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How a run went. `wrong` is empty where all is well; `hits` are the strikes that hit.

    `taken_over` counts claims of machines that took a task from another.
    """

    plan: Plan
    seconds: float
    hits: tuple[str, ...]
    noise: dict[str, int]
    taken_over: int
    wrong: tuple[str, ...]
    story: str = ""


@dataclass
class Grounds:
    """What runs share: servers, a Python, and movies; each is made when it is first needed."""

    folder: Path
    _stack: ExitStack = field(default_factory=ExitStack)
    _servers: dict[StoreKind, S3Server] = field(default_factory=dict)
    _buckets: dict[StoreKind, str] = field(default_factory=dict)
    _python: str = ""
    _imported: Path | None = None
    _lock: Lock = field(default_factory=Lock)

    def __enter__(self) -> Self:
        """Nothing is made yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the servers."""
        self._stack.close()

    def server(self, kind: StoreKind) -> S3Server:
        """A running server of that kind."""
        with self._lock:
            if kind not in self._servers:
                start = weed if kind is StoreKind.WEED else ministack
                made = self._stack.enter_context(start(self.folder / kind.value))
                self._servers[kind] = made
            return self._servers[kind]

    def bucket(self, kind: StoreKind) -> str:
        """A bucket of that server's; SeaweedFS has volumes for some dozens of these only."""
        server = self.server(kind)
        with self._lock:
            if kind not in self._buckets:
                self._buckets[kind] = server.bucket()
            return self._buckets[kind]

    @property
    def python(self) -> str:
        """A Python that knows the application of runs."""
        with self._lock:
            self._python = self._python or python_with_application(self.folder / "python")
            return self._python

    @property
    def imported(self) -> Path:
        """A project whose movies RELION has corrected."""
        with self._lock:
            if self._imported is None:
                self._imported = Motion.imported_in(self.folder / "imported", movies=MOVIES)
            return self._imported


@dataclass
class Scene:
    """A world with a store, undisturbed and as its programs see it."""

    world: World
    store: Store
    plan: Plan
    noise: Noise
    proxy: FaultyProxy | None = None
    prefix: str = ""
    """What requests' paths begin with, before keys."""
    folder: Path | None = None
    """Where the store lies, if it is a folder."""
    _being_away: Lock = field(default_factory=Lock)

    @contextmanager
    def watched(self, sight: Sight) -> Iterator[None]:
        """Have `sight` told of keys meanwhile."""
        if self.proxy is not None:
            self.proxy.done = lambda request: self._heard(request, sight)
            sight.note({item.key for item in self.store.list(f"{sight.project}/")})
        over = Event()
        thread = Thread(target=self._watch, args=(sight, over))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _heard(self, request: str, sight: Sight) -> None:
        if key := written_key(request, self.prefix):
            sight.note({key})

    def _watch(self, sight: Sight, over: Event) -> None:
        while self.folder is not None and not over.wait(_WATCH_S):
            sight.note(keys_in_folder(self.folder, sight.project))

    def away(self, seconds: float) -> None:
        """Have the store be away for so long."""
        with self._being_away:
            if self.folder is None:
                self.noise.away = random.Random(self.plan.seed).choice(WAYS)
                time.sleep(seconds)
                self.noise.away = ""
            else:
                aside = self.folder.with_name("away")
                self.folder.rename(aside)
                time.sleep(seconds)
                _without_files(self.folder)
                aside.rename(self.folder)


def _without_files(folder: Path) -> None:
    """Take away what a writer made anew that met the instant; it must not have written a file."""
    for top, _, names in os.walk(folder, topdown=False):
        assert not names, f"files are in a store that was away: {names}"
        Path(top).rmdir()


@contextmanager
def staged(plan: Plan, grounds: Grounds, top: Path) -> Iterator[Scene]:
    """The plan's world, below `top`, with its store and what troubles that."""
    noise = Noise(random.Random(f"noise {plan.seed}"), plan.noise, plan.focus)
    with ExitStack() as stack:
        if plan.store is StoreKind.FOLDER:
            world = replace(make_world(top), python=grounds.python)
            store = open_store(world.places.default_store, env={})
            yield Scene(world, store, plan, noise, folder=world.places.data / "store")
        else:
            server = grounds.server(plan.store)
            proxy = stack.enter_context(faulty_proxy(server.endpoint))
            proxy.rule = noise.trouble
            url = f"{grounds.bucket(plan.store)}/seed{plan.seed}-{secrets.token_hex(3)}"
            env = server.env(CRYOEM_STORE=url, AWS_ENDPOINT_URL=proxy.endpoint, CRYOEM_HOME="all")
            world = replace(make_world(top, **env), python=grounds.python)
            store = open_store(url, env=server.env())
            prefix = f"/{url.removeprefix('s3://')}/"
            yield Scene(world, store, plan, noise, proxy=proxy, prefix=prefix)


def played(plan: Plan, grounds: Grounds) -> Verdict:
    """Go through a run; its home stays, as `kept` beside it, where something was wrong."""
    top = grounds.folder / f"seed{plan.seed}"
    shutil.rmtree(top, ignore_errors=True)
    begun_s = time.monotonic()
    told: list[str] = []
    over: list[int] = []
    with staged(plan, grounds, top) as scene:
        try:
            found = _gone_through(scene, grounds, told, over)
        except (AssertionError, CryoemError, OSError) as error:
            found = [f"{type(error).__name__}: {error}"[:2000]]
        story = scene.world.story() if found else ""
        if found:
            shutil.copytree(scene.world.home, top / "kept", symlinks=True)
        end_world(scene.world)
    if not found:
        shutil.rmtree(top, ignore_errors=True)
    return Verdict(
        plan=plan,
        seconds=time.monotonic() - begun_s,
        hits=tuple(told),
        noise=dict(scene.noise.counts),
        taken_over=sum(over),
        wrong=tuple(found),
        story=story,
    )


def _gone_through(scene: Scene, grounds: Grounds, told: list[str], over: list[int]) -> list[str]:
    """What is wrong once the job is home; `told` gets the strikes that hit."""
    world, plan = scene.world, scene.plan
    jobs = _handed_in(scene, grounds)
    number = list(jobs)[-1 if plan.later else 0]
    sight = Sight(scene.store, world.card(number).project, number)
    striker = Striker(world, sight, scene.away, list(plan.strikes), told)
    sight.changed = striker.look
    scene.noise.on = True
    try:
        with scene.watched(sight):
            for each in jobs:
                _wait(scene, each)
            striker.rest()
        scene.noise.on = False
        with _next_courier(world):
            world.wait_for(lambda: not world.processes(*_MACHINE), seconds=_ENDS_S)
            world.wait_for(lambda: not world.left_behind(), seconds=_ENDS_S)
        over.append(sight.taken_over)
        found = [wrong(world, each, scene.store, work) for each, work in jobs.items()]
        return [*striker.faults, *chain.from_iterable(found)]
    finally:
        striker.rest()


def _handed_in(scene: Scene, grounds: Grounds) -> dict[int, Work]:
    """The run's jobs, by their numbers."""
    world, plan = scene.world, scene.plan
    first: Work = Motion(plan, grounds.imported) if plan.kind is Kind.MOTION else Itemwise(plan)
    later = Copy()
    first.prepare(world.project)
    if scene.proxy is not None:
        _reserve(world)
    jobs = {first.hand_in(world): first}
    if plan.chained:
        later.prepare(world.project)
        jobs |= {later.hand_in(world, after=tuple(jobs)): later}
    return jobs


@contextmanager
def _next_courier(world: World) -> Iterator[None]:
    """What a next job's courier does besides: it clears up after one that was killed."""
    command = (world.python, "-I", "-m", "cryoem_cloud.cli", "courier")
    with subprocess.Popen(command, env=world.env, stderr=subprocess.DEVNULL) as courier:
        try:
            yield
        finally:
            courier.kill()


def _reserve(world: World) -> None:
    """Have numbers for later: a front waits 3 s for a server, which a busy computer takes."""
    for _ in range(_TRIES):
        with suppress(AssertionError):
            world.front("reserve")
            return


def _wait(scene: Scene, number: int) -> None:
    """Until the job is home; a courier that is gone is woken after a while, as by a command."""
    world, plan = scene.world, scene.plan
    zombies = sum(strike.lasts_s for strike in plan.strikes if strike.blow is Blow.ZOMBIE)
    until_s = time.monotonic() + _LONGEST_S + 2 * zombies
    slip = world.card(number).slip_name
    while world.card(number).open or spool_of(world.places).holds(slip):
        if time.monotonic() > until_s:
            raise AssertionError("the job does not come home")
        time.sleep(_LOOK_S)
        if not running(world.places):
            time.sleep(plan.wake_after_s)
            world.wake()
