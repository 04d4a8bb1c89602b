"""The install scripts that come with this program."""

from dataclasses import dataclass
from importlib import resources

__all__ = ["SHIPPED", "Shipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A script, and the base image and machine type that it is meant for."""

    name: str
    what: str
    file: str
    base: str
    kind: str = "m7i.large"

    @property
    def text(self) -> bytes:
        """The script itself."""
        return resources.files(__package__ or "").joinpath("scripts", self.file).read_bytes()


SHIPPED = {
    each.name: each
    for each in (
        Shipped(
            name="relion-debian",
            what="Debian's package of RELION, for CPUs (Ubuntu's with --base ubuntu)",
            file="relion-debian.sh",
            base="debian",
        ),
        Shipped(
            name="relion-apptainer",
            what="a container of yours, pulled with Apptainer, for CPUs",
            file="relion-apptainer.sh",
            base="ubuntu",
        ),
        Shipped(
            name="relion-apptainer-gpu",
            what="the same, with NVIDIA's driver",
            file="relion-apptainer.sh",
            base="gpu",
        ),
        Shipped(
            name="relion-docker-gpu",
            what="a container of yours, pulled with Docker, with NVIDIA's driver",
            file="relion-docker.sh",
            base="gpu",
        ),
        Shipped(
            name="relion-source-gpu",
            what="RELION from its source, for NVIDIA's GPUs",
            file="relion-source-gpu.sh",
            base="gpu",
            kind="c7i.4xlarge",
        ),
    )
}
