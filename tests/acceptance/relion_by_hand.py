"""Commands that RELION's windows do not write, or not so: options of its programs, and hand tools.

They run behind the steps of the windows, whose labels stand for their folders.
"""

from collections.abc import Mapping

__all__ = ["COMMANDS", "FAIL_IN_3", "LISTS"]

LISTS: Mapping[str, str] = {
    "mtf.star": "data_\n\nloop_\n_rlnResolutionInversePixel #1\n_rlnMtfValue #2\n"
    + "".join(f"{number / 100} {1 - number / 60:.3f}\n" for number in range(51))
    + "\n",
    "symmetry.star": "data_\n\nloop_\n_rlnMaskName #1\n_rlnAngleRot #2\n_rlnAngleTilt #3\n"
    "_rlnAnglePsi #4\n_rlnOriginXAngst #5\n_rlnOriginYAngst #6\n_rlnOriginZAngst #7\n"
    "lower.mrc 0 0 0 0 0 0\nlower.mrc 180 0 0 0 0 0\n\n",
}
"""A detector's transfer function, and a map's local symmetry: what the user brings."""

_HALF = "{Refine3D}/run_half1_class001_unfil.mrc"
_OTHER_HALF = "{Refine3D}/run_half2_class001_unfil.mrc"
_MAPS = f"--f {{PostProcess}}/postprocess.star --m1 {_HALF} --m2 {_OTHER_HALF} --mask lower.mrc"
_MICROGRAPHS = "--corr_mic {MotionCorr}/corrected_micrographs.star"
_MOTION = "--s_vel 0.2 --s_div 5000 --s_acc 2 --j 1"
_CLASSIFY = (
    "relion_refine --i {Extract}/particles.star --ref reference.mrc --ini_high 60 --iter 1 --K 1"
    " --particle_diameter 280 --ctf --healpix_order 1 --offset_range 2 --offset_step 2"
    " --oversampling 0 --pad 1 --random_seed 1 --j 1"
)

