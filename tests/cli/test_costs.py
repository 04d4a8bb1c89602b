"""Costs, budgets and consent, as users meet them: machines of this computer at a price."""

import csv
import grp
import io
import os
import pty
import subprocess
import tomllib
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from cryoem_cloud.courier.known.tokens import token_of
from cryoem_cloud.courier.money.costs import COSTS
from cryoem_cloud.model.usage import Asking, Tariff, Usage
from cryoem_cloud.stores.budget import BudgetLog, approve
from cryoem_cloud.stores.directory import DirectoryStore
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from tests.cli.conftest import BIN, NewUser, User
from tests.cli.test_queue import written

_IMPORT = "relion_import --do_other --i a.star --odir Import/job001/ --ofile a.star"


@pytest.fixture
def payer(new_user: NewUser) -> User:
    """A user whose machines cost $36 an hour: a cent a second."""
    user = new_user("ada", CRYOEM_LOCAL_PRICE="36")
    (user.folder / "a.star").write_text("data_\n")
    (user.folder / "default_pipeline.star").write_text("data_pipeline_general\n")
    return user


def handed_in(user: User, *, ask_above: str = "") -> None:
    """As RELION's Run button does it."""
    script = written(user, f"{_IMPORT}\nsleep 2\n")
    said = user.type("cryoem-qsub", script, CRYOEM_ASK_ABOVE=ask_above)
    assert (said.code, said.out, said.err) == (0, "Submitted batch job 1\n", "")


def out(user: User) -> str:
    return (user.folder / "Import/job001/run.out").read_text()


def test_a_budget_is_set_shown_and_taken_away(payer: User) -> None:
    payer.cryoem("connect", "relion")
    assert "no limit" in payer.cryoem("budget").out
    payer.cryoem("budget", "set", "500/month")
    assert payer.cryoem("budget", "--json").json["limit_usd"] == "500"
    assert "$500.00 a month" in payer.cryoem("budget").out
    payer.cryoem("budget", "set", "none")
    assert payer.cryoem("budget", "--json").json["limit_usd"] is None
    wrong = payer.type("cryoem", "budget", "set", "lots")
    for nothing in ("0.001/month", "0", "0.00/month"):
        refused = payer.type("cryoem", "budget", "set", nothing)
        assert (refused.code, "0.01/month at least" in refused.err) == (2, True)
    assert (wrong.code, "500/month are 500 US dollars" in wrong.err) == (2, True)


def test_what_a_lost_fleet_holds_is_freed_on_a_users_word(payer: User) -> None:
    """Its job's records are gone, so nobody knows whom to ask for its machines."""
    payer.cryoem("connect", "relion")
    project = tomllib.loads((payer.folder / ".cryoem/project.toml").read_text())["name"]
    log = BudgetLog(DirectoryStore(payer.store), project)
    token, past = token_of(project, 7, 1), datetime(2026, 1, 2, tzinfo=UTC)
    log.reserve(token, {"2026-01": Decimal(20)}, until=past, by="ada")
    said = payer.cryoem("budget")
    assert (token in said.err, "cryoem budget free 7" in said.err) == (True, True)
    assert "$20.00" in said.out
    assert token in payer.cryoem("budget", "free", "7").err
    assert "free 7" not in payer.cryoem("budget").err
    again = payer.type("cryoem", "budget", "free", "7")
    assert (again.code, "nothing is reserved for job 7" in again.err) == (3, True)


def test_where_nothing_was_paid_for_that_is_said(payer: User) -> None:
    payer.cryoem("connect", "relion")
    said = payer.cryoem("costs")
    assert (said.out, said.err) == ("", "nothing was paid for, as far as is known here\n")
    assert payer.cryoem("costs", "--json").json["charges"] == []
    assert "in all" in payer.cryoem("costs", "now").out
    assert payer.type("cryoem", "costs", "--since", "soon").code == 2


@pytest.mark.soak
@pytest.mark.timeout(180)
def test_a_hard_budget_ends_what_runs_and_what_it_made_comes_home(payer: User) -> None:
    payer.submit("a/", "echo made > a/made; sleep 900")
    payer.wait_for(lambda: payer.card(1)["phase"] == "running", seconds=60)
    payer.cryoem("budget", "set", "0.05", "--hard")
    assert payer.cryoem("budget", "--json").json["hard"] is True
    payer.wait_for(lambda: payer.card(1)["outcome"] == "aborted", seconds=120)
    assert (payer.folder / "a/made").read_text() == "made\n"
    words = "stopped as the project's hard budget of $0.05 for "
    assert words in payer.cryoem("why", "1").out
    assert words in payer.cryoem("logs", "1").out
    assert "and what runs is ended there" in payer.cryoem("budget").out


