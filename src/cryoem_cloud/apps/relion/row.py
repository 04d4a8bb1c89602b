"""The columns of the table of RELION's programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

__all__ = [
    "Alike",
    "Beside",
    "Evidence",
    "Executable",
    "Kept",
    "Made",
    "Output",
    "Program",
    "Reading",
    "Split",
    "Variant",
    "When",
]


class Evidence(Enum):
    """How we know what a row says."""

    RUN = "run"
    """The program was run under strace, and alone with what the row sends."""
    READ = "read"
    """Its source was read."""
    UNVERIFIED = "unverified"


@dataclass(frozen=True, slots=True)
class Beside:
    """A file that is read with another because of its name, and that is named nowhere.

    In the other's name, without its folder, `found` (a regular expression) is replaced by
    `instead`, which may make a pattern. With `optional`, it is no error if it is not there.
    """

    found: str
    instead: str
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a program does with a file that it is given.

    `columns` are the labels of a STAR file that lead on, and what is done with the files there;
    `column` is an option that, given, names the label instead. With `first_of`, only the first row
    for each value of that label leads on ("": the first row of all); with `among`, only rows whose
    micrograph one of the STAR files of these options names too; with both, both kinds.
    `beside` are further files. Where the value is a folder, `inside` are patterns of the files in
    it that are read. With `only_tests` the file is not opened. With `several`, the option's value
    is a list of names between blanks. With `optional`, a file that is not there is no error.
    """

    columns: Mapping[str, "Reading"] = field(default_factory=dict)
    column: str = ""
    first_of: str | None = None
    among: tuple[str, ...] = ()
    beside: tuple[Beside, ...] = ()
    inside: tuple[str, ...] = ()
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
class When:
    """With which flags something holds: with one of `flags` (none named: always), but no `but`."""

    flags: tuple[str, ...] = ()
    but: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """With the flag given ("": always), the job's own earlier files of this pattern are inputs."""

    flag: str
    pattern: str
    only_tests: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A file that an item has made once it is done: `ends` is what follows the item's name.

    In `ends`, `{}` stands for the value of the option `named`, or its `default`. It is made with
    one of `flags` (none named: always), where these are numbers greater than 0 or no numbers; where
    it is `undotted`, not of items whose folders have dots in their names.

    Of a file that a program may have been killed over, it is looked at whether it `holds` some
    bytes and `closes` with others, and as an `image` is as long as its header says.
    """

    ends: str
    flags: tuple[str, ...] = ()
    named: str = ""
    default: str = ""
    undotted: bool = False
    holds: bytes = b""
    closes: bytes = b""
    image: bool = False


@dataclass(frozen=True, slots=True)
class Alike:
    """Of a list's items, each has a file that has the same value of each of some labels.

    The list of `option` names that file for a micrograph in `column`.
    """

    option: str
    column: str
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """How a program works through a list, item by item, none of which needs another.

    `option` is the list's, `label` says which rows are one item (with a flag, that of `labels`; the
    last one counts), `noun` what a user calls them. It holds `when` the flags are so, and not for
    lists with one of the labels `but`.

    An item's files lie in the job's folder, and their names start with the item's: its job's folder
    and its ending taken off; with `whole`, only the ending, and dots are underscores. `stages` are
    what an item has made, in the order of writing: what an earlier stage has made stands without a
    later one. With `opens_first`, the first item's inputs are read even if it is done. Where
    nothing is left to do and the flag `again_without` is not given, the program ends without a
    word, so that one item must be left.

    `pieces` says with which flags a job may be cut (None: it is not), `alone` are flags that a
    piece does not get; items must be `alike` where a program takes what it knows of all from the
    first. `joined` are patterns, as for `bulk`, of files that the whole makes: no piece sends them.
    `seeds` is the option whose number grows by 1 from item to item. What matches `vain` is said
    once all items are done and none of them gave anything: a piece that breaks off over that has
    ended well, as others may have given something.

    `seconds` is a rough time of one item on one core, `row_seconds` that of one of its rows, and
    `source` says who measured it.
    """

    option: str
    label: str
    noun: str
    stages: tuple[tuple[Made, ...], ...]
    joined: tuple[str, ...]
    source: str
    seconds: float = 0.0
    row_seconds: float = 0.0
    labels: Mapping[str, str] = field(default_factory=dict)
    when: When = When()
    but: tuple[str, ...] = ()
    whole: bool = False
    opens_first: bool = False
    again_without: str = ""
    pieces: When | None = When()
    alone: tuple[str, ...] = ()
    alike: Alike | None = None
    seeds: str = ""
    vain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executable:
    """Another program that this one calls: by an option, else a variable, else its `default`.

    `name` is our word for it, in settings too, `title` its own name; `field` is the GUI's for what
    it passes on ("" if it has none), `source` who gives it away. It is called only with one of the
    flags `when`, where there are any, and not with the flag `unless`.
    """

    name: str
    title: str
    option: str = ""
    variable: str = ""
    default: str = ""
    field: str = ""
    source: str = ""
    when: tuple[str, ...] = ()
    unless: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A row of the table. `name` is without `_mpi`.

    `ran` are the versions that were run, `read` those whose source was read, between blanks;
    `untried` are the flags with which the program was not run. `only` says of options that not all
    these versions have which ones do. An option that is a number is the word of that place behind
    the program's name.
    `coordinates` says that coordinate files are found beside --coord_dir and --coord_suffix from
    the micrographs' names. `unnamed` are files that are read if they are there, by the flag that
    asks for them. `interactive` are the flags with which it needs a screen ("": always).
    `threads` is the option that takes a thread count ("" if none does); `ranks` says when the
    number of MPI ranks may be changed without changing results, `gpu` when it takes --gpu.
    `bulk` are patterns of outputs, relative to the job's folder, that stay in the store where
    bringing them home costs money (`*` within a name, `**/` for any folders or none, `**` for all
    below, `#` for a number: of names that are alike before it, those with the greatest one come
    home in the end). With a `!` before it, a pattern says what comes home all the same.
    `split` says how it works through a list item by item, if it does.
    """

    name: str
    jobs: str
    inputs: Mapping[str, Reading]
    outputs: tuple[Output, ...]
    ran: str = ""
    read: str = ""
    untried: tuple[str, ...] = ()
    only: Mapping[str, str] = field(default_factory=dict)
    variants: tuple[Variant, ...] = ()
    kept: tuple[Kept, ...] = ()
    unnamed: Mapping[str, str] = field(default_factory=dict)
    interactive: tuple[str, ...] = ()
    coordinates: bool = False
    threads: str = ""
    ranks: When | None = None
    gpu: When | None = None
    scratch: bool = False
    bulk: tuple[str, ...] = ()
    executables: tuple[Executable, ...] = ()
    split: Split | None = None
    remark: str = ""

    @property
    def evidence(self) -> Evidence:
        """How we know it."""
        if self.ran:
            return Evidence.RUN
        return Evidence.READ if self.read else Evidence.UNVERIFIED
