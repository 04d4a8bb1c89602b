"""Which stacks does a list of 1,000,000 particles name? Our reader beside gemmi, polars, starfile.

    uv pip install --target DIR gemmi polars starfile
    PYTHONPATH=DIR python benchmarks/star/run.py [--particles 1000000] [--rounds 3] [--before PATH]

Each reader gives the distinct files of one column (rlnImageName, without `000012@`), in a process
of its own: wall clock, CPU and greatest memory of the child are printed, medians of interleaved
rounds, and the ratio of its CPU to ours. `--before` is an earlier version of our apps/star.py.
With `closure`, all of what Class2D needs of the project is asked for, the stacks being there.
"""

import argparse
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from importlib import import_module, util
from pathlib import Path
from typing import Any

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.star import blocks_in
from cryoem_cloud.model.job import Job

_IMAGE = "rlnImageName"
_STACK = "Extract/job012/Movies/session1_{:05d}.mrcs"

_LABELS = (
    "CoordinateX", "CoordinateY", "AutopickFigureOfMerit", "ClassNumber", "AnglePsi", "ImageName",
    "MicrographName", "OpticsGroup", "CtfMaxResolution", "CtfFigureOfMerit", "DefocusU",
    "DefocusV", "DefocusAngle", "CtfBfactor", "CtfScalefactor", "PhaseShift", "GroupNumber",
    "AngleRot", "AngleTilt", "OriginXAngst", "OriginYAngst", "NormCorrection",
    "LogLikeliContribution", "MaxValueProbDistribution", "NrOfSignificantSamples",
)  # fmt: skip

_OPTICS = """\

# version 30001

data_optics

loop_
_rlnOpticsGroupName #1
_rlnOpticsGroup #2
_rlnMicrographPixelSize #3
_rlnVoltage #4
_rlnSphericalAberration #5
_rlnAmplitudeContrast #6
_rlnImagePixelSize #7
_rlnImageSize #8
_rlnImageDimensionality #9
opticsGroup1            1     0.885000   300.000000     2.700000     0.100000     3.540000           64            2


# version 30001

data_particles

loop_
"""  # noqa: E501  (as RELION writes it)


