"""Inputs of which earlier jobs of a chain only pass on the names, as an import of movies does."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from cryoem_cloud.apps.links import along_links
from cryoem_cloud.courier.sending.ahead import Ahead
from cryoem_cloud.model.errors import CryoemError
from cryoem_cloud.model.file import Kind
from cryoem_cloud.model.job import Job, Need
from cryoem_cloud.ports.application import Application

__all__ = ["passed_on"]


def passed_on(
    jobs: Iterable[Job], application: Callable[[str], Application], view: Ahead
) -> tuple[Need, ...]:
    """The inputs, with their bytes, of those jobs that read no byte of any of theirs.

    Such a job can make nothing of them but a list for later jobs. What makes a job fail is told by
    its own courier; it passes nothing on.
    """
    found: list[Need] = []
    for job in jobs:
        try:
            asked = tuple(along_links(application(job.application).needs(job, view), view))
        except CryoemError:
            continue
        inputs = [need for need in asked if need.path != job.script_path and not need.target]
        if all(need.stub for need in inputs):
            found += [need for need in inputs if view.kind(need.path) is Kind.FILE]
    return tuple(replace(need, stub=False) for need in found if not view.awaited(need.path))
