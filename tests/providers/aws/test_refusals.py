"""Every refusal of the table, seen once through the provider, with its words and its hint."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError

from cryoem_cloud.model.errors import (
    CryoemError,
    ProviderDeniedError,
    ProviderError,
    ProviderUnreachableError,
    QuotaError,
)
from cryoem_cloud.providers.aws.account import FIRST_STEPS, Account
from cryoem_cloud.providers.aws.calls import Calls
from cryoem_cloud.providers.aws.provider import AwsProvider
from cryoem_cloud.providers.aws.refusal_table import BY_WORDS, CODES, ENDED, LOCAL, Refusal
from cryoem_cloud.providers.aws.refusals import ended_by, of_launch
from cryoem_cloud.providers.aws.seen import Seen, fleet_of
from cryoem_cloud.wiring.clock import SystemClock
from tests.ec2sim.cloud import Cloud
from tests.ec2sim.faults import What

from .conftest import REGION
from .errors_page import PAGE, shown

_KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}
_LISTING = "DescribeLaunchTemplates"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    with Cloud() as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_waits(monkeypatch: pytest.MonkeyPatch, cloud: Cloud, tmp_path: Path) -> None:
    """Nobody is logged in on this computer."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    cloud.faults.forget()


def provider(**env: str) -> AwsProvider:
    account = Account(
        stack="cryoem",
        region=REGION,
        store="s3://lab",
        subnets=(),
        security_group="",
        machine_policy="",
    )
    return AwsProvider(
        account=account,
        calls=Calls(env, REGION, attempts=1),
        clock=SystemClock(),
        user_data=lambda *_: "",
        fresh_s=0.0,
    )


def refused(asked: AwsProvider) -> CryoemError:
    """What the provider says when it is asked for all fleets."""
    with pytest.raises(CryoemError) as caught:
        asked.tokens()
    return caught.value


def check(error: CryoemError, refusal: Refusal, said: str = "") -> None:
    assert type(error) is refusal.kind
    assert error.message.startswith(f"describe launch templates: {refusal.what}")
    assert error.hint == refusal.hint
    assert refusal.hint
    assert "\n" not in str(error)
    assert (said in error.message) == refusal.quoted, error.message


@pytest.mark.parametrize("code", sorted(CODES))
def test_each_code_has_its_words_and_says_what_to_do(cloud: Cloud, code: str) -> None:
    said = "So says AWS"
    cloud.faults.plan(What.REFUSED, _LISTING, error=(code, said))
    check(refused(provider(AWS_ENDPOINT_URL=cloud.url, **_KEYS)), CODES[code], said)


@pytest.mark.parametrize(
    ("code", "words", "refusal"),
    [(code, words, refusal) for codes, words, refusal in BY_WORDS for code in sorted(codes)],
)
def test_the_words_of_aws_count_where_a_code_means_several_things(
    cloud: Cloud, code: str, words: str, refusal: Refusal
) -> None:
    said = f"You see: {words}, and more"
    cloud.faults.plan(What.REFUSED, _LISTING, error=(code, said))
    check(refused(provider(AWS_ENDPOINT_URL=cloud.url, **_KEYS)), refusal, said)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "UnauthorizedOperation",
            (
                "You are not authorized to perform this operation. User: arn:aws:sts::1:role/x is "
                "not authorized to perform: ec2:RunInstances on resource: instance/* because no "
                "identity-based policy allows it. Encoded authorization failure message: 7xQ"
            ),
        ),
        ("AccessDenied", "User: x is not authorized to perform: ec2:RunInstances on resource: *"),
    ],
)
def test_a_right_that_is_missing_is_named(cloud: Cloud, code: str, said: str) -> None:
    cloud.faults.plan(What.REFUSED, _LISTING, error=(code, said))
    error = refused(provider(AWS_ENDPOINT_URL=cloud.url, **_KEYS))
    assert "(ec2:RunInstances is missing)" in error.message
    assert "7xQ" not in error.message


def test_what_the_table_does_not_know_is_quoted(cloud: Cloud) -> None:
    cloud.faults.plan(What.REFUSED, _LISTING, error=("Unheard.Of", "No idea"))
    error = refused(provider(AWS_ENDPOINT_URL=cloud.url, **_KEYS))
    assert type(error) is ProviderError
    assert error.message == "describe launch templates: No idea"


_MADE: dict[type[BotoCoreError], dict[str, Any]] = {
    exceptions.PartialCredentialsError: {"provider": "env", "cred_var": "AWS_SECRET_ACCESS_KEY"},
    exceptions.ProfileNotFound: {"profile": "x"},
    exceptions.ConfigParseError: {"path": "x", "error": "x"},
    exceptions.InvalidConfigError: {"error_msg": "x"},
    exceptions.SSOError: {},
    exceptions.TokenRetrievalError: {"provider": "sso", "error_msg": "x"},
    exceptions.CredentialRetrievalError: {"provider": "x", "error_msg": "x"},
    exceptions.MetadataRetrievalError: {"error_msg": "x"},
    exceptions.MissingDependencyException: {"msg": "x"},
    exceptions.SSLError: {"endpoint_url": "x", "error": "x"},
    exceptions.ProxyConnectionError: {"proxy_url": "x", "error": "x"},
    exceptions.EndpointConnectionError: {"endpoint_url": "x", "error": "x"},
    exceptions.ConnectionError: {"error": "x"},
    exceptions.HTTPClientError: {"error": "x"},
}


