"""A job's folder that its front end has moved to its trash, from where users may take it back."""

from contextlib import suppress

from cryoem_cloud.courier.homeward.home import Home
from cryoem_cloud.model.job import Exit

__all__ = ["mark_trashed"]


def mark_trashed(home: Home, exit_: Exit) -> None:
    """Say there how the job ended: a job that is taken back without a marker would run for ever.

    Nothing where the folder is not the job's own, or lies in no trash.
    """
    if not home.frontend.trash:
        return
    folder = home.project.folder / home.frontend.trash / home.job.outputs[0]
    with suppress(OSError):
        if folder.stat().st_ino == home.job.folder_inode:
            for name in home.frontend.markers(exit_):
                home.rights.touch(folder / name)
