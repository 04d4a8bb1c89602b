"""Machines come up, run their user-data, end by themselves, and are ended."""

import dataclasses
import os
import shlex
import time
from http.server import HTTPServer, SimpleHTTPRequestHandler
from pathlib import Path

import pytest

from tests.ec2sim.bootworld import Box, World, script
from tests.ec2sim.house import House
from tests.ec2sim.seam import Why

SLEEPS = script("note up", "sleep 1000")


def test_user_data_runs_and_sees_nothing_but_the_endpoint(world: World, house: House) -> None:
    secret = house.directory.parent / "secret"
    secret.write_text("of the host", encoding="utf-8")
    with HTTPServer(("0.0.0.0", 0), SimpleHTTPRequestHandler) as hosts:
        port = hosts.server_port
        box = world.booted(
            Box(
                user_data=script(
                    f"curl -s --max-time 1 http://127.0.0.1:{port}/ || note loopback $?",
                    f"curl -s --max-time 1 http://198.18.0.1:{port}/ || note hub $?",
                    "curl -s --max-time 1 http://192.0.2.1/ || note outside $?",
                    f"cat {secret} || note hidden",
                    'note "home=$HOME id=$(hostname) files=$(ls -A /root /home /tmp | wc -w)"',
                )
            )
        )
        world.api.until(lambda: len(world.api.notes) == 5)
    assert {address for address, _ in world.api.notes} == {box.private_ip}
    assert world.api.words()[:4] == ["loopback 7", "hub 7", "outside 7", "hidden"]
    assert world.api.words()[4] == "home= id=ip-172-31-0-11 files=3"  # the names of the folders
    assert "cat: " in world.machines.console(box.id)


def test_a_machine_that_shuts_itself_down_has_ended(world: World, house: House) -> None:
    box = world.booted(Box(user_data=script("note up", "shutdown -h now", "sleep 1000")))
    world.api.until_told("ended", box.id, Why.SHUT_DOWN_ITSELF)
    assert world.api.words() == ["up"]
    assert "shuts down" in world.machines.console(box.id)
    assert not (house.directory / box.id).exists()


@pytest.mark.parametrize("command", ["poweroff", "halt", "systemctl poweroff", "kill -TERM 1"])
def test_there_are_other_words_for_it(world: World, command: str) -> None:
    box = world.booted(Box(user_data=script(command)))
    world.api.until_told("ended", box.id, Why.SHUT_DOWN_ITSELF)


def test_a_shutdown_in_minutes_follows_the_simulators_clock(world: World) -> None:
    began = time.monotonic()
    box = world.booted(Box(user_data=script("shutdown +20")))
    world.api.until_told("ended", box.id, Why.SHUT_DOWN_ITSELF)
    assert 1.0 <= time.monotonic() - began < 5.0


def test_a_shutdown_in_minutes_can_be_put_off_and_cancelled(world: World) -> None:
    box = world.booted(Box(user_data=script("shutdown +10", "shutdown +100000", "note later")))
    world.api.until_noted("later")
    time.sleep(0.8)
    assert "MODE=poweroff" in world.output(box, "cat", "/run/systemd/shutdown/scheduled")
    world.output(box, "shutdown", "+10")
    world.output(box, "shutdown", "-c")
    time.sleep(0.8)
    assert world.output(box, "echo", "still here") == "still here\n"
    assert world.api.told == [("running", box.id)]


def test_a_reboot_keeps_files_and_runs_user_data_only_once(world: World) -> None:
    both = (
        b'Content-Type: multipart/mixed; boundary="=b="\nMIME-Version: 1.0\n\n'
        b"--=b=\nContent-Type: text/x-shellscript-per-boot\n\n"
        + script("note boot $(cat /root/kept)")
        + b"\n--=b=\nContent-Type: text/x-shellscript\n\n"
        + script("note user", "echo this >/root/kept", "touch /run/lost", "reboot")
        + b"\n--=b=--\n"
    )
    box = world.booted(Box(user_data=both))
    world.api.until_noted("boot this")
    time.sleep(0.3)
    assert world.api.words() == ["boot", "user", "boot this"]
    assert world.machines.run(box.id, "ls", "/run/lost").returncode
    assert world.api.told == [("running", box.id)]


