"""What moves bytes, as the settings and the user wish it."""

from cryoem_cloud.courier.engines import BothWays, both_ways
from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.units import size_of
from cryoem_cloud.mover.engine import FETCH_BYTES, SEND_BYTES, Engine, Line
from cryoem_cloud.settings import Places, Settings

__all__ = ["fetching", "moving", "sending"]


def sending(places: Places, settings: Settings, *, codec: str = "", rate: int = 0) -> Engine:
    """For files that go to a store; what was broken off goes on. `rate`: bytes a second, 0: any."""
    return Engine(
        memory_bytes=SEND_BYTES,
        encoding=Encoding(codec or settings.codec),
        journals=places.cache / "uploads",
        line=Line(most_bytes_per_s=_rate(settings, rate)),
    )


def fetching(settings: Settings, *, rate: int = 0) -> Engine:
    """For files that come home."""
    return Engine(memory_bytes=FETCH_BYTES, line=Line(most_bytes_per_s=_rate(settings, rate)))


def moving(places: Places, settings: Settings) -> BothWays:
    """For jobs, whose results come home while the next inputs are sent."""
    return both_ways(sending(places, settings), most_bytes_per_s=_rate(settings, 0))


def _rate(settings: Settings, rate: int) -> float | None:
    return rate or (size_of(settings.limit_rate) if settings.limit_rate else None)
