"""The columns of the table of RELION's programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["Evidence", "Executable", "Kept", "Output", "Program", "Reading", "Variant"]


class Evidence(Enum):
    """How we know what a row says."""

    RUN = "run"
    """The program was run under strace, and alone with what the row sends."""
    READ = "read"
    """Its source was read."""
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a program does with a file that it is given.

    `columns` are the labels of a STAR file that lead on, and what is done with the files there.
    With `only_tests` the file is not opened. With `several`, the option's value is a list of names
    between blanks. With `optional`, a file that is not there is no error.
    """

    columns: Mapping[str, "Reading"] = field(default_factory=dict)
    only_tests: bool = False
    several: bool = False
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """An option that says where the program writes: a folder, or the start of file names."""

    option: str
    folder: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """With the flag given, the option's file is read in another way (None: not at all)."""

    flag: str
    option: str
    reading: Reading | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """With the flag given, the job's own files of this pattern, from earlier, are inputs too."""

    flag: str
    pattern: str
    only_tests: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """Another program that this one calls: by an option, else a variable, else a name it knows."""

    option: str
    variable: str
    default: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A row of the table. `name` is without `_mpi`, `version` that of the evidence.

    `coordinates` says that coordinate files are found beside --coord_dir and --coord_suffix from
    the micrographs' names. `threads` is the option that takes a thread count ("" if none does);
    `ranks` whether the number of MPI ranks may be changed without changing results.
    `bulk` are patterns of outputs, relative to the job's folder, that stay in the store where
    bringing them home costs money (`*` within a name, `**/` for any folders).
    """

    name: str
    jobs: str
    inputs: Mapping[str, Reading]
    outputs: tuple[Output, ...]
    evidence: Evidence
    version: str
    variants: tuple[Variant, ...] = ()
    kept: tuple[Kept, ...] = ()
    coordinates: bool = False
    threads: str = ""
    ranks: bool = False
    gpu: bool = False
    scratch: bool = False
    bulk: tuple[str, ...] = ()
    executables: tuple[Executable, ...] = ()
    remark: str = ""
