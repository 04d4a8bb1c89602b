"""Each statement allows what it is for and refuses what is beside it: an independent judge says."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cryoem_cloud.providers.aws.stack.for_doors import doors
from cryoem_cloud.providers.aws.stack.for_machines import machines
from cryoem_cloud.providers.aws.stack.for_readers import bill, readers, sessions
from cryoem_cloud.providers.aws.stack.for_users import users
from cryoem_cloud.providers.aws.stack.policies import Scope, Statement, document
from tests.providers.aws.stack.asked import PROJECT, Case
from tests.providers.aws.stack.cases_of_doors import OF_DOORS
from tests.providers.aws.stack.cases_of_machines import OF_BILLS, OF_KEYS, OF_MACHINES, OF_SESSIONS
from tests.providers.aws.stack.cases_of_nobody import NOTHING_ELSE
from tests.providers.aws.stack.cases_of_users import OF_USERS
from tests.providers.aws.stack.evaluator import ACCOUNT, Question, Verdict, judged

SCOPE = Scope(
    partition="aws",
    region="us-west-2",
    account=ACCOUNT,
    stack="lab",
    bucket="lab",
    prefix="lab",
    subnets=("subnet-1", "subnet-2"),
    security_group="sg-1",
    machine_policy=f"arn:aws:iam::{ACCOUNT}:policy/cryoem/lab/cryoem-lab-us-west-2-machines",
    boundary=f"arn:aws:iam::{ACCOUNT}:policy/cryoem/lab/cryoem-lab-us-west-2-machines",
    vpc="vpc-1",
)
KEYED = replace(SCOPE, key=f"arn:aws:kms:us-west-2:{ACCOUNT}:key/k")
WITH_SESSIONS = replace(SCOPE, sessions=True)
RIGHTS: Mapping[str, tuple[Statement, ...]] = {
    "machine": machines(SCOPE),
    "user": (*users(SCOPE), *readers(SCOPE)),
    "session": sessions(SCOPE),
    "door": doors(SCOPE),
    "accountant": bill(SCOPE),
    "machine with sessions": machines(WITH_SESSIONS),
    "machine with a key": machines(KEYED),
    "user with a key": users(KEYED),
}
MOST_BYTES = 6144
"""Of a managed policy without its white space (IAM user guide, "IAM and AWS STS quotas")."""


def question(who: str, action: str, resource: str, context: Mapping[str, Any]) -> Question:
    """What AWS asks itself; a machine's role has its project's tag, and its policy as boundary."""
    policy = document(RIGHTS[who])
    if not who.startswith("machine"):
        return Question((policy,), action, resource, context)
    known = {"aws:PrincipalTag/cryoem:project": PROJECT, **context}
    return Question((policy,), action, resource, known, boundary=policy)


CASES = (*OF_MACHINES, *OF_USERS, *OF_SESSIONS, *OF_BILLS, *OF_DOORS, *OF_KEYS)
ROOT = Path(__file__).parents[4]
_CALL = re.compile(
    r'"((?:add|attach|authorize|create|delete|describe|get|put|revoke|set|suspend|terminate|update)'
    r'_[a-z_]{5,})"'
)
_OF_S3 = {"CreateMultipartUpload": "PutObject", "DeleteObjects": "DeleteObject"}
"""Calls of S3's whose actions IAM names otherwise (Service Authorization Reference)."""
ALLOWED = list(CASES)
REFUSED = [(case, but) for case in CASES for but in case.but]


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, list[Verdict]]:
    """All at once: starting the judge takes longer than its work."""
    allowed = [question(c.who, c.action, c.resource, c.context) for c in ALLOWED]
    refused = [
        question(
            case.who,
            but.action or case.action,
            but.resource or case.resource,
            case.context if but.context is None else but.context,
        )
        for case, but in REFUSED
    ]
    beside = [question(*asked) for asked in NOTHING_ELSE]
    found = judged([*allowed, *refused, *beside])
    return {
        "allowed": found[: len(allowed)],
        "refused": found[len(allowed) : -len(beside)],
        "beside": found[-len(beside) :],
    }


def _name(case: Case) -> str:
    return f"{case.sid}-{case.action.partition(':')[2]}"


