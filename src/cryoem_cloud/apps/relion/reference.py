"""The table of programs as a page of the manual."""

from cryoem_cloud.apps.relion.programs import PROGRAMS, UNKNOWN
from cryoem_cloud.apps.relion.row import Program, Reading

__all__ = ["reference_page"]


def reference_page() -> str:
    """docs/reference/relion-programs.md."""
    head = """# RELION programs

What we know of each program, as `src/cryoem_cloud/apps/relion/programs.py` has it; this page is
made from that table. *Evidence*: `run` means that the program was run under strace, and again
alone with what the row sends, with the same results; `read` that its source was read. Machines
may get other counts only where the user left one rank and one thread.

| program | jobs | files it reads | further | counts that may change | evidence |
|---|---|---|---|---|---|
"""
    lines = [_line(row) for row in (*PROGRAMS.values(), UNKNOWN)]
    return head + "\n".join(lines) + "\n"


def _line(row: Program) -> str:
    inputs = [f"`{option}` {_said(reading)}" for option, reading in row.inputs.items()]
    inputs += [
        f"with `{variant.flag}`: `{variant.option}` {_said(variant.reading)}"
        for variant in row.variants
    ]
    if row.coordinates:
        inputs.append("coordinates beside `--coord_dir` and `--coord_suffix`")
    kept = [
        f"with `{kept.flag}`: its own `{kept.pattern}`" + (" (stubs)" if kept.only_tests else "")
        for kept in row.kept
    ]
    counts = [f"`{row.threads}`"] if row.threads else []
    counts += ["ranks"] if row.ranks else []
    counts += ["`--gpu`"] if row.gpu else []
    counts += ["`--scratch_dir`"] if row.scratch else []
    cells = (
        f"`{row.name}`" if row.name else "any other",
        row.jobs,
        "<br>".join(inputs) or "-",
        "<br>".join(filter(None, (row.remark, *kept))) or "-",
        ", ".join(counts) or "-",
        f"{row.evidence.value} {row.version}".strip(),
    )
    return "| " + " | ".join(cells) + " |"


def _said(reading: Reading | None) -> str:
    if reading is None:
        return "is not read"
    if reading.only_tests:
        return "(stubs)"
    if reading.several:
        return "(a list of files)"
    if not reading.columns:
        return "(if there)" if reading.optional else ""
    return "→ " + ", ".join(
        f"{label} {_said(below)}".strip() for label, below in reading.columns.items()
    )


if __name__ == "__main__":
    print(reference_page(), end="")  # noqa: T201  (this is what it is run for)
