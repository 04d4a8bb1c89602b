"""Programs that find, cut out, sort and join particles."""

from cryoem_cloud.apps.relion.programs.reading import (
    COORDINATES,
    MICROGRAPHS,
    OPENED,
    PARTICLES,
    REFERENCES,
    RESUME,
    ROOT,
)
from cryoem_cloud.apps.relion.row import Evidence, Kept, Output, Program, Reading, Variant

__all__ = ["ROWS"]

ROWS = (
    Program(
        name="relion_autopick",
        jobs="AutoPick",
        inputs={
            "--i": MICROGRAPHS,
            "--ref": REFERENCES,
            "--topaz_model": OPENED,
            "--topaz_train_picks": COORDINATES,
            "--topaz_train_parts": OPENED,
        },
        outputs=(Output(option="--odir", folder=True),),
        kept=(
            Kept(flag=RESUME, pattern="*.star"),
            Kept(flag="--read_fom_maps", pattern="*.spi"),
        ),
        ranks=True,
        gpu=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="LoG and reference picking; Topaz (4.0 and later) was read, not run",
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
        ranks=True,
        evidence=Evidence.RUN,
        version="3.1.3",
        remark="--coord_list (4.0 and later) was read, not run",
    ),
    Program(
        name="relion_star_handler",
        jobs="Select, JoinStar",
        inputs={"--i": OPENED, "--compare": OPENED},
        variants=(
            Variant(flag="--combine", option="--i", reading=Reading(several=True)),
            Variant(flag="--discard_on_stats", option="--i", reading=PARTICLES),
        ),
        outputs=ROOT,
        evidence=Evidence.RUN,
        version="3.1.3",
    ),
)