COMMANDS: Mapping[str, str] = {
    "Import half maps": f"relion_import --do_halfmaps --i {_HALF} --odir {{folder}}/"
    " --ofile run_half1_class001_unfil.mrc",
    "Import coordinates": "relion_import --do_coordinates"
    ' --i "{AutoPick LoG}/Movies/*_autopick.star"'
    " --odir {folder}/ --ofile coords_suffix_autopick.star",
    "Import particles": "relion_import --do_particles --i {Extract}/particles.star"
    " --odir {folder}/ --ofile particles.star",
    "MotionCorr dose weighted": "relion_run_motioncorr --i {Import movies}/movies.star"
    " --o {folder}/ --use_own --j 1 --dose_weighting --save_noDW --dose_per_frame 1.5 --patch_x 1"
    " --patch_y 1",
    "CtfFind noDW": "relion_run_ctffind --i {MotionCorr dose weighted}/corrected_micrographs.star"
    " --o {folder}/ --use_noDW --ctffind_exe {ctffind} --is_ctffind4 --Box 256 --ctfWin -1",
    "One micrograph": "relion_star_handler --i {Refine3D}/run_data.star"
    " --select_by_str rlnMicrographName --select_include mic_003 --o {folder}/particles.star",
    "Extract one": "relion_preprocess --i {CtfFind}/micrographs_ctf.star"
    " --reextract_data_star {One micrograph}/particles.star --part_star {folder}/particles.star"
    " --part_dir {folder}/ --extract --extract_size 64",
    "Operate": "relion_preprocess --operate_on {Extract}/Movies/mic_001.mrcs"
    " --operate_out {folder}/inverted.mrcs --invert_contrast",
    "Compare": "relion_star_handler --i {Select split}/particles_split1.star"
    " --compare {Select split}/particles_split2.star --label1 rlnImageName --o {folder}/out.star",
    "Discard micrographs": "relion_star_handler --i {CtfFind}/micrographs_ctf.star"
    " --discard_on_stats --discard_label rlnMicrographName --o {folder}/out.star",
    "Class3D masks": f"{_CLASSIFY} --solvent_mask {{MaskCreate}}/mask.mrc"
    " --solvent_mask2 upper.mrc --lowpass_mask lower.mrc --lowpass 40 --flatten_solvent"
    " --zero_mask --o {folder}/run",
    "Class3D local symmetry": f"{_CLASSIFY} --local_symmetry symmetry.star --o {{folder}}/run",
    "Class3D goes on": "relion_refine"
    " --continue {Class3D local symmetry}/run_it001_optimiser.star --iter 2 --j 1"
    " --o {folder}/run",
    "Class3D external": f"{_CLASSIFY} --external_reconstruct --o {{folder}}/run",
    "MaskCreate or": "relion_mask_create --i reference.mrc --or lower.mrc --ini_threshold 0.1"
    " --o {folder}/mask.mrc",
    "MaskCreate and": "relion_mask_create --i reference.mrc --and upper.mrc --ini_threshold 0.1"
    " --o {folder}/mask.mrc",
    "MaskCreate anew": "relion_mask_create --denovo --i reference.mrc --box_size 32 --angpix 10"
    " --outer_radius 10 --o {folder}/mask.mrc",
    "PostProcess MTF": f"relion_postprocess --i {_HALF} --i2 {_OTHER_HALF} --mask lower.mrc"
    " --mtf mtf.star --angpix 10.5 --o {folder}/postprocess",
    "CtfRefine maps": f"relion_ctf_refine --i {{Refine3D}}/run_data.star {_MAPS} --fit_defocus"
    " --kmin_defocus 60 --fit_mode fmfff --j 1 --o {folder}/",
    "Polish maps": f"relion_motion_refine --i {{Refine3D}}/run_data.star {_MAPS} {_MICROGRAPHS}"
    f" {_MOTION} --o {{folder}}/",
    "Polish one": "relion_motion_refine --i {One micrograph}/particles.star"
    f" --f {{PostProcess}}/postprocess.star {_MICROGRAPHS} {_MOTION} --o {{folder}}/",
    "Polish parameters": "relion_motion_refine --i {Refine3D}/run_data.star"
    f" --f {{PostProcess}}/postprocess.star {_MICROGRAPHS} --combine_frames --j 1"
    " --params_file {Polish train}/opt_params_all_groups.txt --bfactors {Polish}/bfactors.star"
    " --o {folder}/",
    "Subtract data": "mpirun -n 2 relion_particle_subtract_mpi --i {optimiser}"
    " --data {Refine3D}/run_data.star --mask {MaskCreate}/mask.mrc --o {folder}/",
    "Subtract reverted": "relion_particle_subtract"
    " --revert {Subtract}/particles_subtracted.star --o {folder}/",
    "Reconstruct": "relion_reconstruct --i {Refine3D}/run_data.star --ctf --o {folder}/map.mrc",
    "Multiply": "relion_image_handler --i reference.mrc --multiply lower.mrc --o {folder}/map.mrc",
    "Multiply stack": "relion_image_handler --i {Extract}/particles.star --multiply_constant 2"
    " --o {folder}/out.mrcs",
    "Stack": "relion_stack_create --i {Extract}/particles.star --o {folder}/out",
    "Project": "relion_project --i reference.mrc --ang {Refine3D}/run_data.star --ctf"
    " --angpix 10.5 --o {folder}/out",
    "Project one": "relion_project --i reference.mrc --mask upper.mrc --rot 10 --angpix 10.5"
    " --o {folder}/out.mrc",
    "Project and subtract": "relion_project --i reference.mrc --ang {Refine3D}/run_data.star"
    " --subtract_exp --ctf --angpix 10.5 --o {folder}/out",
    "Local symmetry": "relion_localsym --apply --i_map reference.mrc --i_mask_info symmetry.star"
    " --angpix 10.5 --o_map {folder}/map.mrc",
    "Helix": "relion_helix_toolbox --impose --i reference.mrc --twist 10 --rise 20 --angpix 10.5"
    " --cyl_outer_diameter 250 --sphere_percentage 0.9 --z_percentage 0.3 --o {folder}/map.mrc",
    "Align symmetry": "relion_align_symmetry --i reference.mrc --sym C2 --box_size 16"
    " --nr_uniform 10 --o {folder}/map.mrc",
    "Gain": "relion_estimate_gain --i {Import movies}/movies.star --j 1 --o {folder}/gain.mrc",
}
"""By label; {folder} is the command's own, {optimiser} that of Refine3D's last iteration."""

FAIL_IN_3 = frozenset({"Subtract data"})
"""Commands that RELION 3.1.3 does not come to the end of, here either."""
