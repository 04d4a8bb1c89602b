"""What is known on this computer of a job's machines."""

from collections.abc import Iterator
from pathlib import Path

from cryoem_cloud.courier.cards import Card
from cryoem_cloud.courier.sweep import token_of
from cryoem_cloud.settings import Places, Settings

__all__ = ["boot_logs", "last_boot_words"]


def boot_logs(places: Places, card: Card) -> Iterator[Path]:
    """The logs of the job's machines of this computer, the newest machine's last."""
    folder = places.state / "machines" / token_of(card.project, card.number)
    yield from sorted(folder.glob("*/boot.log"), key=lambda log: log.stat().st_mtime_ns)


def last_boot_words(places: Places, card: Card) -> str:
    """The last line of a machine that ended before its agent was up; "" if none did."""
    # The provider's program is heavy; other commands must not wait for it.
    from cryoem_cloud.wiring.background import provider_at  # noqa: PLC0415

    fleet = provider_at("local", Settings(), places).look(token_of(card.project, card.number))
    lines = fleet.boot_log.strip().splitlines()
    return lines[-1] if fleet.boot_failures and lines else ""
