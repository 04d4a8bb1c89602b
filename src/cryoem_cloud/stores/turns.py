"""A task's turn log over any store.

docs/reference/protocol.md has the argument, model/turn the words.
"""

import secrets
from collections.abc import Callable, Mapping

from cryoem_cloud.model.errors import (
    FormatError,
    ObjectExistsError,
    ObjectMissingError,
    StoreUnreachableError,
)
from cryoem_cloud.model.keys import turn_key
from cryoem_cloud.model.record import JSON
from cryoem_cloud.model.turn import Deed, Standing, Turn, may_follow, standing
from cryoem_cloud.ports.store import Store
from cryoem_cloud.stores.whole import reading

__all__ = ["TurnLog"]


def _random() -> str:
    return secrets.token_hex(16)


class TurnLog:
    """The turns under one prefix, as far as this observer has read them.

    Any number of observers in any number of processes may use one log. Turns never change, so
    what was read stays true.
    """

    def __init__(self, store: Store, prefix: str, *, nonce: Callable[[], str] = _random) -> None:
        self._store = store
        self._prefix = prefix
        self._nonce = nonce
        self._turns: list[Turn] = []

    @property
    def known(self) -> tuple[Turn, ...]:
        """The turns that were read or written here; no request."""
        return tuple(self._turns)

    @property
    def ended(self) -> bool:
        """Whether the end is known here; no request."""
        return standing(self._turns) in {Standing.DONE, Standing.FAILED}

    def read(self) -> tuple[Turn, ...]:
        """All turns there are now; one request, and one for each turn that is new.

        Nothing follows an end, so nothing is asked for behind it.

        Raises:
            FormatError: A turn is there that nobody may have written after those before it.
        """
        while not self.ended and (turn := self._at(len(self._turns) + 1)) is not None:
            if not may_follow(self._turns, turn):
                key = turn_key(self._prefix, len(self._turns) + 1)
                raise FormatError(f"{key} cannot follow the turns before it: {turn.deed.value}")
            self._turns.append(turn)
        return tuple(self._turns)

    def claim(
        self, holder: str, *, over: Turn | None = None, detail: Mapping[str, JSON] | None = None
    ) -> Turn | None:
        """Our claim, or None where somebody else has the task or it has ended.

        A task that is held is taken over only if the last turn is still `over`, the claim of a
        holder whom the caller has found dead. A claim of this very holder's is given again: its
        reply may have been lost.
        """
        turns = self.read()
        if standing(turns) in {Standing.DONE, Standing.FAILED}:
            return None
        if standing(turns) is Standing.HELD:
            if turns[-1].holder == holder:
                return turns[-1]
            if over is None or turns[-1].nonce != over.nonce:
                return None
        return self._append_claim(holder, detail or {})

    def begin(self, holder: str) -> Turn | None:
        """Our claim of what this holder never tried to claim; None where it has any turn.

        One request for what has been begun, and one more for what is ours now.
        """
        if self._turns or self._at(1) is not None:
            return None
        return self._append_claim(holder, {})

    def close(self, claim: Turn, deed: Deed, detail: Mapping[str, JSON] | None = None) -> bool:
        """End our claim; False where somebody has taken the task over, and our work is void.

        May be called again after StoreUnreachableError; the same deed counts once.
        """
        turn = Turn(
            number=claim.number + 1,
            deed=deed,
            holder=claim.holder,
            nonce=f"{claim.nonce}/{deed.value}",
            detail=detail or {},
        )
        return self._append(turn) is not None

    def _append_claim(self, holder: str, detail: Mapping[str, JSON]) -> Turn | None:
        return self._append(
            Turn(
                number=len(self._turns) + 1,
                deed=Deed.CLAIM,
                holder=holder,
                nonce=self._nonce(),
                detail=detail,
            )
        )

    def _append(self, turn: Turn) -> Turn | None:
        number, key = turn.number, turn_key(self._prefix, turn.number)
        try:
            self._store.put(key, turn.to_bytes(), if_absent=True)
        except (ObjectExistsError, StoreUnreachableError) as error:
            # Whatever went wrong, the write may have happened: what is there decides.
            found = self._at(number)
            if found is None:
                raise StoreUnreachableError(f"{key} could not be written") from error
            if found.nonce != turn.nonce:
                return None
            turn = found
        if number == len(self._turns) + 1:
            self._turns.append(turn)
        return turn

    def _at(self, number: int) -> Turn | None:
        key = turn_key(self._prefix, number)
        try:
            with reading(key):
                return Turn.from_bytes(self._store.get(key))
        except ObjectMissingError:
            return None
