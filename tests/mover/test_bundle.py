"""Small files that share an object."""

from pathlib import Path

import pytest

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.model.file import Entry
from cryoem_cloud.mover.bundle import send_bundle
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.mover.pull import fetch_files
from cryoem_cloud.stores.memory import MemoryStore

PROJECT = "ribosome-00000000"


@pytest.mark.parametrize("encoding", list(Encoding))
def test_files_that_share_an_object_come_back_the_empty_one_too(
    tmp_path: Path, encoding: Encoding
) -> None:
    texts = {"a.star": "data_\n" * 99, "empty": "", "b.star": "x", "again": "data_\n" * 99}
    paths = [tmp_path / name for name in texts]
    for path in paths:
        path.write_text(texts[path.name])
    store = MemoryStore()
    with Engine(memory_bytes=SEND_BYTES, encoding=encoding) as engine:
        sent = send_bundle(
            store,
            paths,
            project=PROJECT,
            key="bundles/a",
            known=lambda _: {},
            engine=engine,
            moved=lambda _: None,
        )
    there = tmp_path / "there"
    entries = [Entry(path=p.name, content=c) for p, (_, c) in zip(paths, sent, strict=True)]
    fetch_files(store, PROJECT, [(entry, there / entry.path) for entry in entries])
    assert {path.name: path.read_text() for path in there.iterdir()} == texts
