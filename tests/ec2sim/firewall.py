"""What security groups let in, as rules for nft. Everything else between machines is dropped."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from ipaddress import ip_network

from tests.ec2sim.seam import Ingress

__all__ = ["ruleset"]

_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp"}


def ruleset(
    machines: Mapping[str, Sequence[Ingress]], *, severed: Collection[str] = (), endpoint: str
) -> str:
    """The whole table, replacing the one that was: rules by the name of a machine's interface.

    What severed machines send to the endpoint is lost, as on a line that is down.

    It stands where traffic is forwarded, out of the machines' reach. As in EC2, connections that
    have been let in stay open when a rule goes.

    Raises:
        ValueError: A rule names something that is no address or no protocol that we know.
    """
    rules = [
        f'oifname "{interface}" {rule}'
        for interface, ingress in sorted(machines.items())
        for rule in _rules(ingress)
    ]
    lines = (
        "table inet ec2sim",
        "delete table inet ec2sim",
        "table inet ec2sim {",
        "chain forward {",
        "type filter hook forward priority 0; policy drop;",
        "ct state established,related accept",
        *rules,
        "}",
        "chain input {",
        "type filter hook input priority 0; policy accept;",
        *(f'iifname "{interface}" ip daddr {endpoint} drop' for interface in sorted(severed)),
        "}",
        "}",
    )
    return "\n".join(lines) + "\n"


def _rules(ingress: Iterable[Ingress]) -> Iterator[str]:
    for rule in ingress:
        what = _what(rule)
        for address in rule.addresses:
            network = ip_network(address, strict=False)
            family = "ip" if network.version == 4 else "ip6"
            yield f"{family} saddr {network} {what}accept"


def _what(rule: Ingress) -> str:
    protocol = _PROTOCOLS.get(rule.protocol, rule.protocol)
    if protocol == "-1":
        return ""
    if protocol == "icmp":
        return "meta l4proto icmp "
    if protocol not in {"tcp", "udp"}:
        raise ValueError(f"the simulator knows no protocol {rule.protocol} in a security group")
    first, last = rule.from_port or 0, rule.to_port if rule.to_port is not None else 65535
    return f"{protocol} dport {int(first)}-{int(last)} "
