"""Refinements on machines, by what their files say of them."""

import io
import struct
from collections.abc import Mapping
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.ports.application import Shape
from tests.apps.conftest import make_job
from tests.apps.shelf import Shelf

_MACHINE = Shape(cores=96, memory_gib=384)
_HALVES = "--auto_refine --split_random_halves --ref r.mrc"
_TAIL = "data_particles\n\nloop_\n_rlnImageName #1\n_rlnOpticsGroup #2\n"


def particles(box: object, *, count: int = 1, dimensions: int = 2) -> bytes:
    """A list as RELION 3.1 and later have it, its images of that box."""
    rows = "".join(f"{n:06d}@a.mrcs 1\n" for n in range(1, count + 1))
    return (
        "\n# version 30001\n\ndata_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnImageSize #2\n"
        f"_rlnImageDimensionality #3\n1 {box} {dimensions}\n2 24 2\n\n\n{_TAIL}{rows}\n"
    ).encode()


def reference(*sides: int, order: str = "<") -> bytes:
    """The start of a map in an MRC file."""
    return struct.pack(f"{order}3i", *sides).ljust(208, b"\0") + b"MAP "


def optimiser(*lines: str) -> bytes:
    told = "".join(f"_{line}\n" for line in lines)
    return (
        "# RELION optimiser; version 5.0.1\n\ndata_optimiser_general\n\n"
        '_rlnModelStarFile  J/run_it003_model.star\n_rlnTomoTomogramsFile  ""\n'
        f"_rlnExperimentalDataStarFile  J/run_it003_data.star\n{told}\n"
    ).encode()


def model(box: int, *, dimensions: int = 3, pad: float = 2) -> bytes:
    return (
        "\n# version 50001\n\ndata_model_general\n\n"
        f"_rlnReferenceDimensionality  {dimensions}\n_rlnDataDimensionality  2\n"
        f"_rlnOriginalImageSize  {box}\n_rlnPaddingFactor  {pad:.6f}\n\n"
    ).encode()


def adapted_in(files: Mapping[str, bytes], options: str, shape: Shape) -> str:
    """The script of a job with these options, in a project with a list, an optimiser and others."""
    named = {"i": "p.star", "ref": "r.mrc", "c": "J/run_it003_optimiser.star"}
    named |= {"m": "J/run_it003_model.star", "d": "J/run_it003_data.star", "star": "r.star"}
    shelf = Shelf({named.get(name, name): data for name, data in files.items()})
    return Relion().adapted(make_job(f"relion_refine {options} --o J/run\n"), shape, shelf)


def adapted(options: str, shape: Shape = _MACHINE, **files: bytes) -> str:
    return adapted_in(files, options, shape)


def ranks(script: str) -> int:
    words = script.split()
    return int(words[words.index("-n") + 1]) if "-n" in words else 1


@pytest.mark.parametrize(
    ("box", "options", "wanted"),
    [
        # 384 GiB are 412 GB; a rank takes 36 bytes * (pad * box) ** 3
        (64, _HALVES, 25),
        (256, _HALVES, 25),
        (400, _HALVES, 23),
        (512, _HALVES, 11),
        (512, f"{_HALVES} --pad 1", 25),
        (512, f"{_HALVES} --pad 3", 3),
        (800, _HALVES, 3),
        (2000, _HALVES, 3),
        (512, "--K 3 --ref r.mrc", 11),
        (640, "--K 3 --ref r.mrc", 6),
        (1000, "--K 3 --ref r.mrc", 1),
        (1000, "--K 3", 25),
    ],
)
def test_no_more_ranks_work_than_there_is_memory_for(box: int, options: str, wanted: int) -> None:
    assert ranks(adapted(f"--i p.star {options}", i=particles(box))) == wanted


def test_the_first_optics_group_says_the_box() -> None:
    tomograms = b"data_\n\n_rlnTomoParticlesFile  p.star\n"
    assert ranks(adapted(f"--i p.star {_HALVES}", i=particles(800), ref=reference(64, 64, 64))) == 3
    assert ranks(adapted(f"--ios o {_HALVES}", o=tomograms, i=particles(512))) == 11


