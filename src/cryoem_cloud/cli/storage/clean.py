"""cryoem storage clean: what is known, the offer, the question, the deed."""

import secrets
import shlex
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import click

from cryoem_cloud.cli.files.selecting import real_name, wanted
from cryoem_cloud.cli.showing import table
from cryoem_cloud.cli.standing import inside
from cryoem_cloud.cli.storage.archiving import money
from cryoem_cloud.cli.storage.cleaning import Known, Offer, What, live_keys, offers
from cryoem_cloud.cli.storage.gathering import Gathered, all_cards
from cryoem_cloud.cli.telling import as_json
from cryoem_cloud.frontends.pipeline import running
from cryoem_cloud.model.errors import RefusedError
from cryoem_cloud.model.file import Entry, Kind
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.storage_prices import StorageClass
from cryoem_cloud.model.units import counted, human_size
from cryoem_cloud.planner.tiers import month_usd
from cryoem_cloud.ports.store import Store
from cryoem_cloud.settings import Places, Settings, environment
from cryoem_cloud.stores.index import IndexLog
from cryoem_cloud.stores.words import IndexWords
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.storage import prices_of
from cryoem_cloud.wiring.stores import store_at

__all__ = ["Clean"]

_AT_ONCE = 16
_MOST_A_RECORD = 10_000
_MOST_READERS = 4


