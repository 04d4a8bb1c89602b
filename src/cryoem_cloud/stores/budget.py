"""What a project may spend in a month: a numbered log in the store, as turns are.

An entry's writer has read all entries before it and decided by them; the store lets one writer have
each number. So no two reservations are approved that do not fit together, whoever crashes when.
docs/reference/protocol.md has the records.
"""

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Self

from cryoem_cloud.model.charge import instant_text
from cryoem_cloud.model.errors import (
    BudgetError,
    FormatError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnreachableError,
)
from cryoem_cloud.model.keys import budget_prefix, budgets_prefix, consent_key, turn_key
from cryoem_cloud.model.record import decode, encode, instant, integer, mapping, text
from cryoem_cloud.model.usd import ZERO, dollars, usd
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.whole import reading

__all__ = ["WARN_AT", "Balance", "BudgetLog", "Deed", "Entry", "approve", "approved", "carry_over"]

WARN_AT = Decimal("0.8")
"""The share of a limit from which on users are warned."""

_HARD = 4
"""The version of a limit that is hard; who does not know that must not take it for another."""


class Deed(Enum):
    """What an entry records. The values are words of stored records."""

    LIMIT = "limit"
    RESERVED = "reserved"
    RELEASED = "released"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry. `nonce` names the attempt to write it, and no other.

    A limit has `limit`, US dollars a month (None: there is none any more); `hard`: machines are
    ended where it is reached. What is reserved, and
    what was spent of it once it is released, is `months`: dollars by month, as 2026-11. `token` is
    the fleet's, `until` when nothing of it is there any more, in any case.
    """

    number: int
    deed: Deed
    nonce: str
    by: str = ""
    limit: Decimal | None = None
    hard: bool = False
    token: str = ""
    months: Mapping[str, Decimal] = field(default_factory=dict)
    until: datetime | None = None

    def to_bytes(self) -> bytes:
        """As it is stored."""
        limit = {} if self.limit is None else {"limit": f"{self.limit:f}"}
        fleet = {"token": self.token} if self.token else {}
        months = {month: f"{amount:f}" for month, amount in sorted(self.months.items())}
        return encode(
            "budget",
            {
                "number": self.number,
                "deed": self.deed.value,
                "nonce": self.nonce,
                "by": self.by,
                **limit,
                **({"hard": True} if self.hard else {}),
                **fleet,
                **({"months": months} if self.token else {}),
                **({"until": instant_text(self.until)} if self.until else {}),
            },
            version=_HARD if self.hard else 1,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """From what is stored.

        Raises:
            FormatError: It is no such entry.
        """
        fields = decode("budget", data)
        try:
            deed = Deed(fields.get("deed"))
        except ValueError as error:
            raise FormatError(f"an unknown deed in a budget: {fields.get('deed')!r}") from error
        months = mapping(fields, "months")
        return cls(
            number=integer(fields, "number"),
            deed=deed,
            nonce=text(fields, "nonce"),
            by=text(fields, "by", ""),
            limit=usd(text(fields, "limit")) if "limit" in fields else None,
            hard=fields.get("hard") is True,
            token=text(fields, "token", ""),
            months={str(month): usd(text(months, month)) for month in months},
            until=instant(fields, "until") if "until" in fields else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What follows from a log: the limit, what is reserved and what was spent, by fleet."""

    limit: Decimal | None = None
    hard: bool = False
    reserved: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    spent: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)
    until: Mapping[str, datetime] = field(default_factory=dict)
    """Of what is reserved."""

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Self:
        """After these entries."""
        limit, hard = None, False
        reserved: dict[str, Mapping[str, Decimal]] = {}
        spent: dict[str, Mapping[str, Decimal]] = {}
        until: dict[str, datetime] = {}
        for entry in entries:
            if entry.deed is Deed.LIMIT:
                limit, hard = entry.limit, entry.hard
            elif entry.deed is Deed.RESERVED:
                reserved[entry.token] = entry.months
                if entry.until:
                    until[entry.token] = entry.until
            else:
                reserved.pop(entry.token, None)
                until.pop(entry.token, None)
                spent[entry.token] = entry.months
        return cls(limit=limit, hard=hard, reserved=reserved, spent=spent, until=until)

    @property
    def months(self) -> Mapping[str, Decimal]:
        """What is spent and reserved together, month by month."""
        found: dict[str, Decimal] = defaultdict(Decimal)
        for part in (*self.reserved.values(), *self.spent.values()):
            for month, amount in part.items():
                found[month] += amount
        return dict(sorted(found.items()))

    def held(self, month: str) -> Decimal:
        """What is reserved in a month."""
        return sum((part.get(month, ZERO) for part in self.reserved.values()), ZERO)

    def refusal(self, wanted: Mapping[str, Decimal]) -> str:
        """Why so much more does not fit; "" where it does."""
        for month, amount in sorted(wanted.items()):
            known = self.months.get(month, ZERO)
            if amount and self.limit is not None and known + amount > self.limit:
                return (
                    f"the project's budget for {month} is {dollars(self.limit)}, of which "
                    f"{dollars(known)} is spent or reserved, and this may cost {dollars(amount)}"
                )
        return ""

    def warning(self, month: str) -> str:
        """That little is left in a month; "" where enough is."""
        known = self.months.get(month, ZERO)
        if self.limit is None or known < WARN_AT * self.limit:
            return ""
        return (
            f"{dollars(known)} of the project's budget of {dollars(self.limit)} for {month} "
            "is spent or reserved"
        )


