"""The boot script as it is filled in: safe, small, and what its parts do."""

import dataclasses
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cryoem_cloud.model.errors import SettingsError
from cryoem_cloud.providers.aws.userdata import Boot, user_data

BOOT = Boot(
    store="s3://lab/team/x",
    region="us-west-2",
    project="apo-1a2b3c4d",
    job=7,
    group="apo-1a2b3c4d-00000007-1",
    agent=f"@agent/{'a' * 64}.tar.gz@{'a' * 64}",
    limit_s=86400.0,
    until=datetime(2026, 1, 2, tzinfo=UTC),
)


def functions(tmp_path: Path, *lines: str, fakes: dict[str, str] | None = None) -> str:
    """What these lines print, run with the script's functions and these programs alone."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, body in (fakes or {}).items():
        (programs / name).write_text(f"#!/bin/bash\n{body}\n")
        (programs / name).chmod(0o755)
    for name in ("sort", "cut", "head", "grep", "readlink", "sha256sum", "tail", "date", "cat"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    script = user_data(BOOT)
    before = script[: script.index("\nbegin_log\nwatch")]
    before = before.replace("shutdown -P", ": shutdown -P")
    before = before.replace("export PATH=", f"export PATH={programs} NOT=")
    told = tmp_path / "script"
    told.write_text("\n".join((before, *lines, "")))
    ran = subprocess.run(["/bin/bash", told], check=False, capture_output=True, text=True, env={})
    return ran.stdout + ran.stderr


def test_the_end_is_armed_before_anything_else() -> None:
    lines = user_data(BOOT).splitlines()
    assert lines[0] == "#!/bin/bash"
    does = [line for line in lines[1:] if line and line[0] != "#" and "=" not in line.split()[0]]
    assert does[0].startswith('shutdown -P "+$dead_man_min"')
    assert "dead_man_min=20" in lines


@pytest.mark.parametrize(
    "line", ["apt-get install -y relion", "echo $HOME 'a b' \"c\" `id` $(id) ; # '", "x" * 4000]
)
def test_the_set_up_line_comes_through_as_it_is(line: str, tmp_path: Path) -> None:
    script = user_data(dataclasses.replace(BOOT, install=line))
    values = script[: script.index("# What machines and builders")]
    shown = subprocess.run(
        ["/bin/bash", "-c", f'{values}\nprintf %s "$install"'],
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout == line


def test_what_does_not_fit_is_said() -> None:
    with pytest.raises(SettingsError, match=r"set-up line is too long: at most \d+ bytes"):
        user_data(dataclasses.replace(BOOT, install="x" * 12000))
    most = 16384 - len(user_data(BOOT).encode())
    fits = user_data(dataclasses.replace(BOOT, install="x" * most))
    assert len(fits.encode()) <= 16384
    with pytest.raises(SettingsError, match="not one line"):
        user_data(dataclasses.replace(BOOT, install="a\nb"))


@pytest.mark.parametrize(
    "change",
    [
        {"store": "file:///x"},
        {"store": "s3://lab/a b"},
        {"agent": "@agent/x.tar.gz"},
        {"agent": f"@agent/x;y@{'a' * 64}"},
        {"project": "a$(id)"},
    ],
)
def test_names_that_are_none_of_ours_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(SettingsError):
        user_data(dataclasses.replace(BOOT, **change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("object @agent/x",), "https://lab.s3.us-west-2.amazonaws.com/%40agent/x"),
        (("bucket=a.b", "object k"), "https://s3.us-west-2.amazonaws.com/a.b/k"),
        (("endpoint=http://h:1/", "object k"), "http://h:1/lab/k"),
    ],
)
def test_where_objects_are(lines: tuple[str, ...], expected: str, tmp_path: Path) -> None:
    assert functions(tmp_path, *lines) == expected


SAYS = 'echo "${0##*/} $*" >&2'


@pytest.mark.parametrize(
    ("fakes", "expected"),
    [
        (
            {"mdadm": SAYS, "lvcreate": SAYS},
            "mdadm --create /dev/md/cryoem --run --force --level=0 --raid-devices=2 /dev/a /dev/b",
        ),
        (
            {"vgcreate": SAYS, "lvcreate": SAYS},
            "lvcreate -y -Wn -n scratch -i 2 -I 256 -l 100%FREE cryoem",
        ),
        ({"blockdev": "[[ $2 == */b ]] && echo 20 || echo 9"}, "one of 2 disks is used\n/dev/b"),
    ],
)
def test_several_disks_become_one(fakes: dict[str, str], expected: str, tmp_path: Path) -> None:
    assert expected in functions(tmp_path, "striped /dev/a /dev/b 2>&1", fakes=fakes)


def test_without_mdadm_and_lvm_btrfs_stripes_them(tmp_path: Path) -> None:
    fakes = dict.fromkeys(("mkfs.btrfs", "mount", "df", "mkdir", "chmod"), SAYS)
    lines = ("stores() { printf '%s\\n' /dev/a /dev/b; }", "make_scratch 2>&1")
    said = functions(tmp_path, *lines, fakes=fakes)
    assert "mkfs.btrfs -q -f -d raid0 -m raid0 /dev/a /dev/b" in said
    assert "mount -o noatime /dev/a /mnt/cryoem" in said
    assert "scratch: 2 disks of the instance store" in said


def test_a_disk_that_cannot_be_used_leaves_the_root_volume(tmp_path: Path) -> None:
    fakes = dict.fromkeys(("df", "mkdir", "chmod", "mount"), SAYS) | {"mkfs.ext4": "exit 1"}
    lines = ("stores() { echo /dev/a; }", "make_scratch 2>&1")
    said = functions(tmp_path, *lines, fakes=fakes)
    assert "scratch: the root volume" in said
    assert "mount " not in said


def test_credentials_stand_in_no_command_line(tmp_path: Path) -> None:
    given = '{"AccessKeyId" : "AK", "SecretAccessKey" : "very/secret+", "Token" : "tok=="}'
    fakes = {
        "curl": 'echo "curl $*"; while [[ $1 != --config ]]; do shift; done; cat "$2"',
        "sed": 'exec /usr/bin/sed "$@"',
    }
    lines = (f"told() {{ echo '{given}'; }}", "role=r", "signed ec2 https://x")
    command, *config = functions(tmp_path, *lines, fakes=fakes).splitlines()
    assert "secret" not in command
    assert "--aws-sigv4 aws:amz:us-west-2:ec2" in command
    assert config == ['user = "AK:very/secret+"', 'header = "X-Amz-Security-Token: tok=="']


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("deb http://deb.debian.org/debian bookworm main", "https://deb.debian.org/debian"),
        ("http://cdn-aws.deb.debian.org/debian", "https://cdn-aws.deb.debian.org/debian"),
        ("URIs: http://us-west-2.ec2.archive.ubuntu.com/ubuntu/", "https://archive.ubuntu.com/"),
        ("URIs: http://security.ubuntu.com/ubuntu/", "https://security.ubuntu.com/ubuntu/"),
        ("deb http://ftp.de.debian.org/debian x main", "http://ftp.de.debian.org/debian"),
        ("deb http://mirror.lab.example/debian x main", "http://mirror.lab.example/debian"),
    ],
)
@pytest.mark.parametrize("name", ["sources.list", "sources.list.d/x.sources", "mirrors/x.list"])
def test_packages_come_by_https_where_their_servers_have_it(
    tmp_path: Path, before: str, after: str, name: str
) -> None:
    file = tmp_path / "apt" / name
    file.parent.mkdir(parents=True)
    file.write_text(before + "\n")
    find = {"find": 'exec /usr/bin/find "$@"', "sed": 'exec /usr/bin/sed "$@"'}
    assert functions(tmp_path, f"use_https {tmp_path}/apt", fakes=find) == ""
    assert after in file.read_text()
    assert file.read_text().count("//") == 1
