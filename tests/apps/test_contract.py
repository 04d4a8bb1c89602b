"""Our applications keep the contract that others inherit."""

from pathlib import Path

import pytest

from cryoem_cloud.apps.relion import Relion
from cryoem_cloud.apps.shell import Shell
from cryoem_cloud.ports.application import Application, Asked
from cryoem_cloud.testing.application_contract import ApplicationContract


class TestRelion(ApplicationContract):
    @pytest.fixture
    def application(self) -> Application:
        return Relion()

    @pytest.fixture
    def asked(self, tmp_path: Path) -> Asked:
        (tmp_path / "in.star").write_text("data_\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n")
        (tmp_path / "a.mrcs").touch()
        script = (
            "#!/bin/bash\n#CRYOEM where=XXXextra1XXX\nmodule load relion\n"
            "mpirun -n 1 `which relion_refine` --i in.star --o Class2D/job001/run --j 1"
            " --gpu 0:1 --pipeline_control Class2D/job001/\n"
        )
        return Asked(project=tmp_path, script=script)


class TestShell(ApplicationContract):
    @pytest.fixture
    def application(self) -> Application:
        return Shell()

    @pytest.fixture
    def asked(self, tmp_path: Path) -> Asked:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / "x").touch()
        return Asked(project=tmp_path, script="wc in/x > out/y", inputs=("in",), outputs=("out",))
