"""How programs that work micrograph by micrograph go on."""

import struct
from collections.abc import Iterable, Mapping

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.ports.application import Resumed

from .shelf import Shelf
from .test_pieces import CTF, CTF_REFINE, EXTRACT, FILES, MOTION, MOVIES, PICK, POLISH, job

_INPUTS = dict.fromkeys(
    ("Movies/a.tif", "Movies/b.tif", "Movies/c.tif", "gain.mrc", "post.star", "E/a.mrcs"), b"x"
) | dict.fromkeys(("E/b.mrcs", "M/a_PS.mrc", "M/b_PS.mrc", "picks.star"), b"x")
_J2 = "MotionCorr/job002"
_FCC = struct.pack("<4i76xi928x", 3, 2, 1, 2, 0) + b"data" * 6
"""An image of three columns and two rows."""
_WHOLE = {".eps": b"x stroke\n", "_FCC_w1.mrc": _FCC, ".star": b"x\n \n"}


def resumed(
    script: str, made: Mapping[str, bytes] | Iterable[str], whole: str = ""
) -> Resumed | None:
    files = made if isinstance(made, Mapping) else {path: whole_file(path) for path in made}
    view = Shelf({**_INPUTS, **FILES, **files})
    return Relion().resumed(job(whole or script), job(script).script, view, set(files))


def whole_file(path: str) -> bytes:
    return next((data for ends, data in _WHOLE.items() if path.endswith(ends)), b"x")


def movie(name: str, *endings: str) -> list[str]:
    endings = endings or (".mrc", ".star", "_shifts.eps", ".log")
    return [f"{_J2}/Movies/{name}{ending}" for ending in endings]


def test_movies_that_are_done_stay_away() -> None:
    script = f"{MOTION} --gainref gain.mrc"
    found = resumed(script, [*movie("a"), *movie("c"), *movie("b", ".mrc", ".star")])
    assert found is not None
    assert found.script == job(script).script.replace("x/\n", "x/ --only_do_unfinished\n")
    ours = {*movie("a"), *movie("c")}
    assert found.stands == ours
    assert found.reads == {path for path in ours if path.endswith((".star", ".eps"))}
    assert found.tests == {path for path in ours if path.endswith(".mrc")}
    assert found.idle == {"Movies/a.tif", "Movies/c.tif"}


def test_pieces_are_joined_by_going_on() -> None:
    made = [*movie("a"), *movie("b"), *movie("c")]
    found = resumed(f"{MOTION} --gainref gain.mrc", made)
    assert found is not None
    assert found.stands == set(made)
    assert found.idle == {"Movies/a.tif", "Movies/b.tif", "Movies/c.tif"}


def test_what_the_whole_has_made_is_made_again() -> None:
    made = [*movie("a"), f"{_J2}/corrected_micrographs.star", f"{_J2}/logfile.pdf", "other.mrc"]
    found = resumed(MOTION, made)
    assert found is not None
    assert found.stands == set(movie("a"))
    corrected = [f"{_J2}/corrected{end}" for end in (".mrc", ".star", "_shifts.eps", ".log")]
    files = {path: whole_file(path) for path in (*corrected, f"{_J2}/corrected_micrographs.star")}
    named = resumed(MOTION, {**files, "movies.star": MOVIES.replace(b"Movies/a", b"corrected")})
    assert named is not None
    assert named.stands == set(corrected), "although their names begin alike"


def test_a_task_of_which_nothing_is_done_begins_anew() -> None:
    assert resumed(MOTION, []) is None
    assert resumed(MOTION, movie("a", "_PS.mrc", ".mrc")) is None
    assert resumed(f"{MOTION} --grouping_for_ps 4", movie("a")) is None
    for ending in (".eps", ".star"):
        broken = {p: b"x st" if p.endswith(ending) else whole_file(p) for p in movie("a")}
        assert resumed(MOTION, broken) is None
    assert resumed(f"{MOTION} --grouping_for_ps 0", movie("a")) is not None
    assert resumed(f"{MOTION} --even_odd_split", movie("a")) is None
    exposed = MOVIES.replace(b"_rlnOpticsGroup #2 \n", b"_rlnMicrographPreExposure #2 \n")
    made = {path: whole_file(path) for path in movie("a")}
    assert resumed(MOTION, made) is not None
    assert resumed(MOTION, {**made, "movies.star": exposed}) is None


