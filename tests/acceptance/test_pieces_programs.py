"""RELION's programs in pieces, the whole way: what comes home is what the job makes alone.

Debian's RELION 3.1.3, and RELION 5.0.1 where RELION_BIN names the folder of its programs.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import pytest

from cryoem_cloud.model.job import Outcome

from .conftest import FAILURES, SUCCESS, end_world
from .ran_alone import LEAVES, MOVIES, made_alone
from .relion_direct import Direct
from .whole_way import WholeWay, hand_in

pytestmark = [pytest.mark.relion, pytest.mark.timeout(400)]

_PIECES = {"3.1.3": (1, 2, 3, 7), "5.0.1": (3, 7)}
_FEW = 3
_BAD = "mic_003"
_TRIES = 5


class _Handing(Protocol):
    def __call__(
        self,
        direct: Direct,
        label: str,
        *,
        pieces: int,
        instead: Mapping[str, bytes] | None = None,
        edit: Callable[[str], str] = str,
        done: Collection[str] = (),
    ) -> WholeWay: ...


@pytest.fixture
def handing_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Handing]:
    """Hands jobs in, each in a world of its own."""
    ways: list[WholeWay] = []

    def handed_in(direct: Direct, label: str, **more: object) -> WholeWay:
        top = tmp_path_factory.mktemp("w")
        ways.append(hand_in(top, direct, label, **more))  # type: ignore[arg-type]  # as _Handing
        return ways[-1]

    yield handed_in
    for way in ways:
        end_world(way.world)


def noun_of(label: str) -> str:
    return "movies" if label == "MotionCorr" else "micrographs"


def test_micrographs_are_fitted_in_pieces(tmp_path: Path, handing_in: _Handing) -> None:
    few = made_alone(tmp_path, "3.1.3", movies=_FEW, last="CtfFind")
    way = handing_in(few, "CtfFind", pieces=2)
    way.succeeds()
    assert way.differs() == []
    way.went_in(_FEW, 2, "micrographs")
    way.leaves_nothing()


@pytest.mark.soak
@pytest.mark.parametrize(
    ("version", "pieces"), [(version, n) for version, ns in _PIECES.items() for n in ns]
)
@pytest.mark.parametrize("label", LEAVES)
def test_pieces_together_are_the_job(
    *,
    ran_alone: Callable[[str], Direct],
    handing_in: _Handing,
    version: str,
    label: str,
    pieces: int,
) -> None:
    way = handing_in(ran_alone(version), label, pieces=pieces)
    way.succeeds()
    assert way.differs() == []
    way.went_in(MOVIES, pieces, noun_of(label))
    way.leaves_nothing()


def goes_on(script: str) -> str:
    """As RELION's schedules and its Continue! write it."""
    return script.replace(" --i ", " --only_do_unfinished --i ", 1)


def test_micrographs_that_are_left_are_fitted_in_pieces(
    tmp_path: Path, handing_in: _Handing
) -> None:
    few = made_alone(tmp_path, "3.1.3", movies=_FEW, last="CtfFind")
    way = handing_in(few, "CtfFind", pieces=2, edit=goes_on, done=("mic_001",))
    way.succeeds()
    assert way.differs() == []
    way.went_in(_FEW - 1, 2, "micrographs")
    way.leaves_nothing()


@pytest.mark.soak
@pytest.mark.parametrize(
    "done", [(), ("mic_001", "mic_002", "mic_003"), ("mic_002", "mic_005", "mic_006")]
)
@pytest.mark.parametrize("label", LEAVES)
@pytest.mark.parametrize("version", _PIECES)
def test_a_job_that_goes_on_does_so_in_pieces(
    *,
    ran_alone: Callable[[str], Direct],
    handing_in: _Handing,
    version: str,
    label: str,
    done: tuple[str, ...],
) -> None:
    """What comes home is what the same command makes on one machine."""
    direct = ran_alone(version)
    alone, way = (
        handing_in(direct, label, pieces=pieces, edit=goes_on, done=done) for pieces in (1, 3)
    )
    alone.succeeds()
    way.succeeds()
    assert way.differs(alone) == []
    way.went_in(MOVIES - len(done), 3, noun_of(label))
    way.leaves_nothing()


@pytest.fixture(scope="module")
def killed(
    tmp_path_factory: pytest.TempPathFactory, ran_alone: Callable[[str], Direct]
) -> Iterator[Callable[[str], Mapping[str, WholeWay]]]:
    """All jobs of a version, a machine of each killed: others notice all that together."""
    known: dict[str, dict[str, WholeWay]] = {}
    made: list[WholeWay] = []

    def killed_one(direct: Direct, label: str) -> WholeWay:
        """Some programs take a tenth of a second: several tries, on a busy computer."""
        for _ in range(_TRIES):
            made.append(hand_in(tmp_path_factory.mktemp("k"), direct, label, pieces=2))
            if made[-1].kill_in_a_piece():
                return made[-1]
            end_world(made[-1].world)
        pytest.fail(f"{label} was never caught in a piece")

    def of(version: str) -> Mapping[str, WholeWay]:
        if version not in known:
            direct = ran_alone(version)
            known[version] = {label: killed_one(direct, label) for label in LEAVES}
        return known[version]

    yield of
    for way in made:
        end_world(way.world)


