"""CloudFormation: stacks that are made, changed and deleted, as its user guide says.

moto's own drops properties, outputs and policies of buckets. A stack is in progress until it was
asked for twice, as nobody waits for minutes here.
"""

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tests.ec2sim.inside import Inside
from tests.ec2sim.refusals import NotSimulatedError, Refusal
from tests.ec2sim.stack_resources import RESOURCES, Clients

__all__ = ["ACCOUNT", "Made", "Stack", "Stacks"]

ACCOUNT = "123456789012"
_KEPT = {"Retain", "RetainExceptOnCreate"}
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


@dataclass(slots=True)
class Made:
    """A resource of a stack."""

    kind: str
    id: str
    properties: Mapping[str, Any]
    kept: bool


@dataclass(slots=True)
class Stack:
    """A stack in a region."""

    name: str
    region: str
    template: Mapping[str, Any] = field(default_factory=dict)
    tags: list[Mapping[str, str]] = field(default_factory=list)
    status: str = "REVIEW_IN_PROGRESS"
    then: str = ""  # what the status will be when somebody has asked for it so often:
    asks: int = 0
    why: str = ""
    made: dict[str, Made] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    change_sets: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    identity: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def arn(self) -> str:
        """Its Amazon resource name."""
        where = f"arn:aws:cloudformation:{self.region}:{ACCOUNT}"
        return f"{where}:stack/{self.name}/{self.identity}"

    def under_way(self, what: str, then: str) -> None:
        """Something is being done; its end is to be seen soon."""
        self.status, self.then, self.why, self.asks = f"{what}_IN_PROGRESS", then, "", 2

    def asked(self) -> None:
        """Somebody has looked at it."""
        self.asks -= 1
        if self.then and self.asks <= 0:
            self.status, self.then = self.then, ""

    def event(self, name: str, kind: str, status: str, why: str = "") -> None:
        """Note what happened to one of its resources; newest first."""
        self.events.insert(
            0,
            {
                "StackId": self.arn,
                "EventId": str(uuid.uuid4()),
                "StackName": self.name,
                "LogicalResourceId": name,
                "ResourceType": kind,
                "ResourceStatus": status,
                "ResourceStatusReason": why,
                "Timestamp": datetime.now(UTC),
            },
        )


