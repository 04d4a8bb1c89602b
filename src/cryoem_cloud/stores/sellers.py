"""Who sells a store, told from its URL and the environment. No network, no prices.

Prices are in the catalogue (`planner/catalog`). Imports no adapter, so that a submission may ask.
"""

from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["s3_seller", "seller_of"]

_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
_OWN = {"gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}
"""Variables that name a server of one's own."""


def seller_of(url: str, *, env: Mapping[str, str]) -> str:
    """As `ports.store.Properties.sold_by` has it, of the store at `url`."""
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        return s3_seller(env)
    return scheme if scheme in _OWN and not env.get(_OWN[scheme]) else ""


def s3_seller(env: Mapping[str, str]) -> str:
    """The same of S3 as `env` reaches it: a server of one's own asks nothing that we know of."""
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or _configured(env)
    host = urlsplit(endpoint).hostname or ""
    return "" if host and not host.endswith(_AMAZON) else "aws"


def _configured(env: Mapping[str, str]) -> str:
    """The endpoint of S3 that the profile in the AWS command line's file names; "" if none."""
    if env.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return ""
    file = Path(env.get("AWS_CONFIG_FILE") or Path(env.get("HOME") or Path.home(), ".aws/config"))
    sections = _sections(file.expanduser().read_text(errors="replace") if file.is_file() else "")
    name = env.get("AWS_PROFILE") or "default"
    profile = sections.get(f"profile {name}") or sections.get(name) or {}
    services = sections.get(f"services {profile.get('services', '')}") or {}
    below = _sections(f"[s3]\n{services.get('s3', '')}").get("s3", {})
    return below.get("endpoint_url") or profile.get("endpoint_url") or ""


def _sections(text: str) -> dict[str, dict[str, str]]:
    """An INI file's sections; none where it cannot be read."""
    parser = ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text)
    except Error:
        return {}
    return {name: dict(parser[name]) for name in parser.sections()}