def test_a_machine_has_what_the_simulation_gives_to_all(world: World, house: House) -> None:
    given = house.directory.parent / "given"
    given.mkdir()
    (given / "file").write_text("of the test", encoding="utf-8")
    world.machines.house = dataclasses.replace(
        house, binds={given: "/opt/given"}, environment={"AWS_REGION": "eu-west-1"}
    )
    asks = script('note "$AWS_REGION $(cat /opt/given/file)"')
    box = world.booted(Box(user_data=asks, public_key="ssh-ed25519 AAAA me"))
    world.api.until_noted("eu-west-1 of the test")
    assert world.output(box, "cat", "/root/.ssh/authorized_keys") == "ssh-ed25519 AAAA me\n"
    assert world.output(box, "stat", "-c", "%a %U", "/root/.ssh/authorized_keys") == "600 root\n"


def test_a_stopped_machine_boots_again_with_its_disk(world: World) -> None:
    stops = script("echo this >/etc/kept", "shutdown now")
    box = world.booted(Box(user_data=stops, shutdown_behavior="stop"))
    world.api.until_told("ended", box.id, Why.SHUT_DOWN_ITSELF)
    world.api.told.clear()
    world.booted(box)
    assert world.output(box, "cat", "/etc/kept") == "this\n"


def test_a_machine_whose_first_program_dies_is_impaired_and_not_ended(world: World) -> None:
    box = world.booted(Box(user_data=SLEEPS))
    world.api.until_noted("up")
    world.machines.crash(box.id)
    world.api.until_told("impaired", box.id)
    time.sleep(0.2)
    assert world.api.told == [("running", box.id), ("impaired", box.id)]
    world.machines.end(box.id, Why.TERMINATED, 5.0)
    world.api.until_told("ended", box.id, Why.TERMINATED)


def test_time_stops_on_a_machine_that_hangs(world: World) -> None:
    counts = script("n=0; while :; do n=$((n+1)); echo $n >/tmp/n; sleep 0.02; done")
    box = world.booted(Box(user_data=counts))
    place = world.machines.house.disk(box.id).upper / "tmp/n"
    world.api.until(lambda: place.exists() and place.read_text() > "")
    world.machines.hang(box.id)
    time.sleep(0.1)
    stood = place.read_text()
    time.sleep(0.3)
    assert place.read_text() == stood
    world.machines.hang(box.id, hung=False)
    world.api.until(lambda: place.read_text() not in {stood, ""})
    world.machines.hang(box.id)
    world.machines.end(box.id, Why.TERMINATED, 0.1)
    world.api.until_told("ended", box.id, Why.TERMINATED)


def test_ending_from_outside_asks_and_then_kills(world: World) -> None:
    heeds = world.booted(Box(id="i-1", user_data=script("trap 'note asked; exit' TERM", *WAITS)))
    deaf = world.booted(
        Box(id="i-2", private_ip="172.31.0.12", user_data=script("trap '' TERM", *WAITS))
    )
    world.api.until(lambda: world.api.words().count("up") == 2)
    began = time.monotonic()
    world.machines.end(heeds.id, Why.SPOT_TAKEN, 10.0)
    world.api.until_told("ended", heeds.id, Why.SPOT_TAKEN)
    assert "asked" in world.api.words()
    assert time.monotonic() - began < 5.0
    began = time.monotonic()
    world.machines.end(deaf.id, Why.TERMINATED, 0.0)
    world.machines.end(deaf.id, Why.SPOT_TAKEN, 0.0)
    world.api.until_told("ended", deaf.id, Why.TERMINATED)
    assert time.monotonic() - began < 1.0
    assert [told for told in world.api.told if told[0] == "ended"] == [
        ("ended", heeds.id, Why.SPOT_TAKEN),
        ("ended", deaf.id, Why.TERMINATED),
    ]


