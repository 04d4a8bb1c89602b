"""Fields that RELION has saved, and that keep new jobs from our queue."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cryoem_cloud.frontends.saved import saved_fields

_COMMAND = "'/opt/it is/bin/cryoem-qsub'"

_SAVED = """\

# version 30001

data_job

_rlnJobType                             8
_rlnJobIsContinue                       0


# version 30001

data_joboptions_values

loop_
_rlnJobOptionVariable #1
_rlnJobOptionValue #2
  do_queue        {do_queue}\x20
    fn_img Extract/job005/particles.star\x20
other_args "--random_seed 1 qsub"\x20
      qsub {qsub}\x20
qsub_extra1         {extra}\x20
qsub_extra2         ""\x20
qsubscript {template}\x20
 queuename     cryoem\x20

"""
"""As RELION 3.1.3 writes it; 4.0 and 5.0 differ in the first table."""


def save(project: Path, name: str = "class2d", **fields: str) -> Path:
    ours = {
        "do_queue": "Yes",
        "qsub": f'"{_COMMAND}"',
        "extra": '""',
        "template": project / "qsub-template.sh",
    }
    file = project / f".gui_{name}job.star"
    file.write_text(_SAVED.format(**{**ours, **fields}))
    return file


def off(project: Path) -> dict[str, dict[str, str]]:
    found = saved_fields(project, _COMMAND, project / "qsub-template.sh")
    return {saved.file.name: dict(saved.values) for saved in found}


def mend(project: Path) -> None:
    for saved in saved_fields(project, _COMMAND, project / "qsub-template.sh"):
        saved.file.write_bytes(saved.mended())


def test_our_own_fields_are_left(tmp_path: Path) -> None:
    save(tmp_path, extra="local")
    assert off(tmp_path) == {}


def test_another_queue_is_told_with_its_fields(tmp_path: Path) -> None:
    save(tmp_path, do_queue="No", qsub="sbatch", template="/usr/share/sub.sh", extra='"24 h"')
    assert off(tmp_path) == {
        ".gui_class2djob.star": {
            "do_queue": "No",
            "qsub": "sbatch",
            "qsubscript": "/usr/share/sub.sh",
            "qsub_extra1": "24 h",
        }
    }
    (saved,) = saved_fields(tmp_path, _COMMAND, tmp_path / "qsub-template.sh")
    assert saved.said() == (
        "Submit to queue: No, Standard submission script: /usr/share/sub.sh, "
        "Queue submit command: sbatch, qsub_extra1: 24 h"
    )


@pytest.mark.parametrize("name", ["import", "manualpick", "select"])
def test_jobs_that_relion_runs_itself_may_say_so(tmp_path: Path, name: str) -> None:
    save(tmp_path, name, do_queue="No")
    assert off(tmp_path) == {}


def test_a_template_of_the_users_own_with_our_lines_is_left(tmp_path: Path) -> None:
    (tmp_path / "mine.sh").write_text("#!/bin/bash\nmodule load relion\n#CRYOEM where=local\n")
    save(tmp_path, template="mine.sh")
    assert off(tmp_path) == {}


def test_mended_fields_are_ours_and_all_else_is_as_it_was(tmp_path: Path) -> None:
    file = save(tmp_path, do_queue="No", qsub="sbatch", template="sub.sh", extra='"24 h"')
    before = file.read_bytes().splitlines(keepends=True)
    mend(tmp_path)
    after = file.read_bytes().splitlines(keepends=True)
    assert off(tmp_path) == {}
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [
        b"  do_queue Yes \n",
        b'      qsub "' + _COMMAND.encode() + b'" \n',
        b'qsub_extra1 "" \n',
        b"qsubscript " + bytes(tmp_path) + b"/qsub-template.sh \n",
    ]


def test_a_field_without_a_value_is_filled(tmp_path: Path) -> None:
    file = save(tmp_path, qsub="", template="")
    mend(tmp_path)
    assert off(tmp_path) == {}
    assert re.search(r"(?m)^qsubscript /\S+/qsub-template.sh  $", file.read_text())


@pytest.mark.parametrize("text", ["", "data_job\n\n_rlnJobType 8\n", "noise\n"])
def test_a_file_that_has_no_such_fields_is_left(tmp_path: Path, text: str) -> None:
    (tmp_path / ".gui_class2djob.star").write_text(text)
    assert off(tmp_path) == {}


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S")), min_size=1))
def test_any_saved_command_is_replaced(command: str) -> None:
    quote = "'" if '"' in command else '"'
    assume(quote not in command)
    with TemporaryDirectory() as folder:
        project = Path(folder)
        save(project, qsub=f"{quote}{command}{quote}")
        assert off(project) == {".gui_class2djob.star": {"qsub": command}}
        mend(project)
        assert off(project) == {}
