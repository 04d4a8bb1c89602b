"""Who we are to S3 and where it is: what we read ourselves is what the SDK reads."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.httpsession import get_cert_path
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from cryoem_cloud.stores.s3 import signing
from cryoem_cloud.stores.s3.faults import UnfitError
from cryoem_cloud.stores.s3.identity import Access
from cryoem_cloud.stores.s3.place import place_of
from cryoem_cloud.stores.s3.plain import plain_identity, usual_certificates
from cryoem_cloud.stores.s3.sdk import sdk_identity
from cryoem_cloud.stores.s3.signing import UNSIGNED, Keys, signed

KEYS = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret"}
WORDS = st.text("abcXYZ019-._~/ ä%+=&", max_size=20)


@pytest.fixture(autouse=True)
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings but those of the test."""
    for name in [name for name in os.environ if name.startswith("AWS_") or "PROXY" in name.upper()]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def encoded(text: str, safe: str = "-._~") -> str:
    return quote(text, safe=safe)


@dataclass(frozen=True)
class Request:
    method: str
    host: str
    key: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes | None
    token: str
    now_s: int

    @property
    def url(self) -> str:
        asked = "&".join(f"{encoded(name)}={encoded(value)}" for name, value in self.query)
        return f"{self.host}/{encoded(self.key, '/-._~')}" + (f"?{asked}" if asked else "")


REQUESTS = st.builds(
    Request,
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    host=st.sampled_from(["http://127.0.0.1:9000/b", "https://b.s3.amazonaws.com", "http://h/a/b"]),
    key=WORDS,
    query=st.lists(st.tuples(WORDS.filter(bool), WORDS), max_size=4),
    headers=st.dictionaries(
        st.sampled_from(["Range", "If-None-Match", "x-amz-checksum-crc32", "Content-Type"]),
        st.text("ab 0=/*;-", min_size=1, max_size=12).map(str.strip).filter(bool),
    ),
    body=st.none() | st.binary(max_size=30),
    token=st.sampled_from(["", "a/token+of=sts"]),
    now_s=st.integers(0, 4_000_000_000),
)


@given(asked=REQUESTS, region=st.sampled_from(["us-east-1", "eu-central-1"]))
def test_a_request_is_signed_as_the_sdk_signs_it(asked: Request, region: str) -> None:
    theirs = AWSRequest(
        asked.method, asked.url, headers=dict(asked.headers), data=asked.body or b""
    )
    theirs.context["client_config"] = Config(s3={"payload_signing_enabled": asked.body is not None})
    with pytest.MonkeyPatch.context() as patch:
        when = datetime.fromtimestamp(asked.now_s, UTC)
        patch.setattr(auth, "get_current_datetime", lambda: when)
        patch.setattr(signing, "now_s", lambda: asked.now_s)
        if asked.body is None:  # without TLS the SDK would hash it, whatever it is told
            patch.setattr(auth.S3SigV4Auth, "payload", lambda *_: UNSIGNED)
        credentials = Credentials("AK", "sec/ret", asked.token or None)
        auth.S3SigV4Auth(credentials, "s3", region).add_auth(theirs)
        ours = signed(
            asked.method,
            asked.url,
            asked.headers,
            keys=Keys("AK", "sec/ret", asked.token),
            region=region,
            body=asked.body,
        )
    assert ours["Authorization"] == theirs.headers["Authorization"]
    assert ours["X-Amz-Content-SHA256"] == theirs.headers["X-Amz-Content-SHA256"]


def test_keys_do_not_show_their_secret() -> None:
    assert "hidden" not in repr(Keys("AK", "hidden", "hidden"))


