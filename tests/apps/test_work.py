"""What RELION's jobs compute, by their commands, their lists and the headers of their images."""

import time
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import tifffile

from cryoem_cloud.apps.directives import wish
from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.symmetry import order
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.model.errors import FormatError, MissingInputError
from cryoem_cloud.model.work import Program, Work
from cryoem_cloud.ports.application import Asked
from cryoem_cloud.testing.application_contract import job_of

_MILLION = 1_000_000


class Folder:
    """A project on disk."""

    def __init__(self, top: Path) -> None:
        self.top = top

    def has_list(self, path: str, table: str, labels: str, *rows: str, optics: str = "") -> None:
        names = "".join(f"_rln{label} #{at}\n" for at, label in enumerate(labels.split(), 1))
        head = f"\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnImageSize #2\n1 {optics}\n\n"
        text = f"{head if optics else ''}\ndata_{table}\n\nloop_\n{names}"
        self.place(path).write_text(text + "".join(f"{row}\n" for row in rows) + "\n")

    def has_mrc(self, path: str, frames: int, rows: int, columns: int) -> int:
        with mrcfile.new(self.place(path)) as file:
            file.set_data(np.zeros((frames, rows, columns), dtype=np.float32))
        return self.place(path).stat().st_size

    def place(self, path: str) -> Path:
        place = self.top / path
        place.parent.mkdir(parents=True, exist_ok=True)
        return place

    def work(self, script: str) -> Work | None:
        app = Relion()
        job = job_of(
            app, Asked(project=self.top, script=script, outputs=("J/job009",), wish=wish(script))
        )
        return app.work(job, Here(self.top))

    def known(self, script: str) -> Work:
        found = self.work(script)
        assert found is not None
        return found


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def particles(folder: Folder) -> Folder:
    size = folder.has_mrc("Extract/job003/a.mrcs", 10, 64, 64)
    rows = [f"{n:06d}@Extract/job003/a.mrcs 1" for n in range(1, 8)]
    folder.has_list("p.star", "particles", "ImageName OpticsGroup A", *(f"{r} 0" for r in rows))
    assert size == 1024 + 10 * 64 * 64 * 4
    return folder


def test_motion_correction_by_a_movies_header(folder: Folder) -> None:
    movies = ["Movies/a.tif 1 x", "Movies/b.tif 1 x", "Movies/c.tif 1 x"]
    folder.has_list("m.star", "movies", "MicrographMovieName OpticsGroup A", *movies)
    with tifffile.TiffWriter(folder.place("Movies/a.tif")) as file:
        for _ in range(6):
            file.write(np.zeros((40, 60), dtype=np.uint8), contiguous=False)
    size = (folder.top / "Movies/a.tif").stat().st_size
    found = folder.known(
        "relion_run_motioncorr --i m.star --o J/job009/ --use_own --bin_factor 2 --j 4"
    )
    assert found == Work(
        program=Program.MOTION,
        items=3,
        pixels=2400,
        frames=6,
        divisible=True,
        ranks=1,
        threads=4,
        input_bytes=3 * size,
        output_bytes=3 * 600 * 4,
    )


def test_electron_events_are_grouped_into_frames(folder: Folder) -> None:
    folder.has_list("m.star", "movies", "MicrographMovieName OpticsGroup A", "Movies/a.eer 1 x")
    with tifffile.TiffWriter(folder.place("Movies/a.eer"), bigtiff=True) as file:
        for _ in range(65):
            file.write(np.zeros((16, 16), dtype=np.uint8), contiguous=False)
    line = "relion_run_motioncorr --i m.star --o J/job009/ --use_own"
    found = folder.known(f"{line} --eer_grouping 32 --eer_upsampling 2")
    assert (found.frames, found.pixels) == (2, 4 * 256)
    assert folder.known(line).frames == 1


@pytest.mark.parametrize(
    ("command", "program", "on_gpus"),
    [
        ("relion_run_ctffind --o J/job009/ --is_ctffind4", Program.CTF, False),
        ("relion_run_ctffind --o J/job009/ --use_gctf --gpu 0", Program.CTF, True),
        ("relion_autopick --odir J/job009/ --LoG --gpu 0", Program.PICK, False),
        ("relion_autopick --odir J/job009/ --ref r.star --gpu 0", Program.PICK, True),
        ("relion_preprocess --part_dir J/job009/ --extract", Program.EXTRACT, False),
    ],
)
def test_micrographs(folder: Folder, command: str, program: Program, *, on_gpus: bool) -> None:
    names = ["MotionCorr/job002/a.mrc 1 0", "MotionCorr/job002/b.mrc 1 0"]
    folder.has_list("m.star", "micrographs", "MicrographName OpticsGroup A", *names)
    size = folder.has_mrc("MotionCorr/job002/a.mrc", 1, 50, 70)
    found = folder.known(f"{command} --i m.star")
    assert (found.program, found.on_gpus) == (program, on_gpus)
    assert (found.items, found.pixels, found.input_bytes) == (2, 3500, 2 * size)


