"""How much disk a job's machines need."""

from collections.abc import Iterable

from cryoem_cloud.model.task import Task

__all__ = ["MOST_DISK_GIB", "disk_gib", "disk_gib_for"]

MOST_DISK_GIB = 16_384
"""Of a gp3 volume: docs.aws.amazon.com/ebs, volume types."""

_TIMES = 3
"""What a task reads, what it makes (RELION's programs make no more than they read, but for pictures
and lists), and what the next one reads, which is fetched ahead or copied to faster disks."""
_LEAST_GIB = 70
_GIB = 2**30


def disk_gib(tasks: Iterable[Task]) -> int:
    """The whole GiB for the largest of the tasks, beside the machine's own system.

    Outputs that grow out of little, such as the iterations of a refinement, have 70 GiB.
    """
    return disk_gib_for(
        max((sum(entry.size for entry in task.inputs) for task in tasks), default=0)
    )


def disk_gib_for(input_bytes: int) -> int:
    """The same, for a task that reads so much."""
    return max(_LEAST_GIB, -(-_TIMES * input_bytes // _GIB))
