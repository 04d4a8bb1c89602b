"""An independent judge of IAM policies: npm's @cloud-copilot/iam-simulate, asked through node.

A tool of the tests, never shipped. It also refuses policies that IAM would refuse, and context keys
that AWS does not give for an action (its tables are those of the Service Authorization Reference).
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

__all__ = ["ACCOUNT", "Question", "judged"]

ACCOUNT = "123456789012"
PACKAGE = "@cloud-copilot/iam-simulate@0.1.173"
HOME = Path(__file__).parents[4] / "build" / "iam-simulate"
PROGRAM = """
import { runSimulation } from '@cloud-copilot/iam-simulate'
let text = ''
for await (const chunk of process.stdin) text += chunk
const answers = []
for (const each of JSON.parse(text)) {
  const found = await runSimulation(each, {})
  if (found.resultType === 'error') {
    answers.push({ error: JSON.stringify(found.errors) })
    continue
  }
  const one = found.resultType === 'single' ? found.result : found.results[0]
  const allowed = one?.analysis?.identityAnalysis?.allowStatements ?? []
  answers.push({
    allowed: found.overallResult === 'Allowed',
    by: allowed.map((s) => s.explain.identifier),
    ignored: one?.ignoredContextKeys ?? [],
  })
}
console.log(JSON.stringify(answers))
"""

OF_KEYS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
    ],
}
"""What keys have that are made in the console: policies of IAM decide."""


@dataclass(frozen=True, slots=True)
class Question:
    """May somebody with these policies do this, with what AWS knows of the request?"""

    policies: Sequence[Mapping[str, Any]]
    action: str
    resource: str
    context: Mapping[str, str | list[str]]
    boundary: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As the tool takes it."""
        bounded = (
            {"permissionBoundaryPolicies": [{"name": "boundary", "policy": self.boundary}]}
            if self.boundary
            else {}
        )
        keys = {"resourcePolicy": OF_KEYS} if self.action.startswith("kms:") else {}
        return {
            "request": {
                "principal": f"arn:aws:iam::{ACCOUNT}:role/who",
                "action": self.action,
                "resource": {"resource": self.resource, "accountId": ACCOUNT},
                "contextVariables": dict(self.context),
            },
            "identityPolicies": [
                {"name": f"p{n}", "policy": policy} for n, policy in enumerate(self.policies)
            ],
            "serviceControlPolicies": [],
            "resourceControlPolicies": [],
            **bounded,
            **keys,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may, and by which statements."""

    allowed: bool
    by: tuple[str, ...]


def judged(questions: Iterable[Question]) -> list[Verdict]:
    """The verdict about each; skips the test where the tool cannot be had."""
    asked = tuple(questions)
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", PROGRAM],
        cwd=_installed(),
        input=json.dumps([question.to_json() for question in asked]),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    verdicts = []
    for question, answer in zip(asked, json.loads(ran.stdout), strict=True):
        said = f"{question.action} on {question.resource}: {answer}"
        assert "error" not in answer, said
        assert not answer["ignored"], said  # AWS does not know that of such a request
        verdicts.append(Verdict(allowed=answer["allowed"], by=tuple(answer["by"])))
    return verdicts


def _installed() -> Path:
    if (HOME / "node_modules").is_dir():
        return HOME
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("policies are judged by an npm package: needs node and npm (nodejs, npm)")
    HOME.parent.mkdir(exist_ok=True)
    beside = tempfile.mkdtemp(dir=HOME.parent)
    ran = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", beside, PACKAGE],
        capture_output=True,
        text=True,
        check=False,
    )
    with suppress(OSError):  # another worker was quicker
        if not ran.returncode:
            Path(beside).rename(HOME)
    shutil.rmtree(beside, ignore_errors=True)
    if ran.returncode:
        pytest.skip(f"npm cannot install {PACKAGE}: {ran.stderr.strip()[-200:]}")
    return HOME
