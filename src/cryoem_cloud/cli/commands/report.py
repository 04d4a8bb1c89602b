"""cryoem report."""

import io
import json
import platform
import re
import sys
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import click

from cryoem_cloud import __version__
from cryoem_cloud.cli.checking.redacting import redacted
from cryoem_cloud.cli.completing import job_numbers
from cryoem_cloud.cli.jobs.finding import find
from cryoem_cloud.cli.jobs.machines import boot_logs
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.start import log_file
from cryoem_cloud.settings import environment
from cryoem_cloud.wiring.front import user_name

__all__ = ["command"]

_TAIL_BYTES = 1_000_000


@click.command()
@click.argument("number", metavar="ID", type=int, shell_complete=job_numbers)
@click.option(
    "-o",
    "--output",
    "target",
    type=click.Path(path_type=Path),
    help="The file to write; default: one beside our own notes, not in the project.",
)
def command(*, number: int, target: Path | None) -> None:
    """Pack what a developer needs to understand a problem with a job; no data, no secrets.

    It holds the job's card, its logs' last lines, what the courier and the machines said of it,
    settings and versions. Look into it before you send it to anybody.
    """
    card = find(number)
    mode: Literal["x:gz", "w:gz"] = "x:gz" if target else "w:gz"
    target = target or _own_place(card)
    with tarfile.open(target, mode) as bundle:
        for name, text in _parts(card):
            data = redacted(text, home=Path.home(), user=user_name()).encode()
            member = tarfile.TarInfo(f"cryoem-report-{number}/{name}")
            member.size = len(data)
            bundle.addfile(member, io.BytesIO(data))
    click.echo(f"wrote {target.resolve()}; look into it before you send it to anybody")


def _own_place(card: Card) -> Path:
    """Where a report goes that the user named no file for; the next of that job replaces it."""
    folder = places().state / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"cryoem-report-{card.number}-{card.project}.tar.gz"


def _parts(card: Card) -> Iterator[tuple[str, str]]:
    """Names and texts."""
    yield "card.json", json.dumps(card.to_json(), indent=2)
    yield "versions.txt", f"cryoem {__version__}\nPython {sys.version}\n{platform.platform()}\n"
    yield "settings.txt", _settings(card)
    yield "courier.log", _lines_about(card, _tail(log_file(places())))
    for path in card.logs:
        yield f"logs/{Path(path).name}", _tail(card.folder / path)
    for log in boot_logs(places(), card):
        yield f"machines/{log.parent.name}.log", _tail(log)


def _settings(card: Card) -> str:
    files = (places().config / "settings.toml", card.folder / ".cryoem" / "settings.toml")
    said = [f"# {file}\n{_tail(file)}" for file in files]
    ours = sorted(item for item in environment().items() if item[0].startswith("CRYOEM_"))
    said.append("# environment\n" + "".join(f"{name}={value}\n" for name, value in ours))
    return "\n".join(said)


def _lines_about(card: Card, log: str) -> str:
    """The log's lines that name the job, and those that are no lines of ours: tracebacks."""
    named = re.compile(rf"{re.escape(card.slip_name)}|\bjob {card.number}\b")
    kept = [line for line in log.splitlines() if named.search(line) or not line.startswith("{")]
    return "\n".join(kept) + "\n"


def _tail(path: Path) -> str:
    with suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
        return file.read().decode(errors="replace")
    return "(there is none)\n"
