"""What a run has done: a job's files and script, and what it makes where nothing disturbs it."""

import json
import os
import random
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.acceptance.conftest import World
from tests.acceptance.relion_compare import differences
from tests.chaos.application import LIST, OUT
from tests.chaos.plan import Kind, Plan

__all__ = ["Copy", "Itemwise", "Motion", "Work"]

HAND_IN = Path(__file__).with_name("hand_in.py")
_LEFT_OUT = frozenset({"run.out", "run.err", "run_submit.script", "RELION_JOB_EXIT_SUCCESS"})
_SIZES = (0, 1, 900, 5_000, 70_000, 300_000)
_LARGE_BYTES = 20 * 1024 * 1024
"""An upload in parts."""

_SCRIPT = """\
#!/bin/bash
out={out}
mkdir -p $out/deep
while read -r item; do
  echo "at $item"
  echo "of $item" >&2
  if [ "$ONLY_UNFINISHED" ] && [ -e $out/deep/$item.made ]; then continue; fi
  sleep {nap}
  half=$(($(stat -c %s raw/$item) / 2))
  head -c $half raw/$item > $out/deep/$item.large
  case $item in *7) sleep 1.6;; esac
  tail -c +$((half + 1)) raw/$item >> $out/deep/$item.large
  md5sum < $out/deep/$item.large > $out/deep/$item.sum
  echo "made of $item" > $out/deep/$item.made
done < {list}
: > $out/joined
while read -r item; do cat $out/deep/$item.sum >> $out/joined; done < {list}
ln -sf joined $out/latest
echo complete
"""


class Work(Protocol):
    """A job to be done. `out` is the folder that it writes."""

    @property
    def out(self) -> str:
        """Relative to the project."""
        ...

    def prepare(self, project: Path) -> None:
        """Lay out the project's files and the job's script."""
        ...

    def hand_in(self, world: World, *, after: tuple[int, ...] = ()) -> int:
        """Submit it, to begin when these jobs have succeeded; its number."""
        ...

    def wrong(self, project: Path) -> list[str]:
        """What at home is not what an undisturbed run makes."""
        ...


@dataclass
class Itemwise:
    """Items that cost nothing; see `application`. Of kind WHOLE, a script that nobody knows."""

    plan: Plan
    out: str = OUT
    machine: str = ""
    """The type of machines that is wished."""
    _items: list[str] = field(default_factory=list)

    def prepare(self, project: Path) -> None:
        """See Work."""
        dice = random.Random(f"files {self.plan.seed}")
        self._items = [f"i{n:02d}{dice.randrange(10)}" for n in range(self.plan.items)]
        (project / "raw").mkdir(parents=True)
        for item in self._items:
            (project / "raw" / item).write_bytes(dice.randbytes(dice.choice(_SIZES)))
        if self.plan.large:
            (project / "raw" / self._items[-1]).write_bytes(dice.randbytes(_LARGE_BYTES))
        (project / LIST).write_text("".join(f"{item}\n" for item in self._items))
        script = project / OUT / "run_submit.script"
        script.parent.mkdir(parents=True)
        script.write_text(self._script())

    def hand_in(self, world: World, *, after: tuple[int, ...] = ()) -> int:
        """See Work."""
        known = self.plan.kind is not Kind.WHOLE
        words = {
            "application": "itemwise" if known else "shell",
            "script": self._script(),
            "inputs": [] if known else ["raw", LIST],
            "count": self.plan.machines,
            "pieces": self.plan.pieces,
            "machine": self.machine,
        }
        return _handed_in(world, OUT, after, words)

    def _script(self) -> str:
        return _SCRIPT.format(out=OUT, list=LIST, nap=self.plan.nap_s)

    def wrong(self, project: Path) -> list[str]:
        """See Work."""
        direct = project.with_name("direct")
        shutil.rmtree(direct, ignore_errors=True)
        direct.mkdir()
        shutil.copytree(project / "raw", direct / "raw")
        shutil.copyfile(project / LIST, direct / LIST)
        script = self._script().replace(f"sleep {self.plan.nap_s}", ":").replace("sleep 1.6", ":")
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=direct,
            env={"PATH": os.environ["PATH"]},
            check=True,
            capture_output=True,
        )
        found = _unlike(_tree(project / OUT), _tree(direct / OUT))
        wanted = self._logs(done.stdout, done.stderr)
        for name, data in wanted.items():
            said = _without_ours((project / OUT / name).read_bytes())
            if said != data:
                found.append(f"{name} is {said!r} and not {data!r}")
        return found

    def _logs(self, out: bytes, err: bytes) -> dict[str, bytes]:
        """What each piece has printed, under its title, and then what the whole has."""
        sizes = self.plan.sizes
        first, told, noted = 0, b"", b""
        for number, size in enumerate(sizes, start=1):
            items = self._items[first : first + size]
            title = f"== piece {number} of {len(sizes)}: lines {first + 1} to {first + size} ==\n"
            told += title.encode() + "".join(f"at {item}\n" for item in items).encode()
            told += b"complete\n"
            noted += title.encode() + "".join(f"of {item}\n" for item in items).encode()
            first += size
        return {"run.out": told + out, "run.err": noted + err}


