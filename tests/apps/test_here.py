"""A project's folder on disk, as a view."""

import os
from pathlib import Path

import pytest

from cryoem_cloud.apps.here import Here
from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.model.errors import RefusedError

from .conftest import make_job


@pytest.mark.timeout(10)
def test_a_list_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    """Whoever opens one waits for somebody to write into it."""
    os.mkfifo(tmp_path / "movies.star")
    with pytest.raises(RefusedError, match=r"movies\.star is a device, socket or pipe"):
        Here(tmp_path).open("movies.star")
    job = make_job("relion_run_motioncorr --i movies.star --o MotionCorr/job002/ --use_own\n")
    with pytest.raises(RefusedError, match=r"pipe; relion_run_motioncorr --i asks for it"):
        list(Relion().needs(job, Here(tmp_path)))
