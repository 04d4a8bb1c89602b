"""Jobs that another computer submitted, as the store tells of them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.errors import ObjectMissingError
from cryoem_cloud.model.job import Exit, Job
from cryoem_cloud.model.phase import Phase
from cryoem_cloud.model.project import Project
from cryoem_cloud.model.task import MAIN
from cryoem_cloud.model.turn import Deed, exit_of
from cryoem_cloud.stores.jobs import JobRecords, job_numbers
from cryoem_cloud.wiring.stores import store_at

__all__ = ["after_words", "card_from_store", "cards_from_store", "records_of"]

_AT_ONCE = 16
"""Jobs that the store is asked about at a time: each takes a few requests, one after the other."""


def records_of(card: Card) -> JobRecords:
    """A job's records in its store."""
    return JobRecords(store_at(card.store), card.project, card.number)


def cards_from_store(project: Project, *, known: frozenset[int]) -> tuple[Card, ...]:
    """The project's jobs in the store, but those that are known here already."""
    numbers = job_numbers(store_at(project.store), project.name)
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        asked = pool.map(
            lambda number: card_from_store(project, number),
            [number for number in numbers if number not in known],
        )
        return tuple(card for card in asked if card is not None)


def card_from_store(project: Project, number: int) -> Card | None:
    """A job as the store tells of it; None where it knows no such job."""
    records = JobRecords(store_at(project.store), project.name, number)
    try:
        job = records.job()
    except ObjectMissingError:
        return None
    phase, exit_ = _stand(records)
    notes = [f"submitted by {job.submitter}"] if phase is not Phase.ENDED else []
    if phase is Phase.SENDING and job.after:
        phase = Phase.WAITING
        notes.insert(0, after_words(job))
    return replace(
        Card.of_job(job, project),
        phase=phase,
        note=", ".join(notes),
        outcome=exit_.outcome if exit_ else None,
        code=exit_.code if exit_ else 0,
        reason=exit_.reason if exit_ else "",
    )


def after_words(job: Job) -> str:
    """What a job waits for that goes on after others."""
    return f"after job {', job '.join(map(str, job.after))}"


def _stand(records: JobRecords) -> tuple[Phase, Exit | None]:
    deliveries = records.deliveries().read()
    if deliveries and deliveries[-1].deed is Deed.DONE:
        return Phase.ENDED, exit_of(deliveries[-1])
    turns = records.turns(MAIN).read()
    if turns and turns[-1].deed in {Deed.DONE, Deed.FAILED}:
        return Phase.HOMECOMING, None
    end = records.end()
    if end is not None:
        return Phase.HOMECOMING, None
    if turns:
        return Phase.RUNNING, None
    return (Phase.STARTING if records.ready().count else Phase.SENDING), None
