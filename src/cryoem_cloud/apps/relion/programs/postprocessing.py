"""Programs that mask, sharpen and measure maps, and correct particles by them."""

from cryoem_cloud.apps.relion.programs.reading import (
    ALL_VERSIONS,
    ALWAYS,
    FOLDER,
    HALF,
    OPENED,
    RESUME,
    ROOT,
    VERSION_4,
    VERSION_5,
)
from cryoem_cloud.apps.relion.programs.splitting import POLISHED, REFINED_CTFS
from cryoem_cloud.apps.relion.row import Kept, Program, Reading, Variant, When

__all__ = ["ROWS"]

_POSTPROCESSED = Reading(
    columns={
        "rlnUnfilteredMapHalf1": OPENED,
        "rlnUnfilteredMapHalf2": OPENED,
        "rlnMaskName": OPENED,
    }
)
_CORRECTED = Reading(
    columns={
        "rlnMicrographMovieName": OPENED,
        "rlnMicrographGainName": OPENED,
        "rlnMicrographDefectFile": Reading(optional=True),
    }
)
"""The list that motion correction leaves of one movie."""
_GIVEN_MAPS = Variant(flag="--m1", option="--f", reading=OPENED)

ROWS = (
    Program(
        name="relion_mask_create",
        jobs="MaskCreate",
        inputs={
            "--i": OPENED,
            "--and": OPENED,
            "--or": OPENED,
            "--and_not": OPENED,
            "--or_not": OPENED,
        },
        variants=(Variant(flag="--denovo", option="--i", reading=None),),
        outputs=ROOT,
        threads="--j",
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=("--and_not", "--or_not"),
    ),
    Program(
        name="relion_postprocess",
        jobs="PostProcess, LocalRes",
        inputs={"--i": HALF, "--i2": OPENED, "--mask": OPENED, "--mtf": OPENED, "--ios": OPENED},
        only={"--ios": f"{VERSION_4} {VERSION_5}"},
        variants=(Variant(flag="--i2", option="--i", reading=OPENED),),
        outputs=ROOT,
        ranks=When(flags=("--locres",)),
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=("--ios",),
    ),
    Program(
        name="relion_ctf_refine",
        jobs="CtfRefine",
        inputs={
            "--i": Reading(columns={"rlnImageName": OPENED, "rlnMtfFileName": OPENED}),
            "--f": _POSTPROCESSED,
            "--m1": OPENED,
            "--m2": OPENED,
            "--mask": OPENED,
        },
        variants=(_GIVEN_MAPS,),
        outputs=FOLDER,
        kept=tuple(Kept(flag=RESUME, pattern=pattern) for pattern in ("*.star", "*.mrc", "*.eps")),
        threads="--j",
        ranks=ALWAYS,
        bulk=("**/*_wAcc*.mrc", "**/*_xyAcc*", "**/*_aberr-*", "**/*_mag_optics*", "*/**/*.eps"),
        split=REFINED_CTFS,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
    ),
    Program(
        name="relion_motion_refine",
        jobs="Polish",
        inputs={
            "--i": Reading(columns={"rlnMtfFileName": OPENED}),
            "--f": _POSTPROCESSED,
            "--m1": OPENED,
            "--m2": OPENED,
            "--mask": OPENED,
            "--corr_mic": Reading(columns={"rlnMicrographMetadata": _CORRECTED}, among=("--i",)),
            "--params_file": OPENED,
            "--bfactors": OPENED,
        },
        variants=(
            _GIVEN_MAPS,
            Variant(
                flag="--mov_toReplace",
                option="--corr_mic",
                reading=Reading(columns={"rlnMicrographMetadata": _CORRECTED}),
            ),
        ),
        outputs=FOLDER,
        kept=(
            Kept(flag=RESUME, pattern="*.star"),
            Kept(flag=RESUME, pattern="*_FCC_*.mrc"),
            Kept(flag=RESUME, pattern="*_tracks.eps"),
            Kept(flag=RESUME, pattern="*.mrcs", only_tests=True),
        ),
        threads="--j",
        ranks=ALWAYS,
        bulk=("**/*_shiny*.mrcs", "**/*_FCC_*.mrc", "*/**/*.eps"),
        split=POLISHED,
        ran="3.1.3 5.0.1",
        read=ALL_VERSIONS,
        untried=("--mov_toReplace",),
        remark="it reads movies again, but neither micrographs nor particle images",
    ),
)
