"""Moving a project's part of a store to another region."""

import sys
import time
from dataclasses import replace

import click

from cryoem_cloud.cli.jobs.finding import cards
from cryoem_cloud.cli.standing import places
from cryoem_cloud.courier.known import projects
from cryoem_cloud.courier.start import stores_used
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.units import counted, human_size, human_usd
from cryoem_cloud.mover.decoder import leave_decoder
from cryoem_cloud.providers.aws.moving import Copied
from cryoem_cloud.stores.budget import carry_over
from cryoem_cloud.stores.ids import reserve_up_to
from cryoem_cloud.stores.projects import mark_moved, mark_returned
from cryoem_cloud.wiring.aws_moving import Estimate, Move, move_of
from cryoem_cloud.wiring.front import counter, submitter
from cryoem_cloud.wiring.stores import store_at

__all__ = ["relocate"]

_TOLD_EVERY_S = 2.0


def relocate(project: Project, region: str, stack: str, *, delete_old: bool, yes: bool) -> Project:
    """Move the project's files to the store in that region, and bind its folder to it.

    The folder is bound to the new store once all is there and was verified, and not before.

    Raises:
        RefusedError: Jobs of the project have not ended.
        NotFoundError: This user has not joined the stack there.
        ProviderError: AWS refuses.
    """
    _require_ended(project)
    move = move_of(project, region, stack, places().config)
    _announce(move, move.estimate(), delete_old=delete_old)
    if not yes:
        click.confirm("Move it?", abort=True, err=True)
    move.copy(_Telling())
    moved = _bound(move)
    _report(move.done)
    if delete_old:
        number = move.delete_old()
        click.echo(f"deleted  {counted(number, 'object')} in {project.store}", err=True)
    return moved


def _require_ended(project: Project) -> None:
    """See to it that this computer has no job of the project that is open; no network."""
    ours = [card.number for card in cards().all() if card.project == project.name and card.open]
    if ours:
        raise RefusedError(
            f"{project.name} has unfinished jobs: {', '.join(map(str, ours))}",
            hint=f"cryoem wait {ours[0]}, or cryoem stop {ours[0]}; then move it",
        )


def _announce(move: Move, what: Estimate, *, delete_old: bool) -> None:
    where = f"from     {move.old.store} in {move.old.region}"
    lines = (
        f"project  {move.project.name}: {counted(what.objects, 'object')}, {human_size(what.size)}",
        f"{where}; {'deleted there afterwards' if delete_old else 'nothing is deleted there'}",
        f"to       {move.new.store} in {move.new.region}",
        f"to copy  {counted(what.to_copy, 'object')}, {human_size(what.bytes_to_copy)}",
        f"costs    {_transfer(what)}",
        f"         about {counted(what.requests, 'request')}: {human_usd(what.requests_usd)}",
        "         (S3's list prices as we know them: aws.amazon.com/s3/pricing)",
    )
    click.echo("\n".join(lines), err=True)


def _transfer(what: Estimate) -> str:
    if what.usd_per_gb is None or what.transfer_usd is None:
        return "the transfer, by what that region asks for each GB to another one"
    return f"the transfer at {human_usd(what.usd_per_gb)} a GB: {human_usd(what.transfer_usd)}"


class _Telling:
    """Says how far it is, now and then, where somebody looks."""

    def __init__(self) -> None:
        self._told_s = time.monotonic()

    def __call__(self, done: Copied) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= _TOLD_EVERY_S and sys.stderr.isatty():
            self._told_s = now_s
            click.echo(f"\r  {counted(done.objects, 'object')} copied", err=True, nl=False)


def _bound(move: Move) -> Project:
    """The project, at home in the new store; who comes to the old one is told where it is."""
    project = replace(move.project, store=move.new.store)
    old, new = store_at(move.old.store), store_at(move.new.store)
    if move.last_job:
        reserve_up_to(new, move.last_job, submitter())
        counter(places(), new.url).numbers.rise_above(move.last_job)
    leave_decoder(new)
    carry_over(old, new, project.name)
    mark_returned(new, project.name)
    mark_moved(old, project.name, new.url)
    bound = projects.attach(project.folder, project.store, project.name, stores_used(places()))
    cards().move(bound)
    return bound


def _report(done: Copied) -> None:
    by_size = f", {done.by_size} of them by size alone" if done.by_size else ""
    click.echo(
        f"copied   {counted(done.objects, 'object')}, {human_size(done.bytes)}, each verified"
        f"{by_size}; {counted(done.requests, 'request')}",
        err=True,
    )
