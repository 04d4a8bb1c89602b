"""The job types of RELION that the acceptance suite runs, each with options that make it short."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from .relion_by_hand import COMMANDS, FAIL_IN_3

__all__ = ["STEPS", "Step"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One job.

    `kind` is the job's folder. `options` are RELION's own names of the fields of its windows;
    {Import} stands for the folder of the step of that label. A step with a `command` runs that
    command, with {folder} its own folder: RELION has no window for it.
    """

    label: str
    kind: str
    options: str = ""
    command: str = ""


_SHORT_REFINEMENT = "particle_diameter == 280; offset_range == 2; offset_step == 2; do_pad1 == Yes"
_MICROGRAPHS = "star_mics == {CtfFind}/micrographs_ctf.star"
_SEED = "--random_seed 1"

_IMPORTED = "fn_in_raw == Movies/*.tif; angpix == 3.5; kV == 300; Cs == 2.7; Q0 == 0.1"
_CORRECTED = (
    "input_star_mics == {Import movies}/movies.star; fn_gain_ref == gain.mrc;"
    " dose_per_frame == 1.5; patch_x == 1; patch_y == 1; do_save_ps == Yes;"
    " do_own_motioncor == Yes; nr_threads == 1"
)

_STEPS_3: tuple[Step, ...] = (
    Step(label="Import movies", kind="Import", options=_IMPORTED),
    Step(
        label="Import map",
        kind="Import",
        options="do_raw == No; do_other == Yes; fn_in_other == reference.mrc;"
        " node_type == 3D reference (.mrc)",
    ),
    Step(label="MotionCorr", kind="MotionCorr", options=_CORRECTED),
    Step(label="MotionCorr MPI", kind="MotionCorr", options=_CORRECTED + "; nr_mpi == 2"),
    Step(
        label="CtfFind",
        kind="CtfFind",
        options="input_star_mics == {MotionCorr}/corrected_micrographs.star;"
        " fn_ctffind_exe == {ctffind}; use_ctffind4 == Yes; use_given_ps == Yes",
    ),
    Step(
        label="AutoPick LoG",
        kind="AutoPick",
        options="fn_input_autopick == {CtfFind}/micrographs_ctf.star; do_log == Yes;"
        " log_diam_min == 140; log_diam_max == 200; log_adjust_thr == 0.3",
    ),
    Step(
        label="Extract",
        kind="Extract",
        options=_MICROGRAPHS + "; coords_suffix == {AutoPick LoG}/coords_suffix_autopick.star;"
        " extract_size == 96; do_rescale == Yes; rescale == 32",
    ),
    Step(
        label="Class2D",
        kind="Class2D",
        options="fn_img == {Extract}/particles.star; nr_classes == 2; nr_iter == 2;"
        " nr_threads == 1; particle_diameter == 280; psi_sampling == 30; offset_range == 2;"
        f" offset_step == 2; other_args == {_SEED}",
    ),
    Step(
        label="AutoPick references",
        kind="AutoPick",
        options="fn_input_autopick == {CtfFind}/micrographs_ctf.star;"
        " fn_refs_autopick == references.star; angpix_ref == 10.5; psi_sampling_autopick == 90;"
        " lowpass == 40; threshold_autopick == 0.2",
    ),
    Step(
        label="Select values",
        kind="Select",
        options="fn_mic == {CtfFind}/micrographs_ctf.star; do_select_values == Yes;"
        " select_label == rlnCtfMaxResolution; select_minval == 1; select_maxval == 90",
    ),
    Step(
        label="Select discard",
        kind="Select",
        options="fn_data == {Extract}/particles.star; do_discard == Yes; discard_sigma == 3",
    ),
    Step(
        label="Select split",
        kind="Select",
        options="fn_data == {Extract}/particles.star; do_split == Yes; nr_split == 2;"
        " split_size == -1; do_random == No",
    ),
    Step(
        label="Select duplicates",
        kind="Select",
        options="fn_data == {Class2D}/run_it002_data.star; do_remove_duplicates == Yes;"
        " duplicate_threshold == 30",
    ),
    Step(
        label="JoinStar",
        kind="JoinStar",
        options="do_part == Yes; fn_part1 == {Select split}/particles_split1.star;"
        " fn_part2 == {Select split}/particles_split2.star",
    ),
    Step(
        label="InitialModel",
        kind="InitialModel",
        options="fn_img == {Extract}/particles.star; sgd_ini_iter == 1; sgd_inbetween_iter == 1;"
        " sgd_fin_iter == 1; sgd_write_iter == 1; sgd_ini_subset_size == 20;"
        f" sgd_fin_subset_size == 20; sgd_ini_resol == 60;"
        f" sgd_fin_resol == 60; sampling == 30 degrees; nr_threads == 1; {_SHORT_REFINEMENT};"
        f" other_args == {_SEED}",
    ),
    Step(
        label="Class3D",
        kind="Class3D",
        options="fn_img == {Extract}/particles.star; fn_ref == {Import map}/reference.mrc;"
        " nr_classes == 2; nr_iter == 2; sampling == 30 degrees; nr_threads == 1;"
        f" {_SHORT_REFINEMENT}; other_args == {_SEED}",
    ),
    Step(
        label="Refine3D",
        kind="Refine3D",
        options="fn_img == {Extract}/particles.star; fn_ref == {Import map}/reference.mrc;"
        " sampling == 30 degrees; auto_local_sampling == 7.5 degrees; nr_threads == 1; nr_mpi == 3;"
        f" {_SHORT_REFINEMENT}; other_args == {_SEED}",
    ),
    Step(
        label="MaskCreate",
        kind="MaskCreate",
        options="fn_in == {Refine3D}/run_class001.mrc; lowpass_filter == 40;"
        " inimask_threshold == 0.005; nr_threads == 1",
    ),
    Step(
        label="PostProcess",
        kind="PostProcess",
        options="fn_in == {Refine3D}/run_half1_class001_unfil.mrc; angpix == 10.5;"
        " fn_mask == {MaskCreate}/mask.mrc; do_auto_bfac == No; do_adhoc_bfac == Yes;"
        " adhoc_bfac == -10",
    ),
    Step(
        label="LocalRes",
        kind="LocalRes",
        options="fn_in == {Refine3D}/run_half1_class001_unfil.mrc; angpix == 10.5;"
        " fn_mask == {MaskCreate}/mask.mrc; do_relion_locres == Yes; do_resmap_locres == No;"
        " adhoc_bfac == -10; nr_mpi == 2",
    ),
    Step(
        label="CtfRefine",
        kind="CtfRefine",
        options="fn_data == {Refine3D}/run_data.star; fn_post == {PostProcess}/postprocess.star;"
        " do_ctf == Yes; do_defocus == Per-micrograph; nr_threads == 1",
    ),
    Step(
        label="Polish train",
        kind="Polish",
        options="fn_mic == {MotionCorr}/corrected_micrographs.star; do_param_optim == Yes;"
        " fn_data == {Refine3D}/run_data.star; fn_post == {PostProcess}/postprocess.star;"
        " optim_min_part == 10; do_polish == No; nr_threads == 1",
    ),
    Step(
        label="Polish",
        kind="Polish",
        options="fn_mic == {MotionCorr}/corrected_micrographs.star; do_own_params == Yes;"
        " fn_data == {Refine3D}/run_data.star; fn_post == {PostProcess}/postprocess.star;"
        " minres == 150; nr_threads == 1",
    ),
    Step(
        label="Subtract",
        kind="Subtract",
        options="fn_opt == {optimiser}; fn_mask == {MaskCreate}/mask.mrc; nr_mpi == 2",
    ),
    Step(
        label="MultiBody",
        kind="MultiBody",
        options="fn_in == {optimiser}; fn_bodies == bodies.star;"
        " sampling == 15 degrees; offset_range == 2; offset_step == 2; do_pad1 == Yes;"
        f" nr_mpi == 3; nr_threads == 1; nr_movies == 1; other_args == {_SEED}",
    ),
    Step(
        label="Extract again",
        kind="Extract",
        options=_MICROGRAPHS + "; do_reextract == Yes; do_recenter == Yes; recenter_z == 2;"
        " fndata_reextract == {Refine3D}/run_data.star; extract_size == 64",
    ),
    Step(
        label="External",
        kind="External",
        options="fn_exe == ./count.sh; in_part == {Extract}/particles.star; param1_label == foo;"
        " param1_value == bar",
    ),
    Step(
        label="Symmetry expansion",
        kind="Expand",
        command="relion_particle_symmetry_expand --i {Refine3D}/run_data.star"
        " --o {folder}/expanded.star --sym C2",
    ),
    Step(
        label="Extract helix",
        kind="Extract",
        options=_MICROGRAPHS + "; coords_suffix == Tubes/coords_suffix_tubes.star;"
        " extract_size == 96; do_rescale == Yes; rescale == 32; do_extract_helix == Yes;"
        " do_extract_helical_tubes == Yes; helical_tube_outer_diameter == 250; helical_nr_asu == 1;"
        " helical_rise == 60",
    ),
    Step(
        label="Class2D helix",
        kind="Class2D",
        options="fn_img == {Extract helix}/particles.star; nr_classes == 2; nr_iter == 2;"
        " nr_threads == 1; particle_diameter == 280; psi_sampling == 30; offset_range == 2;"
        " offset_step == 2; do_helix == Yes; helical_tube_outer_diameter == 250;"
        f" helical_rise == 60; other_args == {_SEED}",
    ),
)

