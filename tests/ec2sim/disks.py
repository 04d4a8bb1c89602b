"""The instance store: files behind loop devices, which a machine has to format and mount itself."""

import json
import os
from pathlib import Path

from tests.ec2sim.namespaces import checked

__all__ = ["attach", "detach", "detach_below"]


def attach(image: Path, size_bytes: int) -> Path:
    """The block device that now has this new, empty file behind it."""
    image.unlink(missing_ok=True)
    with image.open("wb") as made:
        os.truncate(made.fileno(), size_bytes)
    return Path(checked(("losetup", "--find", "--show", str(image))).strip())


def detach(device: Path) -> None:
    """Let go of the device: at once, or when the last that has it open or mounted has ended."""
    checked(("losetup", "--detach", str(device)))


def detach_below(directory: Path) -> None:
    """Let go of all devices whose files are, or were, in this folder."""
    text = checked(("losetup", "--json", "--output", "NAME,BACK-FILE"))
    for found in json.loads(text)["loopdevices"] if text.strip() else ():
        behind = Path((found["back-file"] or "").removesuffix(" (deleted)"))
        if behind.is_relative_to(directory):
            detach(Path(found["name"]))
