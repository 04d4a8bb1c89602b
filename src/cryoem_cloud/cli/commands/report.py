"""cryoem report."""

import getpass
import io
import json
import platform
import sys
import tarfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from cryoem_cloud import __version__
from cryoem_cloud.cli.finding import find, places
from cryoem_cloud.cli.redacting import redacted
from cryoem_cloud.courier.cards import Card
from cryoem_cloud.courier.start import log_file
from cryoem_cloud.courier.sweep import token_of

__all__ = ["command"]

_TAIL_BYTES = 100_000


@click.command()
@click.argument("number", metavar="ID", type=int)
@click.option("--to", "target", type=click.Path(path_type=Path), help="The file to write.")
def command(*, number: int, target: Path | None) -> None:
    """Pack what a developer needs to understand a problem with a job; no data, no secrets.

    It holds the job's card, its logs' last lines, the courier's and the machines' logs, and
    versions. Look into it before you send it to anybody.
    """
    card = find(number)
    target = target or Path(f"cryoem-report-{number}.tar.gz")
    with tarfile.open(target, "x:gz") as bundle:
        for name, text in _parts(card):
            data = redacted(text, home=Path.home(), user=getpass.getuser()).encode()
            member = tarfile.TarInfo(f"cryoem-report-{number}/{name}")
            member.size = len(data)
            bundle.addfile(member, io.BytesIO(data))
    click.echo(f"wrote {target}; look into it before you send it to anybody")


def _parts(card: Card) -> Iterator[tuple[str, str]]:
    yield "card.json", json.dumps(card.to_json(), indent=2)
    yield "versions.txt", f"cryoem {__version__}\nPython {sys.version}\n{platform.platform()}\n"
    yield "courier.log", _tail(log_file(places()))
    for path in card.logs:
        yield f"logs/{Path(path).name}", _tail(card.folder / path)
    machines = places().state / "machines" / token_of(card.project, card.number)
    for log in sorted(machines.glob("*/boot.log")):
        yield f"machines/{log.parent.name}.log", _tail(log)


def _tail(path: Path) -> str:
    with suppress(FileNotFoundError), path.open("rb") as file:
        file.seek(max(0, file.seek(0, 2) - _TAIL_BYTES))
        return file.read().decode(errors="replace")
    return "(there is none)\n"