def test_names_that_begin_alike_are_told_apart() -> None:
    lines = [b"Movies/m_1.tif 1\n", b"Movies/m_1_PS.tif 1\n", b"Movies/m_1_2.x.tif 1\n"]
    listed = MOVIES.split(b"Movies/")[0] + b"".join(lines)
    raw = f"{_J2}/Movies/m_1_2.x_shifts.eps"
    made = [*movie("m_1"), *movie("m_1_2_x", ".mrc", ".star"), raw, *movie("m_1_PS", ".star")]
    files = {**{path: whole_file(path) for path in made}, "movies.star": listed}
    found = resumed(MOTION, files)
    assert found is not None
    assert found.stands == {*made} - {*movie("m_1_PS", ".star")}
    assert found.idle == {"Movies/m_1.tif", "Movies/m_1_2.x.tif"}


def test_movies_in_folders_with_dots_have_no_pictures() -> None:
    """RELION writes these to the folder's own name, which is not there."""
    listed = MOVIES.replace(b"Movies/a", b"Mov.1/a")
    made = [f"{_J2}/Mov_1/a.mrc", f"{_J2}/Mov_1/a.star", *movie("b", ".mrc", ".star")]
    files = {**{path: whole_file(path) for path in made}, "movies.star": listed}
    found = resumed(MOTION, files)
    assert found is not None
    assert found.stands == set(made[:2])


def test_what_was_done_before_the_job_stays_away_too() -> None:
    script = f"{MOTION} --only_do_unfinished"
    view = {**_INPUTS, **FILES, **{p: whole_file(p) for p in (*movie("a"), *movie("c"))}}
    found = Relion().resumed(job(script), job(script).script, Shelf(view), set(movie("c")))
    assert found is not None
    assert found.script == job(script).script
    assert found.stands == set(movie("c"))
    assert found.reads | found.tests <= found.stands
    assert found.idle == {"Movies/a.tif", "Movies/c.tif"}


def test_pieces_that_have_made_nothing_are_joined_by_the_command_itself() -> None:
    """What was done before is there all the same, and RELION says what it thinks of the rest."""
    script = f"{MOTION} --only_do_unfinished"
    view = {**_INPUTS, **FILES, **{p: whole_file(p) for p in movie("a")}}
    found = Relion().resumed(job(script), job(script).script, Shelf(view), set())
    assert found is not None
    assert found.script == job(script).script
    assert not found.stands
    assert found.idle == {"Movies/a.tif"}


def test_seeds_of_picking_begin_behind_what_was_left() -> None:
    """RELION numbers what it has to do, and what was done before the job is none of it."""
    listed = FILES["mics.star"] + b"MotionCorr/job002/Movies/c.mrc M/c_PS.mrc M/c.mrc M/c.star\n"
    picks = {name: f"AutoPick/job004/Movies/{name}_autopick.star" for name in "abc"}
    view = {**_INPUTS, **FILES, "mics.star": listed, picks["a"]: b"x", picks["b"]: b"x"}
    script = job(f"{PICK} --only_do_unfinished").script
    found = Relion().resumed(job(script), script, Shelf(view), {picks["b"]})
    assert found is not None
    assert "--random_seed 2" in found.script


def test_a_log_that_breaks_off_is_of_nothing_that_is_done() -> None:
    folder = "CtfFind/job003/"
    made = {f"{folder}M/{name}_PS{end}": b"x" for name in "ab" for end in (".ctf", ".txt", ".com")}
    made |= {f"{folder}M/a_PS_ctffind4.log": b"...\nSummary of results : x.txt\n"}
    made |= {f"{folder}M/b_PS_ctffind4.log": b"...\nSummary of"}
    made |= {f"{folder}M/a_PS.mrc": b"", f"{folder}M/a_PS_avrot.txt": b"x"}
    found = resumed(f"{CTF} --use_given_ps", made)
    assert found is not None
    assert found.stands == {path for path in made if "/a" in path}
    assert found.reads == {
        f"{folder}M/a_PS{end}" for end in (".txt", "_avrot.txt", "_ctffind4.log")
    }
    assert found.tests == {f"{folder}M/a_PS.ctf"}
    assert found.idle == {"M/a_PS.mrc"}


@pytest.mark.parametrize(("done", "idle"), [("ab", {"b"}), ("a", set()), ("b", {"b"})])
def test_extraction_looks_at_the_first_micrograph(done: str, idle: set[str]) -> None:
    picks = b"data_coordinate_files\n\nloop_\n_rlnMicrographName\n_rlnMicrographCoordinates\n"
    files = {f"Extract/job005/Movies/{name}_extract.star": b"x" for name in done}
    files |= {f"Extract/job005/Movies/{name}.mrcs": b"x" for name in done}
    named = {f"{_J2}/Movies/{name}.mrc": b"x" for name in "ab"}
    picked = {f"picks_{name}.star": b"x" for name in "ab"}
    rows = (f"{path} {pick}\n".encode() for path, pick in zip(named, picked, strict=True))
    listed = {"picks.star": picks + b"".join(rows), **picked}
    view = Shelf({**_INPUTS, **FILES, **named, **files, **listed})
    found = Relion().resumed(job(EXTRACT), job(EXTRACT).script, view, set(files))
    assert found is not None
    assert found.stands == set(files)
    assert found.tests == {path for path in files if path.endswith(".mrcs")}
    assert found.idle == {f"{_J2}/Movies/{name}.mrc" for name in idle}