_IN_5: Mapping[str, Mapping[str, str]] = {
    "MotionCorr": {"patch_x": "do_float16 == No; patch_x"},
    "MotionCorr MPI": {"patch_x": "do_float16 == No; patch_x"},
    "AutoPick references": {"fn_refs": "do_refs == Yes; fn_refs"},
    "Extract": {"coords_suffix_autopick": "autopick", "do_rescale": "do_float16 == No; do_rescale"},
    "Extract again": {"do_reextract": "do_float16 == No; do_reextract"},
    "Extract helix": {
        "coords_suffix_tubes": "tubes",
        "do_rescale": "do_float16 == No; do_rescale",
    },
    "Class2D": {"nr_iter": "do_em == Yes; do_grad == No; nr_iter_em"},
    "Class2D helix": {"nr_iter": "do_em == Yes; do_grad == No; nr_iter_em"},
    "InitialModel": {"sgd_ini_iter == 1": "nr_iter == 3"},
    "Polish": {"minres": "do_float16 == No; minres"},
    "Subtract": {"fn_opt": "do_float16 == No; fn_opt"},
}
"""What RELION 5 calls otherwise or does otherwise by itself: images of 16 bits would not be
compared with those of RELION 3, and gradient descent is the default.
"""


def _in_5(step: Step) -> Step:
    options = step.options
    for before, after in _IN_5.get(step.label, {}).items():
        options = options.replace(before, after)
    return replace(step, options=options)


_VDAM = Step(
    label="Class2D VDAM",
    kind="Class2D",
    options="fn_img == {Extract}/particles.star; nr_classes == 2; do_em == No; do_grad == Yes;"
    " nr_iter_grad == 10; nr_threads == 1; particle_diameter == 280; psi_sampling == 30;"
    f" offset_range == 2; offset_step == 2; other_args == {_SEED}",
)

_BY_HAND = tuple(
    Step(label=label, kind="Hand", command=command) for label, command in COMMANDS.items()
)

STEPS: Mapping[str, tuple[Step, ...]] = {
    "3.1.3": (*_STEPS_3, *(step for step in _BY_HAND if step.label not in FAIL_IN_3)),
    "5.0.1": (*map(_in_5, _STEPS_3), _VDAM, *_BY_HAND),
}
"""By RELION's version, in the order in which they run."""
