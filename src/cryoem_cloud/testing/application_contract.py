"""What every application must do, as tests to inherit.

```python
class TestMyApplication(ApplicationContract):
    @pytest.fixture
    def application(self):
        return MyApplication()

    @pytest.fixture
    def asked(self, tmp_path):
        (tmp_path / "in.star").write_text(...)
        return Asked(project=tmp_path, script="my_program --i in.star --o out/")
```
What is asked must be a job that the application knows, with at least one input that exists, and
none that lies outside the project.
"""

import subprocess
from pathlib import Path, PurePosixPath

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.job import Job, Outcome
from cryoem_cloud.model.paths import OUTSIDE, is_below, normal
from cryoem_cloud.ports.application import Application, Asked, Finished, Shape

__all__ = ["ApplicationContract", "job_of"]

_NOWHERE = Path("/nowhere/at all")
_ODD_SCRIPTS = (
    "",
    "\n",
    "# nothing",
    "'",
    '"$(',
    "`",
    "a | b && (c; d) > e < f",
    "cat <<EOF\nit's\nEOF\n",
    "x --o --o --i --i",
    "\N{SNOWMAN} \udce9 \0",
    "relion_refine",
    "relion_refine --i --o",
    "relion_nothing --i /etc/passwd --o ../../x",
)
_HERE = Shape(cores=4, memory_gib=8, fixed=True)
_ELSEWHERE = Shape(cores=16, memory_gib=64, gpus=2, scratch="/scratch disk")


def _true(said: object, what: str) -> None:
    if not said:
        raise AssertionError(what)


def job_of(application: Application, asked: Asked) -> Job:
    """The job that a front makes of what was asked."""
    return Job(
        number=1,
        project="contract-00000000",
        name="contract",
        application=application.name,
        frontend="shell",
        script=asked.script,
        script_path=asked.script_path,
        outputs=application.outputs(asked),
        logs={},
        log_starts={},
        submitter="contract",
        submitted_at="2026-01-01T00:00:00Z",
        wish=asked.wish,
        inputs=asked.inputs,
    )


