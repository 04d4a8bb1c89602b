"""A project as large as a day at a microscope, of images so small that it takes minutes."""

from pathlib import Path

__all__ = ["MOVIES", "PARTICLES", "SCRIPTS", "write_project"]

MOVIES = 500
_SIDE, _FRAMES = 256, 3
_PICKS = 400
PARTICLES = MOVIES * _PICKS
_BOX = 16

SCRIPTS = {
    "Import/job001": 'relion_import --do_movies --optics_group_name "opticsGroup1" --angpix 3.5'
    ' --kV 300 --Cs 2.7 --Q0 0.1 --i "Movies/*.tif" --odir Import/job001/ --ofile movies.star'
    " --pipeline_control Import/job001/",
    "MotionCorr/job002": "relion_run_motioncorr --i Import/job001/movies.star"
    " --o MotionCorr/job002/ --use_own --j 2 --bfactor 150 --patch_x 1 --patch_y 1"
    " --gainref gain.mrc --pipeline_control MotionCorr/job002/",
    "CtfFind/job003": "relion_run_ctffind --i MotionCorr/job002/corrected_micrographs.star"
    " --o CtfFind/job003/ --Box 256 --ctfWin -1 --is_ctffind4 --fast_search"
    " --ctffind_exe {ctffind} --pipeline_control CtfFind/job003/",
    "AutoPick/job004": "relion_autopick --i CtfFind/job003/micrographs_ctf.star"
    " --odir AutoPick/job004/ --pickname autopick --LoG --LoG_diam_min 40 --LoG_diam_max 60"
    " --pipeline_control AutoPick/job004/",
    "Extract/job005": "relion_preprocess --i CtfFind/job003/micrographs_ctf.star --coord_dir Picks/"
    " --coord_suffix _picks.star --part_star Extract/job005/particles.star"
    f" --part_dir Extract/job005/ --extract --extract_size {_BOX} --norm --bg_radius 6"
    " --invert_contrast --pipeline_control Extract/job005/",
    "Class2D/job006": "relion_refine --i Extract/job005/particles.star --o Class2D/job006/run"
    " --iter 1 --K 2 --particle_diameter 40 --psi_step 90 --offset_range 1 --offset_step 2"
    " --oversampling 0 --pool 100 --preread_images --j 2 --norm --scale --random_seed 1"
    " --pipeline_control Class2D/job006/",
}
"""The jobs in order, by folder, as RELION 3.1.3's windows write them."""


def write_project(project: Path) -> None:
    """Movies of noise with drifting grain, their gain, and places to cut particles from."""
    import mrcfile  # noqa: PLC0415  (only with the demo group)
    import numpy as np  # noqa: PLC0415
    import tifffile  # noqa: PLC0415

    rng = np.random.default_rng(1)
    for folder in ("Movies", "Picks/Movies"):
        (project / folder).mkdir(parents=True)
    with mrcfile.new(project / "gain.mrc") as file:
        file.set_data(np.ones((_SIDE, _SIDE), np.float32))
    for number in range(1, MOVIES + 1):
        grain = 20 + 4 * rng.standard_normal((_SIDE, _SIDE))
        frames = [
            rng.poisson(np.roll(grain, shift, 0).clip(1)).clip(0, 255) for shift in range(_FRAMES)
        ]
        stack = np.stack(frames).astype(np.uint8)
        name = f"mic_{number:04d}"
        tifffile.imwrite(project / f"Movies/{name}.tif", stack, photometric="minisblack")
        places = rng.integers(_BOX, _SIDE - _BOX, (_PICKS, 2))
        rows = "".join(f"{x} {y}\n" for x, y in places)
        head = "data_\n\nloop_\n_rlnCoordinateX #1\n_rlnCoordinateY #2\n"
        (project / f"Picks/Movies/{name}_picks.star").write_text(f"{head}{rows}\n")
