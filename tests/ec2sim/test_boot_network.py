"""Who reaches whom, and how fast."""

import time

import pytest

from tests.ec2sim.bootworld import Box, World, script
from tests.ec2sim.seam import Ingress

LISTENS = script("python3 -m http.server 8000 &", "python3 -m http.server 9000 &", "note up")


def reaches(world: World, box: Box, other: Box, port: int) -> bool:
    url = f"http://{other.private_ip}:{port}/etc/hostname"
    return world.machines.run(box.id, "curl", "-sf", "--max-time", "0.5", url).returncode == 0


def test_machines_reach_each_other_only_where_a_rule_lets_them(world: World) -> None:
    one = world.booted(Box(id="i-1", user_data=LISTENS))
    two = world.booted(Box(id="i-2", private_ip="172.31.0.12", user_data=LISTENS))
    world.api.until(lambda: len(world.api.notes) == 2)
    world.api.until(lambda: ":8000" in world.output(two, "ss", "-ltn"))
    world.api.until(lambda: ":9000" in world.output(two, "ss", "-ltn"))
    assert not reaches(world, one, two, 8000)
    assert not reaches(world, two, one, 8000)
    two.ingress = [Ingress("tcp", 8000, 8000, (f"{one.private_ip}/32",))]
    world.api.until(lambda: reaches(world, one, two, 8000))
    assert not reaches(world, one, two, 9000)
    assert not reaches(world, two, one, 8000)
    two.ingress = []
    world.api.until(lambda: not reaches(world, one, two, 8000))


def test_the_endpoint_can_be_out_of_reach_for_a_while(world: World) -> None:
    one = world.booted(Box(id="i-1"))
    two = world.booted(Box(id="i-2", private_ip="172.31.0.12"))
    asks = ("curl", "-s", "-o", "/dev/null", "--max-time", "0.5", "http://198.18.0.1:5000/1")
    about = ("curl", "-s", "-o", "/dev/null", "--max-time", "5", "http://169.254.169.254/")
    world.output(one, *asks)
    world.machines.network.sever(one.id)
    assert world.machines.run(one.id, *asks).returncode == 28
    world.output(one, *about)
    world.output(two, *asks)
    world.machines.network.sever(one.id, severed=False)
    world.output(one, *asks)


@pytest.mark.alone
def test_a_machine_has_the_bandwidth_that_it_was_given(world: World) -> None:
    box = world.booted(Box())
    size = 5_000_000
    asks = ("curl", "-sf", "-o", "/dev/null", f"http://198.18.0.1:5000/{size}")
    world.machines.network.limit(box.id, 40)
    began = time.monotonic()
    world.output(box, *asks)
    mbit = size * 8 / 1e6 / (time.monotonic() - began)
    assert 28 < mbit < 52
    sends = ("curl", "-sf", "-H", "Expect:", "--data-binary", "@/tmp/sent", asks[-1])
    world.output(box, "truncate", "-s", str(size), "/tmp/sent")
    began = time.monotonic()
    world.output(box, *sends)
    assert 28 < size * 8 / 1e6 / (time.monotonic() - began) < 52
