"""A tree of files to a real server and back, through a proxy that breaks what it can.

    python -m tests.mover.breaking 0 240    # the seeds from 0 on and below 240; says how they went

Each run types `cryoem push` and, on another computer, `cryoem pull`, in this process, while
requests fail as the seed has it. A command ends well, or with one line; in the end, when the
network is quiet, it ends well, and all is there byte for byte.
"""

import io
import os
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from types import ModuleType

import pytest

from cryoem_cloud.cli.cryoem import main
from cryoem_cloud.courier.known import cache
from cryoem_cloud.courier.sending import recording, unsent
from cryoem_cloud.model import digest, file
from cryoem_cloud.mover import cut, encoding, fetch, frames, planning, push, send, verify
from cryoem_cloud.mover.codec import block
from cryoem_cloud.stores import patient, s3
from cryoem_cloud.testing.proxy import FaultyProxy, Trouble, faulty_proxy
from cryoem_cloud.testing.s3_servers import S3Server, ministack
from cryoem_cloud.wiring.stores import store_at

__all__ = ["KINDS", "Run", "run"]

SMALL_BLOCK_BYTES = 256 * 1024
_CUT = (file, digest, cut, fetch, frames, planning, push, send, verify, block, cache)
_CUT_BY: tuple[ModuleType, ...] = (*_CUT, recording, unsent)
_RANDOM = re.compile(r"uploadId=[^&]+|bundles/[0-9a-f]+|test-[0-9a-f]+")
_TRIES_IN_PEACE = 2
"""The first one may find that a try before, whose reply was lost, is carried out only now."""

Make = Callable[[random.Random], Trouble]
KINDS: Mapping[str, Make] = {
    "500": lambda _: Trouble(status=500, code="InternalError"),
    "503 SlowDown": lambda chance: Trouble(
        status=503, code="SlowDown", after_s=int(chance.random() < 0.02)
    ),
    "reset": lambda _: Trouble(reset=True),
    "reset in a body": lambda chance: Trouble(reset=True, within=chance.randrange(200_000)),
    "half a body, then silence": lambda chance: Trouble(within=chance.randrange(200_000)),
    "no answer, but done": lambda _: Trouble(lost=True),
    "no answer, done later": lambda chance: Trouble(late_s=chance.uniform(0.01, 0.3)),
    "reset in an answer": lambda chance: Trouble(reset_after=chance.randrange(100_000)),
    "truncated answer": lambda chance: Trouble(cut_after=chance.randrange(100_000)),
    "corrupted body": lambda _: Trouble(garble=True),
    "corrupted answer": lambda _: Trouble(garble_answer=True),
    "slow drip": lambda _: Trouble(drip_s=0.0005),
    "expired credentials": lambda _: Trouble(status=403, code="ExpiredToken"),
    "wrong clock": lambda _: Trouble(status=403, code="RequestTimeTooSkewed"),
}
_FOR_GOOD = ("expired credentials", "wrong clock")


@dataclass
class Faults:
    """Which requests fail, and how: the same for the same seed, whichever order threads have."""

    seed: int
    kinds: Sequence[str]
    often: float
    from_request: int
    """From so many requests on those fail that fail for good."""
    done: Counter[str] = field(default_factory=Counter)
    _seen: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def rule(self, asked: Mapping[str, str]) -> Trouble:
        """What happens to a request."""
        what = f"{asked[':method']} {_RANDOM.sub('', asked[':path'])}"
        with self._lock:
            self._seen[what] += 1
            chance = random.Random(f"{self.seed} {what} {self._seen[what]}")
            over = self._seen.total() >= self.from_request
            kind = chance.choice(self.kinds)
            if kind in _FOR_GOOD and not over:
                return Trouble()
            if kind not in _FOR_GOOD and chance.random() >= self.often:
                return Trouble()
            self.done[kind] += 1
        made = KINDS[kind](chance)
        if made.within is not None and made.within >= int(asked.get("Content-Length", 0)):
            return Trouble(reset=True)
        return made


@dataclass
class Run:
    """What became of a seed."""

    seed: int
    faults: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    lines: list[str] = field(default_factory=list)
    """What commands that did not end well said."""
    seconds: float = 0.0


def run(seed: int, server: S3Server, folder: Path, *, small: bool = True) -> Run:
    """One run; with `small`, blocks and parts are small, so that few bytes have many.

    Raises:
        AssertionError: A command ended in another way than it may, or something else came back.
    """
    chance, done, began_s = random.Random(seed), Run(seed), time.monotonic()
    with faulty_proxy(server.endpoint) as proxy, _settled(small=small) as patch:
        for name, value in server.env(AWS_ENDPOINT_URL=proxy.endpoint).items():
            patch.setenv(name, value)
        patch.setenv("CRYOEM_STORE", server.bucket())
        with _at(folder / "one", patch):
            _tree(folder / "one" / "proj" / "data", chance, small=small)
            _in_peace(proxy, "connect", "relion")
            codec = chance.choice(["auto", "plain", "none"])
            _through_faults(proxy, chance, done, "push", "--codec", codec, "data")
            said = _in_peace(proxy, "verify")
            assert "0 damaged or missing" in said, said
            name = _in_peace(proxy, "project", "show")
            _require_no_upload(folder / "one")
        with _at(folder / "two", patch):
            project = re.search(r"proj-[0-9a-f]{8}", name)
            assert project, name
            _in_peace(proxy, "project", "attach", os.environ["CRYOEM_STORE"], project[0])
            _through_faults(proxy, chance, done, "pull", "data")
        _require_same(folder / "one" / "proj" / "data", folder / "two" / "proj" / "data")
        done.requests = len(proxy.requests)
    done.seconds = time.monotonic() - began_s
    return done


