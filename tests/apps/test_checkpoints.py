"""Where refinements go on from."""

import shlex
from collections.abc import Collection

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.ports.application import Resumed

from .conftest import make_job
from .shelf import Shelf

_ROOT = "Refine/job006/run"
_CLASSIFY = (
    f"`which relion_refine` --i Extract/particles.star --ref map.mrc --ini_high 50 --K 2 --ctf"
    f" --solvent_mask mask.mrc --tau2_fudge 4 --zero_mask --skip_align --j 2 --o {_ROOT}"
    f" --pipeline_control Refine/job006/"
)
_REFINE = f"mpirun -n 3 relion_refine_mpi --i Extract/particles.star --ref map.mrc --o {_ROOT}"
_INPUTS = {
    "Extract/particles.star": "data_particles\n\nloop_\n_rlnImageName #1\n1@Extract/a.mrcs\n \n",
    "Extract/a.mrcs": "",
    "map.mrc": "",
    "mask.mrc": "",
    "bodies.star": "data_\n\nloop_\n_rlnBodyMaskName #1\nlower.mrc\n \n",
    "lower.mrc": "",
}


def of_iteration(
    number: int, *, root: str = _ROOT, maps: int = 2, halves: bool = False, bodies: str = "None"
) -> dict[str, str]:
    """The files of an iteration, by path; `root` as the run was told it."""
    it = f"{root}_it{number:03d}"
    models = (
        [f"{it}_half1_model.star", f"{it}_half2_model.star"] if halves else [f"{it}_model.star"]
    )
    labels = ("rlnModelStarFile", "rlnModelStarFile2")
    named = "".join(f"_{label} {model}\n" for label, model in zip(labels, models, strict=False))
    made = {
        f"{it}_optimiser.star": f"data_optimiser_general\n\n_rlnOutputRootName {root}\n{named}"
        f"_rlnExperimentalDataStarFile {it}_data.star\n_rlnBodyStarFile {bodies}\n"
        f"_rlnOrientSamplingStarFile {it}_sampling.star\n_rlnSolventMaskName mask.mrc\n \n",
        f"{it}_data.star": _INPUTS["Extract/particles.star"],
        f"{it}_sampling.star": "data_\n\n_rlnHealpixOrder 1\n \n",
    }
    for model in models:
        start = model.removesuffix("_model.star")
        drawn = [f"{start}_class{at:03d}.mrc" for at in range(1, maps + 1)]
        rows = "".join(f"{name}\n" for name in drawn)
        made[model] = f"data_model_classes\n\nloop_\n_rlnReferenceImage #1\n{rows} \n"
        made |= dict.fromkeys(drawn, "")
    return made


def resumed(
    script: str, made: dict[str, str], *, but: Collection[str] = (), **other: object
) -> Resumed | None:
    """How it goes on from those of the files whose names end otherwise."""
    found = {path: text for path, text in made.items() if not path.endswith(tuple(but))}
    view = Shelf({path: text.encode() for path, text in (_INPUTS | found).items()})
    names = {path.replace("//", "/") for path in found}
    return Relion().resumed(make_job(script, **other), script, view, names)


def going_on(resumed: Resumed | None) -> str:
    """What it goes on from, and under which root."""
    if resumed is None:
        return ""
    words = shlex.split(resumed.script.replace("`", "'"))
    return f"{words[words.index('--continue') + 1]} {words[words.index('--o') + 1]}"


def test_it_goes_on_from_the_newest_whole_iteration_under_its_own_names() -> None:
    made = of_iteration(1) | of_iteration(2) | of_iteration(3)
    it3 = f"{_ROOT}_it003_optimiser.star {_ROOT}"
    assert going_on(resumed(_CLASSIFY, made)) == it3
    late = ["it003_sampling.star"]
    for missing in late, ["it003_data.star"], ["it003_class002.mrc"], ["it003_model.star"]:
        assert going_on(resumed(_CLASSIFY, made, but=missing)) == it3.replace("003", "002")
    assert resumed(_CLASSIFY, made, but=["_sampling.star"]) is None


def test_what_is_told_once_goes_and_all_else_stays() -> None:
    found = resumed(f"export A=1\n{_CLASSIFY} && echo done\n", of_iteration(4))
    assert found is not None
    assert found.script == (
        f"export A=1\n`which relion_refine` --continue {_ROOT}_it004_optimiser.star"
        f" --solvent_mask mask.mrc --tau2_fudge 4 --skip_align --j 2 --o {_ROOT}"
        " --pipeline_control Refine/job006/ && echo done\n"
    )


def test_what_is_read_what_stands_and_what_is_idle() -> None:
    made = of_iteration(0) | of_iteration(3) | of_iteration(4)
    more = {f"{_ROOT}_it005_optimiser.star": "data_", f"{_ROOT}_class001.mrc": ""}
    once = {f"{_ROOT}_unmasked_classes.mrcs": ""}
    found = resumed(_CLASSIFY, made | more | once)
    assert found is not None
    assert found.reads == of_iteration(4).keys()
    assert found.stands == made.keys() | once.keys()
    assert found.tests == frozenset()
    assert found.idle == {"Extract/particles.star", "map.mrc"}


