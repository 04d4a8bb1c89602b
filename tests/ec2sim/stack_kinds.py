"""What a kind of things is that a CloudFormation stack may have here."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.ec2sim.asking import Client
from tests.ec2sim.refusals import NotSimulatedError

__all__ = ["Clients", "Kind", "Properties", "tags_of_new"]

Clients = Callable[[str], Client]
Properties = Mapping[str, Any]


class Kind:
    """A kind of things. `known` are the properties that are heeded."""

    known: frozenset[str] = frozenset()

    def check(self, properties: Properties) -> None:
        """See that nothing would be passed over."""
        for name in sorted(set(properties) - self.known):
            raise NotSimulatedError(f"{name} of a {type(self).__name__} in a stack")

    def make(self, clients: Clients, properties: Properties, name: str) -> str:
        """Make it; its id. `name` is what CloudFormation would call it."""
        raise NotImplementedError

    def change(self, clients: Clients, it: str, old: Properties, new: Properties) -> None:
        """Make it as the new properties say; tags of EC2's things can be changed."""
        if {**old, "Tags": []} != {**new, "Tags": []}:
            raise NotSimulatedError(f"replacing a {type(self).__name__} of a stack")
        clients("ec2").create_tags(Resources=[it], Tags=new["Tags"])

    def remove(self, clients: Clients, it: str, properties: Properties) -> None:
        """Remove it."""


def tags_of_new(kind: str, properties: Properties) -> list[dict[str, Any]]:
    tags = properties.get("Tags", [])
    return [{"ResourceType": kind, "Tags": tags}] if tags else []