@pytest.mark.parametrize("order", ["<", ">"])
def test_where_particles_do_not_say_the_box_the_reference_does(order: str) -> None:
    old, cube = f"data_\n\n{_TAIL[16:]}1@a.mrcs 1\n".encode(), reference(800, 800, 800, order=order)
    assert ranks(adapted(f"--i p.star {_HALVES}", i=old, ref=cube)) == 3
    listed = b"data_\n\nloop_\n_rlnReferenceImage #1\n1@r.mrc\n"
    options = f"--i p.star {_HALVES.replace('mrc', 'star')}"
    assert ranks(adapted(options, i=old, ref=cube, star=listed)) == 3


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"i": b""},
        {"i": particles(-1)},
        {"i": particles("many")},
        {"i": particles(0), "ref": reference(800, 800, 1)},
        {"i": b"data_optics\n\nloop_\n_rlnImageSize #1\n_rlnX\n_rlnY\n1\n", "ref": b"\0" * 999},
        {"ref": reference(-800, -800, -800)},
        {"ref": struct.pack("<3i", 800, 800, 800)},
    ],
)
def test_a_box_that_is_not_known_is_taken_for_400_pixels(files: dict[str, bytes]) -> None:
    assert ranks(adapted_in(files, f"--i p.star {_HALVES}", _MACHINE)) == 23


class _Long(io.RawIOBase):
    """A list of a million particles, of which nobody may read more than its start."""

    def __init__(self) -> None:
        self.start = particles(512, count=9999)

    def read(self, size: int = -1) -> bytes:
        assert 0 <= size <= len(self.start), "it is read whole"
        return self.start[:size]


class _Shelf(Shelf):
    def open(self, path: str) -> BinaryIO:
        return _Long()  # type: ignore[return-value]  # all that is asked of it


def test_a_long_list_is_not_read_to_its_end() -> None:
    job = make_job(f"relion_refine --i p.star {_HALVES} --o J/run")
    assert ranks(Relion().adapted(job, _MACHINE, _Shelf({}))) == 11


# Runs that are continued

_CONTINUED = "--continue J/run_it003_optimiser.star"
_EM_3 = ("rlnDoSplitRandomHalves  0", "rlnDoStochasticGradientDescent  0")
_EM_5 = ("rlnDoSplitRandomHalves  0", "rlnDoGradientRefine  0", "rlnDoStochasticGradientDescent  0")


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (("rlnDoSplitRandomHalves  1", "rlnDoStochasticGradientDescent  0"), 3),
        (("rlnDoSplitRandomHalves  1", "rlnDoGradientRefine  1"), 3),
        (_EM_3, 1),
    ],
)
def test_halves_that_are_continued_have_the_ranks_they_need(
    told: tuple[str, ...], wanted: int
) -> None:
    small = Shape(cores=2, memory_gib=8)
    assert ranks(adapted(_CONTINUED, small, c=optimiser(*told), m=model(64))) == wanted


@pytest.mark.parametrize(
    ("told", "of", "wanted"),
    [
        (("rlnDoSplitRandomHalves  1",), model(256), 25),
        (("rlnDoSplitRandomHalves  1",), model(512), 11),
        (("rlnDoSplitRandomHalves  1",), model(512, pad=1), 25),
        (_EM_3, model(512), 11),
        (_EM_5, model(512), 11),
        (_EM_5, model(512, dimensions=2), 25),
        (_EM_5, b"", 23),
        # one process follows gradients; what is not known is left to one as well
        (("rlnDoSplitRandomHalves  0", "rlnDoStochasticGradientDescent  1"), model(64), 1),
        ((*_EM_5[:1], "rlnDoGradientRefine  1", _EM_5[2]), model(64), 1),
        ((), model(64), 1),
    ],
)
def test_a_continued_run_is_told_by_its_files(
    told: tuple[str, ...], of: bytes, wanted: int
) -> None:
    assert ranks(adapted(_CONTINUED, c=optimiser(*told), m=of)) == wanted


