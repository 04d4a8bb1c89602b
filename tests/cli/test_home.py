"""What stays in the store: chosen at submission, told by show, brought by pull."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from cryoem_cloud.cli.commands import pull
from cryoem_cloud.cli.files import pulling
from cryoem_cloud.cli.files.selecting import sample, wanted
from cryoem_cloud.cli.jobs.policy import home_of
from cryoem_cloud.cli.jobs.whereabouts import away, egress_usd, told
from cryoem_cloud.model.errors import UsageError
from cryoem_cloud.model.file import Content, Entry
from cryoem_cloud.model.storage_prices import FREE, GB
from cryoem_cloud.settings import Settings
from tests.cli.conftest import User

_MOTION = """#!/bin/bash
mkdir -p "$4"Movies
for n in {001..010}; do
    printf 'micrograph %s' $n > "$4"Movies/$n.mrc
    touch "$4"Movies/$n.star
done
touch "$4"corrected_micrographs.star "$4"RELION_JOB_EXIT_SUCCESS
"""
"""Stands in for RELION's program."""
_FOLDER = "MotionCorr/job002"


@pytest.fixture
def corrected(user: User, tmp_path: Path) -> User:
    """A user who ran a motion correction and wants its essentials only."""
    program = tmp_path / "bin" / "relion_run_motioncorr"
    program.parent.mkdir()
    program.write_text(_MOTION)
    program.chmod(0o755)
    user.env["PATH"] = f"{program.parent}:{user.env['PATH']}"
    (user.folder / "movies.star").write_text("data_\n\nloop_\n_rlnMicrographMovieName #1\n")
    words = ("--i", "movies.star", "--o", f"{_FOLDER}/")
    user.cryoem("run", "--home", "essential", "--", "relion_run_motioncorr", *words)
    return user


def at_home(user: User) -> list[str]:
    return sorted(path.name for path in (user.folder / _FOLDER).rglob("*.mrc"))


def test_show_tells_what_stayed_away_and_what_was_deleted(corrected: User) -> None:
    assert not at_home(corrected)
    (corrected.folder / _FOLDER / "corrected_micrographs.star").unlink()
    fields = corrected.cryoem("show", "1", "--json").json
    assert fields["home"] == "essential"
    (group,) = fields["away"]
    assert group == {"pattern": f"{_FOLDER}/Movies/*.mrc", "files": 10, "size": 140}
    assert Decimal(fields["egress_usd"]) == 0
    at = {item["path"]: item["at"] for item in fields["outputs"]}
    assert at[f"{_FOLDER}/Movies/001.mrc"] == "store only"
    assert at[f"{_FOLDER}/Movies/001.star"] == "home"
    assert at[f"{_FOLDER}/corrected_micrographs.star"] == "deleted"
    text = corrected.cryoem("show", "1").out
    assert "home       essential" in text
    assert f"10 files, 140 B: {_FOLDER}/Movies/*.mrc" in text
    assert f"cryoem pull {_FOLDER} brings all of it" in text
    assert "its essential results are home; cryoem show 1" in corrected.cryoem("why", "1").out


def test_with_the_folder_all_of_it_is_deleted(corrected: User) -> None:
    shutil.rmtree(corrected.folder / _FOLDER / "Movies")
    fields = corrected.cryoem("show", "1", "--json").json
    assert not fields["away"]
    assert {item["at"] for item in fields["outputs"]} == {"home", "deleted"}


def test_a_sample_is_spread_evenly_and_always_the_same(corrected: User) -> None:
    words = ("pull", f"{_FOLDER}/Movies/*.mrc", "--sample", "2")
    assert "2 of 2 files brought home" in corrected.cryoem(*words).err
    assert at_home(corrected) == ["003.mrc", "008.mrc"]
    said = corrected.cryoem(*words)
    assert at_home(corrected) == ["003.mrc", "008.mrc"]
    assert "0 of 2 files brought home" in said.err
    assert "$" not in said.err
    fields = corrected.cryoem("show", "1", "--json").json
    assert sum(item["at"] == "store only" for item in fields["outputs"]) == 8


def test_what_is_in_the_store_alone_comes_by_its_alias_too(corrected: User) -> None:
    (corrected.folder / "MotionCorr/best").symlink_to("job002")
    corrected.cryoem("pull", "MotionCorr/best/Movies/00[12].mrc", "MotionCorr/best/Movies/009.mrc")
    assert at_home(corrected) == ["001.mrc", "002.mrc", "009.mrc"]
    corrected.cryoem("pull", "best", cwd=corrected.folder / "MotionCorr")
    assert len(at_home(corrected)) == 10
    assert corrected.type("cryoem", "pull", "MotionCorr/best/*.tif").code == 3


def test_the_price_is_told_before_anything_comes(
    corrected: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(corrected.home))
    monkeypatch.chdir(corrected.folder)
    dear = replace(FREE, to_internet=((None, Decimal(10**7)),))
    monkeypatch.setattr(pulling, "prices_of", lambda *_: dear)
    said = CliRunner().invoke(pull.command, [_FOLDER]).stderr.splitlines()
    assert said[0] == "10 files, 140 B: about $1.30"
    assert said[-1].startswith("10 of 21 files brought home, 140 B in ")
    again = CliRunner().invoke(pull.command, [_FOLDER]).stderr
    assert "$" not in again