def write_particles(path: Path, *, particles: int, stacks: int, seed: int = 1) -> None:
    """Write a list as RELION 3.1 does: that many particles, spread over that many stacks in order.

    Optics, and 25 columns a particle; the same list each time.
    """
    dice = random.Random(seed)  # noqa: S311  (figures that look like figures)
    each = -(-particles // stacks)
    with path.open("w", encoding="ascii") as file:
        file.write(_OPTICS)
        file.writelines(f"_rln{label} #{at}\n" for at, label in enumerate(_LABELS, start=1))
        tails = [_tail(dice) for _ in range(997)]
        for number in range(particles):
            stack, image = divmod(number, each)
            x, y = dice.uniform(0, 5760), dice.uniform(0, 4092)
            head = f"{x:12.6f} {y:12.6f}     0.123456            0  -999.00000"
            micrograph = f"MotionCorr/job002/Movies/session1_{stack:05d}.mrc"
            name = f"{image + 1:06d}@{_STACK.format(stack)}"
            file.write(f"{head} {name} {micrograph}            1 {tails[number % 997]}\n")
        file.write(" \n")


def _tail(dice: random.Random) -> str:
    """The figures behind the names."""
    return " ".join(f"{dice.uniform(-180, 25000):12.6f}" for _ in range(17)) + " "


def ours(path: Path) -> set[str]:
    """Our reader as the closure uses it."""
    found: set[bytes] = set()
    with path.open("rb") as file:
        for block in blocks_in(file, _IMAGE.__eq__, name=str(path)):
            found.update(word.partition(b"@")[2] for word in block.columns[_IMAGE])
    return {name.decode() for name in found}


def before(path: Path) -> set[str]:
    """An earlier version of ours, a row at a time."""
    spec = util.spec_from_file_location("star_before", os.environ["STAR_BEFORE"])
    if spec is None or spec.loader is None:
        raise SystemExit("--before names no module")
    module: Any = util.module_from_spec(spec)
    sys.modules["star_before"] = module
    spec.loader.exec_module(module)
    rows = module.rows(path, _IMAGE.__eq__)
    return _files(row.values[_IMAGE] for row in rows)


def gemmi(path: Path) -> set[str]:
    """Gemmi's C++ reader of CIF, of the whole document."""
    document = import_module("gemmi").cif.read(str(path))
    return _files(document.find_block("particles").find_loop(f"_{_IMAGE}"))


def starfile(path: Path) -> set[str]:
    """The field's own package, on pandas."""
    return _files(import_module("starfile").read(path)["particles"][_IMAGE])


def polars(path: Path) -> set[str]:
    """Polars' reader of CSV, once the table's start and labels are found; blanks are made one."""
    pl: Any = import_module("polars")
    lines, labels = 0, list[str]()
    with path.open(encoding="utf-8") as file:
        for line in file:
            if f"_{_IMAGE}" in labels and not line.startswith("_"):
                break
            lines += 1
            labels = [*labels, line.split()[0]] if line.startswith("_") else []
    frame = pl.scan_csv(
        path,
        skip_rows=lines,
        has_header=False,
        separator="\n",
        quote_char=None,
        new_columns=["row"],
    )
    words = pl.col("row").str.extract_all(r"\S+")
    at = labels.index(f"_{_IMAGE}")
    column = words.list.get(at, null_on_oob=True).str.split("@").list.last().unique()
    return {name for name in frame.select(column).collect(engine="streaming")["row"] if name}


def closure(path: Path) -> set[str]:
    """All that Class2D needs, as the courier asks for it."""
    job = Job(
        number=1,
        project="p-00000000",
        name="Class2D/job013",
        application="relion",
        frontend="relion",
        script=f"relion_refine --i {path.name} --o Class2D/job013/run",
        script_path="",
        outputs=("Class2D/job013",),
        logs={},
        log_starts={},
        submitter="me",
        submitted_at="2026-01-01T00:00:00Z",
    )
    needs = {need.path for need in Relion().needs(job, Here(path.parent))}
    return needs - {path.name}


READERS: dict[str, Callable[[Path], set[str]]] = {
    reader.__name__: reader for reader in (ours, closure, before, gemmi, polars, starfile)
}


def _files(values: Iterable[str]) -> set[str]:
    return {value.partition("@")[2] for value in values}


def measured(reader: str, path: Path) -> dict[str, float]:
    """Run a reader in a process of its own."""
    started_s = time.monotonic()
    child = subprocess.run(
        [sys.executable, __file__, "--child", reader, str(path)], stdout=subprocess.PIPE, check=True
    )
    return {**json.loads(child.stdout), "wall_s": time.monotonic() - started_s}


def child(reader: str, path: Path) -> None:
    """What runs in that process."""
    found = READERS[reader](path)
    used = resource.getrusage(resource.RUSAGE_SELF)
    said = {
        "found": len(found),
        "cpu_s": used.ru_utime + used.ru_stime,
        "mb": used.ru_maxrss * 1024 / 1e6,
    }
    print(json.dumps(said))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--particles", type=int, default=1_000_000)
    parser.add_argument("--stacks", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", default="")
    parser.add_argument("--child", nargs=2)
    given = parser.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]))
        return
    readers = [
        name
        for name in READERS
        if name == "before" or name in {"ours", "closure"} or util.find_spec(name)
    ]
    if given.before:
        os.environ["STAR_BEFORE"] = str(Path(given.before).resolve())
    else:
        readers.remove("before")
    with tempfile.TemporaryDirectory() as top:
        path = Path(top) / "particles.star"
        write_particles(path, particles=given.particles, stacks=given.stacks)
        for number in range(given.stacks):
            stack = Path(top) / _STACK.format(number)
            stack.parent.mkdir(parents=True, exist_ok=True)
            stack.touch()
        print(f"{path.stat().st_size / 1e6:.0f} MB, {given.particles} rows, {given.stacks} stacks")
        runs: dict[str, list[dict[str, float]]] = {reader: [] for reader in readers}
        for _ in range(given.rounds):
            for reader in readers:
                runs[reader].append(measured(reader, path))
    base = statistics.median(run["cpu_s"] for run in runs["ours"])
    print(
        "| reader | wall | CPU | ratio of CPU | memory | files found |\n|---|---|---|---|---|---|"
    )
    for reader, found in runs.items():
        middle = {key: statistics.median(run[key] for run in found) for key in found[0]}
        print(
            f"| {reader} | {middle['wall_s']:.1f} s | {middle['cpu_s']:.1f} s"
            f" | {middle['cpu_s'] / base:.2f} | {middle['mb']:.0f} MB | {middle['found']:.0f} |"
        )


if __name__ == "__main__":
    main()
