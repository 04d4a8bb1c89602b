"""What rows of the table can say, each by a program that needs it."""

from pathlib import Path

import pytest

from cryoem_cloud.model.errors import MissingInputError, RefusedError

from .test_closure import needs, put, star


def test_a_half_map_brings_the_other(tmp_path: Path) -> None:
    put(tmp_path, "R/half1_of_half1.mrc", "R/half2_of_half2.mrc", "R/other.mrc")
    script = "relion_postprocess --i R/half1_of_half1.mrc --o PostProcess/job001/postprocess"
    assert set(needs(tmp_path, script)) == {"R/half1_of_half1.mrc", "R/half2_of_half2.mrc"}
    given = needs(tmp_path, f"{script} --i2 R/other.mrc")
    assert set(given) == {"R/half1_of_half1.mrc", "R/other.mrc"}


def test_a_half_map_that_is_missing_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "R/half1.mrc")
    assert "R/half2.mrc" in needs(tmp_path, "relion_postprocess --i R/half1.mrc --o P/post")


def test_moments_of_other_half_sets_are_found_by_number(tmp_path: Path) -> None:
    put(tmp_path, "C/m_1moment001.mrc", "C/m_1moment002.mrc", "C/n_1moment001.mrc", "C/m.mrc")
    model = {"rlnReferenceImage": ("C/m.mrc",), "rlnGradMoment1": ("C/m_1moment001.mrc",)}
    star(tmp_path, "C/model.star", **model)
    star(tmp_path, "C/optimiser.star", rlnModelStarFile=("C/model.star",))
    found = needs(tmp_path, "relion_refine --continue C/optimiser.star --o D/run")
    assert "C/m_1moment002.mrc" in found
    assert "C/n_1moment001.mrc" not in found


def test_the_column_is_the_one_that_an_option_names(tmp_path: Path) -> None:
    names = {"rlnImageName": ("1@a.mrcs",), "rlnMicrographName": ("a.mrc",)}
    star(tmp_path, "in.star", **names)
    put(tmp_path, "a.mrcs", "a.mrc")
    script = "relion_star_handler --i in.star --discard_on_stats --o Select/job001/out.star"
    assert set(needs(tmp_path, script)) == {"in.star", "a.mrcs"}
    told = needs(tmp_path, f"{script} --discard_label rlnMicrographName")
    assert set(told) == {"in.star", "a.mrc"}


def test_movies_without_particles_stay(tmp_path: Path) -> None:
    for one in "ab":
        star(tmp_path, f"MotionCorr/job002/{one}.star", rlnMicrographMovieName=(f"{one}.tif",))
    put(tmp_path, "a.tif", "b.tif", "post.star")
    corrected = {
        "rlnMicrographName": ("MotionCorr/job002/a.mrc", "MotionCorr/job002/b.mrc"),
        "rlnMicrographMetadata": ("MotionCorr/job002/a.star", "MotionCorr/job002/b.star"),
    }
    star(tmp_path, "corrected.star", **corrected)
    star(
        tmp_path, "p.star", rlnImageName=("1@p.mrcs",), rlnMicrographName=("CtfFind/job003/b.mrc",)
    )
    script = "relion_motion_refine --i p.star --f post.star --corr_mic corrected.star --o Polish/j/"
    read = {"p.star", "post.star", "corrected.star", "MotionCorr/job002/b.star", "b.tif"}
    assert set(needs(tmp_path, script)) == read
    renamed = needs(tmp_path, f"{script} --mov_toReplace b --mov_replaceBy a")
    assert {"a.tif", "b.tif"} < set(renamed)


@pytest.mark.parametrize("option", ["--reextract_data_star", "--coord_list"])
def test_of_micrographs_the_first_and_those_with_particles_are_read(
    tmp_path: Path, option: str
) -> None:
    star(tmp_path, "mics.star", rlnMicrographName=("M/a.mrc", "M/b.mrc", "M/c.mrc"))
    star(tmp_path, "picked.star", rlnMicrographName=("M/c.mrc",))
    put(tmp_path, "M/a.mrc", "M/b.mrc", "M/c.mrc")
    script = f"relion_preprocess --i mics.star {option} picked.star --part_dir Extract/job001/"
    assert set(needs(tmp_path, script)) == {"mics.star", "picked.star", "M/a.mrc", "M/c.mrc"}


def test_of_reverted_images_the_first_of_each_optics_group_is_read(tmp_path: Path) -> None:
    images = ("1@a.mrcs", "1@b.mrcs", "1@c.mrcs")
    star(tmp_path, "s.star", rlnImageOriginalName=images, rlnOpticsGroup=("1", "1", "2"))
    put(tmp_path, "a.mrcs", "b.mrcs", "c.mrcs")
    script = "relion_particle_subtract --revert s.star --o Subtract/job001/"
    assert set(needs(tmp_path, script)) == {"s.star", "a.mrcs", "c.mrcs"}