@pytest.mark.soak
@pytest.mark.parametrize("label", LEAVES)
@pytest.mark.parametrize("version", _PIECES)
def test_a_piece_whose_machine_is_killed_goes_on_elsewhere(
    killed: Callable[[str], Mapping[str, WholeWay]], version: str, label: str
) -> None:
    way = killed(version)[label]
    way.succeeds()
    assert way.differs() == []
    way.went_in(MOVIES, 2, noun_of(label))
    assert way.goes_on_from()
    way.leaves_nothing()


_FAILS: Mapping[str, tuple[str, str]] = {
    "MotionCorr": (f"Movies/{_BAD}.tif", "Image::openFile cannot open"),
    "CtfFind": (f"{{MotionCorr}}/Movies/{_BAD}_PS.mrc", "error in reading header"),
    "AutoPick LoG": (f"{{MotionCorr}}/Movies/{_BAD}.mrc", "error in reading header"),
    "AutoPick references": (f"{{MotionCorr}}/Movies/{_BAD}.mrc", "error in reading header"),
    "Extract": (f"{{MotionCorr}}/Movies/{_BAD}.mrc", "error in reading header"),
    "CtfRefine": (f"{{Extract}}/Movies/{_BAD}.mrcs", "error in reading header"),
    "Polish": (f"Movies/{_BAD}.tif", "Image::openFile cannot open"),
}
"""By job, an input that no program can read, and what RELION says of it."""


@pytest.mark.soak
@pytest.mark.parametrize("version", _PIECES)
@pytest.mark.parametrize("label", _FAILS)
def test_an_input_that_fails_the_job_alone_fails_it_in_pieces(
    ran_alone: Callable[[str], Direct], handing_in: _Handing, version: str, label: str
) -> None:
    direct = ran_alone(version)
    path, says = _FAILS[label]
    instead = {placed(direct, path): b"no image"}
    alone, way = (handing_in(direct, label, pieces=n, instead=instead) for n in (1, 3))
    cards = [each.ends() for each in (alone, way)]
    assert {card.outcome for card in cards} == {Outcome.FAILURE}
    why, in_pieces = (card.reason.partition("; the last lines were")[0] for card in cards)
    assert says in why
    title = "" if label == "Polish" else f"piece 2 of 3: {noun_of(label)} 3 to 4: "
    assert in_pieces == title + why
    assert not (way.made / SUCCESS).exists()
    assert all((way.made / marker).exists() for marker in FAILURES)
    found = way.differs(alone if label == "Polish" else None)
    assert [name for name in found if not name.startswith("only")] == []
    way.leaves_nothing()


def placed(direct: Direct, path: str) -> str:
    return path.format(**{label: ran.folder for label, ran in direct.ran.items()})


def without_picks(direct: Direct) -> Mapping[str, bytes]:
    picks = placed(direct, f"{{AutoPick LoG}}/Movies/{_BAD}_autopick.star")
    lines = (direct.path / picks).read_bytes().splitlines(keepends=True)
    return {picks: b"".join(line for line in lines if not re.match(rb" +\d", line))}


def blank(direct: Direct) -> Mapping[str, bytes]:
    micrograph = placed(direct, f"{{MotionCorr}}/Movies/{_BAD}.mrc")
    data = (direct.path / micrograph).read_bytes()
    return {micrograph: data[:1024] + bytes(len(data) - 1024)}


def unfitted(direct: Direct, script: str) -> str:
    """With a CTFFIND that fails for one micrograph."""
    fits = direct.path.parent / "ctffind"
    fails = fits.with_name("ctffind-fails")
    refusal = f"read -r output\ncase $image in *{_BAD}*) exit 1;; esac\n"
    fails.write_text(fits.read_text().replace("read -r output\n", refusal))
    fails.chmod(0o700)
    return script.replace(str(fits), str(fails))


@pytest.mark.soak
@pytest.mark.parametrize(
    ("version", "label", "pieces", "spoil"),
    [
        *((version, "Extract", 7, without_picks) for version in _PIECES),
        *((version, "AutoPick LoG", 3, blank) for version in _PIECES),
        *((version, "AutoPick references", 3, blank) for version in _PIECES),
        *((version, "CtfFind", n, None) for version in _PIECES for n in (3, 7)),
        *((version, "AutoPick LoG", 7, blank) for version in _PIECES),
        *((version, "AutoPick references", 7, blank) for version in _PIECES),
    ],
)
def test_what_is_left_out_alone_is_left_out_in_pieces(
    *,
    ran_alone: Callable[[str], Direct],
    handing_in: _Handing,
    version: str,
    label: str,
    pieces: int,
    spoil: Callable[[Direct], Mapping[str, bytes]] | None,
) -> None:
    """In seven pieces, one has nothing but that micrograph."""
    direct = ran_alone(version)
    edit = str if spoil else partial(unfitted, direct)
    instead = spoil(direct) if spoil else {}
    alone, way = (
        handing_in(direct, label, pieces=n, instead=instead, edit=edit) for n in (1, pieces)
    )
    assert way.succeeds().reason == alone.succeeds().reason
    assert alone.differs() != []
    assert way.differs(alone) == []
    way.went_in(MOVIES, pieces, noun_of(label))
    way.leaves_nothing()
