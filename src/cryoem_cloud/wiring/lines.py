"""What lines to stores have taken of late, as this computer keeps it."""

from cryoem_cloud.mover.lines import Lines
from cryoem_cloud.settings import Places

__all__ = ["lines_of"]


def lines_of(places: Places) -> Lines:
    """In the cache: it can be thrown away."""
    return Lines(places.cache / "lines.json")
