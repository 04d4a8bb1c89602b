"""What is known on this computer of a job's machines."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.courier.known.tokens import fleets_of
from cryoem_cloud.model.record import JSON, mapping
from cryoem_cloud.model.turn import Deed, Turn
from cryoem_cloud.model.units import counted
from cryoem_cloud.settings import Places, Settings
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["boot_logs", "last_boot_words", "lines", "processes", "workers"]

_MOST = 10
"""Machines that are named each; of others their number is told."""
_BECAME = {
    None: "is at work",
    Deed.DONE: "has done the job",
    Deed.FAILED: "has ended it without success",
    Deed.RELEASED: "gave it back",
    Deed.CLAIM: "was lost, and another took over",
}
"""What a machine that took a job is told of, by the next thing that is recorded of the job."""
_JOINING = _BECAME | {None: "is joining the pieces", Deed.DONE: "has joined the pieces"}


def workers(records: JobRecords, turns: Sequence[Turn]) -> list[JSON]:
    """The machines of a job in pieces, and how many each has ended; None: that is not known yet.

    `turns` are those of what joins the pieces. One request, a listing, where they do not tell.
    """
    ended = mapping(turns[-1].detail, "machines") if turns else {}
    ended = ended or dict.fromkeys(records.machines())
    return [{"name": name, "pieces": number} for name, number in ended.items()]


def processes(places: Places, card: Card) -> dict[str, int]:
    """The processes of this computer that are machines of the job, by the machines' names."""
    from cryoem_cloud.providers.local.machine import LocalMachine  # noqa: PLC0415  (seldom wanted)

    found = {}
    fleets = places.state / "machines"
    for folder in fleets.glob(f"{fleets_of(card.project, card.number)}*/*/"):
        machine = LocalMachine(folder)
        if machine.alive and (pid := machine.pid) is not None:
            found[machine.name] = pid
    return found


def lines(
    turns: Sequence[JSON], machines: Sequence[JSON], alive: Mapping[str, int]
) -> Iterator[str]:
    """Who has worked on a job, a line each, and what has become of them.

    `turns` are those of the job, or of what joins its pieces; `machines` those that had pieces;
    `alive` the processes of this computer among all of them.
    """

    def named(name: str) -> str:
        place = f" (process {alive[name]} of this computer)" if name in alive else ""
        return f"machine    {name}{place}"

    ranked = sorted(machines, key=lambda machine: -(machine["pieces"] or 0))
    for machine in ranked[:_MOST]:
        number = machine["pieces"]
        words = "" if number is None else f": {counted(number, 'piece')}"
        yield f"{named(machine['name'])}{words}"
    if others := ranked[_MOST:]:
        number = sum(machine["pieces"] or 0 for machine in others)
        words = f": {counted(number, 'piece')}" if number else ""
        yield f"machines   {len(others)} more{words}"
    ends = [*(Deed(turn["deed"]) for turn in turns[1:]), None]
    for turn, end in zip(turns, ends, strict=False):  # without a turn there is no last one
        if turn["deed"] == Deed.CLAIM.value:
            yield f"{named(turn['machine'])}: {(_JOINING if machines else _BECAME)[end]}"


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
