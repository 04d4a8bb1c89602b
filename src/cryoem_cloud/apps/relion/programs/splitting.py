"""How programs work micrograph by micrograph, and may be cut: docs/explanation/pieces.md.

Read in the sources of 3.1.3, 4.0.2 and 5.0.1 (motioncorr_runner.cpp, ctffind_runner.cpp,
autopicker.cpp, preprocessing.cpp, ctf_refiner.cpp, motion_refiner.cpp) and run in 3.1.3 and 5.0.1:
docs/evidence/pieces.md.
"""

from cryoem_cloud.apps.relion.causes.images import NOTHING_PICKED
from cryoem_cloud.apps.relion.row import Alike, Made, Split, When

__all__ = ["CTFS", "EXTRACTED", "MOVIES", "PICKED", "POLISHED", "REFINED_CTFS"]

_PICTURES = ("*.pdf", "*.pdf.lst")
_MICROGRAPH = "rlnMicrographName"
_LIST_CLOSES = b"\n \n"
_PICTURE_CLOSES = b"stroke\n"
_PART_OF_A_LIST = ("--min_MG", "--max_MG")

MOVIES = Split(
    option="--i",
    label="rlnMicrographMovieName",
    noun="movies",
    when=When(flags=("--use_own",), but=("--use_motioncor2", "--even_odd_split", "--do_at_most")),
    # 5.0.1 takes the pre-exposure of another movie where it leaves out those that are done
    but=("rlnMicrographPreExposure",),
    whole=True,
    stages=(
        (
            Made("_PS.mrc", flags=("--grouping_for_ps",)),
            Made("_noDW.mrc", flags=("--save_noDW",)),
            Made(".mrc"),
            Made(".star", closes=_LIST_CLOSES),
            # it is written to the folder with its dots, which nobody has made
            Made("_shifts.eps", closes=_PICTURE_CLOSES, undotted=True),
        ),
    ),
    joined=("corrected_micrographs*", "gain.mrc", *_PICTURES),
    seconds=150,
    source="RELION's tutorial: 24 movies of 24 frames, 3838 x 3710, in 5 minutes on 12 threads",
)

CTFS = Split(
    option="--i",
    label=_MICROGRAPH,
    labels={"--use_noDW": "rlnMicrographNameNoDW", "--use_given_ps": "rlnCtfPowerSpectrum"},
    noun="micrographs",
    when=When(
        flags=("--is_ctffind4",),
        but=("--use_gctf", "--only_make_star", "--do_at_most", "--do_movie_thon_rings"),
    ),
    stages=(
        (
            Made(".ctf"),
            Made(".txt"),
            Made("_ctffind4.log", holds=b"Summary of results"),
        ),
    ),
    joined=("micrographs_ctf*", *_PICTURES),
    vain="failed to estimate CTF parameters for any micrograph",  # 5.0.1 ends with that as an error
    seconds=2.5,
    source="RELION's tutorial: 24 micrographs, by their power spectra, in 10 s on 6 processes",
)

PICKED = Split(
    option="--i",
    label=_MICROGRAPH,
    noun="micrographs",
    when=When(but=("--topaz_train", "--topaz_extract", "--read_fom_maps", "--write_fom_maps")),
    stages=((Made("_{}.star", named="--pickname", default="autopick"),),),
    joined=(
        "summary.star",
        "autopick.star",
        "coords_suffix_*.star",
        "reference_projections.mrcs",
        "all_*.eps",
        "histogram_*.eps",
        *_PICTURES,
    ),
    seeds="--random_seed",
    # 3.1 breaks off over its plots then
    vain=NOTHING_PICKED,
    seconds=30,
    source="none is published: a guess between LoG (seconds) and references (minutes)",
)
"""The noise that it adds depends on a micrograph's place among those that are left to do."""

EXTRACTED = Split(
    option="--i",
    label=_MICROGRAPH,
    noun="micrographs",
    when=When(flags=("--extract",), but=("--operate_on",)),
    opens_first=True,
    stages=((Made(".mrcs"), Made("_extract.star")),),
    joined=("particles.star", "extractpick.star", "coords_suffix_*.star"),
    seconds=23,
    source="1,539 micrographs of EMPIAR-10061 in 0.62 h on 16 hyperthreads of an m4.4xlarge",
)

REFINED_CTFS = Split(
    option="--i",
    label=_MICROGRAPH,
    noun="micrographs",
    when=When(
        flags=("--fit_defocus", "--fit_bfacs"),
        but=("--fit_beamtilt", "--fit_aberr", "--fit_aniso", "--diag", *_PART_OF_A_LIST),
    ),
    stages=(
        (
            Made("_defocus_fit.star", flags=("--fit_defocus",)),
            Made("_bfactor_fit.star", flags=("--fit_bfacs",)),
        ),
    ),
    joined=("particles_ctf_refine.star", *_PICTURES),
    row_seconds=0.09,
    source="219,000 particles of EMPIAR-10338, box 256, in 219 s on 92 threads (Ice Lake)",
)

POLISHED = Split(
    option="--i",
    label=_MICROGRAPH,
    noun="micrographs",
    when=When(
        but=(
            "--params2",
            "--params3",
            "--B_parts",
            "--only_group",
            "--find_shortest",
            "--mov_toReplace",
            "--suffix",
            "--diag",
            "--diag_bfactor",
            "--debug",
            *_PART_OF_A_LIST,
        )
    ),
    again_without="--combine_frames",
    # 3.1 writes tracks first, 4.0 and later last
    stages=(
        (
            Made("_FCC_cc.mrc"),
            Made("_FCC_w0.mrc"),
            Made("_FCC_w1.mrc", image=True),
            Made("_tracks.star"),
            Made("_tracks.eps", closes=_PICTURE_CLOSES),
        ),
        (
            Made("_shiny.mrcs", flags=("--combine_frames",)),
            Made("_shiny.star", flags=("--combine_frames",)),
        ),
    ),
    pieces=When(flags=("--combine_frames",)),
    alone=("--combine_frames",),
    alike=Alike(
        option="--corr_mic",
        column="rlnMicrographMetadata",
        labels=(
            "rlnImageSizeX",
            "rlnImageSizeY",
            "rlnImageSizeZ",
            "rlnMicrographOriginalPixelSize",
            "rlnMicrographBinning",
            "rlnMicrographDoseRate",
        ),
    ),
    joined=("shiny.star", "bfactors.*", "scalefactors.*", *_PICTURES),
    row_seconds=0.6,
    source="219,000 particles of EMPIAR-10338, box 512, in 9 h on 8 threads (Ice Lake), of which "
    "we take one half for their motion",
)
