"""The files that tell RELION and the pipeliner how a job ended."""

from collections.abc import Mapping

from cryoem_cloud.model.job import Outcome

__all__ = ["ALL", "BOTH_FAILURES", "PIPELINER", "RELION"]

RELION: Mapping[Outcome, str] = {
    Outcome.SUCCESS: "RELION_JOB_EXIT_SUCCESS",
    Outcome.FAILURE: "RELION_JOB_EXIT_FAILURE",
    Outcome.ABORTED: "RELION_JOB_EXIT_ABORTED",
}
PIPELINER: Mapping[Outcome, str] = {
    Outcome.SUCCESS: "PIPELINER_JOB_EXIT_SUCCESS",
    Outcome.FAILURE: "PIPELINER_JOB_EXIT_FAILED",
    Outcome.ABORTED: "PIPELINER_JOB_EXIT_ABORTED",
}

BOTH_FAILURES = (RELION[Outcome.FAILURE], PIPELINER[Outcome.FAILURE])
"""A failure is told in both families, as both programs may look at one project."""

ALL = (*RELION.values(), *PIPELINER.values())
