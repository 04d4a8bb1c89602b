"""A Python of our own: this checkout's, with the application that runs here need installed in it.

Programs start each other in isolation (`python -I`), so that neither PYTHONPATH nor the user's
packages reach them; what is installed beside Python does.
"""

import shutil
import sysconfig
import venv
from pathlib import Path

__all__ = ["python_with_application"]

_ENTRY_POINTS = """\
[cryoem_cloud.applications]
itemwise = cryoem_itemwise:Itemwise
"""
_METADATA = "Metadata-Version: 2.1\nName: cryoem-itemwise\nVersion: 1\n"


def python_with_application(folder: Path) -> str:
    """The path of a Python that has all that this one has, and Itemwise as an application."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(folder)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    packages = Path(paths["purelib"])
    here = Path(sysconfig.get_paths()["purelib"])
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({str(here)!r})\n")
    shutil.copyfile(Path(__file__).with_name("application.py"), packages / "cryoem_itemwise.py")
    info = packages / "cryoem_itemwise-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(_METADATA)
    (info / "entry_points.txt").write_text(_ENTRY_POINTS)
    return str(folder / "bin" / "python")