@contextmanager
def _settled(*, small: bool) -> Iterator[pytest.MonkeyPatch]:
    """Little patience, and small blocks if wanted; this process is somebody new each time."""
    with pytest.MonkeyPatch.context() as patch:
        for variable in [
            name for name in os.environ if name.startswith(("AWS_", "CRYOEM_", "XDG_"))
        ]:
            patch.delenv(variable)
        patch.setattr(patient, "_FIRST_S", 0.005)
        patch.setattr(patient, "_LONGEST_S", 0.05)
        patch.setattr(patient, "_PART_PATIENCE_S", 2.0)
        patch.setattr(s3, "_PATIENCE_S", 1.0)
        patch.setattr(s3, "_PART_PATIENCE_S", 2.0)
        if small:
            for module in _CUT_BY:
                patch.setattr(module, "BLOCK_BYTES", SMALL_BLOCK_BYTES)
            patch.setattr(cut, "LEAST_PART_BYTES", SMALL_BLOCK_BYTES // 3)
            patch.setattr(encoding, "_SAMPLE_BYTES", SMALL_BLOCK_BYTES // 2)
        yield patch


@contextmanager
def _at(home: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """At another computer, in its folder `proj`."""
    (home / "proj").mkdir(parents=True)
    patch.setenv("HOME", str(home))
    patch.chdir(home / "proj")
    store_at.cache_clear()
    yield
    store_at.cache_clear()


def _tree(folder: Path, chance: random.Random, *, small: bool) -> None:
    block_bytes = SMALL_BLOCK_BYTES if small else 16 * 1024 * 1024
    most = 7 if small else 2
    folder.mkdir()
    for number in range(chance.choice([0, 3, 25])):
        (folder / f"{number}.star").write_text(f"data_\n{number}\n" * chance.randrange(900))
    counts = bytes(each % 4 for each in range(256))
    for name in ("raw.tif", "counts.mrc", "more counts.mrc"):
        data = chance.randbytes(int(chance.uniform(0.1, most) * block_bytes))
        (folder / name).write_bytes(data if name == "raw.tif" else data.translate(counts))
    (folder / "empty").touch()
    (folder / "one block").write_bytes(chance.randbytes(block_bytes))
    (folder / "copy").write_bytes((folder / "raw.tif").read_bytes())


def _through_faults(proxy: FaultyProxy, chance: random.Random, done: Run, *words: str) -> None:
    """Type it while requests fail, a few times if need be; then in peace."""
    often = chance.choice([0.01, 0.05, 0.2, 0.5])
    for _ in range(chance.choice([1, 2, 3])):
        kinds = chance.sample(list(KINDS), chance.randint(1, 4))
        faults = Faults(chance.randrange(2**32), kinds, often, chance.randrange(1, 40))
        proxy.rule = faults.rule
        code, _, err = _typed(*words)
        proxy.rule = None
        done.faults += faults.done
        if code == 0:
            return
        *before, last = err.strip().splitlines() or [""]
        assert last.startswith("cryoem: "), (code, words, err)
        damaged = [line for line in before if "is left out: damaged in the store" in line]
        assert not before or (damaged and before[:-1] == damaged), err  # and how many came
        done.lines.append(last)
        store_at.cache_clear()
    _in_peace(proxy, *words)


def _in_peace(proxy: FaultyProxy, *words: str) -> str:
    """Type it while all is well; what was answered, and said."""
    said: list[str] = []
    for _ in range(_TRIES_IN_PEACE):
        code, out, err = _typed(*words)
        if code == 0:
            return out + err
        said.append(err)
    raise AssertionError(said)


def _typed(*words: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(words)
    return code, out.getvalue(), err.getvalue()


def _require_no_upload(home: Path) -> None:
    """Nothing is left to go on with; that a file has arrived may be noted for a while."""
    for journal in home.rglob("*.upload"):
        lines = journal.read_text().splitlines()
        assert any('"content"' in line for line in lines[1:]), lines


def _require_same(one: Path, two: Path) -> None:
    names = sorted(path.name for path in one.iterdir())
    assert sorted(path.name for path in two.iterdir()) == names
    for name in names:
        assert (two / name).read_bytes() == (one / name).read_bytes(), name
        first, second = (one / name).stat(), (two / name).stat()
        assert (first.st_mtime_ns, first.st_mode) == (second.st_mtime_ns, second.st_mode), name


def _campaign(first: int, last: int) -> int:
    """Run the seeds against MiniStack, and print what became of them."""
    runs: list[Run] = []
    bad: dict[int, str] = {}
    with tempfile.TemporaryDirectory() as top, ministack(Path(top, "server")) as server:
        for seed in range(first, last):
            with tempfile.TemporaryDirectory(dir=top) as folder:
                try:
                    runs.append(run(seed, server, Path(folder)))
                except Exception as error:  # noqa: BLE001  (whatever it is, it is counted)
                    bad[seed] = repr(error)
                    print(seed, repr(error), flush=True)  # noqa: T201
    faults = sum((each.faults for each in runs), Counter[str]())
    told = Counter(re.sub(r"cryoem: \S+ ", "", line)[:60] for each in runs for line in each.lines)
    print(  # noqa: T201
        f"{len(runs)} runs of {last - first}: {sum(not each.lines for each in runs)} through all"
        f" faults, {sum(bool(each.lines) for each in runs)} after a line and again;"
        f" {sum(each.requests for each in runs)} requests, {faults.total()} faults"
    )
    for what, count in [*faults.most_common(), *told.most_common(12)]:
        print(f"{count:6} {what}")  # noqa: T201
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(_campaign(*map(int, sys.argv[1:3])))
