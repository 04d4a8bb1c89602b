"""One run: an account, a job on its machines, what goes wrong, and what must be true afterwards."""

import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryoem_cloud.courier.start import running, spool_of
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.job import Outcome
from cryoem_cloud.stores.urls import open_store
from cryoem_cloud.testing.proxy import faulty_proxy
from tests.acceptance.conftest import World
from tests.chaos import plan as chaos
from tests.chaos.oracles import wrong
from tests.chaos.work import Itemwise
from tests.ec2sim.booting import BootedMachines
from tests.ec2sim.house import House
from tests.leaks.account import Leased, leased, reserve, until
from tests.leaks.machines import AgentMachines
from tests.leaks.plan import FOR_EVER_S, Kind, Plan
from tests.leaks.strikes import Striker
from tests.leaks.watch import Watch

__all__ = ["Verdict", "played", "work_of"]

_LONGEST_S = 400.0
_LATE_MIN, _ORDERLY_MIN = 80.0, 5.0
_LOOK_S = 0.25


@dataclass
class Verdict:
    """How a run went: minutes are simulated. `wrong` is empty where all is well."""

    seed: int
    plan: str
    seconds: float = 0.0
    missed: int = 0
    job: str = ""
    last_min: float = 0.0
    worst_min: float = 0.0
    machines: int = 0
    reaped: int = 0
    wrong: list[str] = field(default_factory=list)
    story: str = ""

    def __str__(self) -> str:
        word = "WRONG" if self.wrong else "ok"
        reaped = f"; reap removed {self.reaped}" if self.reaped else ""
        missed = f"; missed {self.missed}" if self.missed else ""
        return (
            f"{self.seed:4d} {word:5s} {self.seconds:4.0f} s  {self.plan}; {self.job}; "
            f"machines {self.machines}, gone {self.last_min:.1f} min after progress, at most "
            f"{self.worst_min:.1f}{reaped}{missed}"
        )


@dataclass
class _Run:
    plan: Plan
    leased: Leased
    watch: Watch
    striker: Striker
    world: World
    other: World
    work: Itemwise
    number: int
    verdict: Verdict


def played(plan: Plan, top: Path, python: str, archive: tuple[Path, str]) -> Verdict:
    """Go through a run."""
    begun_s = time.monotonic()
    verdict = Verdict(plan.seed, str(plan))
    machines = _machines(plan, top, python)
    with ExitStack() as stack:
        account = stack.enter_context(
            leased(top, python, machines, minute_s=plan.minute_s, archive=archive)
        )
        proxy = stack.enter_context(faulty_proxy(account.cloud.url))
        if isinstance(machines, AgentMachines):
            machines.aws_url, machines.store_url = account.cloud.url, proxy.endpoint
        world, other = account.laptop("ada", **_set_up(plan)), account.laptop("bea")
        watch = Watch(account)
        striker = Striker(plan, account, watch, world, proxy)
        work = Itemwise(work_of(plan), machine="m5.large,m5a.large")
        work.prepare(world.project)
        if plan.has(Kind.BOOT_STEP):
            _break_archive(plan, account)
        reserve(world)
        watch.begin()
        striker.arm()
        run = _Run(plan, account, watch, striker, world, other, work, 0, verdict)
        try:
            run.number = work.hand_in(world)
            _go_through(run)
        except (AssertionError, CryoemError, OSError) as error:
            verdict.wrong.append(f"{type(error).__name__}: {error}"[:1500])
        finally:
            striker.rest()
            watch.end()
        _sum_up(run)
        if verdict.wrong:
            verdict.story = _story(run)
    verdict.seconds = time.monotonic() - begun_s
    return verdict


def _machines(plan: Plan, top: Path, python: str) -> AgentMachines | BootedMachines:
    if not plan.booted:
        return AgentMachines(top / "machines", python, plan.minute_s)
    slower = {"set-up hangs": 1, "AWS out of reach": 2}  # nearer to the dead-man's 20 minutes
    factor = min((slower.get(fault.which, 3) for fault in plan.faults), default=3)
    house = House(
        directory=top / "machines",
        minute_s=plan.minute_s * factor,
        grace_s=1.0,
        environment={"LEAKS_MINUTE": str(plan.minute_s)},
    )
    return BootedMachines(house)


