"""What the user chose: one TOML file per user, one per project, the environment over both.

```toml
store = "s3://bucket/prefix"     # default: a folder of this computer
where = "local"                  # the provider of machines
count = 1                        # machines a job
max_machines = 16                # that a plan may choose for a job
home = "essential"               # what comes home; default: all, but where that costs money
codec = "auto"                   # how files are stored: plain (as they are, or .zst), none
limit_rate = "50M"               # bytes a second each way; default: no limit
inputs = "copy"                  # or "reference": local stores read inputs where they lie
local_prefix = "nice -n 10"      # what starts machines of this computer; default: nothing
image = "relion-debian"          # the machine image that rented machines begin with
container = "docker://name:tag"  # what jobs' programs are run in; default: none
set_up = "apt-get -y install relion"  # what rented machines run as root first; default: nothing
ask_above = "20"                 # US dollars; default: nobody is asked
local_price = "0.50"             # US dollars an hour of a machine of this computer; default: none
keep_days = "14"                 # so old is what `cryoem storage clean` offers, at least
discount = "8%"                  # what the account pays less than the list price; default: nothing
[executables]                    # where machines have programs that RELION's call
ctffind = "/opt/ctffind/bin/ctffind"
```
Environment variables are CRYOEM_ and the name in capitals. This module alone reads os.environ.
"""

import os
import platform
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Self

from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.model.units import size_of

__all__ = [
    "EXECUTABLES",
    "KEPT",
    "Places",
    "Settings",
    "environment",
    "own_umask",
    "submitters_environment",
]

KEPT = "CRYOEM_KEPT_"
"""The launcher keeps PYTHONPATH and the like under this prefix for the user's programs."""

_MOUNT_WORDS = 3
"""Device, mount point and file system type are the first words of a line in /proc/mounts."""

_NAMES_PROGRAMS = frozenset({"local_prefix", "set_up", "executables", "image", "container"})
"""Settings that name programs which this user's courier and machines start, or are commands."""

EXECUTABLES = (
    *("ctffind", "gctf", "motioncor2", "topaz", "resmap", "batchruntomo", "aretomo2"),
    "external_reconstruct",
)
"""The names that the table of executables knows."""

_PASSWORD_IN_URL = re.compile(r"://[^/@\s:]*:[^/@\s]+@")
_SECRET_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_", "CRYOEM_KEPT_", "SSH_")
_SECRET_WORDS = (
    *("TOKEN", "SECRET", "PASSWORD", "PASSWD", "PGPASS", "_PWD", "CREDENTIAL", "APIKEY", "_KEY"),
    *("AUTHORIZATION", "_AUTH", "WEBHOOK"),
)


def environment() -> Mapping[str, str]:
    """This process's environment, as it is now."""
    return dict(os.environ)


def own_umask() -> int:
    """This process's umask. Only for a process of one thread: for an instant it is another."""
    found = os.umask(0o077)
    os.umask(found)
    return found


