"""cryoem report: a bundle with what is needed, and no secrets."""

import tarfile
from pathlib import Path

import pytest

from cryoem_cloud.cli.checking.redacting import redacted
from tests.cli.conftest import User


def test_report_has_what_is_needed_and_no_secrets(user: User) -> None:
    file = user.home / ".config" / "cryoem-cloud" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text("count = 1\n# password = 'hunter2'\n")
    number = user.submit("a", f"echo {user.home}/x; echo token=abcdef >&2; exit 1")
    user.type("cryoem", "wait", str(number))
    other = user.submit("b", "true")
    user.type("cryoem", "wait", str(other))
    before = set(user.folder.iterdir())
    (bundle,) = user.cryoem("report", str(number)).out.split("wrote ")[1].split("; look")[:1]
    assert set(user.folder.iterdir()) == before
    assert user.cryoem("report", str(number)).out.split("; look")[0].endswith(bundle)
    with tarfile.open(bundle) as tar:
        texts = {
            member.name.partition("/")[2]: tar.extractfile(member).read().decode()  # type: ignore[union-attr]
            for member in tar
        }
    assert {"card.json", "versions.txt", "settings.txt", "courier.log", "logs/run.err"} <= set(
        texts
    )
    assert any(name.startswith("machines/") for name in texts)
    whole = "\n".join(texts.values())
    assert str(user.home) not in whole
    assert "hunter2" not in whole
    assert "abcdef" not in whole
    assert f"{other:08d}." not in texts["courier.log"]


def test_report_writes_where_it_is_told_and_replaces_nothing_there(user: User) -> None:
    number = user.submit("a", "true")
    user.cryoem("wait", str(number))
    user.cryoem("report", str(number), "--output", "x.tar.gz")
    assert tarfile.is_tarfile(user.folder / "x.tar.gz")
    assert user.type("cryoem", "report", str(number), "-o", "x.tar.gz").code == 1


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("/home/ada/x", "~/x"),
        ("AKIAABCDEFGHIJKLMNOP", "<key>"),
        ('{"aws_secret_access_key": "a/b+c"}', '{"aws_secret_access_key": <secret>}'),
        (
            "https://ada:pw@host/x?X-Amz-Signature=12ab&y",
            "https://<who>@host/x?X-Amz-Signature=<signature>&y",
        ),
        ("ada@lab.org", "user@lab.org"),
        ('{"text": "token=\\"two words\\" x"}', '{"text": "token=<secret> x"}'),
        ("passphrase: hush", "passphrase: <secret>"),
        (
            "PGPASS=hush MY_PWD=hush VAULT_AUTH=hush",
            "PGPASS=<secret> MY_PWD=<secret> VAULT_AUTH=<secret>",
        ),
        ("SLACK_WEBHOOK: https://hooks/x", "SLACK_WEBHOOK: <secret>"),
        ("Authorization: Basic YWRhOnB3MTIz", "Authorization: Basic <secret>"),
        ("bearer abc.def-123", "bearer <secret>"),
        ("a basic thing of 12345678", "a basic thing of 12345678"),
        ("-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----\nx", "<private key>\nx"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMII\ncut", "<private key>"),
        ("rlnAutopickFigureOfMerit 1.0", "rlnAutopickFigureOfMerit 1.0"),
    ],
)
def test_redacting(text: str, clean: str) -> None:
    assert redacted(text, home=Path("/home/ada"), user="ada") == clean


@pytest.mark.parametrize("home", ["/", "/home/zoë b"])
def test_a_home_is_recognised_in_every_form_and_the_root_is_none(home: str) -> None:
    text = f"{Path(home, 'x')} {Path(home, 'x').as_uri()}"
    clean = "~/x file://~/x" if len(home) > 1 else text
    assert redacted(text, home=Path(home), user="ada") == clean
