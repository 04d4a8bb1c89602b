"""Jobs that are gone on with, from what they have made and not from what lies in their folder."""

import pytest

from cryoem_cloud.model.job import Job
from tests.cli.conftest import Said, User

FOLDER = "MotionCorr/job007"
PROGRAM = r"""#!/bin/bash
while [ $# -gt 0 ]; do
  case $1 in --i) list=$2;; --o) out=$2;; --only_do_unfinished) unfinished=1;; esac
  shift
done
for movie in $(grep -o '^Movies/[^ ]*' "$list"); do
  root=$out${movie%.tif}
  mkdir -p "$(dirname "$root")"
  if [ "$unfinished" ] && [ -e "$root.mrc" ] && [ -e "$root.star" ]; then continue; fi
  echo "at $movie"
  words=$(cat "$movie")
  case $words in
    bad*) for n in $(seq 200); do [ -e "HOME_IS/${words#bad after }.mrc" ] && break; sleep 0.1; done
      echo "no good: $movie" >&2; exit 1;;
    wrong) echo "no good: $movie" >&2; exit 1;;
  esac
  cp "$movie" "$root.mrc"
  printf 'data_general\n\n_rlnMicrographMovieName %s\n \n' "$movie" > "$root.star"
  printf 'x stroke\n' > "${root}_shifts.eps"
done
printf 'data_micrographs\n\nloop_\n_rlnMicrographName #1\n' > "$out/corrected_micrographs.star"
find "$out" -name '*.mrc' | sort >> "$out/corrected_micrographs.star"
touch "$out/RELION_JOB_EXIT_SUCCESS"
"""
"""Stands in for RELION's: a movie of some words ends it, or once what they name is home."""
LIST = (
    "data_optics\n\nloop_\n_rlnOpticsGroup #1\n_rlnMicrographOriginalPixelSize #2\n1 1.0\n\n"
    "data_movies\n\nloop_\n_rlnMicrographMovieName #1\n_rlnOpticsGroup #2\n{rows}\n"
)


def handed_in(user: User, *directives: str, **movies: str) -> Said:
    """Job 1, a motion correction of movies that hold these words, to its end."""
    (user.folder / "bin").mkdir()
    program = user.folder / "bin/relion_run_motioncorr"
    program.write_text(PROGRAM.replace("HOME_IS", f"{user.folder}/{FOLDER}/Movies"))
    program.chmod(0o755)
    user.env["PATH"] = f"{user.folder}/bin:{user.env['PATH']}"
    (user.folder / "Movies").mkdir()
    (user.folder / FOLDER).mkdir(parents=True)
    return submitted(user, 1, "", *directives, **movies)


def submitted(user: User, number: int, flag: str, *directives: str, **movies: str) -> Said:
    """The job of that number, of all these movies, in the same folder."""
    for name, words in movies.items():
        (user.folder / f"Movies/{name}.tif").write_text(words)
    rows = "\n".join(f"Movies/{name}.tif 1" for name in movies)
    (user.folder / "movies.star").write_text(LIST.format(rows=rows))
    script = user.folder / FOLDER / "run_submit.script"
    said = "".join(f"#CRYOEM {directive}\n" for directive in directives)
    script.write_text(
        f"#!/bin/bash\n{said}relion_run_motioncorr --i movies.star --o {FOLDER}/ --use_own"
        f" {flag} --pipeline_control {FOLDER}/\n"
    )
    assert user.type("cryoem-qsub", str(script)).code == 0
    return user.type("cryoem", "wait", str(number))


def again(user: User, command: str, number: int) -> str:
    """Have the job run again by that command, to its end; what it has printed then."""
    new = user.cryoem(command, str(number)).out.split()[-1]
    assert user.type("cryoem", "wait", new).code == 0, user.card(int(new))
    return user.cryoem("logs", new).out


def job(user: User, number: int) -> Job:
    (file,) = user.store.glob(f"*/jobs/{number:08d}/job.json")
    return Job.from_bytes(file.read_bytes())


