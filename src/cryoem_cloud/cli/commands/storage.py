"""cryoem storage."""

import click

from cryoem_cloud.cli.files.accounting import recorded
from cryoem_cloud.cli.files.moving import json_option
from cryoem_cloud.cli.standing import places, the_project
from cryoem_cloud.cli.storage.archiving import Choice, classes_of, consent
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.wiring.storage import storage_prices_of

__all__ = ["command"]

_TIERS = {
    "infrequent": StorageClass.INFREQUENT,
    "instant": StorageClass.INSTANT,
    "deep": StorageClass.DEEP,
}
_yes = click.option("--yes", is_flag=True, help="Do it without being asked.")
_dry = click.option("--dry-run", is_flag=True, help="Say what would be done, and what it costs.")


@click.group()
def command() -> None:
    """What lies where, for how much a month; archive it, restore it, clean up."""


@command.command("ls", short_help="Say what lies where, and what it costs a month.")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@json_option
def ls(*, paths: tuple[str, ...], json_: bool) -> None:
    """Say what lies where, folder by folder: here, and in each class of the store; and its price.

    Of the folders in the project's, or of those in each PATH. What the store has besides files
    (older versions, journals, records) is a row of its own. Prices are list prices.
    """
    from cryoem_cloud.cli.storage.lying import say_where  # noqa: PLC0415  (of this command alone)

    say_where(the_project(), places(), paths, json_=json_)


@command.command("archive", short_help="Move stored files to a cheaper class.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option(
    "--tier",
    default="deep",
    show_default=True,
    type=click.Choice(list(_TIERS)),
    help="Where to. What is in deep must be restored before it is read; the others need not.",
)
@click.option(
    "--delete-local", "delete", is_flag=True, help="Then remove the files here that are there."
)
@_dry
@_yes
@json_option
@recorded
def archive(
    *, paths: tuple[str, ...], tier: str, delete: bool, dry_run: bool, yes: bool, json_: bool
) -> int:
    """Move what the store has at PATHs, and below them, to a cheaper class; asks first.

    What is stored is verified before it is moved, and again afterwards. With --delete-local each
    file here is read and compared, and removed if it is what the store has; else it stays. Objects
    smaller than 128 KiB, and those that hold other files too, stay where they are. Interrupted, the
    same command goes on. Exit code 1 where something could not be verified.
    """
    from cryoem_cloud.cli.storage.archive import Archive  # noqa: PLC0415  (of this command alone)

    choice = Choice(the_project())
    classes = classes_of(choice.store)
    choice.look(paths)
    archive_ = Archive(choice, classes, places(), to=_TIERS[tier], delete=delete)
    archive_.look()
    archive_.say_plan(json_=json_ and dry_run)
    if dry_run:
        return archive_.code
    if archive_.needed:
        archive_.require_quiet()
        consent("Do that?", yes=yes)
        archive_.require_quiet()  # as long as that took
        archive_.do()
    archive_.say_done(json_=json_)
    return archive_.code


@command.command("restore", short_help="Have archived files where they can be read, for a while.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option(
    "--days", default=7, show_default=True, type=click.IntRange(1, 3650), help="For how long."
)
@click.option(
    "--tier",
    default="standard",
    show_default=True,
    type=click.Choice(["standard", "bulk"]),
    help="Within 12 h, or cheaper within 48 h.",
)
@_dry
@_yes
@json_option
@recorded
def restore(
    *, paths: tuple[str, ...], days: int, tier: str, dry_run: bool, yes: bool, json_: bool
) -> None:
    """Ask the store to make what is archived at PATHs readable for some days; asks you first.

    Once it is there, `cryoem pull` brings it home, and jobs read it. What can be read, or is on its
    way, is not asked for again: call the same command as often as you like, it says how far things
    are.
    """
    from cryoem_cloud.cli.storage.restoring import Restore  # noqa: PLC0415  (of this command alone)

    choice = Choice(the_project())
    classes = classes_of(choice.store)
    choice.look(paths)
    prices = storage_prices_of(choice.store, places())
    restore_ = Restore(choice, classes, prices, days=days, bulk=tier == "bulk")
    restore_.look()
    restore_.say(json_=json_ and (dry_run or not restore_.asleep))
    if dry_run or not restore_.asleep:
        return
    consent("Ask for it?", yes=yes)
    restore_.ask()
    restore_.say_asked(json_=json_)


@command.command("clean", short_help="Offer what the store need not keep, and remove it.")
@click.argument("paths", nargs=-1, metavar="[PATH…]")
@click.option(
    "--older",
    type=click.IntRange(0, 36500),
    metavar="DAYS",
    help="Only what is so old; default: the setting keep_days, 14.",
)
@click.option(
    "--versions", is_flag=True, help="Also older versions of files, which nobody else has."
)
@_dry
@_yes
@json_option
@recorded
def clean(
    *,
    paths: tuple[str, ...],
    older: int | None,
    versions: bool,
    dry_run: bool,
    yes: bool,
    json_: bool,
) -> None:
    """Offer what can be made again or serves nobody, by folder, with what keeping it costs a month.

    Without a PATH only leftovers of machines go, that no file of the project is: what a machine had
    made that was lost, of jobs that have ended well. All else is offered, and goes from the store
    where you name it: bulk outputs that the job would make again (aligned movies, particle stacks,
    earlier iterations), and files of jobs that are in the trash or were deleted here. What reads
    them is told. Files here stay. Asks first.
    """
    from cryoem_cloud.cli.storage.clean import Clean  # noqa: PLC0415  (of this command alone)

    clean_ = Clean(the_project(), places(), paths=paths, versions=versions, older=older)
    clean_.look()
    clean_.say(json_=json_ and (dry_run or not clean_.chosen))
    if dry_run or not clean_.chosen:
        return
    clean_.require_quiet()
    consent("Remove what is marked?", yes=yes)
    clean_.require_quiet()  # as long as that took
    clean_.do()
    clean_.say_done(json_=json_)