class ApplicationContract:
    """The laws of `cryoem_cloud.ports.application.Application`."""

    def test_the_name_is_one_word(self, application: Application) -> None:
        """It stands in job.json and in listings."""
        _true(application.name.isidentifier(), application.name)
        _true(application.name == application.name.lower(), application.name)

    def test_it_knows_its_job_without_looking_at_the_project(
        self, application: Application, asked: Asked
    ) -> None:
        """A front asks before it knows whether there is a project."""
        blind = Asked(
            project=_NOWHERE,
            script=asked.script,
            script_path=asked.script_path,
            inputs=asked.inputs,
            outputs=asked.outputs,
        )
        _true(application.knows(asked), "it does not know its own example")
        _true(application.knows(blind), "it knows it only where the project is")

    @pytest.mark.parametrize("script", _ODD_SCRIPTS)
    def test_odd_scripts_get_an_answer_or_one_of_our_errors(
        self, application: Application, tmp_path: Path, script: str
    ) -> None:
        """A script is the user's; whatever it holds, nobody is to see a traceback."""
        asked = Asked(project=tmp_path, script=script, outputs=("out",))
        _true(application.knows(asked) in {True, False}, "knows() says yes or no")
        try:
            job = job_of(application, asked)
            list(application.needs(job, Here(tmp_path)))
            application.executables(job, {})
            application.adapted(job, _ELSEWHERE, Here(tmp_path))
            application.remarks(job)
            application.work(job, Here(tmp_path))
        except CryoemError as error:
            _true(error.message, "an error without a message")

    def test_a_version_is_a_word_or_nothing(self, application: Application) -> None:
        """It is compared, and stands in a log."""
        _true(application.version(lambda _: "") == "", "a version of nothing")
        found = application.version(lambda command: f"{command[0]} 1.2\n version: 3.4 \n")
        _true(found == found.strip() and "\n" not in found, found)

    def test_remarks_are_lines(self, application: Application, asked: Asked) -> None:
        """They stand in a log, one under the other."""
        for remark in application.remarks(job_of(application, asked)):
            _true(remark.strip() and "\n" not in remark, remark)

    def test_outputs_are_folders_of_the_project(
        self, application: Application, asked: Asked
    ) -> None:
        """The courier writes below these and nowhere else."""
        outputs = application.outputs(asked)
        _true(outputs, "a job must say where it writes")
        for folder in outputs:
            _true(folder not in {".", ""} and normal(folder) == folder, folder)

    def test_needs_are_paths_that_say_who_asks(
        self, application: Application, asked: Asked
    ) -> None:
        """A missing input's message is made of these."""
        found = list(application.needs(job_of(application, asked), Here(asked.project)))
        _true(any((asked.project / need.path).is_file() for need in found), "no input is named")
        for need in found:
            inside = need.path.startswith(OUTSIDE) or normal(need.path) == need.path
            _true(inside, f"{need.path} is no path")
            _true(need.asked_by, f"who asks for {need.path}?")

    def test_needs_are_the_same_when_asked_again(
        self, application: Application, asked: Asked
    ) -> None:
        """A courier that was killed asks again."""
        job = job_of(application, asked)
        again = list(application.needs(job, Here(asked.project)))
        _true(list(application.needs(job, Here(asked.project))) == again, "needs change")

    def test_what_it_computes_is_told_in_numbers_and_always_the_same(
        self, application: Application, asked: Asked
    ) -> None:
        """Times follow from it, and a plan is made again and again."""
        job = job_of(application, asked)
        found = application.work(job, Here(asked.project))
        _true(application.work(job, Here(asked.project)) == found, "the work changes")
        if found is not None:
            numbers = (found.items, found.pixels, found.box_px, found.iterations)
            sizes = (found.input_bytes, found.output_bytes, found.essential_bytes)
            _true(min(*numbers, *sizes) >= 0, repr(found))
            _true(min(found.frames, found.classes, found.symmetry, found.pad) >= 1, repr(found))

    def test_a_script_stays_as_it_is_where_counts_are_fixed(
        self, application: Application, asked: Asked
    ) -> None:
        """The local computer changes nothing."""
        job = job_of(application, asked)
        script = application.adapted(job, _HERE, Here(asked.project))
        _true(script == job.script, "the script was changed")

    def test_an_adapted_script_is_bash(self, application: Application, asked: Asked) -> None:
        """Bash itself is asked, without running it."""
        job = job_of(application, asked)
        script = application.adapted(job, _ELSEWHERE, Here(asked.project))
        checked = subprocess.run(
            ["bash", "-n"],  # noqa: S607  (whichever bash runs jobs)
            input=script.encode("utf-8", "surrogateescape"),
            capture_output=True,
            check=False,
        )
        _true(checked.returncode == 0, checked.stderr.decode(errors="replace"))

    @pytest.mark.parametrize("code", [1, 2, 127, 134, 137, -9, -11])
    def test_a_bad_exit_code_without_markers_is_a_failure_with_a_reason(
        self, application: Application, asked: Asked, code: int
    ) -> None:
        """Nothing else would tell the user."""
        exit_ = application.judge(job_of(application, asked), Finished(code=code))
        _true(exit_.outcome is Outcome.FAILURE and exit_.code == code, repr(exit_))
        _true(exit_.reason, "a failure without a reason")

    def test_lack_of_memory_is_named(self, application: Application, asked: Asked) -> None:
        """The remedy is another machine, which no exit code tells."""
        finished = Finished(code=-9, out_of_memory=True, tail_err="x\n\udce9\0\n")
        exit_ = application.judge(job_of(application, asked), finished)
        _true(exit_.outcome is Outcome.FAILURE and "memory" in exit_.reason, repr(exit_))

    def test_abort_files_lie_where_the_job_writes(
        self, application: Application, asked: Asked
    ) -> None:
        """The agent makes them on the machine."""
        job = job_of(application, asked)
        for path in application.abort_files(job):
            _true(any(is_below(path, folder) for folder in job.outputs), path)

    def test_bulk_is_of_the_outputs_and_the_end_only_brings_more_home(
        self, application: Application, asked: Asked
    ) -> None:
        """What waited while the job ran is never fetched otherwise."""
        job = job_of(application, asked)
        names = ("x.star", "run_it001_data.star", "run_it002_data.star", "deep/x.mrc", "x.mrcs")
        paths = {f"{folder}/{name}" for folder in job.outputs for name in names}
        before = application.bulk(job, paths, ended=False)
        after = application.bulk(job, paths, ended=True)
        _true(after <= before <= paths, f"{after} are not among {before}")
        _true(not application.bulk(job, (), ended=True), "nothing of nothing")

    def test_markers_that_are_held_back_are_plain_names(
        self, application: Application, asked: Asked
    ) -> None:
        """They are looked for in every output folder."""
        for name in application.held_back(job_of(application, asked)):
            _true(PurePosixPath(name).name == name and name, name)
