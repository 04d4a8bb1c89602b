"""The table of programs as a page of the manual."""

from collections.abc import Iterator

from cryoem_cloud.apps.relion.programs import PROGRAMS, UNKNOWN
from cryoem_cloud.apps.relion.row import Program, Reading, Split, When

__all__ = ["reference_page"]


def reference_page() -> str:
    """docs/reference/relion-programs.md."""
    head = """# RELION programs

What we know of each program, as the files in `src/cryoem_cloud/apps/relion/programs` have it; this
page is made from them. *Evidence*: `run` means that the program was run under strace, and again
through us on a machine with nothing but what the row sends, with the same results ([the
suite](../evidence/relion-suite.md); tomography [alone](../evidence/relion-closure.md)), but for the
flags named and for `relion_align_symmetry`, whose results are by chance: of them names and sizes
were compared. `read` means that the source of these versions was read. For all that was not run,
the job's `run.out` says so. Machines may get other counts only where the user left one rank and one
thread. *Bulk* are outputs that stay
in the store where a job says [essential](../how-to/what-comes-home.md): `*` stands within a name,
`**` also for folders, `#` for an iteration but the last one; what follows a `!` comes all the same.
*Item by item* says which list a program works through, so that a job that was interrupted goes on
with what is left to do, and whether it may be cut into [pieces](../explanation/pieces.md).

| program | jobs | files it reads | further | bulk | item by item | counts may change | evidence |
|---|---|---|---|---|---|---|---|
"""
    lines = [_line(row) for row in (*PROGRAMS.values(), UNKNOWN)]
    return head + "\n".join(lines) + "\n"


def _line(row: Program) -> str:
    counts = [f"`{row.threads}`"] if row.threads else []
    counts += [f"ranks{_when(row.ranks)}"] if row.ranks else []
    counts += [f"`--gpu`{_when(row.gpu)}"] if row.gpu else []
    counts += ["`--scratch_dir`"] if row.scratch else []
    cells = (
        f"`{row.name}`" if row.name else "any other",
        row.jobs,
        "<br>".join(_inputs(row)) or "-",
        "<br>".join(_further(row)) or "-",
        " ".join(f"`{pattern}`" for pattern in row.bulk) or "-",
        _split(row.split) if row.split else "-",
        ", ".join(counts) or "-",
        _evidence(row),
    )
    return "| " + " | ".join(cells) + " |"


def _when(when: When) -> str:
    flags = " or ".join(f"`{flag}`" for flag in when.flags)
    but = " or ".join(f"`{flag}`" for flag in when.but)
    return (f" with {flags}" if flags else "") + (f" not with {but}" if but else "")


def _inputs(row: Program) -> Iterator[str]:
    for option, reading in row.inputs.items():
        versions = f"({_comma(row.only[option])})" if option in row.only else ""
        yield " ".join(filter(None, (_option(option), versions, _said(reading))))
    for variant in row.variants:
        yield f"with `{variant.flag}`: `{variant.option}` {_said(variant.reading)}".strip()
    if row.coordinates:
        yield "coordinates beside `--coord_dir` and `--coord_suffix`"
    for flag, path in row.unnamed.items():
        yield f"with `{flag}`: `{path}` (if there)"


def _option(option: str) -> str:
    return f"its word {option}" if option.isdigit() else f"`{option}`"


def _further(row: Program) -> Iterator[str]:
    if row.remark:
        yield row.remark
    for flag in row.interactive:
        yield "refused: it needs a screen" + (f" with `{flag}`" if flag else "")
    for kept in row.kept:
        when = f"with `{kept.flag}`: its own" if kept.flag else "its own"
        yield f"{when} `{kept.pattern}`" + (" (stubs)" if kept.only_tests else "")


def _split(split: Split) -> str:
    """By which rows a list may be cut, and when."""
    labels = [split.label, *(f"{label} with `{flag}`" for flag, label in split.labels.items())]
    by = f"`{split.option}` by {', '.join(labels)}{_when(split.when)}"
    without = f", in lists without {', '.join(split.but)}" if split.but else ""
    if split.pieces is None:
        return f"{by}{without}; not in pieces"
    alone = ", ".join(f"`{flag}`" for flag in split.alone)
    return f"{by}{without}; in pieces{_when(split.pieces)}" + (
        f", each without {alone}, where all have the same frames" if alone else ""
    )


def _evidence(row: Program) -> str:
    if not row.ran:
        return f"{row.evidence.value} {_comma(row.read)}".strip()
    but = ", ".join(f"`{flag}`" for flag in row.untried)
    tried = f"run {_comma(row.ran)}" + (f" (not {but})" if but else "")
    return f"{tried}; read {_comma(row.read)}"


def _comma(versions: str) -> str:
    return ", ".join(versions.split())


def _said(reading: Reading | None) -> str:
    if reading is None:
        return "is not read"
    notes = [
        "a list of files" if reading.several else "",
        "stubs" if reading.only_tests else "",
        "if there" if reading.optional else "",
        f"in it {', '.join(reading.inside)}" if reading.inside else "",
        "and files beside" if reading.beside else "",
        _rows(reading),
    ]
    said = ", ".join(filter(None, notes))
    columns = [f"{label} {_said(below)}".strip() for label, below in reading.columns.items()]
    if reading.column:
        columns.append(f"or what `{reading.column}` says")
    leads = "→ " + ", ".join(columns) if columns else ""
    return " ".join(filter(None, (f"({said})" if said else "", leads)))


def _rows(reading: Reading) -> str:
    """Which rows of the list lead on."""
    kinds = []
    if reading.first_of is not None:
        kinds.append(f"the first row of each {reading.first_of}" if reading.first_of else "row 1")
    if reading.among:
        kinds.append("micrographs that " + " or ".join(f"`{o}`" for o in reading.among) + " names")
    return " and ".join(kinds)


if __name__ == "__main__":
    print(reference_page(), end="")  # noqa: T201  (this is what it is run for)
