"""The address from which the world sees this computer: AWS says it to who asks."""

from ipaddress import ip_address
from urllib.error import URLError
from urllib.request import urlopen

from cryoem_cloud.model.errors import ProviderUnreachableError

__all__ = ["ASKED", "own_address"]

ASKED = "https://checkip.amazonaws.com"
"""Amazon's own; it answers with the caller's address and a line's end."""
_TIMEOUT_S = 10.0
_MOST_BYTES = 64


def own_address(url: str = ASKED) -> str:
    """This computer's public address; one behind a proxy for HTTPS is told the proxy's.

    Raises:
        ProviderUnreachableError: Nobody says it.
    """
    try:
        with urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310  (the address is ours)
            said = answer.read(_MOST_BYTES).decode("ascii", "replace").strip()
        return str(ip_address(said))
    except (URLError, OSError, ValueError) as error:
        raise ProviderUnreachableError(
            f"{url} does not say which address this computer has: {error}",
            hint="give it: --allow-ssh 203.0.113.7",
        ) from error
