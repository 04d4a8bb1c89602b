"""A door is for one address and one key."""

import pytest

from cryoem_cloud.model.door import Door, public_key
from cryoem_cloud.model.errors import FormatError, UsageError

ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0N0ZbkZ2mM8f5iYb0bHcHcR7cYt0VQyZ7b8q1mVQ3e"


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 10.1.2.3 ", "10.1.2.3/32"),
        ("2001:0db8::0007", "2001:db8::7/128"),
    ],
)
def test_an_address_is_a_network_of_one(source: str, network: str) -> None:
    door = Door.made(source, f"{ED25519} ada@workstation\n")
    assert (door.network, door.key) == (network, ED25519)
    assert Door.from_json(door.to_json()) == door


@pytest.mark.parametrize(
    "source",
    ["0.0.0.0", "::", "0.0.0.0/0", "203.0.113.0/24", "224.0.0.1", "127.0.0.1", "fe80::1", "", "me"],
)
def test_anybody_and_nobody_is_refused(source: str) -> None:
    with pytest.raises(UsageError):
        Door.made(source, ED25519)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        f'command="id" {ED25519}',
        f"{ED25519}\n{ED25519}",
        "ssh-ed25519 AAAA' ; id",
        "ssh-dss AAAA",
    ],
)
def test_what_is_no_plain_public_key_is_refused(key: str) -> None:
    assert public_key(key) == ""
    with pytest.raises(UsageError, match="no public key"):
        Door.made("203.0.113.7", key)


@pytest.mark.parametrize(
    "key",
    [
        "ssh-rsa AAAAB3NzaC1yc2E=",
        "ecdsa-sha2-nistp256 AAAAE2VjZHNh",
        "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaA==",
        "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNr",
    ],
)
def test_other_kinds_of_keys_are_keys(key: str) -> None:
    assert public_key(f"{key} a comment") == key


def test_a_stored_door_that_is_none_is_said() -> None:
    with pytest.raises(FormatError, match="a door"):
        Door.from_json({"source": "0.0.0.0/0", "key": ED25519})
