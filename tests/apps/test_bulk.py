"""What stays in the store where bringing it home costs money."""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.programs import PROGRAMS
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.ports.application import Application

from .conftest import make_job

_CLASSES = "relion_refine --i Extract/job005/particles.star --o Class2D/job006/run"
_NAMES = st.lists(
    st.sampled_from(["run", "_it", "_ct", "003", "12", "_data.star", "/", "x", ".mrc", "gain"]),
    min_size=1,
    max_size=8,
).map("".join)


def stays(
    script: str, paths: Iterable[str], *, ended: bool = True, by: Application | None = None
) -> set[str]:
    application = by or Relion()
    return set(application.bulk(make_job(script, outputs=("Any/job009",)), paths, ended=ended))


@pytest.mark.parametrize(
    ("script", "away", "home"),
    [
        (
            "relion_run_motioncorr_mpi --i movies.star --o MotionCorr/job002/",
            ["MotionCorr/job002/Movies/a.mrc", "MotionCorr/job002/a_PS.mrc"],
            ["MotionCorr/job002/gain.mrc", "MotionCorr/job002/Movies/a.star", "Other/a.mrc"],
        ),
        (
            "relion_run_ctffind --i m.star --o CtfFind/job003/",
            ["CtfFind/job003/Movies/a.mrc", "CtfFind/job003/Movies/a_PS.ctf"],
            ["CtfFind/job003/micrographs_ctf.star", "CtfFind/job003/Movies/a_PS.txt"],
        ),
        (
            "relion_preprocess --i m.star --part_dir Extract/job005/ --part_star x.star",
            ["Extract/job005/Movies/a.mrcs"],
            ["Extract/job005/Movies/a_extract.star", "Extract/job005/particles.star"],
        ),
        (
            "relion_particle_subtract_mpi --i o.star --o Subtract/job011/",
            ["Subtract/job011/Particles/deep/subtracted_rank1.mrcs"],
            ["Subtract/job011/particles_subtracted.star"],
        ),
        (
            "relion_motion_refine --i p.star --o Polish/job012/",
            ["Polish/job012/Movies/a_shiny.mrcs", "Polish/job012/Movies/a_tracks.eps"],
            ["Polish/job012/shiny.star", "Polish/job012/bfactors.eps"],
        ),
        (
            "relion_align_tiltseries --i t.star --o AlignTiltSeries/job013/",
            ["AlignTiltSeries/job013/external/TS1/TS1.mrc"],
            ["AlignTiltSeries/job013/external/TS1/TS1_ctf.mrc", "AlignTiltSeries/job013/x.mrc"],
        ),
    ],
)
def test_micrographs_and_stacks_stay_and_lists_come(
    script: str, away: list[str], home: list[str]
) -> None:
    assert stays(script, [*away, *home]) == set(away)
    assert stays(script, [*away, *home], ended=False) == set(away)


def test_iterations_wait_and_the_last_of_each_run_comes() -> None:
    folder = "Class2D/job006"
    first = [f"{folder}/run_it{n:03d}_{end}" for n in (0, 9) for end in ("data.star", "model.star")]
    last = [f"{folder}/run_it010_data.star", f"{folder}/run_it010_classes.mrcs"]
    again = [f"{folder}/run_ct10_it011_data.star", f"{folder}/run_ct10_it0012_data.star"]
    other = [f"{folder}/run_unmasked_classes.mrcs", f"{folder}/run.out"]
    whole = [*first, *last, *again, *other]
    assert stays(_CLASSES, whole, ended=False) == {*first, *last, *again}
    assert stays(_CLASSES, whole) == {*first, again[0]}


def test_each_program_of_a_script_speaks_of_its_own_folder() -> None:
    first = "relion_run_motioncorr --i m.star --o A/job001/"
    script = f"{first} && relion_run_ctffind --i c.star --o B/job002/"
    assert stays(script, ["A/job001/x.mrc", "A/job001/x.ctf", "B/job002/x.ctf"]) == {
        "A/job001/x.mrc",
        "B/job002/x.ctf",
    }


@pytest.mark.parametrize("script", ["echo 'no end", "relion_brand_new --o A/job001/", "true"])
def test_of_what_we_do_not_know_all_comes_home(script: str) -> None:
    assert not stays(script, ["A/job001/x.mrc", "Any/job009/run_it001_data.star"])


def test_of_a_shells_job_all_comes_home() -> None:
    assert not stays(_CLASSES, ["Class2D/job006/run_it001_data.star"], by=Shell())


@given(st.sets(_NAMES), st.sampled_from(sorted(name for name, row in PROGRAMS.items() if row.bulk)))
def test_the_end_only_ever_brings_more_home(names: set[str], program: str) -> None:
    option = PROGRAMS[program].outputs[0].option
    script = f"{program} {option} J/job001/"
    paths = {f"J/job001/{name}" for name in names}
    while_running, in_the_end = stays(script, paths, ended=False), stays(script, paths)
    assert in_the_end <= while_running <= paths
    alone = {path for path in paths if stays(script, [path], ended=False)}
    assert alone == while_running, "while it runs, each file is judged by itself"
    waited = while_running - in_the_end
    assert all(re.search(r"_it\d", path) for path in waited)
    if program == "relion_refine" and while_running:
        assert waited, "some iteration is the last"
