"""RELION's programs: what they read and write, how they are adapted and judged."""

from cryoem_cloud.apps.relion.application import Relion

__all__ = ["Relion"]