def test_an_image_that_is_not_there_yet_leaves_its_numbers_at_nothing(folder: Folder) -> None:
    folder.has_list("m.star", "micrographs", "MicrographName OpticsGroup A", "M/job002/a.mrc 1 0")
    found = folder.known("relion_run_ctffind --i m.star --o J/job009/ --is_ctffind4")
    assert (found.items, found.pixels, found.input_bytes) == (1, 0, 0)


def test_two_dimensional_classes(particles: Folder) -> None:
    found = particles.known(
        "mpirun -n 5 relion_refine_mpi --i p.star --o J/job009/run --K 50 --iter 25 --gpu '' --j 4"
    )
    assert (found.program, found.items, found.box_px) == (Program.CLASS2D, 7, 64)
    assert (found.classes, found.iterations, found.symmetry) == (50, 25, 1)
    assert found.on_gpus
    assert (found.ranks, found.threads) == (4, 16)  # one of five leads
    assert not found.on_vectors
    assert not found.divisible
    assert found.input_bytes == 7 * (1024 + 10 * 64 * 64 * 4) // 10
    list_bytes = (particles.top / "p.star").stat().st_size
    assert found.essential_bytes == list_bytes + 50 * 64 * 64 * 4
    assert found.output_bytes == 25 * found.essential_bytes


def test_the_optics_table_tells_the_box_where_no_image_is(folder: Folder) -> None:
    row = "000001@X/job003/a.mrcs 1 0"
    folder.has_list("p.star", "particles", "ImageName OpticsGroup A", row, optics="320")
    found = folder.known("relion_refine --i p.star --o J/job009/run --iter 1 --ref a.mrc --cpu")
    assert (found.program, found.box_px, found.on_vectors) == (Program.CLASS3D, 320, True)
    assert found.input_bytes == 320 * 320 * 4


def test_a_refinement_of_halves_has_no_known_number_of_iterations(particles: Folder) -> None:
    found = particles.known(
        "mpirun -n 3 relion_refine_mpi --i p.star --o J/job009/run --auto_refine "
        "--split_random_halves --ref r.mrc --sym D2 --pad 1 --gpu 0:1"
    )
    assert (found.program, found.iterations, found.pad) == (Program.REFINE3D, 0, 1.0)
    assert (found.symmetry, found.classes) == (4, 1)


def test_a_run_that_goes_on_does_what_is_left(particles: Folder) -> None:
    told = (
        "\ndata_optimiser_general\n\n_rlnCurrentIteration 10\n_rlnNumberOfIterations 25\n"
        "_rlnModelStarFile J/job008/run_it010_model.star\n"
        "_rlnExperimentalDataStarFile p.star\n_rlnDoSplitRandomHalves 0\n\n"
    )
    model = (
        "\ndata_model_general\n\n_rlnReferenceDimensionality 3\n_rlnOriginalImageSize 64\n"
        "_rlnNrClasses 4\n\n"
    )
    particles.place("J/job008/run_it010_optimiser.star").write_text(told)
    particles.place("J/job008/run_it010_model.star").write_text(model)
    line = "relion_refine --continue J/job008/run_it010_optimiser.star --o J/job009/run --gpu 0"
    found = particles.known(line)
    assert (found.program, found.items, found.box_px) == (Program.CLASS3D, 7, 64)
    assert (found.classes, found.iterations) == (4, 15)
    assert particles.known(f"{line} --iter 30").iterations == 20


def test_gradients_take_some_of_the_particles_at_a_time(folder: Folder) -> None:
    rows = [f"{n:06d}@X/a.mrcs 1 0" for n in range(1, 100_001)]
    folder.has_list("p.star", "particles", "ImageName OpticsGroup A", *rows, optics="64")
    line = "relion_refine --i p.star --o J/job009/run --iter 100 --K 1"
    flat = folder.known(f"{line} --grad")
    # 30 iterations of 500, 50 that rise evenly to 5000, 20 of 5000
    assert flat.iterations == pytest.approx((30 * 500 + 50 * 2705 + 20 * 5000) / 100_000)
    several = folder.known(f"{line.replace('--K 1', '--K 9')} --grad")
    assert several.iterations == pytest.approx(flat.iterations + 0.95)
    first = folder.known(f"{line} --grad --denovo_3dref")
    assert first.program is Program.INITIAL
    assert first.iterations > flat.iterations
    old = folder.known(f"{line} --sgd --denovo_3dref")
    assert old.iterations == pytest.approx((50 * 100 + 200 * 299 + 50 * 500) / 100_000)
    fast = folder.known(f"{line.replace('100', '20').replace('--K 1', '--K 10')} --fast_subsets")
    assert fast.iterations == pytest.approx(5 * 0.01 + 5 * 0.03 + 5 * 0.3 + 5)


