"""Sends one file to a folder that takes parts; to be killed. Words: folder, file, encoding."""

import json
import sys
from pathlib import Path

from cryoem_cloud.model.encoding import Encoding
from cryoem_cloud.mover.engine import SEND_BYTES, Engine
from cryoem_cloud.mover.push import keep_file
from tests.mover.parted import folder_store

STREAMS = 3
PROJECT, KEY = "ribosome-00000000", "mirror/movie.mrc"


def main(folder: Path, path: Path, encoding: Encoding) -> None:
    """Print the content as JSON once it is there."""
    store, _ = folder_store(folder, lasts_s=0.05)
    with Engine(
        memory_bytes=SEND_BYTES, streams=STREAMS, encoding=encoding, journals=folder / "cache"
    ) as engine:
        _, content = keep_file(store, path, project=PROJECT, key=KEY, engine=engine)
    sys.stdout.write(json.dumps(content.to_json()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Encoding(sys.argv[3]))