def test_a_value_that_is_cut_off_where_reading_ends_is_not_taken() -> None:
    of = model(800)
    behind = of.index(b"800") + len(b"80")
    late = b"#".ljust(64 * 1024 - behind - 1, b"x") + b"\n" + of
    assert ranks(adapted(_CONTINUED, c=optimiser("rlnDoSplitRandomHalves  1"), m=late)) == 23


def test_the_padding_that_is_asked_for_counts_when_a_run_is_continued() -> None:
    files = {"c": optimiser("rlnDoSplitRandomHalves  1"), "m": model(512)}
    assert ranks(adapted_in(files, f"{_CONTINUED} --pad 1", _MACHINE)) == 25
    assert ranks(adapted_in(files, f"{_CONTINUED} --pad x", _MACHINE)) == 11


def test_a_users_count_that_a_continued_run_refuses_is_put_right() -> None:
    script = f"mpirun -n 2 relion_refine_mpi {_CONTINUED} --o J/run --j 4"
    shelf = Shelf({"J/run_it003_optimiser.star": optimiser("rlnDoSplitRandomHalves  1")})
    assert ranks(Relion().adapted(make_job(script), _MACHINE, shelf)) == 3
    assert ranks(Relion().adapted(make_job(script), _MACHINE, Shelf({}))) == 2


# What is said


_SMALL = Shape(cores=8, memory_gib=64)


def said(script: str) -> list[str]:
    """What a script says before it runs the program, as bash understands it."""
    return [line for line in script.splitlines() if line.startswith("echo ")]


def test_where_the_fewest_ranks_may_need_more_than_there_is_the_script_says_so() -> None:
    script = adapted(f"--i p.star {_HALVES}", _SMALL, i=particles(600))
    assert ranks(script) == 3
    (line,) = said(script)
    assert line == (
        "echo 'cryoem: maps of 600 pixels may take 62.2 GB in each of 2 working ranks, and the "
        "machine has 68.7 GB; if that is not enough: take a machine with more memory, or skip "
        "padding (--pad 1)'"
    )
    assert said(adapted(f"--i p.star {_HALVES}", _SMALL, i=particles(400))) == []
    assert said(adapted(f"--i p.star {_HALVES}", _SMALL)) == [], "nothing is known"


def test_ranks_that_the_user_chose_stay_though_they_may_need_too_much() -> None:
    script = (
        f"#!/bin/bash\nmpirun -n 5 relion_refine_mpi --i p.star {_HALVES} --o J/r --j 2 --pad 1"
    )
    changed = Relion().adapted(make_job(script), _SMALL, Shelf({"p.star": particles(800)}))
    first, remark, command = changed.splitlines()
    assert f"{first}\n{command}" == script
    assert remark.startswith("echo 'cryoem: maps of 800 pixels may take 18.4 GB in each of 4 ")
    assert remark.endswith(": take a machine with more memory, or fewer MPI procs'")


# Images in memory, and on scratch disks

_THOUSAND = particles(256, count=1000)
"""262 MB of images."""


@pytest.mark.parametrize(
    ("options", "memory_gib", "stays"),
    [
        ("--K 3", 2.5, True),  # 5 ranks have 1.3 GB of images, which are half of the memory
        ("--K 3", 2.4, False),
        ("--K 3 --no_parallel_disc_io", 0.5, True),
        ("--grad --K 3", 0.5, True),
        ("--grad --K 3", 0.4, False),
        ("--auto_refine --split_random_halves", 12.4, True),  # two take 9.7 GB for maps besides
        ("--auto_refine --split_random_halves", 10.2, False),
    ],
)
def test_images_are_read_into_memory_only_where_they_have_room(
    options: str, memory_gib: float, *, stays: bool
) -> None:
    shape = Shape(cores=16 if "--K" in options else 8, memory_gib=memory_gib)
    script = adapted(f"--i p.star {options} --preread_images", shape, i=_THOUSAND)
    assert ("--preread_images" in script.split("relion_refine")[1].split()) is stays
    assert bool(said(script)) is not stays


