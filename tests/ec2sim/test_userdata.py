"""Which programs are in user-data."""

import gzip

import pytest

from tests.ec2sim.userdata import Part, parts

MIME = (
    b'Content-Type: multipart/mixed; boundary="=b="\nMIME-Version: 1.0\n\n'
    b"--=b=\nContent-Type: text/x-shellscript\n\n#!/bin/sh\na\n"
    b"--=b=\nContent-Type: %s\nContent-Transfer-Encoding: base64\n\nIyEvYmluL3NoCmIK\n"
    b"--=b=--\n"
)


def test_a_script_is_one_program_packed_or_not() -> None:
    script = b"#!/bin/sh\necho\n"
    assert parts(script) == (Part("scripts", "part-001", script),)
    assert parts(gzip.compress(script)) == parts(script)


def test_no_user_data_is_no_program() -> None:
    assert parts(b"") == ()


def test_a_mime_message_has_programs_of_two_kinds() -> None:
    found = parts(MIME % b"text/x-shellscript-per-boot")
    assert [(part.kind, part.name) for part in found] == [
        ("scripts", "part-001"),
        ("per-boot", "part-002"),
    ]
    assert found[1].body == b"#!/bin/sh\nb\n"


@pytest.mark.parametrize(
    "strange", [b"#cloud-config\n", b"echo no shebang\n", MIME % b"text/cloud-config"]
)
def test_what_we_do_not_run_is_refused(strange: bytes) -> None:
    with pytest.raises(ValueError, match="user-data"):
        parts(strange)
