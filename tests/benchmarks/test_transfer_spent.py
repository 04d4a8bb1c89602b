"""What a client took is measured by a program small enough not to be measured itself."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.transfer import spent

PROGRAM = Path(spent.__file__)


def measured(tmp_path: Path, code: str, timeout_s: float = 60) -> dict[str, float]:
    report = tmp_path / "report.json"
    words = [sys.executable, "-S", "-E", str(PROGRAM), str(report), str(timeout_s)]
    subprocess.run([*words, sys.executable, "-S", "-E", "-c", code], check=True)
    found: dict[str, float] = json.loads(report.read_text(encoding="utf-8"))
    return found


def test_memory_and_time_are_the_clients_own(tmp_path: Path) -> None:
    here = bytearray(300_000_000)  # must not be seen
    small = measured(tmp_path, "pass")
    large = measured(tmp_path, "import time; x = bytearray(b'x') * 200_000_000; time.sleep(0.3)")
    assert small["rss_mb"] < 50
    assert 200 < large["rss_mb"] < 280
    assert large["wall_s"] >= 0.3
    assert here


def test_children_that_the_client_waits_for_are_counted(tmp_path: Path) -> None:
    child = "import time\nwhile time.process_time() < 0.5: pass"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-S', '-c', {child!r}])"
    assert measured(tmp_path, code)["cpu_s"] >= 0.5


def test_exit_codes_and_ends_by_time_are_told(tmp_path: Path) -> None:
    assert measured(tmp_path, "raise SystemExit(3)")["code"] == 3
    assert measured(tmp_path, "import time; time.sleep(60)", timeout_s=0.5)["code"] == -9