def test_why_images_are_not_read_into_memory_is_said() -> None:
    shape = Shape(cores=16, memory_gib=1, scratch="/fast")
    script = adapted("--i p.star --K 3 --preread_images", shape, i=_THOUSAND)
    (line,) = said(script)
    assert line == (
        "echo 'cryoem: --preread_images is left out: 262.1 MB of images in the memory of 5 "
        "processes are too much for the 1.1 GB of the machine'"
    )
    assert "--scratch_dir /fast" in script


@pytest.mark.parametrize(
    "data", [b"", _TAIL.encode() + b"1@a.mrcs 1\n", b"data_\nloop_\n_rlnA\n'\n"]
)
def test_images_of_which_the_size_is_not_known_are_read_as_the_user_wished(data: bytes) -> None:
    script = adapted("--i p.star --K 3 --preread_images", Shape(cores=4, memory_gib=0.1), i=data)
    assert "--preread_images" in script


def test_images_of_a_run_that_is_continued_are_counted_too() -> None:
    files = {"c": optimiser(*_EM_5), "m": model(256, dimensions=2), "d": _THOUSAND}
    options = f"{_CONTINUED} --preread_images"
    assert "--preread_images" in adapted(options, Shape(cores=4, memory_gib=1), **files)
    assert said(adapted(options, Shape(cores=4, memory_gib=0.4), **files))


def test_subtomograms_have_a_third_side() -> None:
    few = particles(256, count=10, dimensions=3)  # 671 MB
    options = "--i p.star --K 3 --preread_images"
    assert said(adapted(options, Shape(cores=4, memory_gib=1), i=few))
    assert not said(adapted(options, Shape(cores=4, memory_gib=2), i=few))


def test_nothing_lies_on_a_machines_scratch_disk_yet() -> None:
    options = "--i p.star --scratch_dir /mine --reuse_scratch --keep_free_scratch 5"
    script = adapted(options, Shape(cores=1, memory_gib=8, scratch="/fast"))
    assert script.split()[3:7] == ["--scratch_dir", "/fast", "--keep_free_scratch", "5"]


# Whatever lies there

_OPTIONS = st.sampled_from(
    [
        f"--i p.star {_HALVES}",
        "--i a/../p.star --ref ~* --pad 1e999",
        "--ios p.star --ref r.star --preread_images",
        f"{_CONTINUED} --pad nan --preread_images",
        "--continue /dev/null/x",
        "--continue '' --i ''",
        "--i --ref --pad --continue",
    ]
)
_BYTES = st.one_of(
    st.binary(max_size=300),
    st.lists(
        st.sampled_from(
            [
                b"data_optics",
                b"\n",
                b"\n\n",
                b"loop_\n",
                b"_rlnImageSize",
                b"_rlnImageName",
                b"_rlnReferenceImage",
                b"_rlnDoSplitRandomHalves",
                b"_rlnModelStarFile",
                b"_rlnExperimentalDataStarFile",
                b"_rlnTomoParticlesFile",
                b" 1 ",
                b" 9999999999999 ",
                b" ../x ",
                b" \0 ",
                b" \xff ",
                b" J/run_it003_model.star ",
                b" '",
                b'"" ',
                b"#",
            ]
        ),
        max_size=20,
    ).map(b"".join),
    st.integers(0, 99999).map(particles),
    st.integers(-9, 99999).map(lambda side: reference(side, side, side)),
)


@given(
    _OPTIONS,
    st.dictionaries(st.sampled_from(["i", "ref", "c", "m", "d", "star"]), _BYTES),
    st.sampled_from([_MACHINE, Shape(cores=1, memory_gib=0), Shape(cores=3, memory_gib=1, gpus=3)]),
)
def test_whatever_the_files_hold_a_script_comes_of_it(
    options: str, files: dict[str, bytes], shape: Shape
) -> None:
    assert "relion_refine" in adapted_in(files, options, shape)
