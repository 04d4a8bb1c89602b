"""The metadata service as programs on machines find it."""

import dataclasses
import json
from datetime import UTC, datetime

from tests.ec2sim.bootworld import Box, World, script
from tests.ec2sim.seam import MetadataOptions, SpotAction

AT = "http://169.254.169.254"
V2 = MetadataOptions(enabled=True, token_required=True, hop_limit=1, tags_enabled=True)
TOLD = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def token(world: World, box: Box, *more: str) -> str:
    ttl = ("-H", "X-aws-ec2-metadata-token-ttl-seconds: 60")
    return world.output(box, "curl", "-sf", "-X", "PUT", *ttl, *more, f"{AT}/latest/api/token")


def status(world: World, box: Box, path: str, *more: str) -> str:
    asks = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *more)
    return world.output(box, *asks, f"{AT}/{path}")


def got(world: World, box: Box, path: str) -> str:
    header = f"X-aws-ec2-metadata-token: {token(world, box)}"
    return world.output(box, "curl", "-sf", "-H", header, f"{AT}/{path}")


def test_only_with_a_token_of_ones_own(world: World) -> None:
    one = world.booted(Box(id="i-1"))
    two = world.booted(Box(id="i-2", private_ip="172.31.0.12"))
    path = "latest/meta-data/instance-id"
    assert status(world, one, path) == "401"
    header = f"X-aws-ec2-metadata-token: {token(world, one)}"
    assert status(world, one, path, "-H", header) == "200"
    assert status(world, two, path, "-H", header) == "401"
    assert got(world, two, path) == "i-2"
    put = ("-X", "PUT", "-H", "X-aws-ec2-metadata-token-ttl-seconds: 21601")
    assert status(world, one, "latest/api/token", *put) == "400"
    two.metadata = dataclasses.replace(V2, token_required=False)
    assert status(world, two, path) == "200"
    two.metadata = dataclasses.replace(V2, enabled=False)
    assert status(world, two, path) == "403"


def test_what_a_machine_learns_of_itself(world: World) -> None:
    said = script("note hello")
    box = world.booted(Box(user_data=said, tags={"job": "7 b"}, market="spot"))
    assert got(world, box, "latest/user-data").encode() == said
    assert got(world, box, "2021-07-15/meta-data/placement/region") == "us-east-1"
    assert "latest" in got(world, box, "")
    names = got(world, box, "latest/meta-data/").splitlines()
    assert {"instance-id", "placement/"} <= set(names)
    assert "tags/" not in names
    box.metadata = V2
    assert got(world, box, "latest/meta-data/tags/instance/job") == "7 b"
    about = json.loads(got(world, box, "latest/dynamic/instance-identity/document"))
    assert (about["instanceId"], about["instanceType"]) == (box.id, "c5.large")
    mac = got(world, box, "latest/meta-data/mac")
    macs = "latest/meta-data/network/interfaces/macs/"
    assert got(world, box, macs) == f"{mac}/"
    assert got(world, box, f"{macs}{mac}/vpc-ipv4-cidr-block") == box.network
    assert mac == world.output(box, "cat", "/sys/class/net/eth0/address").strip()


def test_the_roles_credentials(world: World) -> None:
    box = world.booted(Box(role_name="worker"))
    folder = "latest/meta-data/iam/security-credentials/"
    assert got(world, box, folder) == "worker"
    given = json.loads(got(world, box, f"{folder}worker"))
    assert (given["AccessKeyId"], given["Code"]) == ("ASIAworker", "Success")
    box.role_name = ""
    header = f"X-aws-ec2-metadata-token: {token(world, box)}"
    assert status(world, box, f"{folder}worker", "-H", header) == "404"


def test_announcements_of_spot(world: World) -> None:
    box = world.booted(Box(market="spot"))
    header = f"X-aws-ec2-metadata-token: {token(world, box)}"
    action = "latest/meta-data/spot/instance-action"
    rebalance = "latest/meta-data/events/recommendations/rebalance"
    assert status(world, box, action, "-H", header) == "404"
    assert status(world, box, rebalance, "-H", header) == "404"
    box.rebalance_at = TOLD
    box.spot_action = SpotAction("terminate", TOLD)
    assert json.loads(got(world, box, rebalance)) == {"noticeTime": "2026-01-02T03:04:05Z"}
    assert json.loads(got(world, box, action)) == {
        "action": "terminate",
        "time": "2026-01-02T03:04:05Z",
    }


def test_a_container_gets_a_token_only_over_a_second_hop(world: World) -> None:
    box = world.booted(Box())
    behind = (
        "echo 1 >/proc/sys/net/ipv4/ip_forward; touch /run/box; unshare --net=/run/box true;"
        "nsenter --net=/run/box ip link set lo up;"
        "ip link add v0 type veth peer name v1 netns /run/box;"
        "ip addr add 10.9.9.1/24 dev v0; ip link set v0 up;"
        "nsenter --net=/run/box ip addr add 10.9.9.2/24 dev v1;"
        "nsenter --net=/run/box ip link set v1 up;"
        "nsenter --net=/run/box ip route add default via 10.9.9.1;"
        "nft add table ip nat;"
        "nft add chain ip nat post '{ type nat hook postrouting priority 100 ; }';"
        "nft add rule ip nat post oifname eth0 masquerade"
    )
    world.output(box, "sh", "-c", f"set -e; {behind}")
    asks = (
        "curl -s -o /dev/null -w %{http_code} --max-time 1 -X PUT"
        " -H X-aws-ec2-metadata-token-ttl-seconds:60"
    )
    inside = ("nsenter", "--net=/run/box", *asks.split(), f"{AT}/latest/api/token")
    assert world.machines.run(box.id, *inside).returncode == 28
    box.metadata = dataclasses.replace(V2, hop_limit=2)
    assert world.output(box, *inside) == "200"