_AFTER = """\
sleep 0.5
cat {made} > {out}/copy
echo copied
"""


@dataclass
class Copy:
    """A job that goes on after one of items, on the machine of that, and copies what it joined."""

    out: str = "Work/job002"

    def prepare(self, project: Path) -> None:
        """See Work."""
        (project / self.out).mkdir(parents=True)
        (project / self.out / "run_submit.script").write_text(self._script())

    def _script(self) -> str:
        return _AFTER.format(made=f"{OUT}/joined", out=self.out)

    def hand_in(self, world: World, *, after: tuple[int, ...] = ()) -> int:
        """See Work."""
        words = {
            "application": "shell",
            "script": self._script(),
            "inputs": [f"{OUT}/joined"],
            "count": 1,
            "pieces": 1,
        }
        return _handed_in(world, self.out, after, words)

    def wrong(self, project: Path) -> list[str]:
        """See Work."""
        found = _unlike(
            _tree(project / self.out), {"copy": (project / OUT / "joined").read_bytes()}
        )
        said = _without_ours((project / self.out / "run.out").read_bytes())
        return found if said == b"copied\n" else [*found, f"run.out is {said!r}"]


def _without_ours(log: bytes) -> bytes:
    """What the job itself said: what it cost is said by us, in the last line."""
    lines = log.splitlines(keepends=True)
    return b"".join(line for line in lines if not line.startswith(b"cryoem: "))


def _handed_in(world: World, out: str, after: tuple[int, ...], words: Mapping[str, object]) -> int:
    place = {"script_path": f"{out}/run_submit.script", "output": out, "after": after}
    return int(world._said(str(HAND_IN), json.dumps({**words, **place})))


_MOTION = (
    "`which relion_run_motioncorr` --i movies.star --o {out}/ --first_frame_sum 1 "
    "--last_frame_sum -1 --use_own --j 1 --bin_factor 1 --bfactor 150 --dose_per_frame 1.5 "
    "--preexposure 0 --patch_x 1 --patch_y 1 --gainref gain.mrc --gain_rot 0 --gain_flip 0 "
    "--dose_weighting --pipeline_control {out}/\n"
)
_IMPORT = (
    "relion_import --do_movies --optics_group_name optics1 --angpix 3.5 --kV 300 --Cs 2.7 "
    "--Q0 0.1 --beamtilt_x 0 --beamtilt_y 0 --i 'Movies/*.tif' --odir ./ --ofile movies.star"
)


@dataclass
class Motion:
    """RELION's motion correction of small movies; `imported` is a project that has been run."""

    plan: Plan
    imported: Path
    out: str = "MotionCorr/job002"

    def prepare(self, project: Path) -> None:
        """See Work."""
        shutil.copytree(self.imported, project, dirs_exist_ok=True)
        shutil.rmtree(project / "MotionCorr")
        (project / self.out).mkdir(parents=True)
        wishes = f"#CRYOEM count={self.plan.machines}\n#CRYOEM pieces={self.plan.pieces}\n"
        script = f"#!/bin/bash\n{wishes}{_MOTION.format(out=self.out)}"
        (project / self.out / "run_submit.script").write_text(script)

    def hand_in(self, world: World, *, after: tuple[int, ...] = ()) -> int:
        """See Work."""
        assert not after
        return world.qsub(f"{self.out}/run_submit.script")

    def wrong(self, project: Path) -> list[str]:
        """See Work."""
        log = (project / self.out / "run.out").read_text()
        found = differences(project / self.out, self.imported / self.out)
        if log.count("== piece ") != len(self.plan.sizes):
            found.append(f"run.out does not have each piece once: {log!r}")
        return found

    @classmethod
    def imported_in(cls, folder: Path, *, movies: int) -> Path:
        """A project with the job's results, as RELION makes them directly."""
        from demo.simulate import simulate  # noqa: PLC0415  (NumPy, only here)

        simulate(folder, movies=movies, size=256, seed=5)
        direct = f"{_IMPORT} && mkdir -p {cls.out} && {_MOTION.format(out=cls.out)}"
        subprocess.run(["bash", "-c", direct], cwd=folder, check=True, capture_output=True)
        for log in ("run.out", "run.err"):
            (folder / cls.out / log).touch()
        return folder


def _tree(folder: Path) -> dict[str, bytes]:
    """Every file and link below a folder, but for what the queue keeps there."""
    found = {}
    for path in folder.rglob("*"):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}".encode()
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = b"folder"
    return {name: data for name, data in found.items() if name not in _LEFT_OUT}


def _unlike(ours: dict[str, bytes], direct: dict[str, bytes]) -> list[str]:
    found = [f"only at home: {name}" for name in sorted(ours.keys() - direct.keys())]
    found += [f"missing at home: {name}" for name in sorted(direct.keys() - ours.keys())]
    both = sorted(ours.keys() & direct.keys())
    return found + [f"other bytes: {name}" for name in both if ours[name] != direct[name]]
