"""Sending what a look has found: apart from the look, which has little to import."""

from cryoem_cloud.cli.files.moving import Tally, saying_if_interrupted
from cryoem_cloud.cli.files.pushing import Pushing
from cryoem_cloud.cli.progress import moving
from cryoem_cloud.courier.sending.calm import send_calmly
from cryoem_cloud.courier.sending.upload import Upload
from cryoem_cloud.model.job import Need
from cryoem_cloud.mover.tidy import tidy
from cryoem_cloud.settings import Settings, environment
from cryoem_cloud.stores.projects import make_known
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.engines import sending
from cryoem_cloud.wiring.lines import lines_of

__all__ = ["send"]


def send(pushing: Pushing, *, codec: str, rate: int) -> tuple[int, int]:
    """Send the fresh files; the bytes of files that went, and how many they were on the wire.

    Raises:
        What send_calmly raises.
    """
    project, places, tally = pushing.project, pushing.places, Tally()
    make_known(pushing.store, project)
    settings = Settings.read(places, project.folder, environment())
    size = sum(pushing.fresh.values())
    with (
        saying_if_interrupted("sent", tally, size),
        sending(places, settings, codec=codec, rate=rate) as engine,
        moving("sending", size, wire=lambda: engine.wire_bytes) as moved,
    ):
        upload = Upload(
            store=pushing.store,
            project=project,
            cache=pushing.scan.cache,
            by_reference=False,
            moved=tally.counting(moved),
            engine=engine,
            distrust=pushing.checksum,
            alive=True,
            left_out=pushing.scan.odd,
        )
        send_calmly(upload, "push", [Need(path=f, asked_by="push") for f in pushing.fresh])
        lines_of(places).note(
            project.store, SystemClock().now(), up=engine.newly_measured(), down=None
        )
        if engine.journals is not None:
            tidy(pushing.store, engine.journals)
        return tally.raw, engine.wire_bytes
