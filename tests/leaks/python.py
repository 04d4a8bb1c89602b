"""The Python of a campaign's programs: with Itemwise as an application, and the agents' pace.

Where a simulated minute lasts a second, an agent that pushes `lapse` every 10 of its own minutes
would come too late. So what loads the application also sets the product's own seconds to the
simulation's pace, as LEAKS_MINUTE says it: `PACE` is all there is to it, and no option of ours.
"""

import sys
import zipfile
from pathlib import Path

from tests.chaos.python import python_with_application

__all__ = ["PACE", "paced_python", "paced_wheel"]

PACE = """

import importlib as _importlib
import importlib.util as _util
import os as _os

_MINUTE_S = float(_os.environ.get("LEAKS_MINUTE", "60"))
_SECONDS = {
    "providers.aws.machine.itself": {
        "_PUSH_S": 10 * _MINUTE_S,
        "_AGAIN_S": _MINUTE_S,
        "_LATE_S": 5.0,
    },
    "providers.aws.arming": {"_LOOK_S": 10 * _MINUTE_S},
    "courier.machines.manning": {"_REFUSED_S": 10.0},
    "agent.idle": {"_CORES": float("inf"), "_BYTES_S": float("inf")},  # they are this host's
    "agent.condition": {"_RESERVE_S": 10.0, "_LOOK_S": 2.0},
    "model.machine": {"DEAD_AFTER_S": 24.0, "HEARTBEAT_S": 6.0},
    "stores.beating": {"HEARTBEAT_S": 6.0},
    "agent.attend": {"HEARTBEAT_S": 6.0},
    "courier.homeward.delivery": {"HEARTBEAT_S": 6.0},
}
if _MINUTE_S < 60:
    import sys as _sys

    if "cryoem_cloud.courier.machines.manning" in _sys.modules:  # a courier, which imports it later
        _importlib.import_module("cryoem_cloud.providers.aws.arming")
    for _name, _values in _SECONDS.items():
        assert _util.find_spec("cryoem_cloud." + _name), _name  # of what was moved, no pace is kept
        _module = _sys.modules.get("cryoem_cloud." + _name)
        for _key, _value in _values.items() if _module else ():
            assert hasattr(_module, _key), (_name, _key)
            setattr(_module, _key, _value)
"""


def paced_python(folder: Path) -> str:
    """The path of such a Python, made in the folder."""
    python = python_with_application(folder)
    (found,) = folder.glob("lib/*/site-packages/cryoem_itemwise.py")
    found.write_text(found.read_text(encoding="utf-8") + PACE, encoding="utf-8")
    return python


def paced_wheel(folder: Path, python: str) -> Path:
    """What the same is for machines that boot: a wheel for the agent's archive."""
    packages = next(Path(python).parents[1].glob("lib/*/site-packages"))
    own = f"cp{sys.version_info.major}{sys.version_info.minor}"
    wheel = folder / f"cryoem_itemwise-1-{own}-{own}-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as packed:
        for file in (packages / "cryoem_itemwise.py", *packages.glob("cryoem_itemwise-*/*")):
            packed.write(file, file.relative_to(packages))
    return wheel