def _set_up(plan: Plan) -> dict[str, str]:
    lines = {"set-up fails": "echo no such package; exit 100", "set-up hangs": "sleep 100000"}
    found = [lines[fault.which] for fault in plan.faults if fault.which in lines]
    return {"CRYOEM_SET_UP": found[0]} if found else {}


def _break_archive(plan: Plan, account: Leased) -> None:
    s3 = account.lab.client("s3")
    bucket = account.store.split("/")[2]
    for key in filter(lambda key: key.endswith(".tar.gz"), account.listed()):
        if any(fault.which == "no archive" for fault in plan.faults):
            s3.delete_object(Bucket=bucket, Key=key)
        elif any(fault.which == "other archive" for fault in plan.faults):
            s3.put_object(Bucket=bucket, Key=key, Body=b"something else")


def work_of(plan: Plan) -> chaos.Plan:
    kind = chaos.Kind.PIECES if plan.pieces > 1 else chaos.Kind.GOING_ON
    return replace(
        chaos.drawn(1),
        seed=plan.seed,
        kind=kind,
        store=chaos.StoreKind.MINISTACK,
        machines=plan.machines,
        pieces=plan.pieces,
        items=plan.items,
        nap_s=plan.nap_s,
        large=False,
        strikes=(),
    )


def _go_through(run: _Run) -> None:
    """To the job's end, to the end of all machines, and to that of what is left of them."""
    twin_alone = any(f.which == "and the first one is gone" for f in run.plan.faults)
    _wait_for_job(run, run.world)
    if twin_alone and run.striker.twin is not None:
        run.world = run.striker.twin
        _wait_for_job(run, run.world, alone=True)
    elif run.striker.gone:
        run.world.kill()  # the command that handed it in may have woken another courier
        _wait_for_machines(run)
        _second_laptop(run)
    _late_twin(run)
    _wait_for_machines(run)
    _check_job(run)
    _reap(run)


def _wait_for_job(run: _Run, world: World, *, alone: bool = False) -> None:
    """Until the job is home, or the laptop gone; a courier that is gone is woken after a while."""
    until_s = time.monotonic() + _LONGEST_S
    slip = world.card(run.number).slip_name
    while world.card(run.number).open or spool_of(world.places).holds(slip):
        if run.striker.gone and not alone:
            return
        if time.monotonic() > until_s:
            raise AssertionError(f"the job does not end: {world.card(run.number)}")
        _repair(run)
        time.sleep(_LOOK_S)
        if not running(world.places):
            time.sleep(run.plan.wake_after_s)
            if not run.striker.gone or alone:
                world.wake()


def _repair(run: _Run) -> None:
    """A store that is away for ever is so for the machines that saw it go."""
    ever = any(f.kind is Kind.STORE_AWAY and f.lasts_s >= FOR_EVER_S for f in run.plan.faults)
    lives = run.watch.lives.values()
    if ever and run.striker.proxy.rule and all(life.ended for life in lives if life.struck):
        run.striker.be_back_for_later_machines()


def _wait_for_machines(run: _Run) -> None:
    """Until none is left and none will come, or the latest instant for that has passed."""
    since = run.watch.now

    def over() -> bool:
        _repair(run)
        wanted = any(group.sizes.desired for group in run.leased.cloud.scaling)
        late = run.watch.now - max(since, run.watch.last_progress) > (_LATE_MIN + 5) * 60
        return not (run.leased.cloud.living() or wanted) or late

    until(over, _LONGEST_S, "machines do not end")
    time.sleep(1.0)
    if living := run.leased.cloud.living():
        names = ", ".join(each.id for each in living)
        gone_min = (run.watch.now - max(since, run.watch.last_progress)) / 60
        raise AssertionError(f"{gone_min:.0f} min later there are still {names}")


def _second_laptop(run: _Run) -> None:
    """Another user, elsewhere, finishes the job, or can only stop it."""
    other = run.other
    name = run.world.card(run.number).project
    known = run.leased.listed()
    if not any(key.endswith(f"{name}/project.json") or f"/{name}/" in key for key in known):
        run.verdict.job = "unfinished: nothing of it is in the store"
        return
    other.command("cryoem", "project", "attach", other.env["CRYOEM_STORE"], name)
    _lay_out(run.world.project, other.project)
    listed = other.command("cryoem", "ls")
    if "Work/job001" not in listed:
        run.verdict.job = "unfinished: the store knows no such job"
        return
    try:
        other.command("cryoem", "adopt", str(run.number))
    except AssertionError as error:
        other.command("cryoem", "stop", str(run.number))
        run.verdict.job = f"unfinished, stopped from afar: {str(error).strip().splitlines()[0]}"
        return
    run.world = other
    _wait_for_job(run, other, alone=True)
    run.verdict.job = "finished by the second laptop: "


