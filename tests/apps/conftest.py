"""A tiny RELION project: three simulated movies, and RELION's own programs run on them."""

import os
import re
import shutil
import stat
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cryoem_cloud.apps.directives import wish
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.adapt import worker_environment
from cryoem_cloud.frontends.connect import relion_files
from cryoem_cloud.model.job import Job
from cryoem_cloud.ports.application import Asked

_MOVIES, _SIZE, _FRAMES = 3, 512, 4
_OPENED = re.compile(
    r'^(?:open|openat|openat2)\((?:AT_FDCWD, )?"(?P<path>[^"]*)", (?P<how>.*) = \d'
)

_CTFFIND = """\
#!/bin/bash
# Stands in for CTFFIND 4.1: reads its dialogue, reads the image, writes its files.
read -r image; read -r output
cat > /dev/null
cat "$image" > "$output"
root=${output%.ctf}
echo "# Pixel size: 3.500 Angstroms ; acceleration voltage: 300.0 keV ;" \\
    "spherical aberration: 2.70 mm ; amplitude contrast: 0.10" > "$root.txt"
echo "# Columns: #1 - micrograph number; #2 - defocus 1" >> "$root.txt"
echo "1.0 15000.0 14800.0 20.0 0.0 0.25 6.0" >> "$root.txt"
echo "0 1" > "${root}_avrot.txt"
echo "Estimated defocus values        : 15000.00 , 14800.00 Angstroms"
echo "Summary of results              : $root.txt"
"""

QUEUE = """\
#!/bin/bash
# Runs a job script at once, and records which files its programs open.
job=$(dirname "$1")
exec strace -ff -qq --seccomp-bpf -e trace=open,openat,openat2 -o "$RECORDS/${job//\\//-}" \\
    bash "$1" > "$job/run.out" 2> "$job/run.err"
"""

_CHAIN = {
    "Import": "fn_in_raw == Movies/*.tif; angpix == 3.5",
    "Import other": "do_raw == No; do_other == Yes; fn_in_other == gain.mrc",
    "MotionCorr": "input_star_mics == {Import}/movies.star; fn_gain_ref == gain.mrc;"
    " do_dose_weighting == No; patch_x == 1; patch_y == 1; do_save_ps == Yes",
    "CtfFind": "input_star_mics == {MotionCorr}/corrected_micrographs.star;"
    " fn_ctffind_exe == {ctffind}; use_ctffind4 == Yes",
    "CtfFind spectra": "input_star_mics == {MotionCorr}/corrected_micrographs.star;"
    " fn_ctffind_exe == {ctffind}; use_ctffind4 == Yes; use_given_ps == Yes",
    "AutoPick": "fn_input_autopick == {CtfFind}/micrographs_ctf.star; do_log == Yes;"
    " log_diam_min == 110; log_diam_max == 150",
    "Extract": "star_mics == {CtfFind}/micrographs_ctf.star;"
    " coords_suffix == {AutoPick}/coords_suffix_autopick.star; extract_size == 64;"
    " do_rescale == Yes; rescale == 32",
    "Select split": "fn_data == {Extract}/particles.star; do_split == Yes; nr_split == 2;"
    " split_size == -1; do_random == No",
    "Select values": "fn_mic == {CtfFind}/micrographs_ctf.star; do_select_values == Yes;"
    " select_label == rlnCtfMaxResolution; select_minval == 1; select_maxval == 9",
    "Class2D": "fn_img == {Extract}/particles.star; nr_classes == 2; nr_iter == 2;"
    " particle_diameter == 150; psi_sampling == 45; offset_range == 2; offset_step == 2;"
    " do_preread_images == No; other_args == --random_seed 1",
    "AutoPick references": "fn_input_autopick == {CtfFind}/micrographs_ctf.star;"
    " fn_refs_autopick == {references}; angpix_ref == 7; psi_sampling_autopick == 90;"
    " lowpass == 40; threshold_autopick == 0.2",
    "Extract again": "star_mics == {CtfFind}/micrographs_ctf.star; do_reextract == Yes;"
    " fndata_reextract == {Class2D}/run_it002_data.star; extract_size == 64",
    "Select discard": "fn_data == {Extract}/particles.star; do_discard == Yes; discard_sigma == 3",
    "Select duplicates": "fn_data == {Class2D}/run_it002_data.star; do_remove_duplicates == Yes;"
    " duplicate_threshold == 30",
    "JoinStar": "do_part == Yes; fn_part1 == {Select split}/particles_split1.star;"
    " fn_part2 == {Select split}/particles_split2.star",
}
"""The jobs in order, with their options; {Import} stands for that job's folder."""

JOBS = tuple(_CHAIN)


@dataclass(frozen=True)
class Ran:
    """A job that RELION's pipeliner ran: its script, its folder, and what was opened."""

    folder: str
    script: str
    opened: frozenset[str]


@dataclass
class RelionProject:
    """A project in which jobs can be run through a queue that records."""

    path: Path
    records: Path
    ran: dict[str, Ran] = field(default_factory=dict)


def make_job(script: str, **other: object) -> Job:
    """A job as the courier would make it of a script."""
    script_path = str(other.pop("script_path", ""))
    asked = Asked(project=Path("/nowhere"), script=script, script_path=script_path)
    fields: dict[str, object] = {
        "number": 1,
        "project": "p",
        "name": "job",
        "application": "relion",
        "frontend": "relion",
        "script": script,
        "script_path": script_path,
        "logs": {},
        "log_starts": {},
        "submitter": "me",
        "submitted_at": "2026-01-01T00:00:00Z",
        **other,
    }
    if "outputs" not in fields:
        fields["outputs"] = Relion().outputs(asked)
    if "wish" not in fields:
        fields["wish"] = wish(script)
    return Job(**fields)  # type: ignore[arg-type]  # fields come by name


