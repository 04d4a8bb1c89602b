"""Sends files while some may still be being written: these last, once they are whole, or not."""

import time
from collections.abc import Sequence

from cryoem_cloud.courier.sending.upload import WRITTEN, Upload
from cryoem_cloud.model.job import Need
from cryoem_cloud.mover.settling import YOUNG_S

__all__ = ["send_calmly"]


def send_calmly(upload: Upload, purpose: str, needs: Sequence[Need]) -> None:
    """Send what is whole; where a microscope writes into a folder, the rest is left out, and named.

    What is being written is looked at again once all else is sent, and after a rest.

    Raises:
        What Upload.entries raises.
    """
    upload.entries(purpose, needs)
    again = [need for need in needs if upload.left_out.get(need.path) == WRITTEN]
    if again:
        time.sleep(YOUNG_S)
        for need in again:
            del upload.left_out[need.path]
        upload.entries(purpose, again)