def _lay_out(source: Path, target: Path) -> None:
    """What the oracle compares with."""
    shutil.copytree(source / "raw", target / "raw", dirs_exist_ok=True)
    shutil.copyfile(source / "items.txt", target / "items.txt")
    (target / "Work" / "job001").mkdir(parents=True, exist_ok=True)
    script = "Work/job001/run_submit.script"
    shutil.copyfile(source / script, target / script)


def _late_twin(run: _Run) -> None:
    """A copy of the laptop that wakes when all is over launches nothing."""
    if run.striker.twin is None or not any(f.which == "after its end" for f in run.plan.faults):
        return
    _wait_for_machines(run)
    before = len(run.watch.lives)
    twin = run.striker.twin
    _wait_for_job(run, twin, alone=True)
    _wait_for_machines(run)
    if len(run.watch.lives) > before:
        run.verdict.wrong.append("the copy had machines started for a job that had ended")


def _check_job(run: _Run) -> None:
    if run.verdict.job.startswith("unfinished"):
        return
    card = run.world.card(run.number)
    if card.outcome is Outcome.SUCCESS:
        store = open_store(run.leased.store, env=run.world.env)
        run.verdict.job += "success"
        run.verdict.wrong += wrong(run.world, run.number, store, run.work)
        return
    run.verdict.job += f"{card.outcome.value if card.outcome else 'open'}: {card.reason[:200]}"
    if not card.reason or card.outcome is None:
        run.verdict.wrong.append("the job failed without a reason")
    elif not _may_fail(run.plan):
        run.verdict.wrong.append(f"the job failed: {card.reason}")


def _may_fail(plan: Plan) -> bool:
    """Whether failing is right: nothing can boot, or machines are lost too often."""
    steps = {"set-up fails", "set-up hangs", "no archive", "other archive"}
    many = sum(fault.times for fault in plan.faults if fault.kind is Kind.BOOT_FAILS) > 5
    return many or any(fault.which in steps for fault in plan.faults)


def _reap(run: _Run) -> None:
    """What costs money is gone already; the rest goes by a courier, or by `reap`."""
    if costs := run.leased.costs():
        run.verdict.wrong.append(f"this costs money still: {costs}")
    kept = run.leased.kept()
    run.verdict.reaped = sum(map(len, kept.values()))
    run.world.command("cryoem", "reap")
    until(lambda: not run.leased.kept(), 10, f"left after reap: {run.leased.kept()}")


def _sum_up(run: _Run) -> None:
    verdict, watch = run.verdict, run.watch
    outlived = watch.outlived()
    ends = {name: life.ended for name, life in watch.lives.items() if life.ended is not None}
    verdict.machines = len(watch.lives)
    verdict.missed = len(run.plan.faults) - len(set(run.striker.hits))
    verdict.worst_min = max(outlived.values(), default=0.0)
    verdict.last_min = outlived[max(ends, key=ends.__getitem__)] if ends else 0.0
    verdict.wrong += [life.killed for life in watch.lives.values() if life.killed]
    bound = _ORDERLY_MIN if run.plan.orderly else _LATE_MIN
    if verdict.worst_min > bound:
        verdict.wrong.append(f"a machine outlived progress by {verdict.worst_min:.1f} min")


def _story(run: _Run) -> str:
    lives = "\n".join(f"{name}: {life}" for name, life in run.watch.lives.items())
    consoles = "\n".join(
        f"--- {name}\n{run.leased.cloud.machines.console(name)[-2500:]}" for name in run.watch.lives
    )
    calls = " ".join(run.leased.cloud.door.calls[-60:])
    worlds = "\n".join(f"=== {world.home}\n{world.story()}" for world in run.leased.worlds)
    return "\n".join((str(run.striker.hits), lives, consoles, calls, worlds))