@dataclass
class Clean:
    """Offers of a project, and those that are chosen."""

    project: Project
    places: Places
    paths: Sequence[str]
    versions: bool
    older: int | None
    store: Store = field(init=False)
    offers: list[Offer] = field(default_factory=list)
    removed: int = 0

    def __post_init__(self) -> None:
        self.store = store_at(self.project.store)

    @property
    def chosen(self) -> list[Offer]:
        """Those that would be removed."""
        return [offer for offer in self.offers if offer.chosen]

    def look(self) -> None:
        """Find out what need not be kept; a listing, and some requests for each job."""
        gathered = Gathered(self.project, self.store, all_cards(self.project))
        fits = [wanted(real_name(self.project, inside(self.project, path))) for path in self.paths]
        self.offers = offers(
            Known(
                objects=gathered.objects,
                files=gathered.files,
                jobs=list(gathered.made()),
                before=SystemClock().now() - timedelta(days=self._days()),
                named=lambda path: any(fit(path) for fit in fits),
                all_=not fits,
                versions=self.versions,
            )
        )

    def _days(self) -> int:
        if self.older is not None:
            return self.older
        settings = Settings.read(self.places, self.project.folder, environment())
        return int(settings.keep_days)

    def require_quiet(self) -> None:
        """See to it that no job may read what would be removed.

        Raises:
            RefusedError: One may.
        """
        cards = all_cards(self.project)
        busy = [card for card in cards if card.open and card.phase is not Phase.HOMECOMING]
        if busy:
            raise RefusedError(
                f"job {busy[0].number} is under way, and may read what would be removed",
                hint="wait for it: cryoem ls",
            )
        reading = {reader for offer in self.chosen for reader in offer.readers}
        for folder in running(self.project.folder):
            if folder in reading:
                raise RefusedError(f"{folder} runs, and reads what would be removed")

    def do(self) -> None:
        """Take the files from the index, then remove the objects that hold no other.

        What was written anew since it was offered stays. Each record is decided of all before it;
        what it removes is deleted once it is there (`stores.index` says what that is to others).
        Interrupted, the objects are leftovers.
        """
        words = IndexWords(IndexLog(self.store, self.project.name))
        gone = [entry for offer in self.chosen for entry in offer.entries]
        for start in range(0, len(gone), _MOST_A_RECORD):
            self._take(words, gone[start : start + _MOST_A_RECORD])
        prefix = f"{self.project.name}/"
        keys = [each.key.removeprefix(prefix) for offer in self.chosen for each in offer.objects]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            for start in range(0, len(keys), _MOST_A_RECORD):
                dead = self._dead(words, keys[start : start + _MOST_A_RECORD])
                for _ in pool.map(self.store.delete, [prefix + key for key in dead]):
                    self.removed += 1

    def _take(self, words: IndexWords, entries: Sequence[Entry]) -> None:
        """See to it that the index does not name these files, but those that it names otherwise."""
        origin, written = _origin(), False
        while not written:
            words.read_on()
            still = [entry for entry in entries if words.entries.get(entry.path) == entry]
            gone = [Entry(path=entry.path, kind=Kind.GONE) for entry in still]
            written = not gone or words.log.append_next(origin, gone, after=words.last)

    def _dead(self, words: IndexWords, keys: Sequence[str]) -> list[str]:
        """Those of the keys that hold no file, recorded as removed: nobody will name them again."""
        origin = _origin()
        while True:
            words.read_on()
            live = live_keys(words.entries.values())
            dead = [key for key in keys if key not in live]
            fresh = [key for key in dead if key not in words.removed]
            if not fresh or words.log.append_next(origin, (), removed=fresh, after=words.last):
                return dead

    def say(self, *, json_: bool) -> None:
        """The offers; * marks what would be removed."""
        if json_:
            click.echo(as_json(self._as_json()))
            return
        rows = [self._row(offer) for offer in self.offers]
        if not rows:
            click.echo("nothing to clean", err=True)
            return
        click.echo(table(("", "WHAT", "FOLDER", "OBJECTS", "SIZE", "A MONTH"), rows))
        for offer in self.offers:
            for line in self._warnings(offer):
                click.echo(line, err=True)
        if others := [offer for offer in self.offers if not offer.chosen]:
            way = "--versions" if others[0].what is What.VERSION else shlex.quote(others[0].folder)
            age = "" if self.older is None else f" --older {self.older}"
            said = f"what has no * goes if you name it: cryoem storage clean {way}{age}"
            click.echo(said, err=True)

    def _row(self, offer: Offer) -> tuple[str, ...]:
        usd = self._usd(offer)
        return (
            "*" if offer.chosen else "",
            offer.what.value,
            offer.folder,
            str(len(offer.objects)),
            human_size(offer.size),
            "-" if usd is None else money(usd),
        )

    def _warnings(self, offer: Offer) -> Iterator[str]:
        if offer.readers:
            more = len(offer.readers) - _MOST_READERS
            names = ", ".join(offer.readers[:_MOST_READERS]) + (f" and {more} more" * (more > 0))
            yield f"{offer.folder} is read by {names}, or by what comes between"
        folder = self.project.folder
        away = sum(not (folder / entry.path).exists() for entry in offer.entries)
        if offer.chosen and away:
            yield f"{counted(away, 'file')} of {offer.folder} would be nowhere any more"
        if offer.chosen and any(each.word != StorageClass.STANDARD.value for each in offer.objects):
            what = What.VERSION.value if offer.what is What.VERSION else offer.folder
            yield f"of what is archived of {what}, the least time is paid for all the same"

    def _usd(self, offer: Offer) -> Decimal | None:
        prices = prices_of(self.store, self.places)
        if self.store.classes is None:
            return prices.month_usd(offer.size)
        known = [(each.kept, each.size) for each in offer.objects]
        sums = [month_usd(prices, kept, [size]) for kept, size in known if kept is not None]
        return sum(sums, Decimal(0)) if len(sums) == len(known) else None

    def say_done(self, *, json_: bool) -> None:
        """What was removed."""
        if json_:
            click.echo(as_json(self._as_json()))
            return
        size = sum(offer.size for offer in self.chosen)
        click.echo(f"{counted(self.removed, 'object')} removed, {human_size(size)}", err=True)

    def _as_json(self) -> dict[str, JSON]:
        return {
            "removed": self.removed,
            "offers": [
                {
                    "what": offer.what.name.lower(),
                    "folder": offer.folder,
                    "chosen": offer.chosen,
                    "objects": len(offer.objects),
                    "bytes": offer.size,
                    "files": [entry.path for entry in offer.entries],
                    "read_by": list(offer.readers),
                    "usd_a_month": None if (usd := self._usd(offer)) is None else f"{usd:f}",
                }
                for offer in self.offers
            ],
        }


def _origin() -> str:
    return f"clean {secrets.token_hex(8)}"
