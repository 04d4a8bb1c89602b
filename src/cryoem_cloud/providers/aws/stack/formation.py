"""CloudFormation: how a stack is, and how it becomes what a template says."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from cryoem_cloud.model.errors import ProviderError, RefusedError
from cryoem_cloud.providers.aws.calls import Calls, Refused
from cryoem_cloud.providers.aws.names import tagged
from cryoem_cloud.providers.aws.stack.choices import require_name

__all__ = ["Formation", "State", "Step", "next_step", "outputs_of"]

_SERVICE = "cloudformation"
_POLL_S = 5.0
_MOST_POLLS = 360
_CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


class Step(Enum):
    """What is to be done next with a stack."""

    CREATE = "create"
    UPDATE = "update"
    WAIT = "wait"
    CLEAR = "clear"
    """Delete what a failed attempt left, then create."""


@dataclass(frozen=True, slots=True)
class State:
    """How a stack is; an empty status: there is none."""

    status: str = ""
    why: str = ""
    outputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether AWS is at work on it."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"

    @property
    def well(self) -> bool:
        """Whether the last thing that was done to it succeeded."""
        return self.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}


def next_step(state: State) -> Step:
    """From a stack's status (CloudFormation user guide, "Stack status codes")."""
    if state.busy:
        return Step.WAIT
    if state.status in {"", "REVIEW_IN_PROGRESS", "DELETE_COMPLETE"}:
        return Step.CREATE
    if state.status in {
        "CREATE_FAILED",
        "DELETE_FAILED",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
        "UPDATE_ROLLBACK_FAILED",
    }:
        return Step.CLEAR
    return Step.UPDATE


def outputs_of(stack: Mapping[str, Any]) -> dict[str, str]:
    """What a stack says of itself."""
    return {str(each["OutputKey"]): str(each["OutputValue"]) for each in stack.get("Outputs") or ()}


@dataclass(frozen=True, slots=True)
class Formation:
    """One stack in one region. `sleep` lets time pass between two looks."""

    calls: Calls
    stack: str
    sleep: Callable[[float], None]

    def __post_init__(self) -> None:
        """See that it can be a stack's name: without one AWS tells of any.

        Raises:
            UsageError: It cannot.
        """
        require_name(self.stack)

    def look(self) -> State:
        """How it is."""
        try:
            found = self.calls.ask(
                _SERVICE, "describe_stacks", expected=("ValidationError",), StackName=self.stack
            )
        except Refused as refused:
            if "does not exist" in refused.said:
                return State()
            raise ProviderError(f"CloudFormation: {refused.said}") from refused
        stack = found["Stacks"][0]
        return State(
            status=str(stack["StackStatus"]),
            why=str(stack.get("StackStatusReason", "")),
            outputs=outputs_of(stack),
        )

    def settle(self, template: Mapping[str, Any], tags: Mapping[str, str]) -> State:
        """See to it that the stack is as the template says; how it is then.

        Where another setup is under way, its end is waited for first. Does nothing where nothing is
        to change.

        Raises:
            ProviderError: It could not be made; the message has the first reason that AWS gave.
            RefusedError: The store would be replaced by another one.
        """
        state = self.look()
        if next_step(state) is Step.WAIT:
            state = self.wait()
        if next_step(state) is Step.CLEAR:
            self.delete()
            state = State()
        if not self._change(template, tags, new=next_step(state) is Step.CREATE):
            return self.look()
        state = self.wait()
        if not state.well:
            raise ProviderError(
                f"AWS could not make the stack {self.stack}: {self._first_failure() or state.why}",
                hint="mend that, then call setup again: it clears what is left",
            )
        return state

    def delete(self) -> None:
        """See to it that there is no such stack; what is to be kept is kept.

        Raises:
            ProviderError: Something of it cannot be deleted.
        """
        if self.look().busy:
            self.wait()
        self.calls.ask(_SERVICE, "delete_stack", StackName=self.stack)
        state = self.wait()
        if state.status:
            raise ProviderError(
                f"AWS could not delete the stack {self.stack}: "
                f"{self._first_failure() or state.why}",
                hint="mend that, then call teardown again",
            )

    def wait(self) -> State:
        """How it is when AWS is no more at work on it.

        Raises:
            ProviderError: That lasts for more than half an hour.
        """
        for _ in range(_MOST_POLLS):
            state = self.look()
            if not state.busy:
                return state
            self.sleep(_POLL_S)
        raise ProviderError(
            f"AWS has been at work on the stack {self.stack} for half an hour",
            hint="look at it in the console of CloudFormation; call this again later",
        )

    def _change(self, template: Mapping[str, Any], tags: Mapping[str, str], *, new: bool) -> bool:
        """Do what the template changes; whether there was anything."""
        name = f"setup-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        self.calls.ask(
            _SERVICE,
            "create_change_set",
            StackName=self.stack,
            ChangeSetName=name,
            ChangeSetType="CREATE" if new else "UPDATE",
            TemplateBody=json.dumps(template, separators=(",", ":")),
            Capabilities=_CAPABILITIES,
            Tags=tagged(tags),
        )
        found = self._ready(name)
        if found["Status"] == "FAILED":
            self._forget(name)
            said = str(found.get("StatusReason", ""))
            if any(words in said for words in _NO_CHANGES):
                return False
            raise ProviderError(f"CloudFormation refuses the template: {said}")
        if not new and _moves_store(found.get("Changes", ())):
            self._forget(name)
            raise RefusedError(
                f"this would give {self.stack} another store, and its users' files are in the old",
                hint="call setup as it was called first, or make another stack (--stack NAME)",
            )
        self.calls.ask(_SERVICE, "execute_change_set", StackName=self.stack, ChangeSetName=name)
        return True

    def _ready(self, name: str) -> Mapping[str, Any]:
        for _ in range(_MOST_POLLS):
            found = self.calls.ask(
                _SERVICE, "describe_change_set", StackName=self.stack, ChangeSetName=name
            )
            if found["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}:
                return found
            self.sleep(_POLL_S)
        raise ProviderError("CloudFormation does not come to an end with comparing templates")

    def _forget(self, name: str) -> None:
        self.calls.ask(_SERVICE, "delete_change_set", StackName=self.stack, ChangeSetName=name)

    def _first_failure(self) -> str:
        """The oldest reason since the last attempt began that is no consequence of another."""
        try:
            found = self.calls.ask(
                _SERVICE,
                "describe_stack_events",
                expected=("ValidationError",),
                StackName=self.stack,
            )
        except Refused:
            return ""
        failed = [
            f"{each['LogicalResourceId']}: {each['ResourceStatusReason']}"
            for each in found["StackEvents"]
            if each["ResourceStatus"].endswith("_FAILED")
            and "cancelled" not in each.get("ResourceStatusReason", "cancelled")
        ]
        return failed[-1] if failed else ""


def _moves_store(changes: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the stack's bucket comes, goes, or is replaced."""
    of_store = (
        each["ResourceChange"]
        for each in changes
        if each.get("ResourceChange", {}).get("LogicalResourceId") == "Store"
    )
    return any(
        change["Action"] != "Modify" or change.get("Replacement") == "True" for change in of_store
    )
