"""cryoem why: a sentence on where a job is, or how it ended."""

from dataclasses import replace

import pytest

from cryoem_cloud.cli.commands.why import explained
from cryoem_cloud.courier.known.cards import Card
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.model.phase import Phase
from tests.cli.conftest import User


def a_card(user: User, **fields: object) -> Card:
    made = Card(
        number=7,
        project="proj-1",
        store="file:///s",
        folder=user.folder,
        name="Class2D/job007",
        application="relion",
        frontend="relion",
        outputs=("Class2D/job007",),
        logs=("Class2D/job007/run.out", "Class2D/job007/run.err"),
        submitted_at="2026-01-01T00:00:00+00:00",
    )
    return replace(made, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({}, "has not taken it up yet"),
        ({"phase": Phase.WAITING, "note": "waits for job 6"}, "waits for job 6"),
        ({"phase": Phase.SENDING, "note": "store away"}, "sent, store away."),
        ({"phase": Phase.ENDED, "outcome": Outcome.SUCCESS}, "has succeeded and is home"),
        (
            {"phase": Phase.ENDED, "outcome": Outcome.FAILURE, "reason": "no gain file"},
            "failed: no gain file. Its log is",
        ),
        (
            {"phase": Phase.ENDED, "outcome": Outcome.ABORTED, "reason": "stopped on request"},
            "was stopped on request. cryoem retry 7 submits it again",
        ),
        (
            {
                "phase": Phase.ENDED,
                "outcome": Outcome.ABORTED,
                "reason": "Class2D/job007 was deleted from the project",
                "application": "shell",
                "run_s": 9,
            },
            "was stopped: Class2D/job007 was deleted from the project. cryoem retry 7 submits",
        ),
        (
            {"phase": Phase.ENDED, "outcome": Outcome.FAILURE, "reason": "no disk", "run_s": 9},
            "cryoem resume 7 goes on from what it has made, if it has come so far, cryoem retry 7",
        ),
    ],
)
def test_why_is_a_sentence(user: User, fields: dict[str, object], says: str) -> None:
    text = explained(a_card(user, **fields), courier=True, here=True)
    assert says in text
    assert text.startswith("Job 7 (Class2D/job007)")
    assert "\n" not in text


def test_why_says_that_no_courier_runs_and_what_a_machine_said(user: User) -> None:
    card = a_card(user, phase=Phase.STARTING)
    assert "no courier runs" in explained(card, courier=False, here=True)
    assert "'no disk'" in explained(card, courier=True, here=True, boot="no disk")


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome.SUCCESS, "is in the store; cryoem pull Class2D/job007 brings it here"),
        (Outcome.FAILURE, "cryoem logs --err 7"),
    ],
)
def test_why_of_a_job_whose_folder_is_elsewhere(user: User, outcome: Outcome, said: str) -> None:
    card = a_card(user, outcome=outcome, phase=Phase.ENDED)
    assert said in explained(card, courier=True, here=False, at_home=False)
    assert said not in explained(card, courier=True, here=False)


def test_why_tells_of_a_job_that_failed(user: User) -> None:
    number = user.submit("a", "echo last words >&2; exit 3")
    user.type("cryoem", "wait", str(number))
    text = user.cryoem("why", str(number)).out
    assert "exit code 3" in text
    assert f"cryoem retry {number}" in text
    assert len(text.splitlines()) == 1
