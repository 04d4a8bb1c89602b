"""What the pieces of a job have printed, as the beginning of the job's own logs."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryoem_cloud.model.file import Content
from cryoem_cloud.model.keys import log_key
from cryoem_cloud.model.record import JSON, mapping
from cryoem_cloud.model.task import Task
from cryoem_cloud.model.turn import Turn
from cryoem_cloud.mover.pull import fetch_bytes
from cryoem_cloud.mover.push import keep_file
from cryoem_cloud.stores.jobs import JobRecords

__all__ = ["keep_printed", "write_printed"]

_STREAMS = 16


def keep_printed(
    records: JobRecords, task: Task, claim: Turn, logs: Mapping[str, Path]
) -> dict[str, JSON]:
    """Store what a piece printed; what its last turn says of it, for `write_printed`."""
    kept: dict[str, JSON] = {}
    for name, path in logs.items():
        if path.stat().st_size:
            key = log_key(records.number, task.name, claim.number, name)
            _, content = keep_file(records.store, path, project=records.project, key=key)
            kept[name] = content.to_json()
    return kept


def write_printed(
    pieces: Sequence[tuple[Task, Turn]], records: JobRecords, logs: Mapping[str, Path]
) -> None:
    """Add to the logs what the pieces have printed, in their order, each under its title.

    Raises:
        StoreError: It cannot be read.
    """
    for name, path in logs.items():
        told = [(task, mapping(turn.detail, "printed").get(name)) for task, turn in pieces]
        with ThreadPoolExecutor(max_workers=_STREAMS) as pool, path.open("ab") as log:
            texts = pool.map(lambda said: _text(records, said[1]), told)
            for (task, _), text in zip(told, texts, strict=True):
                if text:
                    log.write(f"== {task.title} ==\n".encode())
                    log.write(text if text.endswith(b"\n") else text + b"\n")


def _text(records: JobRecords, said: JSON) -> bytes:
    if said is None:
        return b""
    return fetch_bytes(records.store, records.project, Content.from_json(said))
