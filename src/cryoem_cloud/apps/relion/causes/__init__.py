"""What RELION's errors mean, in the user's language, and what to do: a table, file by area."""

from cryoem_cloud.apps.relion.causes.images import IMAGES
from cryoem_cloud.apps.relion.causes.lists import LISTS
from cryoem_cloud.apps.relion.causes.machines import LACKING, MACHINES
from cryoem_cloud.apps.relion.causes.warnings import WARNINGS

__all__ = ["CAUSES", "WARNINGS"]

CAUSES = (*MACHINES, *LISTS, *IMAGES, *LACKING)
"""In the order in which they are tried: what names a cause before what only follows from it."""