def test_a_later_job_reads_it_and_nothing_is_sent(corrected: User) -> None:
    names = [f"{_FOLDER}/Movies/{n}.mrc" for n in ("001", "010")]
    words = [word for name in names for word in ("--in", name)]
    said = corrected.cryoem(
        "run", *words, "--out", "b", "--", "bash", "-c", f"cat {' '.join(names)}"
    )
    assert said.out == "micrograph 001micrograph 010"
    assert corrected.card(2)["bytes_up"] == 0
    assert not at_home(corrected)
    missing = ("--in", f"{_FOLDER}/Movies/011.mrc", "--out", "c", "--", "true")
    assert "does not exist" in corrected.type("cryoem", "run", *missing).err


def test_retry_keeps_what_was_chosen(corrected: User) -> None:
    corrected.cryoem("retry", "1")
    corrected.cryoem("wait", "2")
    assert corrected.card(2)["home"] == "essential"
    assert not at_home(corrected)


@pytest.mark.parametrize(
    ("said", "chosen", "store", "home"),
    [
        ("", "", "file:///store", "all"),
        ("", "", "s3://bucket/prefix", "essential"),
        ("", "all", "s3://bucket/prefix", "all"),
        ("", "essential", "file:///store", "essential"),
        ("all", "essential", "s3://bucket", "all"),
        ("essential", "", "file:///store", "essential"),
    ],
)
def test_the_job_says_else_the_settings_else_what_it_costs(
    said: str, chosen: str, store: str, home: str
) -> None:
    assert home_of(said, Settings(home=chosen), store) == home


def test_another_word_in_the_template_is_refused(user: User) -> None:
    said = user.type("cryoem-qsub", "--out", "a", stdin="#CRYOEM home=some\ntrue\n")
    assert said.code == 2
    assert "all or essential, found 'some'" in said.err
    with pytest.raises(UsageError):
        home_of("some", Settings(), "file:///store")
    assert "Submitted" in user.type("cryoem-qsub", "--out", "a", "--home", "all", stdin="true").out


def entry(path: str, size: int) -> Entry:
    return Entry(path=path, content=Content(key="k", start=0, stored=size, size=size, digest="d"))


def test_what_stayed_is_told_in_groups_with_its_price() -> None:
    files = [entry(f"E/job003/{folder}/{n}.mrcs", 10**9) for folder in "ab" for n in range(3)]
    groups = away([*files, entry("E/job003/a[1]/x", 5)])
    assert [group.pattern for group in groups] == [
        "E/job003/a/*.mrcs",
        "E/job003/b/*.mrcs",
        "E/job003/a[[]1]/*",
    ]
    usd = egress_usd(6 * GB, replace(FREE, to_internet=((None, Decimal("0.09")),)))
    lines = list(told(groups, ("E/job003",), usd))
    assert lines[0] == "3 files, 3.0 GB: E/job003/a/*.mrcs"
    assert "cryoem pull E/job003 brings all of it, for about $0.54" in lines
    assert "cryoem pull E/job003 brings all of it" in told(groups, ("E/job003",), Decimal(0))
    assert any("for less than a cent" in line for line in told(groups, ("E",), Decimal("1e-9")))
    assert all(map(wanted(groups[2].pattern), ["E/job003/a[1]/x"]))


@pytest.mark.parametrize(
    ("named", "fits", "not_"),
    [
        ("M/job002", "M/job002/a/b.mrc", "M/job0023/a.mrc"),
        ("M/*/a", "M/job002/a/b.mrc", "M/job002/b.mrc"),
        ("M/job002/*.mrc", "M/job002/b.mrc", "M/job002/a/b.mrc"),
        ("a[1].mrc", "a[1].mrc", "a2.mrc"),
        ("M/?.mrc", "M/1.mrc", "M/.mrc"),
    ],
)
def test_names_folders_and_patterns(named: str, fits: str, not_: str) -> None:
    means: Callable[[str], bool] = wanted(named)
    assert means(fits)
    assert not means(not_)


@pytest.mark.parametrize("count", [1, 2, 7, 99, 100, 101])
def test_a_sample_has_gaps_of_one_size(count: int) -> None:
    entries = [entry(f"{n:03d}", 1) for n in range(100)]
    places = [int(found.path) for found in sample(reversed(entries), count)]
    gaps = {after - before for before, after in pairwise(places)}
    assert len(places) == min(count, 100)
    assert places == sorted(set(places))
    assert max(gaps, default=0) - min(gaps, default=0) <= 1
    if count == 1:
        assert places == [50]


def test_spectra_are_no_sample_of_micrographs_and_a_group_of_their_own() -> None:
    both = [entry(f"M/m_{n}{kind}.mrc", 1) for n in range(4) for kind in ("", "_PS")]
    assert [found.path for found in sample(both, 2)] == ["M/m_1.mrc", "M/m_3.mrc"]
    spectra = [found for found in both if "_PS" in found.path]
    assert len(sample(spectra, 2)) == 2
    assert {group.pattern: group.files for group in away(both)} == {
        "M/*.mrc": 4,
        "M/*_PS.mrc": 4,
    }