def test_particles_of_micrographs_that_are_done_stay_away() -> None:
    made = ["CtfRefine/job009/Movies/b_defocus_fit.star", "CtfRefine/job009/Movies/b_x.eps"]
    found = resumed(CTF_REFINE, made)
    assert found is not None
    assert found.reads == set(made)
    assert not found.tests
    assert found.idle == {"E/b.mrcs"}
    assert resumed(f"{CTF_REFINE} --fit_bfacs", made) is None


def polished(name: str, *endings: str) -> list[str]:
    return [f"Polish/job010/Movies/{name}{ending}" for ending in endings]


_MOVED = ("_FCC_cc.mrc", "_FCC_w0.mrc", "_FCC_w1.mrc", "_tracks.star", "_tracks.eps")
_SHINY = ("_shiny.mrcs", "_shiny.star")


def test_motion_stands_without_particles() -> None:
    made = [*polished("a", *_MOVED, *_SHINY), *polished("b", *_MOVED, "_shiny.mrcs")]
    found = resumed(POLISH, made)
    assert found is not None
    assert found.stands == set(made) - {*polished("b", "_shiny.mrcs")}
    assert found.tests == {*polished("a", "_shiny.mrcs")}
    assert not found.idle, "what MotionCorr says of each movie is read all the same"
    assert resumed(POLISH, polished("a", *_MOVED[1:], *_SHINY)) is None


@pytest.mark.parametrize("image", [b"", _FCC[:1000], _FCC[:-1], _FCC.replace(b"\2", b"\3")])
def test_an_image_that_breaks_off_is_of_nothing_that_is_done(image: bytes) -> None:
    made = {path: whole_file(path) for path in polished("a", *_MOVED)}
    assert resumed(POLISH, made) is not None
    assert resumed(POLISH, {**made, polished("a", "_FCC_w1.mrc")[0]: image}) is None


def test_a_piece_of_polishing_leaves_something_to_do() -> None:
    alone = POLISH.replace("--combine_frames", "")
    both = [*polished("b", *_MOVED), *polished("a", *_MOVED)]
    found = resumed(alone, both, whole=POLISH)
    assert found is not None
    assert found.stands == set(polished("b", *_MOVED)), "or it would end without a word"
    joins = resumed(POLISH, both)
    assert joins is not None
    assert joins.stands == set(both)


@pytest.mark.parametrize(
    ("done", "given", "wanted"),
    [("a", "", " --random_seed 2"), ("ab", "--random_seed 7", "--random_seed 9"), ("b", "", "")],
)
def test_picking_goes_on_with_the_seeds_that_come_next(done: str, given: str, wanted: str) -> None:
    script = f"{PICK} {given}"
    found = resumed(script, [f"AutoPick/job004/Movies/{name}_autopick.star" for name in done])
    assert found is not None
    before, _, after = job(script).script.partition(given or "\n")
    said = f"{before}{wanted}{after}" if given else f"{before}{{}}{wanted}\n"
    assert sorted(found.script.split()) == sorted(
        [*said.replace("{}", "").split(), "--only_do_unfinished"]
    )


def test_picks_have_the_name_that_was_asked_for() -> None:
    made = ["AutoPick/job004/Movies/a_mine.star"]
    assert resumed(PICK, made) is None
    found = resumed(PICK.replace("--pickname autopick", "--pickname mine"), made)
    assert found is not None
    assert found.reads == set(made)


def test_what_an_item_writes_last_seals_it() -> None:
    sealing = {
        MOTION: "_shifts.eps",
        CTF: "_ctffind4.log",
        EXTRACT: "_extract.star",
        CTF_REFINE: "_defocus_fit.star",
        f"{POLISH} ": "_shiny.star",
        POLISH: "_tracks.eps",
        PICK: "_autopick.star",
    }
    for script, ending in sealing.items():
        assert Relion().seals(job(script), f"X/job001/Movies/a{ending}"), script
        assert not Relion().replaces(job(script), f"X/job001/Movies/a{ending}"), script
        assert not Relion().seals(job(script), "X/job001/Movies/a.mrc")
    assert not Relion().seals(job("relion_postprocess --o x"), "a.star")