@pytest.mark.parametrize("half", ["it002_data.star", "it002_half2_model.star"])
def test_a_list_that_lacks_its_end_is_not_whole(half: str) -> None:
    made = of_iteration(1, halves=True, maps=1) | of_iteration(2, halves=True, maps=1)
    (cut,) = (path for path in made if path.endswith(half))
    assert "it002" in going_on(resumed(_REFINE, made))
    assert "it001" in going_on(resumed(_REFINE, made | {cut: made[cut].removesuffix("\n \n")}))


@pytest.mark.parametrize("half", [1, 2])
def test_of_two_halves_both_must_be_there(half: int) -> None:
    made = of_iteration(1, halves=True, maps=1) | of_iteration(2, halves=True, maps=1)
    for missing in f"it002_half{half}_model.star", f"it002_half{half}_class001.mrc":
        assert "it001" in going_on(resumed(_REFINE, made, but=[missing]))


def test_before_the_first_iteration_there_is_nothing_to_go_on_from() -> None:
    assert resumed(_REFINE, of_iteration(0, halves=True)) is None


def test_classes_that_come_apart_in_the_second_iteration_are_there_then() -> None:
    script = f"{_CLASSIFY} --firstiter_cc"
    assert resumed(script, of_iteration(1)) is None
    assert "it002" in going_on(resumed(script, of_iteration(1) | of_iteration(2)))
    alone = script.replace("--K 2", "--K 1")
    assert "it001" in going_on(resumed(alone, of_iteration(1)))


def test_a_users_own_continuation_goes_on_under_its_own_root() -> None:
    root = "Refine/job006/run_ct7"
    old = of_iteration(7, root="Refine/job005/run")
    script = f"relion_refine --continue Refine/job005/run_it007_optimiser.star --o {root} --iter 9"
    made = of_iteration(7) | of_iteration(8, root=root)
    view = Shelf({path: text.encode() for path, text in (_INPUTS | old | made).items()})
    found = Relion().resumed(make_job(script), script, view, made.keys())
    assert found is not None
    assert (
        found.script == f"relion_refine --continue {root}_it008_optimiser.star --o {root} --iter 9"
    )
    assert found.stands == of_iteration(8, root=root).keys()
    assert found.idle == old.keys()


def test_several_bodies_are_told_another_spelling_of_their_root() -> None:
    script = (
        f"relion_refine_mpi --continue Refine/job005/run_it007_optimiser.star --o {_ROOT}"
        f" --multibody_masks bodies.star && relion_flex_analyse --model {_ROOT}_model.star"
    )
    respelled = "Refine/job006//run"
    first = of_iteration(1, bodies="bodies.star")
    second = of_iteration(2, root=respelled, bodies="bodies.star")
    begun = of_iteration(7, root="Refine/job005/run")
    assert going_on(resumed(script, begun | first)).endswith(f" {respelled}")
    again = resumed(script, begun | first | {p.replace("//", "/"): t for p, t in second.items()})
    assert going_on(again) == f"{_ROOT}_it002_optimiser.star {_ROOT}"


@pytest.mark.parametrize(
    "script",
    [
        f"{_CLASSIFY}\n{_CLASSIFY}",
        f"relion_preprocess --operate_on a.mrcs --operate_out b.mrcs\n{_CLASSIFY}",
        f"{_CLASSIFY} --som",
        f"{_CLASSIFY} --help",
        _CLASSIFY.replace(_ROOT, "$where/run"),
        _CLASSIFY.replace("relion_refine", "relion_reconstruct"),
    ],
)
def test_other_scripts_begin_anew(script: str) -> None:
    assert resumed(script, of_iteration(3), outputs=("Refine/job006",)) is None


def test_names_seen_from_a_folder_are_not_followed() -> None:
    assert resumed(_CLASSIFY, of_iteration(3), cwd="Refine") is None


def test_iterations_are_sealed_by_their_sampling() -> None:
    def seals(path: str, script: str = _CLASSIFY) -> bool:
        return Relion().seals(make_job(script, outputs=("Refine/job006",)), path)

    assert seals(f"{_ROOT}_it003_sampling.star")
    assert seals(f"{_ROOT}_it1003_sampling.star")
    job = make_job(_CLASSIFY, outputs=("Refine/job006",))
    assert Relion().replaces(job, f"{_ROOT}_it003_sampling.star")
    assert not Relion().replaces(job, f"{_ROOT}_it003_optimiser.star")
    assert not seals(f"{_ROOT}_it003_optimiser.star")
    assert not seals(f"{_ROOT}_sampling.star")
    assert not seals(f"{_ROOT}_it000_sampling.star")
    assert not seals(f"{_ROOT}_it001_sampling.star", f"{_CLASSIFY} --firstiter_cc")
    assert seals(f"{_ROOT}_it001_sampling.star")
    assert not seals(f"{_ROOT}_ct7_it008_sampling.star")
    assert not seals("Other/run_it003_sampling.star")
    assert not seals(f"{_ROOT}_it003_sampling.star", "relion_star_handler --i a --o b/c 'open")
