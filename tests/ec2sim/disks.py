"""The instance store: files behind loop devices, which a machine has to format and mount itself."""

import os
from pathlib import Path

from tests.ec2sim.namespaces import checked

__all__ = ["attach"]


def attach(image: Path, size_bytes: int) -> int:
    """A descriptor of the block device that has this new, empty file behind it.

    The device is there for as long as somebody has it open or mounted; nobody has to remove it.
    """
    image.unlink(missing_ok=True)
    with image.open("wb") as made:
        os.truncate(made.fileno(), size_bytes)
    device = checked(("losetup", "--find", "--show", str(image))).strip()
    descriptor = os.open(device, os.O_RDONLY | os.O_CLOEXEC)
    checked(("losetup", "--detach", device))  # of one that is in use: when it no longer is
    return descriptor
