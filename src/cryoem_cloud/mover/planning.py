"""Decides how a file is sent, or finds that it goes on as it began."""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.errors import CorruptObjectError, ObjectMissingError
from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.cut import Cut, cut_of, may_be_encoded
from cryoem_cloud.mover.encoding import Use
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.journal import ZST, Plan
from cryoem_cloud.mover.probe import PROBED_BYTES
from cryoem_cloud.mover.source import Source
from cryoem_cloud.ports.store import Store

__all__ = ["cut_by", "planned", "store_gain"]


_STORING_BYTES = 64 * 1024 * 1024
"""What a store takes to send a stream."""


def planned(
    engine: Engine, source: Source, store: Store, *, project: str, key: str, before: Plan | None
) -> tuple[Plan, Use | None]:
    """The plan for sending a file, and how it is encoded: as `before` if that wanted the same."""
    encoding = engine.kinds.encoding
    raw = Plan(
        store=store.url,
        key=f"{project}/{key}",
        path=str(source.path.absolute()),
        stamp=source.stamp,
        block=BLOCK_BYTES,
        blocks_a_part=cut_of(source.stamp.size, name=str(source.path)).blocks_a_part,
        encoding=encoding.value,
    )
    if before is not None and raw.goes_on(before):
        with suppress(ObjectMissingError, CorruptObjectError):
            return before, _use_by(engine, store, project, before)
    link = engine.link_bytes_per_s
    if link is None and source.stamp.size > PROBED_BYTES and engine.is_hopeful(source):
        link = engine.link_to(store, project)
    use = engine.use(source, link=link)
    if use is None:
        return raw, None
    cut = cut_of(source.stamp.size, ratio=use.ratio)
    if not may_be_encoded(cut):
        return raw, None
    return _encoded(raw, use, cut), use


def cut_by(plan: Plan) -> Cut:
    """How the file is cut."""
    return Cut(plan.stamp.size, plan.blocks_a_part)


def _encoded(raw: Plan, use: Use, cut: Cut) -> Plan:
    return replace(
        raw,
        key=raw.key + ZST if use.plain else raw.key,
        blocks_a_part=cut.blocks_a_part,
        way=use.way.name,
        parameters=json.loads(json.dumps(dict(use.way.parameters))),
        ratio=use.ratio,
    )


def store_gain(engine: Engine, store: Store, project: str, use: Use | None) -> None:
    """See to it that the project has the gain, if there is one, that is needed to read a file."""
    if use is not None and use.gain is not None:
        engine.gains.store(store, project, use.gain, sending=partial(_sending, engine))


@contextmanager
def _sending(engine: Engine, size: int) -> Iterator[None]:
    with engine.pool.holding(besides=_STORING_BYTES), engine.stream(size):
        yield


def _use_by(engine: Engine, store: Store, project: str, plan: Plan) -> Use | None:
    """How a file is encoded whose upload goes on; of its kind nothing more is measured.

    Raises:
        ObjectMissingError, CorruptObjectError: It needs a gain that is not there any more.
    """
    if not plan.way:
        return None
    from cryoem_cloud.mover.codec import Way  # noqa: PLC0415  (NumPy, only where it is needed)

    way, name = Way(plan.way, plan.parameters), plan.parameters.get("gain")
    gain = engine.gains.of(store, project, str(name)) if name else None
    return Use(way, plan.ratio, plan.encoding == Encoding.PLAIN.value, kind="", gain=gain)
