"""Causes that lie in images: pixel sizes, boxes, diameters, masks, and damaged files.

Texts are those of the sources of 3.1.3, 4.0.1 and 5.0.1 (docs/evidence/relion-errors-read.md).
"""

from cryoem_cloud.apps.relion.causes.cause import Cause

__all__ = ["IMAGES", "NOTHING_PICKED"]

_PICKED = "Total number of particles from "
NOTHING_PICKED = rf"{_PICKED}\d+ micrographs is 0$(?![\s\S]*?{_PICKED})"
"""The last word counts: some pieces of a job may have no particle, while the job has."""

_RESAMPLE = "--trust_ref_size in 'Additional arguments' resamples the particles, or resample it"

IMAGES = (
    Cause.of(
        r"Image::openFile cannot open: \S*/Particles/subtracted_rank\d+_",
        "a process of the subtraction wrote before the first had made the folder Particles: RELION "
        "does not let them wait for it",
        "submit it again; it happens on a busy machine",
    ),
    Cause.of(
        r"zero sum of weights|No orientation was found as better"
        r"|contributing orientations for an image|sum of weights for all orientations was"
        r"|extra-precision fallbacks too many times",
        "some particles are no images of anything: blank, cut off, or not numbers",
        "look for such in the stacks that run.err names, and extract again",
    ),
    Cause.of(
        r"reference pixel size is (?P<ours>\S+) A/px, but .*? is (?P<theirs>\S+) A/px",
        "the reference has {ours} Å a pixel, the particles {theirs}",
        _RESAMPLE,
    ),
    Cause.of(
        r"reference box size is (?P<ours>\d+) px, but .*? is (?P<theirs>\d+) px",
        "the reference's box has {ours} pixels, the particles' {theirs}",
        _RESAMPLE,
    ),
    Cause.of(
        r"size of reference image is not the same as the experimental images",
        "the reference's box is not the particles'",
        _RESAMPLE,
    ),
    Cause.of(
        r"Pixel size of reference image is not set",
        "the reference does not say its pixel size",
        "relion_image_handler --i FILE --o NEW --force_header_angpix N sets it in its header",
    ),
    Cause.of(
        r"different models have different pixel sizes",
        "the references have different pixel sizes in their headers",
        "give all of them the same",
    ),
    Cause.of(
        r"(?P<particle>particle\d+) lies completely outside micrograph (?P<file>\S+)",
        "{particle} lies outside {file}: the coordinates are those of other micrographs, or of "
        "another binning",
        "take the micrographs in which it was picked",
    ),
    Cause.of(
        r"only extracting to even-sized images is allowed",
        "the box size is an odd number",
        "make it even",
    ),
    Cause.of(
        r"2\*bg_radius is larger than image size|No pixels in background are found"
        r"|Radius of (?:circular|helical) mask is too large",
        "the particle's diameter leaves no background in its box",
        "a smaller diameter (mask, or background in Extract), or a larger box",
    ),
    Cause.of(
        r"particle mask diameter is larger than the size of the box",
        "the mask's diameter is larger than the references' box",
        "a smaller mask diameter in AutoPick",
    ),
    Cause.of(
        r"tube diameter should be smaller than particle diameter",
        "the tube's diameter is not smaller than the mask's",
        "a smaller tube diameter, or a larger mask diameter",
    ),
    Cause.of(
        r"images have not been normalised to an average background"
        r"|Very small or very big \(avg\) normcorr",
        "the particles are not normalised",
        "extract them with 'Normalize particles?' set to Yes",
    ),
    Cause.of(
        r"Zero orientations fall within the local angular search",
        "the local search holds no orientation",
        "a wider local search, or another start",
    ),
    Cause.of(
        r"mask should contain values between 0 and 1|mask values not in range \[0,1\]"
        r"|has values outside the range \[0,1\]",
        "the mask has values below 0 or above 1",
        "make it by MaskCreate",
    ),
    Cause.of(
        r"mask and input maps do not have the same size|mask is of incorrect size"
        r"|input mask is not of same shape",
        "the mask's box is not the map's",
        "make the mask from this map by MaskCreate",
    ),
    Cause.of(
        r"two half reconstructions are not of the same size",
        "the two half maps have different boxes",
        "take both from one Refine3D job",
    ),
    Cause.of(
        r"does not contain 'half1' or 'half2'",
        "the map's name has neither half1 nor half2 in it, by which its other half is found",
        "take run_half1_class001_unfil.mrc of Refine3D",
    ),
    Cause.of(
        r"size of the image and the size of the gain reference do not match",
        "the gain reference has another size than the movies",
        "rotate it in the job's 'Gain rotation' field; run.err has both sizes",
    ),
    Cause.of(
        r"does not contain the pixel size, and no pixel size is given",
        "nothing says the movies' pixel size",
        "import them anew, with their pixel size",
    ),
    Cause.of(
        r"different pixel size for the different optics groups",
        "the optics groups have different pixel sizes, which AutoPick cannot mix",
        "pick each optics group by itself",
    ),
    Cause.of(
        r"error in reading header of image (?:\d+@)?(?P<file>\S+)",
        "{file} is empty or no image",
        "make it anew; if it is whole at home, name it in the queue template: #CRYOEM in={file}",
    ),
    Cause.of(
        r"Image number (?P<number>\d+) exceeds stack size (?P<size>\d+) of image "
        r"(?:\d+@)?(?P<file>\S+)",
        "the list names image {number} of {file}, which has only {size}",
        "the stack was made anew or cut off; extract again",
    ),
    Cause.of(
        r"does not support half-precision floating point",
        "images of 16 bits were made by a newer RELION than the machine's",
        "a machine with RELION 4.0 or later, or make them anew without 'Write output in float16'",
    ),
    Cause.of(
        r"Failed to read an image data from (?P<file>\S+)",
        "{file} is damaged",
        "copy it from the microscope again, or leave it out",
    ),
    Cause.of(
        r"Image::openFile cannot open: (?:\d+@)?(?P<file>\S+)",
        "{file} is empty, cut off, or no image of the kind that its name says",
        "copy it from the microscope again, or take its row out of the list",
    ),
    Cause.of(
        r"there are not enough particles to perform PCA",
        "there are too few particles for the analysis of motions",
        "more particles, or no flexibility analysis",
    ),
    Cause.of(
        r"^Skipped .*: too few frames",
        "movies have too few frames after grouping",
        "group fewer frames; or the movies are cut off",
    ),
    Cause.of(
        NOTHING_PICKED,
        "no particle was picked, and RELION 3.1 may break off over that",
        "a lower threshold, or other diameters",
    ),
)