def submitters_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for the user's programs: what the launcher set aside is back, secrets left.

    A variable counts as secret by its name: AWS_ and its like, or TOKEN, SECRET, PASSWORD, _PWD,
    CREDENTIAL, _KEY, _AUTH and the like in it; or by a password in a URL that it holds.
    """
    kept = {name.removeprefix(KEPT): value for name, value in env.items() if name.startswith(KEPT)}
    plain = {
        name: value
        for name, value in env.items()
        if not name.startswith(_SECRET_PREFIXES)
        and not any(word in name.upper() for word in _SECRET_WORDS)
        and not _PASSWORD_IN_URL.search(value)
        and name != "CRYOEM_COMMAND"
    }
    return {**plain, **kept}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The user's choices, checked.

    An empty store means the default one; an empty home, all where bringing it home costs nothing.
    """

    store: str = ""
    where: str = "local"
    count: int = 1
    max_machines: int = 16
    home: str = ""
    codec: str = "auto"
    limit_rate: str = ""
    inputs: str = "copy"
    local_prefix: str = ""
    set_up: str = ""
    image: str = ""
    container: str = ""
    ask_above: str = ""
    local_price: str = ""
    discount: str = ""
    keep_days: str = "14"
    executables: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, places: "Places", project: Path | None, env: Mapping[str, str]) -> Self:
        """Defaults, then the user's file, then the project's, then the environment.

        Raises:
            SettingsError: A file is not TOML, a value is off, or programs to start are named in a
                file that somebody else may write; the message names it.
        """
        chosen = cls()
        files = [places.config / "settings.toml"]
        if project is not None:
            files.append(project / ".cryoem" / "settings.toml")
        for file in files:
            values = _toml(file)
            if _NAMES_PROGRAMS & values.keys():
                _require_own(file)
            chosen = chosen.overridden(values, str(file))
        named = {
            field.name: env[f"CRYOEM_{field.name.upper()}"]
            for field in fields(cls)
            if env.get(f"CRYOEM_{field.name.upper()}")
        }
        return chosen.overridden(named, "the environment")

    def overridden(self, values: Mapping[str, object], source: str) -> Self:
        """With `values` in place of what was chosen; `source` names them in messages."""
        known = {field.name for field in fields(self)}
        if unknown := sorted(set(values) - known):
            raise SettingsError(
                f"{source}: there is no setting {unknown[0]!r}",
                hint=f"known are {', '.join(sorted(known))}",
            )

        def word(name: str, now: str, *choices: str) -> str:
            value = values.get(name, now)
            if not isinstance(value, str) or (choices and value not in choices):
                wanted = " or ".join(filter(None, choices)) or "text"
                raise SettingsError(f"{source}: {name} should be {wanted}, found {value!r}")
            return value

        return replace(
            self,
            store=word("store", self.store),
            where=word("where", self.where),
            count=_count("count", values.get("count", self.count), source),
            max_machines=_count(
                "max_machines", values.get("max_machines", self.max_machines), source
            ),
            home=word("home", self.home, "", "all", "essential"),
            codec=word("codec", self.codec, "auto", "plain", "none"),
            limit_rate=_rate(word("limit_rate", self.limit_rate), source),
            inputs=word("inputs", self.inputs, "copy", "reference"),
            local_prefix=word("local_prefix", self.local_prefix),
            set_up=word("set_up", self.set_up),
            image=word("image", self.image),
            container=word("container", self.container),
            ask_above=_dollars(word("ask_above", self.ask_above), source),
            local_price=_dollars(word("local_price", self.local_price), source),
            discount=_percent(word("discount", self.discount), source),
            keep_days=_days(word("keep_days", self.keep_days), source),
            executables={**self.executables, **_table(values.get("executables", {}), source)},
        )

    @property
    def price_factor(self) -> Decimal:
        """The share of a list price that this user's account pays."""
        return 1 - Decimal(self.discount.removesuffix("%") or 0) / 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where we keep things on this computer. `state` is per host; `cache` can be thrown away."""

    config: Path
    data: Path
    state: Path
    cache: Path

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        """From HOME and the XDG variables; of these a relative path counts for nothing.

        Raises:
            SettingsError: HOME is a relative path.
        """
        home = Path(env.get("HOME") or Path.home())
        if not home.is_absolute():
            raise SettingsError(f"HOME is {home}, no absolute path", hint="export HOME=/…")
        host = platform.node().partition(".")[0] or "localhost"

        def place(variable: str, default: str) -> Path:
            named = Path(env.get(variable, ""))
            return (named if named.is_absolute() else home / default) / "cryoem-cloud"

        return cls(
            config=place("XDG_CONFIG_HOME", ".config"),
            data=place("XDG_DATA_HOME", ".local/share"),
            state=place("XDG_STATE_HOME", ".local/state") / host,
            cache=_off_the_network(place("XDG_CACHE_HOME", ".cache")) / host,
        )

    @property
    def default_store(self) -> str:
        """The URL of the store that needs no configuration."""
        return (self.data / "store").as_uri()


def _off_the_network(place: Path) -> Path:
    """`place`, or a folder of our own in /var/tmp where that lies on NFS: SQLite must not."""
    if sys.platform != "linux":
        return place
    try:
        mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return place
    rows = [line.split(" ") for line in mounts.splitlines()]
    above = [row for row in rows if len(row) >= _MOUNT_WORDS and place.is_relative_to(row[1])]
    kind = max(above, key=lambda row: len(row[1]))[2] if above else ""
    shared = kind.startswith(("nfs", "lustre", "gpfs", "beegfs", "ceph", "cifs", "fuse.sshfs"))
    return Path(f"/var/tmp/cryoem-cloud-{os.getuid()}") if shared else place  # noqa: S108


def _rate(said: str, source: str) -> str:
    try:
        size_of(said or "1")
    except ValueError as error:
        raise SettingsError(
            f"{source}: limit_rate should be bytes a second, found {said!r}", hint="as 500k or 50M"
        ) from error
    return said


def _dollars(said: str, source: str) -> str:
    if said and not re.fullmatch(r"\d{1,9}(\.\d+)?", said):
        raise SettingsError(
            f"{source}: US dollars should be a number, found {said!r}", hint='as "20" or "2.50"'
        )
    return said


def _percent(said: str, source: str) -> str:
    if said and not re.fullmatch(r"\d{1,2}(\.\d+)?%", said):
        raise SettingsError(
            f"{source}: discount should be a percentage below 100, found {said!r}", hint='as "8%"'
        )
    return said


def _days(said: str, source: str) -> str:
    if not re.fullmatch(r"\d{1,5}", said):
        raise SettingsError(
            f"{source}: keep_days should be a whole number of days, found {said!r}", hint='as "14"'
        )
    return said


def _toml(file: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{file} is not TOML: {error}", hint="correct or remove it") from error


def _table(value: object, source: str) -> dict[str, str]:
    """A table of names that there are, and paths."""
    if not isinstance(value, dict) or not all(isinstance(path, str) for path in value.values()):
        raise SettingsError(
            f"{source}: executables should be a table of names and paths, found {value!r}",
            hint='[executables], and below it: ctffind = "/opt/ctffind/bin/ctffind"',
        )
    if unknown := sorted(set(value) - set(EXECUTABLES)):
        raise SettingsError(
            f"{source}: [executables] knows no {unknown[0]!r}",
            hint=f"known are {', '.join(EXECUTABLES)}",
        )
    return {str(name): path for name, path in value.items()}


def _require_own(file: Path) -> None:
    """See to it that nobody but this user, or root, says which programs we start as this user."""
    found = file.stat()
    if found.st_uid not in {0, os.getuid()} or found.st_mode & 0o022:
        raise SettingsError(
            f"{file} names programs to start, and others than you may write it",
            hint="name them in your own settings.toml; or, if the file is yours: chmod go-w",
        )


def _count(name: str, value: object, source: str) -> int:
    if not str(value).isdigit() or not int(str(value)):
        raise SettingsError(f"{source}: {name} should be a whole number above 0, found {value!r}")
    return int(str(value))
