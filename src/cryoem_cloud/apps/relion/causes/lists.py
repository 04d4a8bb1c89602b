"""Causes that lie in lists (STAR files) and in which files there are.

Texts are those of the sources of 3.1.3, 4.0.1 and 5.0.1 (docs/evidence/relion-errors-read.md).
"""

from cryoem_cloud.apps.relion.causes.cause import Cause

__all__ = ["LISTS"]

LISTS = (
    Cause.of(
        r"The following optics groups were not defined in (?P<file>[^:\n]+): (?P<group>\d+)",
        "particles belong to an optics group, {group}, that {file} does not define",
        "join the lists by JoinStar, which renumbers optics groups, instead of by hand",
    ),
    Cause.of(
        r'optics group "(?P<group>[^"\n]+)" does not exist in micrograph STAR file',
        "the particles' optics group {group} is none of the micrographs'",
        "re-extract from the micrographs that the particles came from, or rename the group in both",
    ),
    Cause.of(
        r"Failed to get optics group for particle|nr_optics_group from data\.star does not match",
        "the list of particles and its table of optics groups do not fit together",
        "make the list anew by RELION (Select, JoinStar), not by hand",
    ),
    Cause.of(
        r"not all necessary variables defined in _optics\.star",
        "the list lacks what every optics group needs: voltage, Cs and pixel size",
        "relion_convert_star converts lists of RELION 3.0 and earlier",
    ),
    Cause.of(
        r"does not contain any particles! Exiting",
        "the list holds no particle",
        "look at the job that made it: it succeeded, and selected or extracted nothing",
        ends=True,
    ),
    Cause.of(
        r"fewer columns than the number of labels",
        "a list has a row that is cut off",
        "run.err shows the row; make the list anew, or complete the row",
    ),
    Cause.of(
        r"more columns than the number of labels",
        "a list has a row with more values than there are columns",
        "names with blanks in them do that; rename the files, or quote the name",
    ),
    Cause.of(
        r"does not support CR\+LF as a new line code"
        r"|convert_3p0_\S+: Star file is already at version",
        "a list has the line ends of Windows",
        "dos2unix FILE",
    ),
    Cause.of(
        r"appending metadata tables with not the same columns",
        "the lists that are to be joined have different columns",
        "join lists of one kind, made by the same kind of job",
    ),
    Cause.of(
        r"does not contain the label to check for duplicates",
        "the lists that are to be joined do not all have the column by which doubles are found",
        "join lists of one kind, made by the same kind of job",
    ),
    Cause.of(
        r"input MetaDataTable does not contain label: (?P<label>\w+)"
        r"|Label (?P<other>\w+) not present in",
        "the list has no column {label}{other}",
        "choose one that it has, or take the list of the job that makes this one",
    ),
    Cause.of(
        r"can only make a subset selection based on numbers",
        "the column that is to be selected by is no number, or is no column of RELION's",
        "correct the label in the job's 'Subset selection' tab",
    ),
    Cause.of(
        r"does not contain the rlnMicrographMovieName column|no input movies to work on",
        "the list holds no movie",
        "motion correction needs a list of movies: the movies.star of an Import job",
    ),
    Cause.of(
        r"no input micrographs to work on",
        "the list holds no micrograph, or all are done",
        "look at the job that made it",
    ),
    Cause.of(
        r"no (?P<label>rln\w+) (?:label|column)"
        r"|not contain (?:the )?(?P<other>rln\w+) (?:label|column)",
        "the list has no column {label}{other}",
        "take the list of the job that makes this column",
    ),
    Cause.of(
        r"does not contain all (?:columns needed for view prediction|of the required columns)",
        "the particles have no orientations and halves",
        "take run_data.star of a Refine3D job",
    ),
    Cause.of(
        r"half sets has no segments",
        "one of the two halves has no particles",
        "too few particles, or for helices too few filaments; or a column rlnRandomSubset that "
        "should be removed",
    ),
    Cause.of(
        r"could not get filenames for unfiltered half maps",
        "the PostProcess job names no half maps",
        "run PostProcess on Refine3D's half maps, with a mask, and take its postprocess.star",
    ),
    Cause.of(
        r"no metadata star-file for (?P<file>\S+) found|no movie metadata STAR file for any",
        "the particles' micrographs are not those of the MotionCorr job",
        "take the corrected_micrographs.star that they came from",
    ),
    Cause.of(
        r"(?:HealpixSampling|MlModel|MlOptimiser)::readStar: (?:File (?P<file>\S+) cannot be read"
        r"|incorrect)",
        "the iteration to go on from is not whole {file}",
        "continue from the iteration before",
    ),
    Cause.of(
        r"rlnModelStarFile2 (?:not found|is empty)",
        "the job to go on from has no halves: it was made with --force_converge",
        "continue from the iteration before",
    ),
    Cause.of(
        r"MetaDataTable::read: File (?P<file>.+?) does not exist"
        r"|Cannot read file (?P<image>.+?) It does not exist",
        "the machine had no file {file}{image}: it is not there, or we did not see that it is read",
        "make it, or correct its name; if it is there at home, name it in the queue template: "
        "#CRYOEM in={file}{image}",
    ),
    Cause.of(
        r"output directory does not exist",
        "the folder to write to was not named where RELION's --o or --pipeline_control is",
        "write below the job's folder, or name the other one: #CRYOEM out=FOLDER",
    ),
    Cause.of(
        r"Argument (?P<option>--\w+) not found or invalid argument"
        r"|Errors encountered on the command line",
        "RELION did not understand the command line {option}",
        "look at the job's additional arguments; another version of RELION has other options",
    ),
    Cause.of(
        r"Error in textTo(?P<kind>Integer|Float)",
        "an option that takes a number was given none",
        "look at the job's fields and additional arguments",
    ),
)
