"""The comparison that the original of this program published, as data, and its rules."""

from cryoem_cloud.planner.published.comparison import Comparison, compared
from cryoem_cloud.planner.published.pipeline import PIPELINES, Pipeline, pipeline
from cryoem_cloud.planner.published.replay import Replay, ReplayedStep, replayed

__all__ = [
    "PIPELINES",
    "Comparison",
    "Pipeline",
    "Replay",
    "ReplayedStep",
    "compared",
    "pipeline",
    "replayed",
]