WAITS = ("note up", "while :; do sleep 0.1; done")


def test_a_machine_that_cannot_boot_has_ended_and_says_why(world: World) -> None:
    box = world.boot(Box(user_data=b"#cloud-config\n"))
    world.api.until_told("ended", box.id, Why.BROKEN)
    assert "#cloud-config" in world.machines.console(box.id)


def test_a_machine_whose_system_is_broken_has_ended(world: World, house: House) -> None:
    world.machines.house = dataclasses.replace(house, python="/nowhere/python")
    box = world.boot(Box())
    world.api.until_told("ended", box.id, Why.BROKEN)
    assert "/nowhere/python" in world.machines.console(box.id)


def test_ten_machines_at_once(world: World) -> None:
    boxes = [
        Box(id=f"i-{n}", private_ip=f"172.31.1.{n}", user_data=script(f"note {n}", "poweroff"))
        for n in range(10)
    ]
    for box in boxes:
        world.boot(box)
    for box in boxes:
        world.api.until_told("ended", box.id, Why.SHUT_DOWN_ITSELF)
    assert sorted(world.api.words()) == [str(n) for n in range(10)]


def test_what_a_machine_has_used_is_known(world: World) -> None:
    works = script("head -c 30000000 /dev/zero | tail -c 30000000 >/dev/null", "note up")
    box = world.booted(Box(user_data=works))
    world.api.until_noted("up")
    used, traffic = world.machines.usage(box.id)
    assert used.cpu_s > 0.01
    assert used.peak_bytes > 30_000_000
    assert traffic.sent > 100
    assert traffic.received > 100


def test_its_memory_is_that_of_its_type(world: World) -> None:
    grows = script("head -c 200M /dev/zero | tail -c 200M >/dev/null", "note ended $?")
    world.booted(Box(user_data=grows, memory_mib=100))
    world.api.until(lambda: world.api.words() != [])
    assert world.api.words() == ["ended 137"]


def test_the_instance_store_is_a_disk_to_format_and_mount(world: World) -> None:
    disk = script(
        "set -- /dev/disk/by-id/nvme-Amazon_EC2_NVMe_Instance_Storage_*",
        'mkfs.ext4 -q "$1" && mount "$1" /mnt && note $# $(stat -f -c %T /mnt)',
    )
    box = world.booted(Box(user_data=disk, nvme_gb=100))
    world.api.until_noted("1 ext2/ext3")
    assert int(world.output(box, "blockdev", "--getsize64", "/dev/nvme1n1")) == 2**30


def test_the_host_is_out_of_reach(world: World) -> None:
    abilities = ("awk", "/CapEff/ {print $2}", "/proc/self/status")
    box = world.booted(Box(user_data=script(f"note $({shlex.join(abilities)})")))
    world.api.until(lambda: world.api.words() != [])
    for found in (world.api.words()[0], world.output(box, *abilities)):
        assert not int(found, 16) & (1 << 16 | 1 << 25)  # to load modules, to set the clock
    assert int(world.output(box, "sh", "-c", "ls -d /proc/[0-9]* | wc -l")) < 10
    assert world.machines.run(box.id, "sysctl", "-w", "vm.swappiness=1").returncode
    assert world.machines.run(box.id, "sh", "-c", "echo h >/proc/sysrq-trigger").returncode
    before = Path("/etc/hostname").read_text(encoding="utf-8")
    world.output(box, "sh", "-c", "echo x >/etc/hostname; hostname x")
    assert Path("/etc/hostname").read_text(encoding="utf-8") == before
    assert os.uname().nodename != "x"