PLAIN_FILES = [
    "",
    "[default]\nregion = eu-west-1\n",
    "[default]\nregion=ap-southeast-2\noutput = json\n[profile lab]\nregion = sa-east-1\n",
    "[profile default]\nregion = ca-central-1\n",
    "[default]\nendpoint_url = http://minio.lab.example:9000\n",
    "[default]\nendpoint_url = http://minio.lab.example:9000/\nca_bundle = /some/file\n",
    "[default]\naws_access_key_id = own\naws_secret_access_key = s\naws_session_token = t\n",
]
CREDENTIALS = "[default]\naws_access_key_id=f\naws_secret_access_key=g\n"
OTHER_FILES = [
    "[default]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = other\n",
    "[default]\ns3 =\n  addressing_style = path\n",
    "[default]\nservices = lab\n[services lab]\ns3 =\n  endpoint_url = http://minio:9000\n",
    "[default]\nsso_session = lab\n",
    "[default]\nuse_fips_endpoint = true\n",
    "[default]\nregion = eu-west-1\n[profile default]\nregion = us-west-2\n",
    "no ini file",
]
ENVIRONMENTS: list[Mapping[str, str]] = [
    {},
    {"AWS_REGION": "us-west-2"},
    {"AWS_DEFAULT_REGION": "eu-central-1"},
    {"AWS_SESSION_TOKEN": "token"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:9/base"},
    {"AWS_ENDPOINT_URL_S3": "https://s3.lab.example", "AWS_ENDPOINT_URL": "http://wrong.example"},
    {"AWS_CA_BUNDLE": "/a/bundle"},
    {"REQUESTS_CA_BUNDLE": "/a/bundle"},
    {"AWS_PROFILE": "lab"},
]


@pytest.mark.parametrize("more", ENVIRONMENTS, ids=str)
@pytest.mark.parametrize("config", PLAIN_FILES)
@pytest.mark.parametrize(
    "credentials", ["", "[default]\naws_access_key_id=f\naws_secret_access_key=g\n"]
)
def test_what_is_plainly_said_is_what_the_sdk_finds(
    tmp_path: Path, config: str, credentials: str, more: Mapping[str, str]
) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/config").write_text(config)
    (tmp_path / ".aws/credentials").write_text(credentials)
    for keys in (KEYS, {}):
        env = {**keys, **more, "HOME": str(tmp_path)}
        plain = plain_identity(env, "bucket")
        try:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in env.items():
                    patch.setenv(name, value)
                sdk = sdk_identity(env)
                wanted = (sdk.keys(), sdk.region, sdk.certificates, sdk.root("bucket", sdk.region))
        except UnfitError:
            assert plain is None
            continue
        assert plain is not None
        found = (plain.keys(), plain.region, plain.certificates, plain.root("bucket", plain.region))
        assert found == wanted


@pytest.mark.parametrize("config", OTHER_FILES)
def test_what_is_not_plain_is_for_the_sdk(tmp_path: Path, config: str) -> None:
    file = tmp_path / "config"
    file.write_text(config)
    assert plain_identity({**KEYS, "AWS_CONFIG_FILE": str(file)}, "bucket") is None
    file.write_text("")
    assert plain_identity({**KEYS, "AWS_CONFIG_FILE": str(file)}, "bucket") is not None


@pytest.mark.parametrize(
    "more",
    [
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"AWS_PROFILE": "nobody"},
        {"HTTPS_PROXY": "http://proxy.example"},
        {"AWS_ENDPOINT_URL": "https://s3.eu-west-1.amazonaws.com"},
        {"AWS_ENDPOINT_URL": "minio:9000"},
        {"AWS_REGION": "cn-north-1"},
        {"AWS_REGION": "us-gov-west-1"},
        {"AWS_REGION": "moon"},
    ],
    ids=str,
)
def test_what_may_change_a_request_is_for_the_sdk(more: Mapping[str, str]) -> None:
    assert plain_identity({**KEYS, **more}, "bucket") is None


@pytest.mark.parametrize("bucket", ["my.bucket", "x_y", "a--x-s3", "me-s3alias", "Upper", "ab"])
def test_a_bucket_with_rules_of_its_own_is_for_the_sdk(bucket: str) -> None:
    assert plain_identity(KEYS, bucket) is None


def test_certificates_are_those_of_the_sdk() -> None:
    assert usual_certificates() == get_cert_path(True)  # noqa: FBT003  (botocore's)


@pytest.mark.parametrize("bucket", ["bucket", "my.bucket", "xn-ot_dns"])
@pytest.mark.parametrize(
    "more",
    [
        {"AWS_REGION": "us-east-1"},
        {"AWS_REGION": "eu-central-1"},
        {"AWS_REGION": "cn-north-1"},
        {"AWS_REGION": "us-gov-west-1"},
        {"AWS_ENDPOINT_URL": "http://127.0.0.1:9/base"},
        {"AWS_ENDPOINT_URL": "https://minio.lab.example"},
    ],
    ids=str,
)
def test_a_bucket_is_where_the_sdk_looks_for_it(bucket: str, more: Mapping[str, str]) -> None:
    place = place_of(Access({**KEYS, **more}, bucket).identity(), bucket)
    seen: list[Any] = []

    def catch(request: object, **_: object) -> None:
        seen.append(request)
        raise KeyError

    client = Session().create_client(
        "s3",
        config=Config(s3={"addressing_style": "path" if "AWS_ENDPOINT_URL" in more else "virtual"}),
        region_name=more.get("AWS_REGION", "us-east-1"),
        endpoint_url=more.get("AWS_ENDPOINT_URL"),
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    )
    client.meta.events.register("before-send.s3", catch)
    with pytest.raises(KeyError):
        client.head_object(Bucket=bucket, Key="some/key")
    assert seen[0].url == f"{place.root}/some/key"
    assert f"/{place.region}/s3/".encode() in seen[0].headers["Authorization"]


def test_a_server_that_the_aws_files_name_is_asked_by_path(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("[default]\nendpoint_url = http://minio.lab.example:9000\ncli_history = on\n")
    identity = Access({**KEYS, "AWS_CONFIG_FILE": str(config)}, "bucket").identity()
    assert place_of(identity, "bucket").root == "http://minio.lab.example:9000/bucket"
