"""The few calls that a machine makes to AWS about itself, signed with its role's credentials.

The query protocol over the standard library, signed with botocore's signer: to make botocore's own
clients takes seconds and a hundred megabytes of a machine's memory.
"""

import ssl
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from cryoem_cloud.model.errors import ProviderDeniedError, ProviderError, ProviderUnreachableError
from cryoem_cloud.providers.aws.machine.imds import Credentials
from cryoem_cloud.providers.aws.names import tag_text

__all__ = ["Asking"]

_VERSIONS = {"autoscaling": "2011-01-01", "ec2": "2016-11-15"}
_TIMEOUT_S = 10.0
_PAUSES_S = (1.0, 2.0, 4.0)
"""Before a call is tried again that was not answered, or refused as AWS is busy."""
_BUSY = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "Unavailable"})
_DENIED = frozenset(
    {"AccessDenied", "UnauthorizedOperation", "ExpiredToken", "RequestExpired", "AuthFailure"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Calls to AWS in a region. Each can be made again.

    Raises:
        ProviderUnreachableError: From each call: no answer, or AWS is busy, several times.
        ProviderDeniedError: The role may not do that.
        ProviderError: AWS refuses it, with its own words.
    """

    region: str
    env: Mapping[str, str]
    credentials: Callable[[], Credentials]
    sleep: Callable[[float], None] = time.sleep

    def leave_group(self, machine: str) -> None:
        """End a machine, and have its group want one less."""
        self._end(machine, fewer="true")

    def replace(self, machine: str) -> None:
        """End a machine, and have its group start another."""
        self._end(machine, fewer="false")

    def _end(self, machine: str, *, fewer: str) -> None:
        asked = {"InstanceId": machine, "ShouldDecrementDesiredCapacity": fewer}
        self._ask("autoscaling", "TerminateInstanceInAutoScalingGroup", asked)

    def delete_group(self, name: str) -> None:
        """Delete the group with the machines that it has."""
        asked = {"AutoScalingGroupName": name, "ForceDelete": "true"}
        self._ask("autoscaling", "DeleteAutoScalingGroup", asked)

    def end_group_at(self, name: str, action: str, at: datetime) -> None:
        """Have AWS end all machines of the group then, whatever that action said before."""
        self._ask(
            "autoscaling",
            "PutScheduledUpdateGroupAction",
            {
                "AutoScalingGroupName": name,
                "ScheduledActionName": action,
                "StartTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "MinSize": "0",
                "MaxSize": "0",
                "DesiredCapacity": "0",
            },
        )

    def tag(self, machine: str, tags: Mapping[str, str]) -> None:
        """Write tags of an instance."""
        asked = {"ResourceId.1": machine}
        for number, (key, value) in enumerate(tags.items(), 1):
            asked |= {f"Tag.{number}.Key": key, f"Tag.{number}.Value": tag_text(value)}
        self._ask("ec2", "CreateTags", asked)

    def _ask(self, service: str, action: str, asked: Mapping[str, str]) -> ET.Element:
        for pause_s in (*_PAUSES_S, None):
            try:
                return self._once(service, action, asked)
            except ProviderUnreachableError:
                if pause_s is None:
                    raise
                self.sleep(pause_s)
        raise AssertionError

    def _once(self, service: str, action: str, asked: Mapping[str, str]) -> ET.Element:
        words = {"Action": action, "Version": _VERSIONS[service], **asked}
        request = self._signed(service, urlencode(words).encode())
        try:
            with urlopen(request, timeout=_TIMEOUT_S, context=_trusting(request.full_url)) as said:  # noqa: S310
                return ET.fromstring(said.read())  # noqa: S314  (AWS's own, over TLS)
        except HTTPError as error:
            with error:
                raise _refused(action, error.code, error.read()) from error
        except (URLError, OSError, HTTPException, ET.ParseError) as error:
            raise ProviderUnreachableError(f"{action}: AWS does not answer: {error}") from error

    def _signed(self, service: str, body: bytes) -> Request:
        from botocore.auth import SigV4Auth  # noqa: PLC0415
        from botocore.awsrequest import AWSRequest  # noqa: PLC0415
        from botocore.credentials import Credentials as Keys  # noqa: PLC0415

        given = self.credentials()
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
        request = AWSRequest("POST", self._url(service), headers=headers, data=body)
        keys = Keys(given.access_key, given.secret_key, given.token)
        SigV4Auth(keys, service, self.region).add_auth(request)
        return Request(request.url, data=body, headers=dict(request.headers), method="POST")  # noqa: S310

    def _url(self, service: str) -> str:
        named = self.env.get(
            f"AWS_ENDPOINT_URL_{service.upper().replace('AUTOSCALING', 'AUTO_SCALING')}"
        )
        china = ".cn" if self.region.startswith("cn-") else ""
        own = f"https://{service}.{self.region}.amazonaws.com{china}/"
        return named or self.env.get("AWS_ENDPOINT_URL") or own


def _trusting(url: str) -> ssl.SSLContext | None:
    """Whom we believe: botocore's list, as the machine's own lies elsewhere on each system."""
    if urlsplit(url).scheme != "https":
        return None
    import botocore  # noqa: PLC0415

    return ssl.create_default_context(cafile=Path(botocore.__file__).with_name("cacert.pem"))


def _refused(action: str, status: int, body: bytes) -> ProviderError:
    """What AWS says where it does not do it: a code and a message, in one of two shapes."""
    try:
        said = ET.fromstring(body)  # noqa: S314
    except ET.ParseError:
        said = ET.Element("none")
    code = next((e.text or "" for e in said.iter() if _name(e) == "Code"), "")
    message = next((e.text or "" for e in said.iter() if _name(e) == "Message"), "")
    words = f"{action}: {code or status}: {message}"
    if code in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProviderUnreachableError(words)
    if code in _DENIED or status == HTTPStatus.FORBIDDEN:
        return ProviderDeniedError(words, hint="the machine's role lacks that right")
    return ProviderError(words)


def _name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _items(element: ET.Element, name: str) -> Iterator[ET.Element]:
    """The members of the first list of that name."""
    for found in element.iter():
        if _name(found) == name:
            yield from found
            return


def _word(element: ET.Element, name: str) -> str:
    return next((child.text or "" for child in element if _name(child) == name), "")
