"""Security groups as rules of nft."""

import pytest

from tests.ec2sim.firewall import ruleset
from tests.ec2sim.seam import Ingress


def rules(*ingress: Ingress) -> list[str]:
    lines = ruleset({"m1": ingress}, endpoint="198.18.0.1").splitlines()
    return [line.removeprefix('oifname "m1" ') for line in lines if line.startswith("oifname")]


def test_without_a_rule_nothing_is_let_in() -> None:
    assert rules() == []
    assert "policy drop;" in ruleset({}, endpoint="198.18.0.1")


def test_ports_and_sources() -> None:
    both = Ingress("tcp", 22, 22, ("10.0.0.0/8", "2001:db8::/32"))
    assert rules(both) == [
        "ip saddr 10.0.0.0/8 tcp dport 22-22 accept",
        "ip6 saddr 2001:db8::/32 tcp dport 22-22 accept",
    ]
    every = Ingress("-1", None, None, ("10.0.0.5/8",))
    assert rules(every) == ["ip saddr 10.0.0.0/8 accept"]
    assert rules(Ingress("17", None, None, ("0.0.0.0/0",))) == [
        "ip saddr 0.0.0.0/0 udp dport 0-65535 accept"
    ]
    assert rules(Ingress("icmp", -1, -1, ("0.0.0.0/0",))) == [
        "ip saddr 0.0.0.0/0 meta l4proto icmp accept"
    ]


def test_what_a_severed_machine_sends_is_lost() -> None:
    lines = ruleset({"m1": (), "m2": ()}, severed={"m2"}, endpoint="198.18.0.1").splitlines()
    dropped = [line for line in lines if line.endswith(" drop")]
    assert dropped == ['iifname "m2" ip daddr 198.18.0.1 drop']


def test_words_of_nft_in_a_rule_are_refused() -> None:
    with pytest.raises(ValueError, match="appear"):
        rules(Ingress("tcp", 1, 1, ("0.0.0.0/0 accept; drop",)))
    with pytest.raises(ValueError, match="no protocol"):
        rules(Ingress("tcp dport 1 accept;", 1, 1, ("0.0.0.0/0",)))
