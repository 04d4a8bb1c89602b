"""Causes that lie in the machine: memory, GPUs, disks, processes, and programs that it lacks.

Texts are those of the sources of 3.1.3, 4.0.1 and 5.0.1 (docs/evidence/relion-errors-read.md), of
Open MPI 4.1.4, of CUDA, of bash and of the C and C++ libraries.
"""

from cryoem_cloud.apps.relion.causes.cause import Cause

__all__ = ["LACKING", "MACHINES", "NO_CSH", "NO_GPU_SUPPORT"]

_LESS_GPU_MEMORY = "fewer MPI processes a GPU, a smaller box, or a GPU with more memory"
_LESS_MEMORY = "fewer MPI processes or threads, no pre-reading into RAM, or another machine"
_MPI_FIELD = "change 'Number of MPI procs' on RELION's Running tab"

MACHINES = (
    Cause.of(
        r"You ran out of memory on the GPU|CustomAllocator out of memory"
        r"|^ERROR: out of memory in |\(error-code 2\)",
        "the GPU's memory ran out",
        _LESS_GPU_MEMORY,
    ),
    Cause.of(
        r"GPU memory was insufficient\. Relion attempts",
        "the GPU has not enough memory for the Fourier transforms",
        f"in AutoPick set 'Shrink factor' to 0; else {_LESS_GPU_MEMORY}",
    ),
    Cause.of(
        r"There was an issue with the GPU-ids",
        "the numbers in 'Which GPUs to use' are not those of the machine's GPUs",
        "leave the field empty, so that all are used",
    ),
    Cause.of(
        r"no CUDA-capable device is detected|You have no GPUs compatible with RELION"
        r"|CUDA driver version is insufficient|\(error-code (?:35|38|100)\)",
        "the machine has no GPU that RELION can use",
        "ask for a machine with a GPU, or set 'Use GPU acceleration?' to No",
    ),
    Cause.of(
        r"no kernel image is available|\(error-code (?:48|209)\)",
        "the machine's RELION was built for other GPUs than it has",
        "another kind of GPU, or a RELION built for this one",
    ),
    Cause.of(
        r"compiled without CUDA(?: or HIP)? support|not compiled with CUDA support",
        "the machine's RELION was built without support for GPUs",
        "set 'Use GPU acceleration?' to No, or use a machine whose RELION has it; for Gctf and "
        "MotionCor2 give the numbers of the GPUs",
    ),
    Cause.of(
        r"not enough MPI nodes specified for the GPU IDs",
        "'Which GPUs to use' names GPUs for fewer MPI processes than there are",
        "leave the field empty, or name as many, with : between them",
    ),
    Cause.of(
        r"A GPU-function failed to execute",
        "the GPU broke off",
        f"most often for want of memory: {_LESS_GPU_MEMORY}; the line before it has CUDA's reason",
    ),
    Cause.of(
        r"issue allocating CPU memory|[aA]llocate: No space left|std::bad_alloc"
        r"|Cannot allocate memory",
        "the machine's memory (RAM) ran out",
        _LESS_MEMORY,
    ),
    Cause.of(
        r"No space left on device|Disk quota exceeded|Can not close image file",
        "the machine's disk is full",
        "free some space there, or take a machine with a larger disk",
    ),
    Cause.of(
        r"MicrographModel::read: insufficient general information in (?P<file>\S+)",
        "{file}, which RELION writes, is cut off: the machine's disk is full, or was",
        "free some space there, or take a machine with a larger disk; delete the file",
    ),
    Cause.of(
        r"cannot execute: install -d -m 0777 (?P<folder>\S+?)/?relion_volatile",
        "the scratch folder {folder} cannot be written on the machine",
        "leave 'Copy particles to scratch directory' empty, or name a folder that is there",
    ),
    Cause.of(
        r"at least 3 MPI processes are required when splitting data",
        "Refine3D needs three MPI processes or more: one that leads, and one for each half",
        f"{_MPI_FIELD} to 3, 5, 7 …",
    ),
    Cause.of(
        r"number of MPI processes must be an odd number",
        "Refine3D needs an odd number of MPI processes: one that leads, and as many for each half",
        f"{_MPI_FIELD} to 3, 5, 7 …",
    ),
    Cause.of(
        r"Cannot split data into random halves without using MPI",
        "Refine3D cannot run as a single process",
        f"{_MPI_FIELD} to 3 or more",
    ),
    Cause.of(
        r"at least 2 MPI processes are required|needs to be run with at least two MPI processes"
        r"|with at least 2 MPI processes for subtraction",
        "this program's MPI version needs two processes or more",
        f"{_MPI_FIELD} to 1, which takes the other version, or to 2 or more",
    ),
    Cause.of(
        r"Gradient refinement is not supported together with MPI"
        r"|Parameter estimation is not supported in MPI mode"
        r"|You cannot use MPI for reverting subtraction",
        "this cannot be done with several MPI processes",
        f"{_MPI_FIELD} to 1; threads may be many",
    ),
    Cause.of(
        r"There are not enough slots available in the system to satisfy the (?P<count>\d+)",
        "{count} MPI processes were asked for, more than the machine takes",
        "fewer MPI processes, or a machine with more cores",
    ),
    Cause.of(
        r"process rank (?P<rank>\d+) with PID \d+ on node \S+ exited on signal 9",
        "process {rank} of the MPI processes was killed, as is done where memory runs out",
        _LESS_MEMORY,
    ),
    Cause.of(
        r"process rank (?P<rank>\d+) with PID \d+ on node \S+ exited on signal (?P<signal>.*)\.$",
        "process {rank} of the MPI processes crashed: signal {signal}",
        "its own words stand above in run.err; with fewer processes it may get by",
    ),
    Cause.of(
        r"^-+ PYTHON ERROR -+|provided a Python interpreter with the correct environment",
        "the Python program that RELION calls for this did not run",
        "RELION's conda environment must be on the machine; run.err has Python's words",
        ends=True,
    ),
    Cause.of(
        r"readTopazCoordinate ERROR: Cannot open input file",
        "Topaz gave no coordinates: it did not run, or failed",
        "its words stand in files below the job's folder; 'Topaz executable' names the program",
    ),
    Cause.of(
        r"Something went wrong in the external Python call",
        "the Python program that RELION calls for this (Blush, class ranking) failed",
        "RELION's conda environment must be on the machine; run.err has Python's words",
        ends=True,
    ),
    Cause.of(
        r"Failed to run external python script",
        "the Python program that RELION calls for this failed",
        "install what it needs, and name that Python with RELION_PYTHON_EXECUTABLE",
    ),
    Cause.of(
        r"specify the path to MotionCor2 as --motioncor2_exe",
        "nothing says which program MotionCor2 is",
        "fill in RELION's field 'MOTIONCOR2 executable', or use RELION's own implementation",
    ),
    Cause.of(
        r"something wrong with system call: (?P<command>\S+)",
        "the program for external reconstruction, {command}, failed",
        "run.err has its words; RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE names it",
    ),
    Cause.of(
        r"Do you have pbzip2, xz, zstd in the PATH",
        "a compressed movie could not be read",
        "the machine needs pbzip2, xz or zstd, or the movie is damaged",
    ),
)

