"""`cryoem plan --pipeline 10061 --as-published`, typed."""

from tests.cli.conftest import User


def test_the_published_figures_are_told_to_programs(user: User) -> None:
    said = user.cryoem("plan", "--pipeline", "10061", "--as-published", "--json")
    found = said.json
    sums = {key: found[key] for key in ("total_h", "moving_h", "running_h", "usd", "storage_usd")}
    assert sums == {
        "total_h": 54.49,
        "moving_h": 19.41,
        "running_h": 35.08,
        "usd": 688.15,
        "storage_usd": 690.0,
    }
    assert [each["usd"] for each in found["steps"]][:3] == [146.72, 9.36, 4.75]
    assert len(found["steps"]) == 11


def test_the_published_figures_are_told_to_people(user: User) -> None:
    said = user.cryoem("plan", "--pipeline", "EMPIAR-10061", "--as-published")
    assert "-$2,960.59" in said.out
    assert "-$1,998.84" in said.out
    narrow = user.cryoem("plan", "--pipeline", "10061", "--as-published", COLUMNS="60").out
    assert max(map(len, narrow.splitlines()[15:])) <= 60
    assert max(map(len, said.out.splitlines())) <= 100


def test_what_is_not_known_is_said(user: User) -> None:
    said = user.type("cryoem", "plan", "--pipeline", "10028", "--as-published")
    assert said.code != 0
    assert "10061" in said.err
    assert "Traceback" not in said.err


def test_what_is_for_jobs_alone_is_refused_with_a_pipeline(user: User) -> None:
    for more in (("--deadline", "4h"), ("--budget", "50"), ("--count", "2"), (".",)):
        said = user.type("cryoem", "plan", "--pipeline", "10061", "--as-published", *more)
        assert said.code == 2
        assert "for jobs alone" in said.err