def test_to_a_spreadsheet_a_name_is_no_formula(payer: User) -> None:
    payer.cryoem("connect", "relion")
    project = tomllib.loads((payer.folder / ".cryoem/project.toml").read_text())["name"]
    usage = Usage(
        asker="agent-1",
        job=7,
        month="2026-11",
        asked=Asking(writes=1000),
        tariff=Tariff(writes_1000=Decimal(1)),
        submitter="=HYPERLINK(A1)",
    )
    Ledger(DirectoryStore(payer.store), project).put_usage(usage, 1)
    (row,) = csv.DictReader(io.StringIO(payer.cryoem("costs", "--csv").out))
    assert (row["user"], row["usd"]) == ("'=HYPERLINK(A1)", "1")
    (sum_,) = payer.cryoem("costs", "--by", "user", "--json").json["sums"]
    assert sum_["name"] == "=HYPERLINK(A1)"


def test_a_job_tells_in_which_group_it_was_submitted(payer: User) -> None:
    payer.submit("a/", "true")
    records = JobRecords(DirectoryStore(payer.store), payer.card(1)["project"], 1)
    payer.wait_for(lambda: payer.card(1)["outcome"] == "success")
    assert records.job().group == grp.getgrgid(os.getgid()).gr_name


def test_only_a_limit_can_be_hard(payer: User) -> None:
    payer.cryoem("connect", "relion")
    assert payer.type("cryoem", "budget", "set", "none", "--hard").code == 2
    payer.cryoem("budget", "set", "5", "--hard")
    payer.cryoem("budget", "set", "5")
    assert payer.cryoem("budget", "--json").json["hard"] is False


@pytest.mark.soak
@pytest.mark.timeout(180)
def test_a_dear_job_of_relions_waits_for_approval_and_tells_what_it_cost(payer: User) -> None:
    handed_in(payer, ask_above="20")
    payer.wait_for(lambda: "needs approval" in payer.card(1)["note"], seconds=60)
    assert "may cost more than $20" in out(payer)
    assert "at most $864.00: 1 machine like this computer, $36.00 an hour" in out(payer)
    assert "by the setting local_price, for 24 h at most (less with --max-hours)" in out(payer)
    assert "needs approval" in payer.cryoem("why", "1").out
    assert "RUNNING" in payer.type("cryoem-qstat", "1").out
    said = payer.cryoem("approve", "1")
    assert said.err == "cryoem: job 1 is approved\n"
    assert payer.type("cryoem", "wait", "1").code == 0
    last = out(payer).splitlines()[-1]
    assert last.startswith("cryoem: job 1 cost $0.")
    assert "needs approval" not in out(payer)
    tells_what_it_cost(payer)
    payer.wait_for(lambda: not payer.cryoem("budget", "--json").json["reserved"], seconds=60)
    (month,) = payer.cryoem("budget", "--json").json["months"]
    assert (payer.folder / COSTS).exists()
    assert Decimal(0) < Decimal(month["spent_usd"]) < 1


def tells_what_it_cost(user: User) -> None:
    told = user.cryoem("costs", "--json").json
    (row,) = told["sums"]
    assert (row["name"], row["machine_s"] > 0) == ("1", True)
    assert Decimal(row["usd"]) == Decimal(row["machine_s"]) / 100
    assert all("@" in charge["user"] for charge in told["charges"])
    assert f"${Decimal(row['usd']):.2f}" in user.cryoem("costs", "--by", "user").out
    assert user.cryoem("costs", "--since", "2199-01").out == ""
    rows = list(csv.DictReader(io.StringIO(user.cryoem("costs", "--csv").out)))
    assert [r["usd"] for r in rows] == [c["usd"] for c in told["charges"]]
    assert "cost       $" in user.cryoem("show", "1").out


@pytest.mark.soak
@pytest.mark.timeout(180)
def test_a_job_of_relions_waits_for_its_budget(payer: User) -> None:
    payer.cryoem("connect", "relion")
    payer.cryoem("budget", "set", "100")
    handed_in(payer)
    payer.wait_for(lambda: "budget" in payer.card(1)["note"], seconds=60)
    assert "is $100.00, of which $0.00 is spent or reserved" in payer.card(1)["note"]
    payer.cryoem("budget", "set", "1000")
    assert payer.type("cryoem", "wait", "1").code == 0


@pytest.mark.soak
@pytest.mark.timeout(180)
def test_another_computer_approves_through_the_store(payer: User) -> None:
    handed_in(payer, ask_above="20")
    payer.wait_for(lambda: "needs approval" in payer.card(1)["note"], seconds=60)
    approve(DirectoryStore(payer.store), payer.card(1)["project"], 1, by="bob")
    assert payer.type("cryoem", "wait", "1").code == 0


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 5), (b"y\n", 0)])
@pytest.mark.timeout(180)
def test_a_terminal_is_asked(payer: User, answer: bytes, code: int) -> None:
    ours, theirs = pty.openpty()
    words = [str(BIN / "cryoem"), "run", "--out", "r", "--", "bash", "-c", "echo made > r/x"]
    with subprocess.Popen(
        words,
        cwd=payer.folder,
        env={**payer.env, "CRYOEM_ASK_ABOVE": "20"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as asked:
        said = b""
        while b"go on?" not in said:
            said += os.read(ours, 1000)
        assert b"it may cost at most $864.00" in said
        os.write(ours, answer)
        assert asked.wait(120) == code
    assert (payer.folder / "r" / "x").exists() == (code == 0)
    os.close(ours)
    os.close(theirs)