@pytest.mark.parametrize(
    ("line", "ranks", "threads"),
    [
        ("relion_refine --i p.star --o J/job009/run --j 1", 0, 0),
        ("relion_refine --i p.star --o J/job009/run --j 6", 1, 6),
        ("mpirun -n 3 relion_refine_mpi --i p.star --o J/job009/run --j 2", 2, 4),
        ("mpirun -n 3 relion_ctf_refine_mpi --i p.star --o J/job009/ --j 2", 3, 6),
        ("#CRYOEM mpi=9\n$mpi relion_refine_mpi --i p.star --o J/job009/run --j 2", 8, 16),
    ],
)
def test_ranks_and_threads_that_the_user_fixed(
    particles: Folder, line: str, ranks: int, threads: int
) -> None:
    found = particles.known(line)
    assert (found.ranks, found.threads) == (ranks, threads)


def test_polishing_reads_movies(particles: Folder) -> None:
    listed = "MotionCorr/job002/Movies/a.star M/a.mrc 1"
    labels = "MicrographMetadata MicrographName OpticsGroup"
    particles.has_list("c.star", "micrographs", labels, listed)
    particles.place("MotionCorr/job002/Movies/a.star").write_text(
        "\ndata_general\n\n_rlnMicrographMovieName Movies/a.mrc\n\n"
    )
    size = particles.has_mrc("Movies/a.mrc", 12, 30, 40)
    line = "relion_motion_refine --i p.star --f x.star --corr_mic c.star --o J/job009/"
    found = particles.known(f"{line} --combine_frames --bfac_minfreq 20")
    assert (found.program, found.items, found.pixels) == (Program.POLISH, 7, 1200)
    assert (found.frames, found.input_bytes, found.divisible) == (12, size, True)
    assert particles.known(f"{line} --params3 --align_frac 0.5").program is Program.POLISH_TRAIN


def test_ctf_refinement_of_each_micrograph_comes_in_pieces(particles: Folder) -> None:
    line = "relion_ctf_refine --i p.star --f x.star --o J/job009/"
    found = particles.known(f"{line} --fit_defocus --fit_mode fpmff")
    assert (found.program, found.items, found.divisible) == (Program.CTF_REFINE, 7, True)
    assert not particles.known(f"{line} --fit_beamtilt").divisible


@pytest.mark.parametrize(
    "script",
    [
        "relion_postprocess --i a_half1.mrc --o J/job009/x",
        "relion_run_motioncorr_mpi --i m.star --o J/job009/ --use_motioncor2",
        "relion_autopick --i m.star --odir J/job009/ --topaz_train",
        "relion_refine --i p.star --o J/job009/a\nrelion_refine --i p.star --o J/job009/b",
    ],
)
def test_of_other_programs_no_times_are_known(folder: Folder, script: str) -> None:
    found = folder.work(script)
    assert found is not None
    assert found.program is Program.OTHER


def test_one_program_that_we_know_counts_among_others(particles: Folder) -> None:
    found = particles.known(
        "relion_refine --i p.star --o J/job009/run --grad --denovo_3dref --iter 100\n"
        "rm -f J/job009/RELION_JOB_EXIT_SUCCESS\n"
        "relion_align_symmetry --i J/job009/run_it100_model.star --o J/job009/i.mrc --sym D2"
    )
    assert found.program is Program.INITIAL


def test_a_script_without_relion_and_a_shells_are_nobodys(folder: Folder) -> None:
    assert folder.work("echo hello") is None
    job = job_of(Shell(), Asked(project=folder.top, script="python x.py", outputs=("o",)))
    assert Shell().work(job, Here(folder.top)) is None


def test_a_list_that_is_not_there_is_said(folder: Folder) -> None:
    with pytest.raises(MissingInputError, match=r"m\.star, for which relion_autopick --i asks"):
        folder.work("relion_autopick --i m.star --odir J/job009/")


def test_a_list_that_is_malformed_is_said(folder: Folder) -> None:
    folder.has_list("p.star", "particles", "ImageName OpticsGroup A", "1@a.mrcs")
    with pytest.raises(FormatError, match=r"p\.star line"):
        folder.work("relion_refine --i p.star --o J/job009/run")


@pytest.mark.parametrize(
    ("name", "operations"),
    [("C1", 1), ("c4", 4), ("D2", 4), ("D7", 14), ("T", 12), ("O", 24), ("I", 60), ("I3", 60)],
)
def test_orders_of_point_groups(name: str, operations: int) -> None:
    assert order(name) == operations


def test_a_list_of_a_million_particles_is_counted_in_a_second(folder: Folder) -> None:
    row = b"%06d@Extract/job003/Movies/FoilHole_0001_Data.mrcs M/job002/a.mrc 1 " + b"0.123456 " * 2
    labels = "ImageName MicrographName OpticsGroup A B"
    folder.has_list("p.star", "particles", labels, optics="256")
    path = folder.top / "p.star"
    text = path.read_bytes().rstrip() + b"\n"
    path.write_bytes(text + (row % 1 + b"\n") * _MILLION + b"\n")
    started_s = time.process_time()
    found = folder.known("relion_refine --i p.star --o J/job009/run --iter 25 --gpu 0")
    assert time.process_time() - started_s < 1
    assert found.items == _MILLION
