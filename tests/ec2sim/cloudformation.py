"""CloudFormation's calls."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import yaml  # type: ignore[import-untyped]  # moto brings it
from moto.core.responses import ActionResult

from tests.ec2sim.refusals import Refusal, Refusing
from tests.ec2sim.stacks import ACCOUNT, Stack, Stacks

__all__ = ["CloudFormation"]

_NOTHING = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


class CloudFormation(Refusing):
    """One request."""

    def __init__(self, stacks: Stacks) -> None:
        super().__init__("cloudformation")
        self.automated_parameter_parsing = True
        self._stacks = stacks

    def create_change_set(self) -> ActionResult:
        """Compare a template with what is there."""
        asked: Mapping[str, Any] = self._get_params()
        stack = self._stack_for(asked)
        template = yaml.safe_load(asked["TemplateBody"])
        if "CAPABILITY_NAMED_IAM" not in asked.get("Capabilities", []):
            raise Refusal("InsufficientCapabilitiesException", "Requires capabilities : "
                          "[CAPABILITY_NAMED_IAM]", status=400)  # fmt: skip
        changes = _changes(stack, template)
        same = not changes and stack.template.get("Outputs") == template.get("Outputs")
        name = asked["ChangeSetName"]
        arn = f"arn:aws:cloudformation:{stack.region}:{ACCOUNT}:changeSet/{name}/{uuid.uuid4()}"
        stack.change_sets[name] = {
            "ChangeSetName": name,
            "ChangeSetId": arn,
            "StackId": stack.arn,
            "StackName": stack.name,
            "CreationTime": datetime.now(UTC),
            "Status": "FAILED" if same else "CREATE_COMPLETE",
            "StatusReason": _NOTHING if same else "",
            "ExecutionStatus": "UNAVAILABLE" if same else "AVAILABLE",
            "Changes": changes,
            "template": template,
        }
        stack.tags = list(asked.get("Tags", stack.tags))
        return ActionResult({"Id": arn, "StackId": stack.arn})

    def describe_change_set(self) -> ActionResult:
        """What it would change."""
        found = dict(self._change_set())
        del found["template"]
        return ActionResult(found)

    def delete_change_set(self) -> ActionResult:
        """Forget it."""
        stack = self._stack()
        stack.change_sets.pop(self._get_param("ChangeSetName"), None)
        return ActionResult({})

    def execute_change_set(self) -> ActionResult:
        """Do it."""
        found = self._change_set()
        if found["ExecutionStatus"] != "AVAILABLE":
            raise Refusal("InvalidChangeSetStatus", "ChangeSet cannot be executed", status=400)
        stack = self._stack()
        stack.change_sets.clear()
        self._stacks.apply(stack, found["template"])
        return ActionResult({})

    def describe_stacks(self) -> ActionResult:
        """One, or all."""
        named = self._get_param("StackName")
        stacks = [self._stack()] if named else self._stacks.listed(self.region)
        shown = [_shown(stack) for stack in stacks]
        for stack in stacks:
            stack.asked()
        return ActionResult({"Stacks": shown})

    def describe_stack_events(self) -> ActionResult:
        """What happened, newest first."""
        return ActionResult({"StackEvents": self._stack().events})

    def describe_stack_resources(self) -> ActionResult:
        """What it has."""
        stack = self._stack()
        return ActionResult(
            {
                "StackResources": [
                    {
                        "StackName": stack.name,
                        "LogicalResourceId": name,
                        "PhysicalResourceId": made.id,
                        "ResourceType": made.kind,
                        "Timestamp": stack.created,
                        "ResourceStatus": "CREATE_COMPLETE",
                    }
                    for name, made in stack.made.items()
                ]
            }
        )

    def delete_stack(self) -> ActionResult:
        """Delete one; none is deleted already."""
        try:
            stack = self._stack()
        except Refusal:
            return ActionResult({})
        self._stacks.delete(stack)
        return ActionResult({})

    def _stack(self) -> Stack:
        return self._stacks.find(self._get_param("StackName"), self.region)

    def _stack_for(self, asked: Mapping[str, Any]) -> Stack:
        name, new = asked["StackName"], asked.get("ChangeSetType") == "CREATE"
        try:
            stack = self._stacks.find(name, self.region)
        except Refusal:
            if not new:
                raise
            return self._stacks.begun(name, self.region)
        if new and stack.status != "REVIEW_IN_PROGRESS":
            raise Refusal("AlreadyExistsException", f"Stack [{name}] already exists", status=400)
        usable = stack.status.endswith("_COMPLETE") and stack.status != "ROLLBACK_COMPLETE"
        if not new and not usable:
            raise Refusal(
                "ValidationError",
                f"Stack:{stack.arn} is in {stack.status} state and can not be updated.",
                status=400,
            )
        return stack

    def _change_set(self) -> Mapping[str, Any]:
        name = self._get_param("ChangeSetName")
        found = self._stack().change_sets.get(name)
        if found is None:
            raise Refusal("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)
        return found


def _changes(stack: Stack, template: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    old, new = stack.template.get("Resources", {}), template["Resources"]
    found: list[Mapping[str, Any]] = []
    for name in sorted({*old, *new}):
        if json.dumps(old.get(name), sort_keys=True) == json.dumps(new.get(name), sort_keys=True):
            continue
        action = "Add" if name not in old else "Modify" if name in new else "Remove"
        change = {
            "Action": action,
            "LogicalResourceId": name,
            "ResourceType": (new.get(name) or old[name])["Type"],
            **({"Replacement": "False"} if action == "Modify" else {}),
        }
        found.append({"Type": "Resource", "ResourceChange": change})
    return found


def _shown(stack: Stack) -> Mapping[str, Any]:
    return {
        "StackId": stack.arn,
        "StackName": stack.name,
        "StackStatus": stack.status,
        "StackStatusReason": stack.why,
        "CreationTime": stack.created,
        "Tags": stack.tags,
        "Outputs": [
            {"OutputKey": name, "OutputValue": value} for name, value in stack.outputs.items()
        ],
    }