class Stacks:
    """The stacks of the account. `failing` names resources that cannot be made, and why."""

    def __init__(self, inside: Inside) -> None:
        self._inside = inside
        self._stacks: list[Stack] = []
        self.failing: dict[str, str] = {}

    def find(self, name: str, region: str) -> Stack:
        """The stack of that name, or of that ARN; deleted ones are found by their ARN alone."""
        for stack in self._stacks:
            alive = stack.status != "DELETE_COMPLETE"
            if stack.region == region and name in ({stack.name} if alive else set()) | {stack.arn}:
                return stack
        raise Refusal("ValidationError", f"Stack with id {name} does not exist", status=400)

    def listed(self, region: str) -> list[Stack]:
        """Those that are there."""
        return [s for s in self._stacks if s.region == region and s.status != "DELETE_COMPLETE"]

    def begun(self, name: str, region: str) -> Stack:
        """A stack that is to be made by a change set."""
        stack = Stack(name=name, region=region)
        self._stacks.append(stack)
        return stack

    def apply(self, stack: Stack, template: Mapping[str, Any]) -> None:
        """Make or change it as the template says; what fails is rolled back."""
        new = stack.status == "REVIEW_IN_PROGRESS"
        kind = "CREATE" if new else "UPDATE"
        clients = self._clients(stack.region)
        before = dict(stack.made)
        stack.under_way(kind, f"{kind}_COMPLETE")
        try:
            self._each(stack, template, clients)
        except (ClientError, Refusal) as error:
            if isinstance(error, NotSimulatedError):
                raise
            stack.why = f"The following resource(s) failed to create: {error}"
            stack.then = "ROLLBACK_COMPLETE" if new else "UPDATE_ROLLBACK_COMPLETE"
            for name in [each for each in reversed(stack.made) if each not in before]:
                self._remove(stack, name, clients)
            return
        stack.template = template
        stack.outputs = {
            name: str(self._filled(each["Value"], stack))
            for name, each in template.get("Outputs", {}).items()
        }

    def delete(self, stack: Stack) -> None:
        """Delete it, but what is to be kept."""
        stack.under_way("DELETE", "DELETE_COMPLETE")
        clients = self._clients(stack.region)
        for name, made in reversed(list(stack.made.items())):
            if made.kept:
                stack.event(name, made.kind, "DELETE_SKIPPED")
                continue
            try:
                self._remove(stack, name, clients)
            except ClientError as error:
                stack.event(name, made.kind, "DELETE_FAILED", str(error))
                stack.then, stack.why = "DELETE_FAILED", f"failed to delete: [{name}]"
                return

    def _each(self, stack: Stack, template: Mapping[str, Any], clients: Clients) -> None:
        wanted = template["Resources"]
        for name in [each for each in reversed(stack.made) if each not in wanted]:
            if not stack.made[name].kept:
                self._remove(stack, name, clients)
            stack.made.pop(name, None)
        for name, each in wanted.items():
            if name in self.failing:
                stack.event(name, each["Type"], "CREATE_FAILED", self.failing[name])
                raise Refusal("Failed", f"[{name}] {self.failing[name]}")
            self._settle(stack, name, each, clients)

    def _settle(self, stack: Stack, name: str, asked: Mapping[str, Any], clients: Clients) -> None:
        kind = RESOURCES.get(asked["Type"])
        if kind is None:
            raise NotSimulatedError(f"{asked['Type']} in a stack")
        properties = self._filled(asked.get("Properties", {}), stack)
        kind.check(properties)
        made = stack.made.get(name)
        if made is None:
            unique = f"{stack.name}-{name}-{uuid.uuid4().hex[:12]}"
            it = kind.make(clients, properties, unique)
            kept = asked.get("DeletionPolicy") in _KEPT
            stack.made[name] = Made(asked["Type"], it, properties, kept)
            stack.event(name, asked["Type"], "CREATE_COMPLETE")
        elif made.properties != properties:
            kind.change(clients, made.id, made.properties, properties)
            made.properties = properties
            stack.event(name, asked["Type"], "UPDATE_COMPLETE")

    def _remove(self, stack: Stack, name: str, clients: Clients) -> None:
        made = stack.made[name]
        RESOURCES[made.kind].remove(clients, made.id, made.properties)
        del stack.made[name]
        stack.event(name, made.kind, "DELETE_COMPLETE")

    def _clients(self, region: str) -> Clients:
        return lambda service: self._inside.client(service, region)

    def _filled(self, value: Any, stack: Stack) -> Any:  # noqa: ANN401
        if isinstance(value, list):
            return [self._filled(each, stack) for each in value]
        if not isinstance(value, Mapping):
            return value
        if set(value) == {"Ref"}:
            return self._named(value["Ref"], stack)
        if set(value) == {"Fn::Sub"}:
            return _VARIABLE.sub(
                lambda found: f"${{{found[2]}}}" if found[1] else self._named(found[2], stack),
                value["Fn::Sub"],
            )
        if any(key.startswith("Fn::") for key in value):
            raise NotSimulatedError(f"{min(value)} in a template")
        return {key: self._filled(each, stack) for key, each in value.items()}

    def _named(self, name: str, stack: Stack) -> str:
        pseudo = {
            "AWS::Partition": "aws",
            "AWS::AccountId": ACCOUNT,
            "AWS::Region": stack.region,
            "AWS::StackName": stack.name,
        }
        if name in pseudo:
            return pseudo[name]
        if name not in stack.made:
            raise Refusal("ValidationError", f"Unresolved resource dependencies [{name}]")
        return stack.made[name].id