@pytest.mark.parametrize(("kind", "refusal"), LOCAL, ids=lambda each: getattr(each, "__name__", ""))
def test_each_error_of_botocores_own_has_its_words(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, kind: type[BotoCoreError], refusal: Refusal
) -> None:
    asked = provider(AWS_ENDPOINT_URL=cloud.url, **_KEYS)

    def fails(*_: object, **__: object) -> None:
        raise kind(**_MADE.get(kind, {}))

    monkeypatch.setattr("botocore.client.BaseClient._make_request", fails)
    error = refused(asked)
    assert (type(error), error.hint) == (refusal.kind, refusal.hint)
    assert refusal.what in error.message


def _profile(folder: Path, *lines: str) -> dict[str, str]:
    file = folder / "config"
    file.write_text("\n".join(["[profile lab]", *lines]))
    return {"AWS_PROFILE": "lab", "AWS_CONFIG_FILE": str(file)}


def _no_profile(_: Path) -> dict[str, str]:
    return {"AWS_PROFILE": "nobody"}


def _bad_config(folder: Path) -> dict[str, str]:
    (folder / "config").write_text("[profile lab\nregion us-west-2")
    return {"AWS_PROFILE": "lab", "AWS_CONFIG_FILE": str(folder / "config")}


def _sso(folder: Path) -> dict[str, str]:
    return _profile(
        folder,
        *("sso_start_url = https://lab.awsapps.com/start", "sso_region = us-west-2"),
        *("sso_account_id = 123456789012", "sso_role_name = user"),
    )


def _process(folder: Path) -> dict[str, str]:
    return _profile(folder, "credential_process = /bin/false")


@pytest.mark.parametrize(
    ("env", "words"),
    [
        (lambda _: {}, "there are no AWS credentials"),
        (_no_profile, "there is no such AWS profile: The config profile (nobody)"),
        (_bad_config, "your AWS settings cannot be used"),
        (_sso, "your AWS credentials have expired"),
        (_process, "what gives you AWS credentials does not give them"),
    ],
)
def test_who_has_no_credentials_is_told_what_to_do(
    cloud: Cloud, tmp_path: Path, env: Callable[[Path], dict[str, str]], words: str
) -> None:
    """These are botocore's own, from real settings."""
    error = refused(provider(AWS_ENDPOINT_URL=cloud.url, **env(tmp_path)))
    assert isinstance(error, ProviderDeniedError)
    assert words in error.message
    assert error.hint


def test_credentials_that_were_mended_are_used_at_once(
    cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    asked = provider(AWS_ENDPOINT_URL=cloud.url)
    assert refused(asked).hint == FIRST_STEPS
    file.write_text("[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n")
    assert "not whole" in refused(asked).message
    with file.open("a") as more:
        more.write("aws_secret_access_key = secret\n")
    assert asked.tokens() == ()


def test_a_network_that_fails_is_waited_for(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(url: str) -> ProviderUnreachableError:
        error = refused(provider(AWS_ENDPOINT_URL=url, **_KEYS))
        assert isinstance(error, ProviderUnreachableError)
        return error

    cloud.faults.plan(What.LOST_BEFORE, _LISTING)
    assert "AWS does not answer" in asked(cloud.url).message
    assert "AWS cannot be reached" in asked("http://127.0.0.1:1").message
    assert "AWS cannot be reached" in asked("http://nowhere.invalid").message
    assert "no secure connection" in asked(cloud.url.replace("http:", "https:")).message
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert "the proxy does not let us through" in asked("http://aws.invalid").message


_LAUNCHES = (
    ("VcpuLimitExceeded", "You have requested more vCPU capacity than …", QuotaError),
    ("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded", QuotaError),
    ("VolumeLimitExceeded", "You have exceeded your maximum gp3 storage limit", QuotaError),
    ("PendingVerification", "Your request for accessing resources …", ProviderDeniedError),
    ("UnauthorizedOperation", "You are not authorized to …", ProviderDeniedError),
    ("OptInRequired", "In order to use this AWS Marketplace product …", ProviderDeniedError),
    (
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
        (
            "The provided credentials do not have permission to create the service-linked role for "
            "EC2 Spot Instances"
        ),
        ProviderDeniedError,
    ),
    ("InvalidAMIID.NotFound", "The image id '[ami-0]' does not exist", ProviderError),
    ("RequestLimitExceeded", "Request limit exceeded", ProviderUnreachableError),
)


@pytest.mark.parametrize(("code", "said", "kind"), _LAUNCHES)
def test_what_keeps_a_group_from_launching_is_said(
    code: str, said: str, kind: type[ProviderError]
) -> None:
    error = of_launch(
        f"Could not launch Spot Instances. {code} - {said}. Launching EC2 instance failed."
    )
    assert type(error) is kind
    assert error.hint


def test_what_another_offer_mends_is_no_error_of_a_launch() -> None:
    for said in (
        "Could not launch Spot Instances. InsufficientInstanceCapacity - There is no Spot capacity",
        "Could not launch Spot Instances. Unsupported - Your requested instance type (x) is not",
        "Something new. Launching EC2 instance failed.",
    ):
        assert of_launch(said) is None, said
    subnet = "There are not enough free addresses in subnet 'subnet-1'. Launching EC2 failed."
    assert isinstance(of_launch(subnet), ProviderUnreachableError)


@pytest.mark.parametrize("code", sorted(ENDED))
def test_a_machine_that_aws_ended_before_it_was_up_says_why(code: str) -> None:
    instance = {
        "InstanceId": "i-1",
        "InstanceType": "m5.large",
        "State": {"Name": "terminated"},
        "StateReason": {"Code": code, "Message": "Client error on launch"},
        "LaunchTime": SystemClock().now(),
    }
    fleet = fleet_of(Seen(instances=(instance,)))
    assert fleet.failures == 1
    assert fleet.failure_log == ended_by({"Code": code})
    assert code in fleet.failure_log


def test_the_page_shows_the_tables() -> None:
    assert shown() in PAGE.read_text(), "python -m tests.providers.aws.errors_page makes it"
