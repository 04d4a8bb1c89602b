"""Programs that find, cut out, sort and join particles."""

from cryoem_cloud.apps.relion.programs.calling import TOPAZ
from cryoem_cloud.apps.relion.programs.reading import (
    ALL_VERSIONS,
    ALWAYS,
    COORDINATES,
    FOLDER,
    FROM_4,
    MAYBE,
    MICROGRAPHS,
    OPENED,
    OPTIMISER,
    RESUME,
    ROOT,
    TESTED,
    VERSION_4,
    VERSION_5,
)
from cryoem_cloud.apps.relion.programs.splitting import EXTRACTED, PICKED
from cryoem_cloud.apps.relion.row import Kept, Output, Program, Reading, Variant, When

__all__ = ["ROWS"]

_PICKING_REFERENCES = Reading(columns={"rlnReferenceImage": OPENED, "rlnImageName": OPENED})
_TRAINING_PICKS = Reading(columns={"rlnMicrographName": OPENED, "rlnMicrographCoordinates": OPENED})

ROWS = (
    Program(
        name="relion_autopick",
        jobs="AutoPick",
        inputs={
            "--i": MICROGRAPHS,
            "--ref": _PICKING_REFERENCES,
            "--sym": MAYBE,
            "--topaz_model": MAYBE,
            "--topaz_train_picks": _TRAINING_PICKS,
            "--topaz_train_parts": MICROGRAPHS,
        },
        only={
            "--topaz_model": FROM_4,
            "--topaz_train": FROM_4,
            "--topaz_train_picks": FROM_4,
            "--topaz_train_parts": FROM_4,
            "--topaz_extract": FROM_4,
            "--topaz_exe": VERSION_4,
            "--fn_topaz_exe": VERSION_5,
        },
        variants=(Variant(flag="--topaz_train", option="--i", reading=OPENED),),
        outputs=(Output(option="--odir", folder=True),),
        kept=(
            Kept(flag=RESUME, pattern="*.star"),
            Kept(flag="--read_fom_maps", pattern="*.spi"),
        ),
        ranks=When(but=("--topaz_train",)),
        gpu=When(but=("--LoG",)),
        bulk=("**/*.spi",),
        executables=TOPAZ,
        split=PICKED,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=("--topaz_train", "--topaz_extract", "--helix"),
        remark="a model of Topaz is a file, or one that Topaz brings",
    ),
    Program(
        name="relion_preprocess",
        jobs="Extract",
        inputs={
            "--i": MICROGRAPHS,
            "--coord_list": COORDINATES,
            "--reextract_data_star": OPENED,
            "--operate_on": OPENED,
        },
        only={"--coord_list": FROM_4},
        variants=(
            Variant(
                flag="--reextract_data_star",
                option="--i",
                reading=Reading(
                    columns=MICROGRAPHS.columns, first_of="", among=("--reextract_data_star",)
                ),
            ),
            Variant(
                flag="--coord_list",
                option="--i",
                reading=Reading(columns=MICROGRAPHS.columns, first_of="", among=("--coord_list",)),
            ),
        ),
        outputs=(
            Output(option="--part_dir", folder=True),
            Output(option="--part_star", folder=False),
            Output(option="--operate_out", folder=False),
        ),
        kept=(
            Kept(flag=RESUME, pattern="*_extract.star"),
            Kept(flag=RESUME, pattern="*.mrcs", only_tests=True),
        ),
        coordinates=True,
        ranks=ALWAYS,
        bulk=("**/*.mrcs", "**/*.mrc"),
        split=EXTRACTED,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
    ),
    Program(
        name="relion_star_handler",
        jobs="Select, JoinStar",
        inputs={"--i": OPENED, "--compare": OPENED},
        variants=(
            Variant(flag="--combine", option="--i", reading=Reading(several=True)),
            Variant(
                flag="--combine_picks",
                option="--i",
                reading=Reading(several=True, columns=COORDINATES.columns),
            ),
            Variant(
                flag="--discard_on_stats",
                option="--i",
                reading=Reading(columns={"rlnImageName": OPENED}, column="--discard_label"),
            ),
        ),
        only={"--combine_picks": FROM_4},
        outputs=ROOT,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=("--combine_picks",),
    ),
    Program(
        name="relion_class_ranker",
        jobs="Select (2D classes, by themselves)",
        inputs={
            "--opt": Reading(
                columns={
                    "rlnExperimentalDataStarFile": OPENED,
                    "rlnModelStarFile": OPTIMISER.columns["rlnModelStarFile"],
                }
            ),
            "--select": MAYBE,
            "--fn_score": MAYBE,
            "--cf_file": MAYBE,
        },
        outputs=FOLDER,
        bulk=("*.npy",),
        read=FROM_4,
        remark="its network's weights are the machine's",
    ),
    Program(
        name="relion_filament_selection",
        jobs="Select (filaments)",
        inputs={
            "-i": Reading(
                columns={"rlnExperimentalDataStarFile": OPENED, "rlnModelStarFile": OPENED}
            ),
        },
        kept=(Kept(flag="", pattern="run_state.pkl"),),
        outputs=(Output(option="-o", folder=True),),
        read=VERSION_5,
    ),
    Program(
        name="relion_manualpick",
        jobs="ManualPick",
        inputs={"--i": Reading(columns={"rlnMicrographName": TESTED})},
        outputs=(Output(option="--odir", folder=True),),
        interactive=("",),
        read=ALL_VERSIONS,
    ),
    Program(
        name="relion_display",
        jobs="Select (by hand)",
        inputs={"--i": OPENED},
        outputs=(
            Output(option="--fn_imgs", folder=False),
            Output(option="--fn_parts", folder=False),
        ),
        interactive=("",),
        read=ALL_VERSIONS,
    ),
    Program(
        name="relion_particle_symmetry_expand",
        jobs="Symmetry expansion",
        inputs={"--i": OPENED, "--sym": MAYBE},
        outputs=ROOT,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
    ),
)
