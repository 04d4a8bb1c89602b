"""The boot script on machines that boot: with the agent's archive, from a store, to the end."""

from cryoem_cloud.model.job import Outcome
from cryoem_cloud.providers.aws.names import STATE
from cryoem_cloud.stores.ledger import Ledger
from tests.providers.aws_machine.lab import OUT, Lab


def test_a_machine_boots_works_and_leaves(lab: Lab) -> None:
    records = lab.job(f"pwd; env | sort; echo made > {OUT}/x")
    machine = lab.launch(lab.boot(install="echo installed > /etc/programs"))
    lab.cloud.enforce_iam()
    lab.ended(machine)
    console = lab.cloud.machines.console(machine)
    end = records.end()
    assert end is not None, console
    assert end.outcome is Outcome.SUCCESS
    assert lab.made(records) == [f"{OUT}/x"], console
    assert lab.tags(machine)[STATE] == "left", console
    lab.until(lambda: lab.group() is None)
    (life,) = Ledger(records.store, records.project).lives()
    assert (life.machine, life.kind, life.market) == (machine, "m5.large", "on-demand"), console
    assert (life.zone, life.over) == ("us-east-1a", True)
