"""What moves a machine's bytes: inputs, light outputs and heavy ones, each with its own streams."""

import logging
from dataclasses import dataclass
from typing import Self

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.mover.engine import FETCH_BYTES, SEND_BYTES, Engine, Line

__all__ = ["Engines"]

_LOG = logging.getLogger(__name__)

_HOME_BYTES_PER_S = 125e6
"""1 Gbit/s, that labs' lines seldom exceed: a machine's line to its store is often ten times that,
and what it sends goes home on the lab's."""
_CORES = 2
"""May encode at a time; the others are the script's."""


@dataclass(frozen=True, slots=True)
class Engines:
    """A job's, on one machine.

    Light outputs do not wait for heavy ones, and leave most of the line to inputs that are fetched
    ahead; heavy ones leave it to both.
    """

    fetching: Engine
    light: Engine
    heavy: Engine

    @classmethod
    def storing(cls, codec: str) -> Self:
        """Those that store outputs as the submitter's setting says; as they are, for ""."""
        encoding = _encoding(codec)
        fetching = Engine(memory_bytes=FETCH_BYTES)
        light = Engine(
            memory_bytes=SEND_BYTES,
            encoding=encoding,
            cores=_CORES,
            line=Line(beyond_bytes_per_s=_HOME_BYTES_PER_S, behind=(fetching,)),
        )
        heavy = Engine(
            memory_bytes=SEND_BYTES,
            encoding=encoding,
            cores=_CORES,
            line=Line(beyond_bytes_per_s=_HOME_BYTES_PER_S, behind=(fetching, light)),
        )
        return cls(fetching, light, heavy)

    def close(self) -> None:
        """End their threads."""
        for engine in (self.fetching, self.light, self.heavy):
            engine.close()


def _encoding(codec: str) -> Encoding:
    try:
        return Encoding(codec or Encoding.NONE.value)
    except ValueError:
        _LOG.warning("outputs are stored as they are: this version knows no codec %r", codec)
        return Encoding.NONE
