"""Which files a job needs, from its commands and lists alone."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.relion.names import coordinate_file
from cryoem_cloud.model.errors import CryoemError, MissingInputError, RefusedError

from .conftest import make_job


def needs(project: Path, script: str, **other: object) -> dict[str, bool]:
    """The needed paths, and whether each is a stub only."""
    found: dict[str, bool] = {}
    for need in Relion().needs(make_job(script, **other), Here(project)):
        found[need.path] = need.stub and found.get(need.path, True)
    return found


def put(project: Path, *paths: str, text: str = "x") -> None:
    for path in paths:
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)


def star(project: Path, path: str, **columns: tuple[str, ...]) -> None:
    """A list with these columns."""
    labels = [f"_{label} #{number}" for number, label in enumerate(columns, start=1)]
    lines = [" ".join(row) for row in zip(*columns.values(), strict=True)]
    put(project, path, text="\n".join(["data_x", "", "loop_", *labels, *lines, ""]))


_MOTIONCORR = "relion_run_motioncorr --i Import/job001/movies.star --o MotionCorr/job002/ --use_own"
_MOVIES = {"rlnMicrographMovieName": ("Movies/a.tif",), "rlnX": ("Movies/unread.tif",)}


def test_imported_movies_travel_as_stubs(tmp_path: Path) -> None:
    put(tmp_path, "Movies/a.tif", "Movies/b.tif", "Movies/c.xml")
    script = 'relion_import --do_movies --i "Movies/*.tif" --odir Import/job001/'
    assert needs(tmp_path, script) == {"Movies/a.tif": True, "Movies/b.tif": True}


def test_a_pattern_that_matches_nothing_is_named(tmp_path: Path) -> None:
    script = 'relion_import --do_movies --i "Movies/*.tif" --odir Import/job001/'
    with pytest.raises(MissingInputError, match=r"no file matches Movies/\*\.tif.*relion_import"):
        needs(tmp_path, script)


def test_the_projects_own_path_does_not_matter(tmp_path: Path) -> None:
    project = tmp_path / "it's *\n\t#1 [a] µ"
    star(project, "Import/job001/movies.star", **_MOVIES)
    put(project, "Movies/a.tif", "Movies/b.tif")
    assert set(needs(project, _MOTIONCORR)) == {"Import/job001/movies.star", "Movies/a.tif"}
    script = 'relion_import --do_movies --i "Movies/*.tif" --odir Import/job001/'
    assert set(needs(project, script)) == {"Movies/a.tif", "Movies/b.tif"}


def test_a_list_is_followed_by_the_columns_that_the_program_opens(tmp_path: Path) -> None:
    star(tmp_path, "Import/job001/movies.star", **_MOVIES)
    put(tmp_path, "Movies/a.tif", "Movies/unread.tif", "gain.mrc")
    assert set(needs(tmp_path, f"{_MOTIONCORR} --gainref gain.mrc")) == {
        "Import/job001/movies.star",
        "Movies/a.tif",
        "gain.mrc",
    }


def test_who_asks_for_a_file_is_the_row_of_the_list(tmp_path: Path) -> None:
    star(tmp_path, "Import/job001/movies.star", **_MOVIES)
    (_, movie) = Relion().needs(make_job(_MOTIONCORR), Here(tmp_path))
    assert (movie.path, movie.asked_by) == ("Movies/a.tif", "Import/job001/movies.star line 6")


def test_a_missing_list_is_named_with_the_option_that_asks_for_it(tmp_path: Path) -> None:
    with pytest.raises(MissingInputError, match=r"movies\.star, for which .*--i asks"):
        needs(tmp_path, _MOTIONCORR)


def test_a_file_outside_the_project_on_the_command_line_travels(tmp_path: Path) -> None:
    star(tmp_path, "Import/job001/movies.star", **_MOVIES)
    found = needs(tmp_path, f"{_MOTIONCORR} --gainref '/data/my gain.mrc'")
    assert found["@abs/data/my gain.mrc"] is False


@pytest.mark.parametrize("movie", ["/data/a.tif", "../a.tif", "Movies/../a.tif", "~/a.tif"])
def test_a_file_outside_the_project_in_a_list_is_refused_with_its_row(
    tmp_path: Path, movie: str
) -> None:
    star(tmp_path, "Import/job001/movies.star", rlnMicrographMovieName=(movie,))
    with pytest.raises(RefusedError, match=r"movies\.star line 5 asks for") as refused:
        needs(tmp_path, _MOTIONCORR)
    assert refused.value.hint


def test_a_command_line_that_leaves_the_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"\.\./gain\.mrc"):
        needs(tmp_path, "relion_run_motioncorr --gainref ../gain.mrc --o M/job001/")


def test_files_behind_links_keep_the_name_that_the_user_gave(tmp_path: Path) -> None:
    project, elsewhere = tmp_path / "project", tmp_path / "elsewhere"
    put(elsewhere, "a.tif")
    star(project, "Import/job001/movies.star", **_MOVIES)
    (project / "Movies").symlink_to(elsewhere)
    assert "Movies/a.tif" in needs(project, _MOTIONCORR)
    script = 'relion_import --do_movies --i "Movies/*.tif" --odir Import/job001/'
    assert needs(project, script) == {"Movies/a.tif": True}


@pytest.mark.parametrize(
    ("micrograph", "wanted"),
    [
        ("MotionCorr/job002/Movies/a.mrc", "AutoPick/job004/Movies/a_pick.star"),
        ("MotionCorr/job002/a.b.mrc", "AutoPick/job004/a.b_pick.star"),
        ("Micrographs/a.mrc", "AutoPick/job004/Micrographs/a_pick.star"),
        ("x/y/job123/z/a.mrc", "AutoPick/job004/z/a_pick.star"),
        ("job12/a.mrc", "AutoPick/job004/job12/a_pick.star"),
    ],
)
def test_coordinates_lie_where_relion_looks(micrograph: str, wanted: str) -> None:
    assert coordinate_file(micrograph, "AutoPick/job004/", "_pick.star") == wanted


def test_extract_opens_only_micrographs_with_picks_and_the_first(tmp_path: Path) -> None:
    names = tuple(f"MotionCorr/job002/Movies/{letter}.mrc" for letter in "abcd")
    star(tmp_path, "C/mics.star", rlnMicrographName=names)
    put(tmp_path, *names)
    star(tmp_path, "P/Movies/c_p.star", rlnCoordinateX=("1",), rlnCoordinateY=("2",))
    put(tmp_path, "P/Movies/d_p.star", text="data_\n\nloop_\n_rlnCoordinateX #1\n\n")
    script = "relion_preprocess --i C/mics.star --coord_dir P --coord_suffix _p.star --part_dir E/"
    assert needs(tmp_path, script) == {
        "C/mics.star": False,
        names[0]: False,
        names[1]: True,
        names[2]: False,
        names[3]: True,
        "P/Movies/c_p.star": False,
        "P/Movies/d_p.star": False,
    }


def test_extract_of_relion_4_follows_its_list_of_coordinates(tmp_path: Path) -> None:
    star(tmp_path, "C/mics.star", rlnMicrographName=("M/a.mrc",))
    star(
        tmp_path,
        "AutoPick/job004/autopick.star",
        rlnMicrographName=("M/a.mrc",),
        rlnMicrographCoordinates=("AutoPick/job004/a.star",),
    )
    put(tmp_path, "M/a.mrc", "AutoPick/job004/a.star")
    script = (
        "relion_preprocess --i C/mics.star --coord_list AutoPick/job004/autopick.star --part_dir E/"
    )
    assert set(needs(tmp_path, script)) == {
        "C/mics.star",
        "M/a.mrc",
        "AutoPick/job004/autopick.star",
        "AutoPick/job004/a.star",
    }


def test_particles_need_their_stacks_once_and_not_their_micrographs(tmp_path: Path) -> None:
    star(
        tmp_path,
        "E/particles.star",
        rlnImageName=("000001@E/a.mrcs", "000002@E/a.mrcs", "000001@E/b.mrcs"),
        rlnMicrographName=("M/a.mrc", "M/a.mrc", "M/b.mrc"),
    )
    job = make_job("relion_refine --i E/particles.star --o Class2D/job005/run --solvent_mask None")
    assert [need.path for need in Relion().needs(job, Here(tmp_path))] == [
        "E/particles.star",
        "E/a.mrcs",
        "E/b.mrcs",
    ]


def test_continuing_needs_the_iteration_and_not_the_original_particles(tmp_path: Path) -> None:
    folder = "Class2D/job005"
    put(
        tmp_path,
        f"{folder}/run_it003_optimiser.star",
        text=f"data_optimiser_general\n\n_rlnModelStarFile {folder}/run_it003_model.star\n"
        "_rlnModelStarFile2 None\n"
        f"_rlnExperimentalDataStarFile {folder}/run_it003_data.star\n"
        f"_rlnOrientSamplingStarFile {folder}/run_it003_sampling.star\n",
    )
    star(
        tmp_path,
        f"{folder}/run_it003_model.star",
        rlnReferenceImage=(f"000001@{folder}/run_it003_classes.mrcs",),
    )
    star(tmp_path, f"{folder}/run_it003_data.star", rlnImageName=("000001@E/a.mrcs",))
    script = (
        f"relion_refine --continue {folder}/run_it003_optimiser.star --i E/particles.star"
        f" --o {folder}/run_ct3 --pipeline_control {folder}/"
    )
    assert set(needs(tmp_path, script)) == {
        f"{folder}/run_it003_optimiser.star",
        f"{folder}/run_it003_model.star",
        f"{folder}/run_it003_classes.mrcs",
        f"{folder}/run_it003_data.star",
        f"{folder}/run_it003_sampling.star",
        "E/a.mrcs",
    }


def test_combining_takes_a_list_of_lists(tmp_path: Path) -> None:
    script = 'relion_star_handler --combine --i " A/a.star B/b.star " --o JoinStar/job006/j.star'
    assert set(needs(tmp_path, script)) == {"A/a.star", "B/b.star"}


def test_unfinished_work_goes_on_from_the_jobs_own_files(tmp_path: Path) -> None:
    star(tmp_path, "Import/job001/movies.star", **_MOVIES)
    own = [f"MotionCorr/job002/Movies/a{end}" for end in (".mrc", ".star", "_shifts.eps", ".log")]
    put(tmp_path, *own, "MotionCorr/job002/job.star")
    found = needs(tmp_path, f"{_MOTIONCORR} --only_do_unfinished")
    assert found[own[0]] is True
    assert found[own[1]] is False
    assert found[own[2]] is False
    assert own[3] not in found
    assert "MotionCorr/job002/job.star" not in found
    assert not set(own) & set(needs(tmp_path, _MOTIONCORR))


def test_what_an_earlier_command_of_the_script_makes_is_no_input(tmp_path: Path) -> None:
    star(tmp_path, "E/p.star", rlnImageName=("000001@E/a.mrcs",))
    script = (
        "relion_refine --i E/p.star --o I/job007/run\n"
        "relion_star_handler --i I/job007/run_it001_data.star --o I/job007/out.star\n"
    )
    assert set(needs(tmp_path, script)) == {"E/p.star", "E/a.mrcs"}


def test_an_unknown_program_gets_all_that_its_words_lead_to(tmp_path: Path) -> None:
    star(tmp_path, "A/list.star", rlnSomeMapName=("A/half1.mrc",), rlnNumber=("A/number",))
    put(tmp_path, "A/half1.mrc", "A/half2.mrc", "A/number", "folder/deep/x", "decoy", "my map.mrc")
    put(tmp_path, "X/job009/own.mrc")
    script = (
        "relion_brand_new --in A/list.star --dir folder --map 'my map.mrc' --n 4 --no_such x.mrc"
        " --o X/job009/own.mrc"
    )
    assert set(needs(tmp_path, script)) == {
        "A/list.star",
        "A/half1.mrc",
        "A/half2.mrc",
        "folder/deep/x",
        "my map.mrc",
    }


def test_a_file_that_the_user_put_into_the_folder_of_an_external_job_goes_along(
    tmp_path: Path,
) -> None:
    folder = "External/job009"
    put(tmp_path, f"{folder}/table.txt", f"{folder}/older.mrc", f"{folder}/run.out", "a.py")
    script = f"./a.py --o {folder}/ --table {folder}/table.txt --log {folder}/run.out --j 2"
    logs = {"out": f"{folder}/run.out"}
    found = needs(tmp_path, script, outputs=(folder,), logs=logs)
    assert set(found) == {"a.py", f"{folder}/table.txt"}


def test_lists_that_name_each_other_are_followed_once(tmp_path: Path) -> None:
    star(tmp_path, "a.star", rlnFileName=("b.star",))
    star(tmp_path, "b.star", rlnFileName=("a.star",))
    assert set(needs(tmp_path, "relion_brand_new --i a.star --o X/y")) == {"a.star", "b.star"}


def test_the_script_and_what_the_user_named_come_along(tmp_path: Path) -> None:
    put(tmp_path, "extra/x", "X/job001/run_submit.script")
    found = needs(
        tmp_path,
        "relion_brand_new --o X/job001/y",
        script_path="X/job001/run_submit.script",
        inputs=("extra",),
    )
    assert found == {"X/job001/run_submit.script": False, "extra/x": False}


def test_what_a_template_does_beside_does_not_matter(tmp_path: Path) -> None:
    put(tmp_path, "my/env.sh", "decoy.star")
    script = (
        "module load relion; cd .; export X=decoy.star\nsource my/env.sh\n"
        "echo decoy.star > A/job001/coords_suffix_autopick.star\n"
        "relion_autopick --odir A/job001/ | tee log\n"
    )
    assert needs(tmp_path, script) == {"my/env.sh": False}


_WORDS = st.sampled_from(
    [
        "relion_refine",
        "relion_import",
        "relion_x",
        "--i",
        "--o",
        "X/y",
        "a.star",
        "*",
        "..",
        "~",
        "/etc/passwd",
        "../a",
        "--continue",
        "--combine",
        ";",
        "|",
        "<",
        "'",
        '"',
        "`which",
        "`",
    ]
)


@given(script=st.lists(_WORDS | st.text(max_size=3), max_size=14), listed=st.text(max_size=30))
def test_any_script_and_list_give_needs_or_one_of_our_errors(
    tmp_path_factory: pytest.TempPathFactory, script: list[str], listed: str
) -> None:
    project = tmp_path_factory.mktemp("project")
    head = "data_\n\nloop_\n_rlnImageName #1\n_rlnReferenceImage #2\n"
    (project / "a.star").write_bytes((head + listed).encode("utf-8", "surrogatepass"))
    try:
        found = needs(project, " ".join(script), outputs=("X",))
    except CryoemError:
        return
    assert all(path for path in found)
