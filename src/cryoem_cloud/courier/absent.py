"""What to say of an input that is nowhere."""

import os
from pathlib import Path

from cryoem_cloud.model.errors import MissingInputError
from cryoem_cloud.model.job import Need

__all__ = ["missing"]


def missing(need: Need, file: Path) -> MissingInputError:
    """What to say of a file that is not there, a link that leads nowhere considered."""
    for place in (*reversed(file.parents), file):
        if place.is_symlink() and not place.exists():
            target = os.readlink(place)  # noqa: PTH115  (as the user wrote it)
            return MissingInputError(
                f"{need.path} does not exist, because {place} is a link to {target}, which is not "
                f"there; {need.asked_by} asks for it",
                hint="mount or make what the link leads to; then submit again",
            )
    return MissingInputError(
        f"{need.path} does not exist; {need.asked_by} asks for it",
        hint="make the file, or correct who asks for it; then submit again",
    )
