"""Decides how a file is sent, or finds that it goes on as it began."""

import json
from dataclasses import replace

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.file import BLOCK_BYTES
from cryoem_cloud.mover.cut import Cut, cut_of, may_be_encoded
from cryoem_cloud.mover.encoding import Use
from cryoem_cloud.mover.engine import Engine
from cryoem_cloud.mover.journal import ZST, Plan
from cryoem_cloud.mover.source import Source

__all__ = ["cut_by", "planned"]


def planned(
    engine: Engine, source: Source, *, store: str, key: str, before: Plan | None
) -> tuple[Plan, Use | None]:
    """The plan for sending a file, and how it is encoded: as `before` if that wanted the same."""
    encoding = engine.kinds.encoding
    raw = Plan(
        store=store,
        key=key,
        path=str(source.path.absolute()),
        stamp=source.stamp,
        block=BLOCK_BYTES,
        blocks_a_part=cut_of(source.stamp.size, name=str(source.path)).blocks_a_part,
        encoding=encoding.value,
    )
    if before is not None and raw.goes_on(before):
        return before, _use_by(before)
    use = engine.kinds.use(source, link=engine.link_bytes_per_s)
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


def _use_by(plan: Plan) -> Use | None:
    """How a file is encoded whose upload goes on; of its kind nothing more is measured."""
    if not plan.way:
        return None
    from cryoem_cloud.mover.codec import Way  # noqa: PLC0415  (NumPy, only where it is needed)

    way = Way(plan.way, plan.parameters)
    return Use(way, plan.ratio, plan.encoding == Encoding.PLAIN.value, kind="")