def test_a_job_in_pieces_is_gone_on_with_in_pieces(user: User) -> None:
    handed_in(user, "pieces=3", "count=2", a="a frame", b="another", c="bad after a")
    made = user.folder / FOLDER / "Movies/a.mrc"
    assert made.read_text() == "a frame"
    made.write_text("a fr")
    (user.folder / "Movies/c.tif").write_text("mended")
    said = again(user, "resume", 1)
    assert "at Movies/a.tif" not in said
    assert "at Movies/c.tif" in said
    assert made.read_text() == "a frame"
    assert (made.parent / "c.mrc").read_text() == "mended"
    shown = user.cryoem("show", "2", "--json").json
    assert shown["pieces"]["number"] == 3
    kinds = {entry["path"]: entry["type"] for entry in shown["inputs"]}
    assert kinds["Movies/a.tif"] == "file", "sent once, by job 1"
    assert job(user, 2).script == job(user, 1).script
    assert (job(user, 1).resumes, job(user, 2).resumes) == (0, 1)


def test_what_was_gone_on_with_is_retried_from_the_beginning(user: User) -> None:
    handed_in(user, a="a frame", b="another", c="wrong")
    (user.folder / "Movies/c.tif").write_text("mended")
    assert again(user, "resume", 1) == "at Movies/c.tif\n"
    said = again(user, "retry", 2)
    assert said == "at Movies/a.tif\nat Movies/b.tif\nat Movies/c.tif\n"
    assert job(user, 3).resumes == 0
    assert job(user, 3).script == job(user, 1).script


def test_files_of_an_older_run_are_not_gone_on_from(user: User) -> None:
    handed_in(user, a="a frame", b="another", c="wrong")
    assert (user.folder / FOLDER / "Movies/b.mrc").exists()
    (user.folder / "Movies/a.tif").write_text("wrong")
    user.cryoem("retry", "1")
    assert user.type("cryoem", "wait", "2").code != 0
    refused = user.type("cryoem", "resume", "2")
    assert refused.code == 2
    assert "there is nothing in the store that job 2 can go on from" in refused.err
    assert "cryoem retry 2" in refused.err


def test_files_that_are_home_as_they_came_are_not_brought_again(user: User) -> None:
    handed_in(user, a="a frame", b="another", c="wrong")
    folder = user.folder / FOLDER / "Movies"
    inodes = {name: (folder / name).stat().st_ino for name in ("a.mrc", "b.mrc")}
    (folder / "b.mrc").write_text("changed")
    (user.folder / "Movies/c.tif").write_text("mended")
    again(user, "resume", 1)
    assert (folder / "a.mrc").stat().st_ino == inodes["a.mrc"]
    assert (folder / "b.mrc").read_text() == "another"


@pytest.mark.parametrize("lost", ["a folder", "its files"])
def test_what_is_not_at_home_is_had_from_the_store(user: User, lost: str) -> None:
    handed_in(user, a="a frame", b="another", c="wrong")
    folder = user.folder / FOLDER / "Movies"
    for file in folder.iterdir():
        file.unlink()
    if lost == "a folder":
        folder.rmdir()
    (user.folder / "Movies/c.tif").write_text("mended")
    assert again(user, "resume", 1) == "at Movies/c.tif\n"
    assert {path.name for path in folder.glob("*.mrc")} == {"a.mrc", "b.mrc", "c.mrc"}


def test_what_relions_continue_had_made_is_no_more_a_thing_of_before(user: User) -> None:
    """Its script goes on with what lies in the folder; a file of its own there may be damaged."""
    old = {"a": "a frame", "b": "another"}
    handed_in(user, **old)
    more = {**old, "c": "third", "d": "bad after c", "e": "bad after c"}
    submitted(user, 2, "--only_do_unfinished", "pieces=3", "count=3", **more)
    made = user.folder / FOLDER / "Movies/c.mrc"
    assert made.read_text() == "third"
    made.write_text("th")
    for name in ("d", "e"):
        (user.folder / f"Movies/{name}.tif").write_text("mended")
    said = again(user, "resume", 2)
    pieces = user.cryoem("show", "3", "--json").json["pieces"]["number"]
    assert "at Movies/d.tif" in said
    assert "at Movies/a.tif" not in said
    assert "at Movies/c.tif" not in said
    assert made.read_text() == "third"
    assert pieces == 3, "what it had made itself is cut too"
