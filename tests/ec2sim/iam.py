"""IAM's answers that moto has not: whether somebody could do something, without doing it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moto.core.responses import ActionResult
from moto.iam.responses import IamResponse

from tests.ec2sim.known import check_known
from tests.ec2sim.refusals import NotSimulatedError, Refusal, Refusing

__all__ = ["Iam", "Judge", "Request"]

_HEEDED = frozenset(
    {"PolicySourceArn", "ActionNames", "ResourceArns", "ContextEntries", "MaxItems", "Marker"}
)


@dataclass(frozen=True, slots=True)
class Request:
    """May a role with these policies, within this boundary, do this?"""

    policies: Sequence[Mapping[str, Any]]
    boundary: Mapping[str, Any] | None
    action: str
    resource: str
    context: Mapping[str, str | list[str]]


Judge = Callable[[Request], bool]
"""Somebody independent of this simulator, whom a test brings."""


class Iam(Refusing, IamResponse):
    """One request to IAM."""

    def __init__(self, judge: Judge | None) -> None:
        super().__init__()
        self._judge = judge

    def simulate_principal_policy(self) -> ActionResult:
        """Judge each action on each resource; nothing is done."""
        asked = self._get_params()
        check_known(asked, _HEEDED, "SimulatePrincipalPolicy")
        if self._judge is None:
            raise NotSimulatedError("SimulatePrincipalPolicy without a judge")
        policies, boundary = self._rights_of(asked["PolicySourceArn"])
        context: dict[str, str | list[str]] = {}
        for each in asked.get("ContextEntries", []):
            values = [str(value) for value in each["ContextKeyValues"]]
            several = each["ContextKeyType"].endswith("List")
            context[each["ContextKeyName"]] = values if several else values[0]
        results = []
        for action in asked["ActionNames"]:
            for resource in asked.get("ResourceArns") or ["*"]:
                request = Request(policies, boundary, action, resource, context)
                decision = "allowed" if self._judge(request) else "implicitDeny"
                results.append(
                    {
                        "EvalActionName": action,
                        "EvalResourceName": resource,
                        "EvalDecision": decision,
                        "MatchedStatements": [],
                        "MissingContextValues": [],
                    }
                )
        return ActionResult({"EvaluationResults": results, "IsTruncated": False})

    def _rights_of(self, arn: str) -> tuple[list[Mapping[str, Any]], Mapping[str, Any] | None]:
        found = [each for each in self.backend.get_roles() if each.arn == arn]
        if not found:
            raise Refusal("NoSuchEntity", f"The entity {arn} cannot be found.", status=404)
        (role,) = found
        documents = [json.loads(self._document(policy)) for policy in role.managed_policies]
        documents += [_read(document) for document in role.policies.values()]
        bound = role.permissions_boundary_arn
        return documents, json.loads(self._document(bound)) if bound else None

    def _document(self, arn: str) -> str:
        policy = self.backend.get_policy(arn)
        return next(str(each.document) for each in policy.versions if each.is_default)


def _read(document: Any) -> Mapping[str, Any]:  # noqa: ANN401  (moto keeps it as it was sent)
    read: Mapping[str, Any] = document if isinstance(document, dict) else json.loads(document)
    return read
