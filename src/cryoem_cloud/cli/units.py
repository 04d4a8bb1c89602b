"""The files that make a system keep a courier running."""

import plistlib
from pathlib import Path

from cryoem_cloud.model.errors import UsageError

__all__ = ["unit_file"]

_SYSTEMD = """\
[Unit]
Description=Brings cryo-EM jobs to machines and home again

[Service]
ExecStart="{launcher}" courier stay
Restart=on-failure
RestartSec=10

[Install]
WantedBy=default.target
"""


def unit_file(platform: str, home: Path, launcher: Path) -> tuple[Path, str, str]:
    """Where it goes, what it says, and the command that enables it.

    Raises:
        UsageError: We do not know how that system keeps programs running.
    """
    if platform == "linux":
        file = home / ".config" / "systemd" / "user" / "cryoem-courier.service"
        text = _SYSTEMD.format(launcher=str(launcher).replace("%", "%%"))
        return file, text, "systemctl --user enable --now cryoem-courier && loginctl enable-linger"
    if platform == "darwin":
        name = "org.cryoem-cloud-tools.courier"
        file = home / "Library" / "LaunchAgents" / f"{name}.plist"
        fields = {
            "Label": name,
            "ProgramArguments": [str(launcher), "courier", "stay"],
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
        }
        return file, plistlib.dumps(fields).decode(), f"launchctl load -w '{file}'"
    raise UsageError(
        f"we do not know how {platform} keeps programs running",
        hint="let it run `cryoem courier stay` at start",
    )