def test_of_a_tilt_series_as_2d_stacks_the_first_image_is_read(tmp_path: Path) -> None:
    star(tmp_path, "T/one.star", rlnMicrographName=("T/1.mrc", "T/2.mrc"))
    star(tmp_path, "tomograms.star", rlnTomoTiltSeriesStarFile=("T/one.star",))
    put(tmp_path, "T/1.mrc", "T/2.mrc", "p.mrcs")
    star(tmp_path, "p.star", rlnImageName=("1@p.mrcs",))
    script = "relion_refine --i p.star --tomograms tomograms.star --o Refine3D/job001/run"
    found = needs(tmp_path, script)
    assert set(found) == {"p.star", "p.mrcs", "tomograms.star", "T/one.star", "T/1.mrc"}


def test_of_a_folder_the_files_that_are_read_travel(tmp_path: Path) -> None:
    put(tmp_path, "imod/tilt.com", "imod/a.xf", "imod/a.st", "a.st")
    star(tmp_path, "t.star", rlnTomoTiltSeriesName=("a.st",), rlnTomoImportImodDir=("imod/",))
    script = "relion_tomo_import_tomograms --i t.star --o Import/job001/tomograms.star"
    assert set(needs(tmp_path, script)) == {"t.star", "a.st", "imod/tilt.com", "imod/a.xf"}


def test_a_file_that_nothing_names_is_read_where_its_flag_is_given(tmp_path: Path) -> None:
    star(tmp_path, "p.star", rlnX=("1",))
    script = "relion_refine --i p.star --o Refine3D/job001/run --blush"
    assert "blush_smoothing_mask.mrc" not in needs(tmp_path, script)
    put(tmp_path, "blush_smoothing_mask.mrc")
    assert "blush_smoothing_mask.mrc" in needs(tmp_path, script)
    assert "blush_smoothing_mask.mrc" not in needs(tmp_path, script.removesuffix(" --blush"))


def test_a_file_called_like_a_symmetry_is_read(tmp_path: Path) -> None:
    star(tmp_path, "p.star", rlnX=("1",))
    script = "relion_refine --i p.star --o Refine3D/job001/run --sym C1"
    assert "C1" not in needs(tmp_path, script)
    put(tmp_path, "C1")
    assert "C1" in needs(tmp_path, script)


@pytest.mark.parametrize(
    "script",
    [
        "relion_display --gui --i a.star --fn_imgs Select/job001/a.star",
        "relion_manualpick --i a.star --odir ManualPick/job001/",
        "relion_python_tomo_pick particles --output-directory Pick/job001/",
        "relion_python_dynamight explore-latent-space DynaMight/job001/ --half-set 1",
    ],
)
def test_what_needs_a_screen_is_refused(tmp_path: Path, script: str) -> None:
    with pytest.raises(RefusedError, match="needs a screen"):
        needs(tmp_path, script)


def test_a_word_is_read_by_its_place(tmp_path: Path) -> None:
    star(tmp_path, "r.star", rlnExtReconsDataReal=("real.mrc",))
    put(tmp_path, "real.mrc")
    script = "relion_external_reconstruct r.star --o X/job001/out.mrc"
    assert set(needs(tmp_path, script)) == {"r.star", "real.mrc"}


def test_dynamight_goes_on_in_its_folder(tmp_path: Path) -> None:
    put(tmp_path, "DynaMight/job001/forward_deformations/checkpoints/checkpoint_final.pth")
    script = "relion_python_dynamight deformable-backprojection DynaMight/job001/ --batch-size 1"
    found = needs(tmp_path, script)
    assert set(found) == {"DynaMight/job001/forward_deformations/checkpoints/checkpoint_final.pth"}


def test_a_state_from_earlier_is_read_without_a_flag(tmp_path: Path) -> None:
    put(tmp_path, "Select/job001/run_state.pkl", "Select/job001/run_data.star")
    star(tmp_path, "o.star", rlnX=("1",))
    script = "relion_filament_selection -i o.star -o Select/job001/"
    assert set(needs(tmp_path, script)) == {"o.star", "Select/job001/run_state.pkl"}


_ANALYSE = (
    "relion_flex_analyse --model MultiBody/job001/run_model.star --data p.star --bodies p.star"
    " --o MultiBody/job001/analyse\n"
)


def test_what_an_earlier_command_makes_is_not_asked_for(tmp_path: Path) -> None:
    star(tmp_path, "p.star", rlnX=("1",))
    first = "relion_refine --i p.star --o MultiBody/job001/run\n"
    assert set(needs(tmp_path, first + _ANALYSE)) == {"p.star"}
    for script in (_ANALYSE + first, f"echo x\n{_ANALYSE}"):
        with pytest.raises(MissingInputError, match=r"MultiBody/job001/run_model\.star"):
            needs(tmp_path, script)


def test_what_is_there_of_the_job_itself_is_followed(tmp_path: Path) -> None:
    star(tmp_path, "p.star", rlnX=("1",))
    star(tmp_path, "MultiBody/job001/run_model.star", rlnReferenceImage=("MultiBody/job001/a.mrc",))
    put(tmp_path, "MultiBody/job001/a.mrc")
    assert "MultiBody/job001/a.mrc" in needs(tmp_path, _ANALYSE)


def test_a_program_of_the_users_own_travels(tmp_path: Path) -> None:
    put(tmp_path, "count.sh", "p.star", "touch")
    script = "./count.sh --o External/job001/ --in_parts p.star --pipeline_control External/job001/"
    assert set(needs(tmp_path, script)) == {"count.sh", "p.star"}
