"""Takes jobs over that another computer's courier was to bring home."""

from cryoem_cloud.cli.afar import card_from_store
from cryoem_cloud.courier.cards import Cards
from cryoem_cloud.courier.spool import Slip
from cryoem_cloud.courier.start import spool_of
from cryoem_cloud.model.project import Project
from cryoem_cloud.settings import Places, environment, submitters_environment
from cryoem_cloud.stores.jobs import JobRecords, job_numbers
from cryoem_cloud.wiring.front import store_at

__all__ = ["take_over"]


def take_over(project: Project, places: Places) -> tuple[int, ...]:
    """Spool every job of the project that is not home and not spooled here; their numbers.

    The other courier keeps a job as long as it shows life: the store decides who delivers.
    """
    store, spool, cards = store_at(project.store), spool_of(places), Cards(places.state / "jobs")
    taken = []
    for number in job_numbers(store, project.name):
        card = card_from_store(project, number)
        if card is None or not card.open or spool.holds(f"{number:08d}.{project.name}"):
            continue
        job = JobRecords(store, project.name, number).job()
        cards.write(card)
        given = submitters_environment(environment())
        spool.add(Slip(job=job, project=project, environment=given))
        taken.append(number)
    return tuple(taken)
