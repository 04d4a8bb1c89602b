"""The agent's program."""

import json
from collections.abc import Mapping
from pathlib import Path

from cryoem_cloud.agent.work import Agent
from cryoem_cloud.apps.registry import application_named
from cryoem_cloud.model.errors import ProviderError
from cryoem_cloud.model.record import JSON
from cryoem_cloud.providers.local import LocalSelf
from cryoem_cloud.settings import Places, environment
from cryoem_cloud.stores.jobs import JobRecords
from cryoem_cloud.wiring.clock import SystemClock
from cryoem_cloud.wiring.logs import log_to_stderr
from cryoem_cloud.wiring.recording import recorder
from cryoem_cloud.wiring.stores import store_at

__all__ = ["run_agent"]


def run_agent(*, store: str, project: str, job: int, machine: Path, told: bytes) -> None:
    """Be the agent of a local machine.

    Raises:
        ProviderError: Who started the machine did not get to say what for.
    """
    log_to_stderr()
    try:
        words: Mapping[str, JSON] = json.loads(told)
    except ValueError as error:
        raise ProviderError("who started this machine did not get to say what for") from error
    with recorder(f"agent-{machine.name}", Places.read(environment())) as books:
        Agent(
            records=JobRecords(store_at(store), project, job),
            myself=LocalSelf(machine),
            application=application_named,
            scratch=machine / "scratch",
            environment=words.get("environment", {}),
            umask=words.get("umask"),
            clock=SystemClock(),
            record=books.write,
        ).live()
