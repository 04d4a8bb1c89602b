"""From a URL to a store. An adapter is imported only when it is asked for."""

from collections.abc import Mapping
from pkgutil import resolve_name
from typing import Protocol
from urllib.parse import urlsplit

from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.ports.meter import UNMETERED, Meter
from cryoem_cloud.ports.store import Store

__all__ = ["OPENERS", "Opener", "open_store"]

GROUP = "cryoem_cloud.stores"
_OTHERWISE = "in a project that has it: cryoem project fork --store URL"


class Opener(Protocol):
    """Makes a store from its URL and the environment; needs no network."""

    def __call__(self, url: str, *, env: Mapping[str, str], meter: Meter = ...) -> Store:
        """The store; one that charges for requests tells the meter of each."""
        ...


OPENERS: Mapping[str, str] = {
    "az": "cryoem_cloud.stores.clouds:open_az",
    "file": "cryoem_cloud.stores.directory:open_directory",
    "gs": "cryoem_cloud.stores.clouds:open_gs",
    "s3": "cryoem_cloud.stores.s3:open_s3",
}
"""By URL scheme; other packages add theirs through the entry point group above."""


def open_store(url: str, *, env: Mapping[str, str], meter: Meter = UNMETERED) -> Store:
    """The store at `url`, which tells `meter` of requests that are charged for.

    Raises:
        SettingsError: Nobody knows such URLs, or this one is malformed.
    """
    opener: Opener = resolve_name(_opener(url))
    try:
        return opener(url, env=env, meter=meter)
    except SettingsError as error:
        raise SettingsError(error.message, hint=f"{error.hint}; {_OTHERWISE}") from error


def _opener(url: str) -> str:
    scheme = urlsplit(url).scheme
    if scheme in OPENERS:
        return OPENERS[scheme]
    from importlib import metadata  # noqa: PLC0415  (reads what every package says of itself)

    found = {entry.name: entry.value for entry in metadata.entry_points(group=GROUP)}
    if scheme not in found:
        forms = ", ".join(f"{name}://…" for name in sorted({*found, *OPENERS}))
        raise SettingsError(f"{url!r} is no store's URL", hint=f"known are {forms}; {_OTHERWISE}")
    return found[scheme]
