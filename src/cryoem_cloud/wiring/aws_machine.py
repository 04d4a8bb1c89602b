"""The agent's program on a machine of EC2's."""

import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cryoem_cloud.agent.sighted import Sighted
from cryoem_cloud.agent.work import Agent
from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.model.charge import Sighting, Witness
from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.model.usage import Tariff
from cryoem_cloud.planner.catalog import tables
from cryoem_cloud.providers.aws.machine.itself import AwsSelf, aws_self
from cryoem_cloud.settings import environment, submitters_environment
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.stores.ledger import Ledger
from cryoem_cloud.stores.recording import Recorder
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.logs import log_to_stderr
from cryoem_cloud.wiring.stores import metered, store_at

__all__ = ["Told", "run_aws_agent"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the boot script tells the agent; `environment` is what `env -0` prints of a login."""

    store: str
    project: str
    job: int
    machine: Path
    scratch: Path
    group: str
    limit_s: float
    until_s: float
    environment: bytes


def run_aws_agent(told: Told) -> None:
    """Be the agent of this machine, which ends with it where all goes well.

    Raises:
        CryoemError: It does not, and the boot script ends the machine.
    """
    log_to_stderr()
    clock, store = SystemClock(), store_at(told.store)
    myself = aws_self(
        group=told.group,
        folder=told.machine,
        limit_s=told.limit_s,
        until=datetime.fromtimestamp(told.until_s, UTC),
        env=environment(),
        clock=clock,
    )
    with _recorder(myself) as books:
        Agent(
            records=JobRecords(store, told.project, told.job),
            myself=myself,
            application=application_named,
            scratch=told.scratch,
            environment=submitters_environment(_parsed(told.environment)),
            umask=None,
            clock=clock,
            sighted=Sighted(
                Ledger(store, told.project),
                _sighting(told, myself),
                limit_s=lambda: myself.limits().whole_s,
                clock=clock,
            ),
            record=books.write,
        ).live()


def _recorder(myself: AwsSelf) -> Recorder:
    """What comes to a machine from the store of its region costs nothing but the requests."""
    try:
        region = myself.metadata.region
    except ProviderError:
        region = ""
    return Recorder(
        asker=f"agent-{myself.name}-{secrets.token_hex(4)}",
        metered=metered,
        tariff=lambda store: Tariff.of(tables.store_prices(store.properties.sold_by, region)),
        brings_home=False,
    )


def _sighting(told: Told, myself: AwsSelf) -> Sighting:
    """What the machine knows of itself, as far as EC2 tells it."""
    found = Sighting(
        machine=myself.name,
        job=told.job,
        witness=Witness.AGENT,
        since=None,
        until=None,
        token=told.group,
        where="aws",
    )
    try:
        metadata = myself.metadata
        region, zone, kind = metadata.region, metadata.zone, metadata.kind
        return replace(found, region=region, zone=zone, kind=kind, market=metadata.market)
    except ProviderError:
        return found


def _parsed(printed: bytes) -> dict[str, str]:
    """An environment as `env -0` prints it."""
    pairs = (each.decode(errors="surrogateescape").partition("=") for each in printed.split(b"\0"))
    return {name: value for name, separator, value in pairs if separator}