@pytest.mark.parametrize("n", range(len(ALLOWED)), ids=[_name(case) for case in ALLOWED])
def test_a_statement_allows_what_it_is_for(n: int, verdicts: Mapping[str, list[Verdict]]) -> None:
    assert verdicts["allowed"][n] == Verdict(allowed=True, by=(ALLOWED[n].sid,))


@pytest.mark.parametrize(
    "n", range(len(REFUSED)), ids=[f"{_name(case)}-{but.what}" for case, but in REFUSED]
)
def test_what_is_beside_it_is_refused(n: int, verdicts: Mapping[str, list[Verdict]]) -> None:
    assert not verdicts["refused"][n].allowed, verdicts["refused"][n].by


@pytest.mark.parametrize(
    "n", range(len(NOTHING_ELSE)), ids=[f"{w}-{a}" for w, a, *_ in NOTHING_ELSE]
)
def test_nothing_else_is_allowed(n: int, verdicts: Mapping[str, list[Verdict]]) -> None:
    assert not verdicts["beside"][n].allowed, verdicts["beside"][n].by


def test_a_machine_whose_role_has_no_project_reaches_none() -> None:
    policy = document(machines(SCOPE))
    asked = [
        Question((policy,), "s3:PutObject", f"arn:aws:s3:::lab/lab/{name}/a", {})
        for name in (PROJECT, "", "@agent")
    ]
    assert not any(verdict.allowed for verdict in judged(asked))


@pytest.mark.parametrize("who", RIGHTS)
def test_every_statement_has_a_case_and_a_refusal(who: str) -> None:
    tried = {case.sid for case in CASES if case.who.startswith(who.split(maxsplit=1)[0])}
    refused = {case.sid for case in CASES if case.but}
    assert {statement.sid for statement in RIGHTS[who]} <= tried & refused


@pytest.mark.parametrize("rights", [machines, users, readers, bill, sessions, doors])
def test_a_policy_is_not_longer_than_iam_takes(
    rights: Callable[[Scope], tuple[Statement, ...]],
) -> None:
    longest = replace(
        KEYED,
        region="ap-southeast-2",
        stack="s" * 20,
        prefix="s" * 40,
        bucket="b" * 63,
        subnets=("subnet-0123456789abcdef0",) * 6,
        boundary=f"arn:aws:iam::{ACCOUNT}:policy/{'b' * 100}",
        sessions=True,
    )
    text = json.dumps(document(rights(longest)), separators=(",", ":"))
    assert len(text) < MOST_BYTES


@pytest.mark.parametrize("who", RIGHTS)
def test_every_statement_says_why_in_a_sentence(who: str) -> None:
    for statement in RIGHTS[who]:
        assert statement.why.endswith("."), statement.sid
        assert statement.sid.isalnum()


@pytest.mark.parametrize("rights", [machines, users, readers, bill, sessions, doors])
def test_the_page_on_security_explains_every_statement(
    rights: Callable[[Scope], tuple[Statement, ...]],
) -> None:
    page = (ROOT / "docs/explanation/aws-security.md").read_text(encoding="utf-8")
    for statement in rights(replace(KEYED, sessions=True)):
        assert f"| `{statement.sid}` | {statement.why} |" in page


def test_the_page_on_security_explains_no_statement_that_is_not_there() -> None:
    page = (ROOT / "docs/explanation/aws-security.md").read_text(encoding="utf-8")
    scope = replace(KEYED, sessions=True)
    known = {s.sid for of in (machines, users, readers, bill, sessions, doors) for s in of(scope)}
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == known


def test_users_may_do_every_call_that_the_provider_makes() -> None:
    allowed = {
        action.partition(":")[2]
        for statement in (*RIGHTS["user"], *RIGHTS["door"], *RIGHTS["accountant"])
        for action in statement.actions
    }
    calls = {
        name
        for source in (ROOT / "src/cryoem_cloud/providers/aws").glob("*.py")
        for name in _CALL.findall(source.read_text(encoding="utf-8"))
    }
    assert len(calls) > 20
    asked = {"".join(map(str.capitalize, name.split("_"))) for name in calls}
    assert {_OF_S3.get(name, name) for name in asked} <= allowed