NO_GPU_SUPPORT = Cause.of(
    r"you do NOT have support for GPUs",
    "the machine's RELION was built without support for GPUs, which the job asks for",
    "set 'Use GPU acceleration?' to No, or use a machine whose RELION has it",
)
"""Only said, not an error: relion_refine goes on without; relion_autopick then finds nothing."""

NO_CSH = Cause.of(
    r"\bcsh: (?:\d+: )?(?:[Cc]ommand )?not found|\bcsh: No such file",
    "the machine has no csh, by which RELION calls other programs",
    "install csh there, or set RELION_SHELL=bash",
)

LACKING = (
    Cause.of(
        r"(?<!\S)(?P<what>\S+): cannot execute binary file: Exec format error"
        r"|(?<!\S)(?P<other>\S+): Exec format error|^(?P<shells>\S+): \d+: .ELF",
        "{what}{other}{shells} is a program for another kind of processor than the machine's",
        "get the one for this machine's (uname -m says which it is)",
    ),
    Cause.of(
        r"(?<!\S)(?P<what>\S+): error while loading shared libraries: (?P<library>[^:\s]+)",
        "{what} needs the library {library}, which the machine lacks",
        "install it there, or take a program that is linked statically",
    ),
    Cause.of(
        r"version `(?P<version>[^']+)' not found \(required by (?P<what>[^)\s]+)\)",
        "{what} needs {version}, and the machine's system is older",
        "take a program built for an older system, or one that is linked statically",
    ),
    Cause.of(
        r"(?<!\S)(?P<what>\S+): cannot execute: required file not found$",
        "the interpreter that {what} names in its first line is not on the machine",
        "correct that line; it may end as Windows ends lines (dos2unix)",
    ),
    NO_CSH,
    Cause.of(
        r"(?:line \d+|: \d+): (?P<what>\S+/\S+): (?:No such file or directory|not found)$"
        r"|^env: .(?P<other>[^:\n]+).: No such file or directory$",
        "there is no {what}{other} on the machine",
        "name it where it is: cryoem doctor tells what is found",
    ),
    Cause.of(
        r"(?:line \d+|: \d+): (?P<what>[^\s-]\S*): (?:command )?not found$",
        "there is no program {what} on the machine",
        "install it there, or name it by its whole path",
    ),
    Cause.of(
        r"(?:line \d+|: \d+): (?P<what>\S+): Permission denied$"
        r"|^env: .(?P<other>[^:\n]+).: Permission denied$",
        "{what}{other} may not be executed",
        "chmod +x, if it is the right file",
    ),
    NO_GPU_SUPPORT,
    Cause.of(
        r"WARNING: there was an error executing: (?P<program>\S+)",
        "{program} failed, or is no program",
        "its own words stand in files beside the results: *.err and *.out",
    ),
    Cause.of(
        r"failed to estimate CTF parameters for any micrograph",
        "CTFFIND gave no values",
        "run.err and the *_ctffind4.log files in the job's folder have its words",
    ),
)
"""Why a program that RELION calls did not run. RELION itself often goes on without it."""
