"""What is known on this computer of a job's machines."""

from collections.abc import Iterator
from pathlib import Path

from cryoem_cloud.courier.cards import Card
from cryoem_cloud.courier.tokens import fleets_of
from cryoem_cloud.settings import Places, Settings

__all__ = ["boot_logs", "last_boot_words"]


def boot_logs(places: Places, card: Card) -> Iterator[Path]:
    """The logs of the job's machines of this computer, the newest machine's last."""
    fleets = places.state / "machines"
    logs = fleets.glob(f"{fleets_of(card.project, card.number)}*/*/boot.log")
    yield from sorted(logs, key=lambda log: log.stat().st_mtime_ns)


def last_boot_words(places: Places, card: Card) -> str:
    """The last line of the machine that failed last; "" if none did since one worked."""
    # The provider's program is heavy; other commands must not wait for it.
    from cryoem_cloud.wiring.background import provider_at  # noqa: PLC0415

    provider, ours = provider_at("local", Settings(), places), fleets_of(card.project, card.number)
    fleets = [provider.look(token) for token in provider.tokens() if token.startswith(ours)]
    lines = [line for fleet in fleets for line in fleet.failure_log.strip().splitlines()]
    return lines[-1] if lines else ""