@pytest.fixture(scope="session")
def relion_project(tmp_path_factory: pytest.TempPathFactory) -> RelionProject:
    """The whole chain, run once by the real relion_pipeliner."""
    if shutil.which("relion_pipeliner") is None or shutil.which("strace") is None:
        pytest.skip("needs relion and strace: apt-get install relion ghostscript strace")
    pytest.importorskip("numpy", reason="needs the demo group")
    top = tmp_path_factory.mktemp("relion")
    project = RelionProject(top / "project", top / "records")
    project.path.mkdir()
    project.records.mkdir()
    write_movies(project.path)
    (project.path / "default_pipeline.star").write_text(
        "data_pipeline_general\n\n_rlnPipeLineJobCounter 1\n"
    )
    for name, text in {"ctffind": _CTFFIND, "queue": QUEUE}.items():
        (top / name).write_text(text)
        (top / name).chmod(stat.S_IRWXU)
    (top / "template.sh").write_text(relion_files(top, top)["qsub-template.sh"])
    for label, options in _CHAIN.items():
        run_job(project, label, options)
    return project


def run_job(project: RelionProject, label: str, options: str) -> None:
    """Add the job to the pipeline, and run it to its end."""
    top = project.path.parent
    kind = label.partition(" ")[0]
    number = len(project.ran) + 1
    folder = f"{kind}/job{number:03d}"
    known = {name: ran.folder for name, ran in project.ran.items()}
    references = write_references(project.path, known["Class2D"]) if "Class2D" in known else ""
    said = options.format(**known, ctffind=top / "ctffind", references=references)
    queue = f"do_queue == Yes; qsub == {top / 'queue'}; qsubscript == {top / 'template.sh'}"
    env = programs_environment() | {"RECORDS": str(project.records)}

    def pipeliner(*words: str) -> None:
        done = subprocess.run(
            ["relion_pipeliner", *words],
            cwd=project.path,
            env=env,
            check=False,
            timeout=60,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr

    pipeliner("--addJob", kind, "--addJobOptions", f"{said}; {queue}".replace("; ", ";"))
    pipeliner("--schedule", f"run{number}", "--RunJobs", f"{folder}/", "--sec_wait_after", "0")
    err = (project.path / folder / "run.err").read_text()
    assert (project.path / folder / "RELION_JOB_EXIT_SUCCESS").exists(), f"{label}: {err}"
    script = (project.path / folder / "run_submit.script").read_text()
    project.ran[label] = Ran(folder, script, files_opened(project, folder))


def write_references(project: Path, class2d: str) -> str:
    """A list of class averages to pick with."""
    images = [f"{number:06d}@{class2d}/run_it002_classes.mrcs" for number in (1, 2)]
    text = "data_\n\nloop_\n_rlnReferenceImage #1\n" + "\n".join(images) + "\n\n"
    (project / "references.star").write_text(text)
    return "references.star"


def programs_environment() -> dict[str, str]:
    """This environment, and what RELION needs beyond it."""
    env = dict(os.environ)
    has_csh = shutil.which("csh") is not None
    return env | worker_environment(env, is_root=os.getuid() == 0, has_csh=has_csh)


def files_opened(project: RelionProject, folder: str) -> frozenset[str]:
    """The project's files that the job's programs opened for reading, its own outputs aside."""
    found: set[str] = set()
    for record in project.records.glob(folder.replace("/", "-") + ".*"):
        for line in record.read_text(errors="replace").splitlines():
            opened = _OPENED.match(line)
            if opened is None or "O_WRONLY" in opened["how"] or "O_DIRECTORY" in opened["how"]:
                continue
            path = (project.path / opened["path"]).resolve()
            relative = os.path.relpath(path, project.path.resolve())
            own = relative.startswith(f"{folder}/") and not relative.endswith("run_submit.script")
            if not relative.startswith("..") and not own and path.is_file():
                found.add(relative)
    return frozenset(found)


def write_movies(project: Path) -> None:
    """Movies with drift and dark blobs, and a gain reference."""
    import mrcfile  # noqa: PLC0415  (only with the demo group)
    import numpy as np  # noqa: PLC0415
    import tifffile  # noqa: PLC0415

    rng = np.random.default_rng(1)
    (project / "Movies").mkdir()
    y, x = np.mgrid[:_SIZE, :_SIZE]
    gain = rng.normal(1, 0.03, (_SIZE, _SIZE)).clip(0.8, 1.2).astype(np.float32)
    with mrcfile.new(project / "gain.mrc") as file:
        file.set_data(gain)
    for movie in range(_MOVIES):
        image = np.zeros((_SIZE, _SIZE))
        for at_x in range(64, _SIZE - 63, 96):
            for at_y in range(64, _SIZE - 63, 96):
                dx, dy = rng.uniform(-12, 12, 2)
                image -= np.exp(-((x - at_x - dx) ** 2 + (y - at_y - dy) ** 2) / 200)
        frames = [
            rng.poisson(20 * np.exp(0.25 * np.roll(image, (shift, -shift), (0, 1))) / gain)
            for shift in range(_FRAMES)
        ]
        stack = np.minimum(np.stack(frames), 255).astype(np.uint8)
        tifffile.imwrite(
            project / "Movies" / f"mic_{movie + 1}.tif", stack, photometric="minisblack"
        )
