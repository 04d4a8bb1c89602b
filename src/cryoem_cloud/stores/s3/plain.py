"""Who we are to S3 where variables and the AWS files say it in so many words.

Whatever is not understood here for certain is the SDK's to understand: what it would say and what
is said here is the same, which tests compare.
"""

import re
import sys
from collections import ChainMap
from collections.abc import Mapping, Sequence
from configparser import ConfigParser, Error
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from cryoem_cloud.settings import environment
from cryoem_cloud.stores.s3.signing import Keys

__all__ = ["AMAZON", "DEFAULT_REGION", "PlainIdentity", "plain_identity", "usual_certificates"]

AMAZON = (".amazonaws.com", ".amazonaws.com.cn")
DEFAULT_REGION = "us-east-1"
_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_SETTINGS = frozenset({*_KEYS, "region", "endpoint_url", "ca_bundle", "output", "cli_pager"})
_VARIABLES = frozenset(
    {
        *(name.upper() for name in _KEYS),
        "AWS_CA_BUNDLE",
        "AWS_CONFIG_FILE",
        "AWS_DEFAULT_OUTPUT",
        "AWS_DEFAULT_REGION",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_S3",
        "AWS_PAGER",
        "AWS_PROFILE",
        "AWS_REGION",
        "AWS_SHARED_CREDENTIALS_FILE",
    }
)
"""A variable of the SDK's that is none of these, and so may change what a request is."""
_BUCKET = re.compile(r"[a-z0-9](?:-?[a-z0-9])+")
"""A name that fits into a host's as it is, and is that of no access point or directory bucket."""
_RESERVED = ("-s3alias", "-s3")
_MOST_NAME = 63
_LEAST_NAME = 3
_REGION = re.compile(r"(?:af|ap|ca|eu|il|me|mx|sa|us)-[a-z]+-\d")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainIdentity:
    """Keys that are written down. `endpoint` is a server's URL, "" for Amazon's."""

    region: str
    certificates: str
    endpoint: str
    written: Keys

    def keys(self) -> Keys:
        """See `Identity`."""
        return self.written

    def root(self, bucket: str, region: str) -> str:
        """See `Identity`; for a bucket and a region that Amazon's own rules hold for."""
        if self.endpoint:
            return f"{self.endpoint.rstrip('/')}/{bucket}"
        where = "" if region == DEFAULT_REGION else f".{region}"
        return f"https://{bucket}.s3{where}.amazonaws.com"

    def proxy(self, root: str) -> tuple[str, Mapping[str, str]]:  # noqa: ARG002  (Identity's name)
        """See `Identity`; there is none."""
        return "", {}


def plain_identity(env: Mapping[str, str], bucket: str) -> PlainIdentity | None:
    """What the environment and the files say of a bucket; None where the SDK has to be asked."""
    if any(name.startswith("AWS_") and name not in _VARIABLES for name in env) or _proxied(env):
        return None
    sections = _profile(env)
    if sections is None or any(not _SETTINGS.issuperset(section) for section in sections):
        return None
    variables = {name: env.get(name.upper(), "") for name in _KEYS}
    keys = next(filter(None, map(_keys, (variables, *sections))), None)
    profile = ChainMap(*map(dict, sections))
    region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or profile.get("region")
    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL")
    found = endpoint or profile.get("endpoint_url", "")
    region = region or DEFAULT_REGION
    if keys is None or not _is_usual(bucket, region, found):
        return None
    named = env.get("AWS_CA_BUNDLE") or profile.get("ca_bundle") or env.get("REQUESTS_CA_BUNDLE")
    return PlainIdentity(
        region=region, certificates=named or usual_certificates(), endpoint=found, written=keys
    )


def usual_certificates() -> str:
    """The file that botocore takes: certifi's if that is installed, or its own."""
    for package in ("certifi", "botocore"):
        spec = find_spec(package)
        for folder in (spec and spec.submodule_search_locations) or ():
            if (file := Path(folder, "cacert.pem")).is_file():
                return str(file)
    return ""


def _proxied(env: Mapping[str, str]) -> bool:
    """Whether requests may have to go through a proxy, which macOS has settings of its own for."""
    named = any(name.lower().endswith("_proxy") for name in (*env, *environment()))
    return named or sys.platform == "darwin"


def _is_usual(bucket: str, region: str, endpoint: str) -> bool:
    if endpoint:
        url = urlsplit(endpoint)
        host = url.hostname or ""
        return url.scheme in {"http", "https"} and bool(host) and not host.endswith(AMAZON)
    return (
        _LEAST_NAME <= len(bucket) <= _MOST_NAME
        and bool(_BUCKET.fullmatch(bucket))
        and not bucket.endswith(_RESERVED)
        and bool(_REGION.fullmatch(region))
    )


def _keys(said: Mapping[str, str]) -> Keys | None:
    access, secret, token = (said.get(name, "") for name in _KEYS)
    return Keys(access, secret, token) if access and secret else None


def _profile(env: Mapping[str, str]) -> Sequence[Mapping[str, str]] | None:
    """The profile's settings in the file of credentials, and in the other; the first is stronger.

    None where the profile is missing or a file cannot be read.
    """
    home = Path(env.get("HOME") or Path.home(), ".aws")
    config = _sections(env.get("AWS_CONFIG_FILE"), home / "config")
    credentials = _sections(env.get("AWS_SHARED_CREDENTIALS_FILE"), home / "credentials")
    if config is None or credentials is None:
        return None
    name = env.get("AWS_PROFILE") or "default"
    titles = (f"profile {name}", *(("default",) if name == "default" else ()))
    found = [config[title] for title in titles if title in config]
    kept = credentials.get(name)
    if len(found) > 1 or (name != "default" and not found and kept is None):
        return None
    return kept or {}, *found


def _sections(named: str | None, usual: Path) -> Mapping[str, Mapping[str, str]] | None:
    """An INI file's sections, as it is written; none where there is no file."""
    file = Path(named).expanduser() if named else usual
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, Error):
        return None
    return {title: dict(parser[title]) for title in parser.sections()}
