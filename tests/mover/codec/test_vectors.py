"""What was stored once is read for ever: by us, and by the one-file decoder without us."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.codec import ZSTD, Gain, Way, decode_into, decode_one, encoded, padding
from cryoem_cloud.mover.codec.recipe import HEAD_BYTES, Recipe
from tests.mover.codec.samples import counts, gains, mrc_header, normalised
from tests.mover.codec.vectors import VECTORS, Vector

SCRIPT = Path(decode_one.__file__)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda each: each.name)
def test_we_read_it(vector: Vector) -> None:
    raw = bytearray(len(vector.raw))
    decode_into(vector.stored, memoryview(raw), gain=vector.gain)
    assert raw == vector.raw


def test_the_page_shows_a_recipe_as_we_write_it() -> None:
    page = (Path(__file__).parents[3] / "docs/reference/stored-files.md").read_text(
        encoding="utf-8"
    )
    shown = page.partition("```json\n")[2].partition("\n```")[0].encode()
    assert Recipe("nibbles", BLOCK_BYTES, {"exceptions": 20}).frame()[HEAD_BYTES:] == shown


def alone(folder: Path, zstd: str) -> dict[str, str]:
    """Surroundings in which Python finds nothing but its own library and, maybe, one package."""
    only = folder / "only"
    only.mkdir()
    env = {"PYTHONPATH": str(only), "PATH": ""}
    if zstd == "program":
        if not shutil.which("zstd"):
            pytest.skip("there is no program zstd")
        env["PATH"] = str(Path(str(shutil.which("zstd"))).parent)
        return env
    if zstd == "compression.zstd":
        if importlib.util.find_spec("compression") is None:
            pytest.skip("this Python has none of its own")
        return env
    found = importlib.util.find_spec(zstd)
    if found is None or not found.submodule_search_locations:
        pytest.skip(f"there is no {zstd}")
    target = only / zstd.replace(".", "/")
    target.parent.mkdir(exist_ok=True)
    target.symlink_to(found.submodule_search_locations[0])
    return env


def run(folder: Path, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    script = folder / "decode.py"
    if not script.exists():
        shutil.copy(SCRIPT, script)
    command = [sys.executable, "-S", str(script), *words]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env=env, cwd=folder, timeout=60
    )


_ZSTDS = (
    *("compression.zstd", "backports.zstd", "zstandard"),
    pytest.param("program", marks=pytest.mark.soak),
)


def test_there_our_package_cannot_be_imported(tmp_path: Path) -> None:
    env = alone(tmp_path, "backports.zstd")
    for name, code in (("cryoem_cloud", 1), ("numpy", 1), ("backports.zstd", 0)):
        tried = [sys.executable, "-S", "-c", f"import {name}"]
        ran = subprocess.run(tried, check=False, capture_output=True, env=env, cwd=tmp_path)
        assert ran.returncode == code, name


@pytest.mark.parametrize("zstd", _ZSTDS)
def test_the_decoder_reads_each_vector(zstd: str, tmp_path: Path) -> None:
    env = alone(tmp_path, zstd)
    for number, vector in enumerate(VECTORS):
        stored, gain = tmp_path / f"{number}.stored", tmp_path / f"{number}.gain"
        stored.write_bytes(vector.stored)
        words = [str(stored), f"{number}.raw"]
        if vector.gain:
            gain.write_bytes(vector.gain.read(0, vector.gain.pixels))
            words += ["--gain", str(gain)]
        ran = run(tmp_path, env, *words)
        assert (ran.returncode, ran.stderr) == (0, ""), vector.name
        assert (tmp_path / f"{number}.raw").read_bytes() == vector.raw, vector.name


def test_a_whole_file_of_many_blocks_with_padding(tmp_path: Path) -> None:
    """Blocks of several ways, padding between them, in the middle of another object."""
    gain = Gain.of("g", gains(64).data.cast("B"))
    ungain = Way("ungain", {"pixels": 64 * 64, "gain": "g", "header": 1024})
    raw = mrc_header(64, 64, 40, mode=2) + normalised(40, 64).tobytes()
    blocks = [(raw[at : at + 50_000], at) for at in range(0, len(raw), 50_000)]
    ways = [ungain, ungain, Way("planes4"), ZSTD]
    pieces = [b"another file"]
    for number, (block, start) in enumerate(blocks):
        pieces += encoded(block, ways[number % len(ways)], start=start, gain=gain)
        pieces += map(bytes, padding(8 + number))
    stored = b"".join(pieces)
    (tmp_path / "object").write_bytes(stored + b"and another")
    (tmp_path / "gain").write_bytes(gain.read(0, gain.pixels))
    env = alone(tmp_path, "backports.zstd")
    where = ["--start", "12", "--length", str(len(stored) - 12), "--gain", "gain"]
    ran = run(tmp_path, env, "object", "raw", *where)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (tmp_path / "raw").read_bytes() == raw


def test_what_the_decoder_refuses(tmp_path: Path) -> None:
    env = alone(tmp_path, "backports.zstd")
    stored = b"".join(encoded(counts(1, 64).tobytes(), Way("nibbles")))
    known = next(each for each in VECTORS if each.gain)
    for name, data, said in (
        ("raw", b"MRC, not encoded", "was the file stored as it is?"),
        ("cut", stored[:-1], "ends too early"),
        ("head", stored[:5], "ends too early"),
        ("damaged", stored[:-9] + b"x" + stored[-8:], "zstd says"),
        ("new", stored.replace(b'"v":1', b'"v":2'), "a newer decoder is needed"),
        ("way", stored.replace(b"nibbles", b"nobbles"), "a newer decoder is needed"),
        ("size", stored.replace(b'"raw":4096', b'"raw":4090'), "too short or too long"),
        ("gain", known.stored, "give it with --gain"),
    ):
        (tmp_path / name).write_bytes(data)
        ran = run(tmp_path, env, name, f"{name}.out")
        assert ran.returncode == 1, name
        assert said in ran.stderr, name
        assert "Traceback" not in ran.stderr
        assert not (tmp_path / f"{name}.out").exists()
    (tmp_path / "there").touch()
    (tmp_path / "fine").write_bytes(stored)
    assert "File exists" in run(tmp_path, env, "fine", "there").stderr


def test_zstd_itself_runs_over_a_stored_file(tmp_path: Path) -> None:
    if not shutil.which("zstd"):
        pytest.skip("there is no program zstd")
    raw = counts(1, 64).tobytes()
    stored = b"".join([*encoded(raw, Way("nibbles")), *padding(100), *encoded(raw, ZSTD)])
    (tmp_path / "m.zst").write_bytes(stored)
    subprocess.run(["zstd", "-dq", str(tmp_path / "m.zst")], check=True)
    assert (tmp_path / "m").read_bytes().endswith(raw)
    plain = b"".join([*encoded(raw, ZSTD, plain=True), *padding(100)]) * 2
    (tmp_path / "p.zst").write_bytes(plain)
    subprocess.run(["zstd", "-dq", str(tmp_path / "p.zst")], check=True)
    assert (tmp_path / "p").read_bytes() == raw * 2
