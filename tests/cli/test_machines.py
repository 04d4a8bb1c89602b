"""cryoem machines and cryoem reap, with machines of this computer."""

from cryoem_cloud.model.record import JSON

from .conftest import User


def machines(user: User, *more: str) -> list[JSON]:
    return list(user.cryoem("machines", "ls", "--json", *more).json["machines"])


def at_work(user: User) -> tuple[int, str]:
    """A job that runs on, and its machine."""
    number = user.submit("made", "echo here; sleep 1000")
    user.wait_for(lambda: any(each["state"] == "up" for each in machines(user)))
    user.wait_for(lambda: "here" in user.type("cryoem", "logs", str(number)).out)
    (machine,) = machines(user)
    assert (machine["where"], machine["job"]) == ("local", number)
    return number, str(machine["name"])


def test_a_machine_that_is_killed_ends_and_its_job_goes_on_elsewhere(user: User) -> None:
    number, name = at_work(user)
    assert name in user.cryoem("machines", "ls").out
    said = user.cryoem("machines", "kill", name).err
    assert f"{name} ends; if job {number} is open, another takes over" in said
    assert f"cryoem stop {number} ends the job" in said
    user.wait_for(lambda: name not in {each["name"] for each in machines(user)})
    assert name in {each["name"] for each in machines(user, "--all")}
    user.cryoem("stop", str(number))


def test_what_a_machine_said_is_printed(user: User) -> None:
    number, name = at_work(user)
    said = user.cryoem("machines", "console", name)
    assert not said.out.strip() or "cryoem" in said.out
    unknown = user.type("cryoem", "machines", "console", "i-0abc")
    assert (unknown.code, "there is no machine i-0abc" in unknown.err) == (3, True)
    user.cryoem("stop", str(number))


def test_no_fleet_of_an_open_job_is_reaped(user: User) -> None:
    number, name = at_work(user)
    (fleet,) = user.cryoem("reap", "--json").json["fleets"]
    assert (fleet["verdict"], fleet["machines"]) == ("open", [name])
    assert [each["name"] for each in machines(user)] == [name]
    user.cryoem("stop", str(number))


def test_what_is_left_of_a_job_that_has_ended_is_reaped(user: User) -> None:
    number = user.submit("made", "exit 3")
    user.type("cryoem", "wait", str(number))
    (fleet,) = user.cryoem("reap", "--dry-run", "--json").json["fleets"]
    assert fleet["verdict"] == "ended"
    assert user.cryoem("reap").err.strip() == "cryoem: 1 fleet removed"
    assert user.cryoem("reap", "--json").json["fleets"] == []
    assert machines(user, "--all") == []


def test_machines_of_this_computer_need_no_more_time(user: User) -> None:
    number, _ = at_work(user)
    said = user.cryoem("extend", str(number), "4h")
    assert said.err == f"cryoem: the machines of job {number} on local have no limit\n"
    off = user.type("cryoem", "extend", str(number), "soon")
    assert (off.code, "soon is no time like 4h or 90min" in off.err) == (2, True)
    long = user.type("cryoem", "extend", str(number), "400h")
    assert (long.code, "400h is more than 168h, the most at once" in long.err) == (2, True)
    user.cryoem("stop", str(number))
    user.type("cryoem", "wait", str(number))
    assert user.type("cryoem", "extend", str(number), "4h").code == 3


def test_a_shell_is_opened_on_machines_of_aws_alone(user: User) -> None:
    number, name = at_work(user)
    refused = user.type("cryoem", "machines", "ssh", name)
    assert (refused.code, "is a process of this computer" in refused.err) == (5, True)
    user.cryoem("stop", str(number))
