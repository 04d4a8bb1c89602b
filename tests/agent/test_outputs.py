"""Which outputs are new, and which are settled."""

import os
from pathlib import Path

from cryoem_cloud.agent.outputs import Outputs
from cryoem_cloud.model.file import Stamp
from cryoem_cloud.mover.settling import QUIET_S


def never(_: str) -> Stamp | None:
    return None


def names(outputs: Outputs) -> list[str]:
    return [found.path for found in outputs.all()]


def test_what_was_there_before_is_no_output_until_it_changes(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/old").write_text("old")
    outputs = Outputs(tmp_path, ("out",), skip=lambda _: False)
    (tmp_path / "out/new").write_text("new")
    assert names(outputs) == ["out/new"]
    (tmp_path / "out/old").write_text("changed")
    assert names(outputs) == ["out/new", "out/old"]


def test_links_and_empty_folders_are_outputs_and_pipes_are_not(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path, ("out",), skip=lambda path: path.endswith("skipped"))
    (tmp_path / "out/empty").mkdir(parents=True)
    (tmp_path / "out/full").mkdir()
    (tmp_path / "out/full/x").touch()
    (tmp_path / "out/link").symlink_to("nowhere")
    (tmp_path / "out/skipped").touch()
    os.mkfifo(tmp_path / "out/pipe")
    assert names(outputs) == ["out/empty", "out/full/x", "out/link"]


def test_a_file_is_settled_once_it_was_quiet_for_long_enough(tmp_path: Path) -> None:
    outputs = Outputs(tmp_path, (".",), skip=lambda _: False)
    (tmp_path / "x").write_text("1")
    assert list(outputs.settled(never, 0.0)) == []
    (tmp_path / "x").write_text("12")
    assert list(outputs.settled(never, QUIET_S)) == []
    assert list(outputs.settled(never, 1.5 * QUIET_S)) == []
    settled = list(outputs.settled(never, 2 * QUIET_S))
    assert [found.path for found in settled] == ["x"]
    assert list(outputs.settled(lambda _: settled[0].stamp, 9.0)) == []
