"""CCP-EM pipeliner and Doppio: their jobs' RELION programs run on machines, the rest at home."""

from cryoem_cloud.frontends.pipeliner.frontend import PipelinerFrontend

__all__ = ["PipelinerFrontend"]