class BudgetLog:
    """A project's budget, as far as this observer has read it. Entries never change."""

    def __init__(
        self,
        store: Store,
        project: str,
        *,
        nonce: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._store = store
        self._prefix = budget_prefix(project)
        self._nonce = nonce
        self._entries: list[Entry] = []

    def read(self) -> Balance:
        """How it stands now; one request, and one for each entry that is new."""
        while (entry := self._at(len(self._entries) + 1)) is not None:
            self._entries.append(entry)
        return Balance.of(self._entries)

    def set_limit(self, limit: Decimal | None, *, by: str, hard: bool = False) -> None:
        """Have so much be the most for any month, None: no limit.

        Fleets that run are left, unless it is `hard`: then couriers end them where it is reached.
        """
        said = Entry(number=0, deed=Deed.LIMIT, nonce="", by=by, limit=limit, hard=hard)
        while not self._append(said):
            self.read()

    def reserve(
        self, token: str, months: Mapping[str, Decimal], *, until: datetime, by: str
    ) -> Balance:
        """See to it that a fleet's reservation stands; one that stands already stays as it is.

        `until` is when nothing of the fleet is there any more, whatever happens.

        Raises:
            BudgetError: It does not fit.
        """
        while token not in (balance := self.read()).reserved:
            if refusal := balance.refusal(months):
                raise BudgetError(refusal, hint="cryoem budget shows it, and can raise it")
            said = Entry(number=0, deed=Deed.RESERVED, nonce="", by=by, token=token, months=months)
            self._append(replace(said, until=until))
        return balance

    def share(
        self, token: str, months: Mapping[str, Decimal], *, of: str, until: datetime, by: str
    ) -> bool:
        """Have a part of what is reserved for one fleet stand for another; False: it has less.

        The sum stays as it is, so nothing is refused. Of who is cut off in between too much is
        reserved, and never too little.
        """
        while token not in (balance := self.read()).reserved:
            has = balance.reserved.get(of, {})
            if any(has.get(month, ZERO) < amount for month, amount in months.items()):
                return False
            said = Entry(number=0, deed=Deed.RESERVED, nonce="", by=by, token=token, months=months)
            if self._append(replace(said, until=until)):
                self._lower(of, months, by=by)
        return True

    def _lower(self, token: str, months: Mapping[str, Decimal], *, by: str) -> None:
        """Have so much less be reserved for a fleet, if anything still is."""
        while (has := (balance := self.read()).reserved.get(token)) is not None:
            less = {month: max(has[month] - months.get(month, ZERO), ZERO) for month in has}
            said = Entry(number=0, deed=Deed.RESERVED, nonce="", by=by, token=token, months=less)
            if self._append(replace(said, until=balance.until.get(token))):
                return

    def release(self, token: str, spent: Mapping[str, Decimal], *, by: str) -> None:
        """Put what a fleet has cost in the place of what was reserved for it, if anything is.

        What was put there before, and is known better now, is put right.
        """
        while _is_news(self.read(), token, spent):
            self._append(
                Entry(number=0, deed=Deed.RELEASED, nonce="", by=by, token=token, months=spent)
            )

    def _append(self, said: Entry) -> bool:
        """Write an entry behind those that were read; False where another is there."""
        number = len(self._entries) + 1
        entry = replace(said, number=number, nonce=self._nonce())
        key = turn_key(self._prefix, number)
        try:
            self._store.put(key, entry.to_bytes(), if_absent=True)
        except (ObjectExistsError, StoreUnreachableError) as error:
            # Whatever went wrong, the write may have happened: what is there decides.
            found = self._at(number)
            if found is None:
                raise StoreUnreachableError(f"{key} could not be written") from error
            if found.nonce != entry.nonce:
                return False
        self._entries.append(entry)
        return True

    def _at(self, number: int) -> Entry | None:
        key = turn_key(self._prefix, number)
        try:
            with reading(key):
                return Entry.from_bytes(self._store.get(key))
        except ObjectMissingError:
            return None


def _is_news(balance: Balance, token: str, spent: Mapping[str, Decimal]) -> bool:
    return token in balance.reserved or balance.spent.get(token, spent) != spent


def carry_over(old: Store, new: Store, project: str) -> None:
    """See to it that a project's budget, and what was approved, are in another store too."""
    for item in old.list(budgets_prefix(project)):
        with suppress(ObjectExistsError):
            new.put(item.key, old.get(item.key), if_absent=True)


def approve(store: Store, project: str, job: int, *, by: str) -> None:
    """Record that somebody agrees to what a job may cost; the first word stands."""
    try:
        store.put(consent_key(project, job), encode("approved", {"by": by}), if_absent=True)
    except ObjectExistsError:
        return


def approved(store: Store, project: str, job: int) -> bool:
    """Whether somebody does; one request."""
    try:
        store.size(consent_key(project, job))
    except ObjectMissingError:
        return False
    return True
