"""The job of the benchmark: it writes as programs do, for 25 s.

Words: output folder, truth folder, how many MB of results it makes at once beside that.

The truth is what there is when it ends. It needs the standard library alone.
"""

import os
import random
import shutil
import sys
import time
from pathlib import Path

LASTS_S, EVERY_S = 25.0, 0.15
BIG_BYTES, BIG_S = 20_000_000, 8.0
RESTART_AT, BESIDE_AT = 120, 20
SEED = 1


def say(number: int) -> None:
    """A line of a log, with the time at which it was printed."""
    sys.stdout.write(f"{time.time():.6f} Expectation iteration {number} {'.' * 60}\n")
    sys.stdout.flush()


def star(dice: random.Random, rows: int) -> str:
    """A table whose first line is the time at which it was written."""
    return f"# {time.time():.6f}\ndata_\n" + "".join(f"{dice.random():.6f}\n" for _ in range(rows))


def restart(log: Path) -> None:
    """Empty what was printed, and a log of the program's own, and begin them anew."""
    os.ftruncate(sys.stdout.fileno(), 0)
    log.write_text("begun anew\n")


def results(path: Path, megabytes: int) -> None:
    """A large file without any order."""
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1_000_000))


def main(out: Path, truth: Path, beside: int) -> None:
    """Write for LASTS_S."""
    dice = random.Random(SEED)  # noqa: S311  (the same in every run)
    began_s, step, log = time.monotonic(), 0, out / "program.log"
    with (out / "half1.mrc").open("wb", buffering=0) as big:
        while (now_s := time.monotonic() - began_s) < LASTS_S:
            if step == RESTART_AT:
                restart(log)
            if step == BESIDE_AT and beside:
                results(out / "particles.mrcs", beside)
            say(step)
            with log.open("a") as file:
                file.write(f"step {step}\n")
            if step % 10 == 0:
                (out / "model.star").write_text(star(dice, 2000))
            if step % 25 == 0:
                whole, part = out / f"run_it{step:03d}_data.star", out / ".data.star.tmp"
                part.write_text(star(dice, 20_000))
                part.replace(whole)
            if now_s < BIG_S:
                big.write(dice.randbytes(int(BIG_BYTES * EVERY_S / BIG_S)))
            elif not big.closed:
                big.close()
            step += 1
            time.sleep(EVERY_S)
    shutil.copytree(out, truth)
    shutil.copyfile(f"/proc/self/fd/{sys.stdout.fileno()}", truth / "run.out")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
