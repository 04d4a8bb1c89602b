"""cryoem verify."""

from collections import Counter

import click

from cryoem_cloud.cli.files.accounting import recorded
from cryoem_cloud.cli.files.moving import json_option
from cryoem_cloud.cli.files.pulling import Pulling
from cryoem_cloud.cli.files.verifying import Repairs, Verdict, verdicts
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.model.units import counted, human_size, visible
from cryoem_cloud.mover.verify import Finding, Proof
from cryoem_cloud.settings import Settings, environment
from cryoem_cloud.wiring.engines import sending

__all__ = ["command"]


@click.command(short_help="Compare files with the store's, and mend what is damaged.")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@click.option("--deep", is_flag=True, help="Read all that the store has; costs what a pull costs.")
@click.option("--repair", is_flag=True, help="Mend a damaged side by the other one.")
@json_option
@recorded
def command(*, paths: tuple[str, ...], deep: bool, repair: bool, json_: bool) -> int:
    """Compare files of the project with the store's: all, or those at PATHs and below them.

    Files here are read and compared by their digests. The store's objects are compared by the
    checksums that the store has kept since it took them, and by their lengths where it keeps none;
    nothing is downloaded, but where a checksum is in doubt. With --deep all is read. Exit code 1
    where something is damaged or missing, and was not mended, or is archived and had to be read.
    """
    pulling = Pulling(the_project(), places())
    pulling.look(paths or (str(pulling.project.folder),))
    store, project = pulling.store, pulling.project
    if deep:
        pulling.say_price(pulling.files)
    found = []
    settings = Settings.read(places(), project.folder, environment())
    with sending(places(), settings) as engine:
        repairs = Repairs(store, project, engine)
        for verdict in verdicts(store, project, pulling.files, deep=deep):
            after = verdict
            if repair and verdict.bad:
                refusal = pulling.refusal(verdict.entry.path)
                after = repairs.repaired(verdict, refusal=refusal)
            found.append(after)
            if not json_ and _is_worth_a_line(after):
                click.echo(f"{visible(after.entry.path)}: {after.told()}")
    _say(found, deep=deep, json_=json_)
    return int(any(verdict.bad or verdict.unread for verdict in found))


def _is_worth_a_line(verdict: Verdict) -> bool:
    changed = verdict.here is Finding.CHANGED
    return bool(verdict.bad or verdict.unread or verdict.mended or changed)


def _say(found: list[Verdict], *, deep: bool, json_: bool) -> None:
    if json_:
        files = [verdict.to_json() for verdict in found]
        click.echo(as_json({"deep": deep, "files": files}))
        return
    bad = sum(verdict.bad for verdict in found)
    mended = sum(bool(verdict.mended) for verdict in found)
    size = human_size(sum(verdict.entry.size for verdict in found))
    parts = [f"{counted(len(found), 'file')}, {size}", f"{bad} damaged or missing"]
    if by := _by(found):
        parts.append(by)
    if unread := sum(verdict.unread for verdict in found):
        parts.append(f"{unread} archived and not read (cryoem storage restore PATH)")
    if mended:
        parts.append(f"{mended} mended")
    click.echo("; ".join(parts), err=True)


def _by(found: list[Verdict]) -> str:
    """How the store's side was compared."""
    counts = Counter(verdict.proof for verdict in found if verdict.there is Finding.GOOD)
    words = {
        Proof.CHECKSUM: "by the store's checksums",
        Proof.READ: "by reading",
        Proof.LENGTH: "by length alone, for want of a checksum (--deep reads)",
    }
    return ", ".join(f"{counts[proof]} {word}" for proof, word in words.items() if counts[proof])
