"""The application in docs/explanation/pieces.md is one, and its jobs are cut and joined."""

import os
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from cryoem_cloud.agent.work import Agent
from cryoem_cloud.model.job import Outcome, Wish
from cryoem_cloud.ports.application import Application, Asked
from cryoem_cloud.testing.application_contract import ApplicationContract
from cryoem_cloud.wiring.clock import SystemClock
from tests.courier.conftest import FOLDER, Bench
from tests.courier.pieced import Hands, Myself, pieced, run

PAGE = Path(__file__).parent.parent.parent / "docs" / "explanation" / "pieces.md"

PROGRAM = """\
#!/bin/bash
while [ $# -gt 0 ]; do
    case $1 in --i) list=$2; shift;; --o) out=$2; shift;; --only-new) new=1;; esac
    shift
done
while read -r item; do
    [ "$new" ] && [ -e $out/${item##*/}.pick ] && continue
    echo "picks in $item: $(<$item)" | tee $out/${item##*/}.pick
done < $list
cat $out/*.pick > $out/all.txt
"""


def _example() -> Application:
    """What the page's only block of Python makes."""
    (text,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    made: dict[str, Callable[[], Application]] = {}
    exec(compile(text, str(PAGE), "exec"), made)  # the page is ours
    return made["Pick"]()


class TestPick(ApplicationContract):
    @pytest.fixture
    def application(self) -> Application:
        return _example()

    @pytest.fixture
    def asked(self, tmp_path: Path) -> Asked:
        (tmp_path / "a.mrc").touch()
        (tmp_path / "list").write_text("a.mrc\n")
        return Asked(project=tmp_path, script="pick --i list --o Picks/job001/\n")


class Pickers(Hands):
    """Machines that know the page's application."""

    def start(self, name: str) -> None:
        myself = Myself(name)
        agent = Agent(
            records=self.bench.records,
            myself=myself,
            application=lambda _: _example(),
            scratch=self.scratch / name,
            environment={"PATH": os.environ["PATH"]},
            umask=None,
            clock=SystemClock(),
        )
        thread = threading.Thread(target=agent.live)
        thread.start()
        self.machines[name] = myself, thread


def test_it_is_cut_and_joined(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "pick"
    program.parent.mkdir()
    program.write_text(PROGRAM)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    bench = pieced(bench, ["a", "b", "c"], Wish(pieces=3, count=2))
    (bench.project / "items.txt").write_text("raw/a\nraw/b\nraw/c\n")
    job = replace(bench.slip.job, script=f"pick --i items.txt --o {FOLDER}\n")
    bench = replace(bench, slip=replace(bench.slip, job=job), application=_example())
    run(bench, tmp_path, Pickers(bench, tmp_path / "machines"))
    assert bench.card().outcome is Outcome.SUCCESS, bench.card().reason
    log = (bench.folder / "run.out").read_text()
    for number, item in enumerate("abc", 1):
        title = f"piece {number} of 3: micrographs {number} to {number}"
        assert f"== {title} ==\npicks in raw/{item}: {item}\n" in log
    assert (bench.folder / "all.txt").read_text().splitlines() == [
        f"picks in raw/{item}: {item}" for item in "abc"
    ]
